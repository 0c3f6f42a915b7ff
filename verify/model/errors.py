"""The errors of `verify`.

::

    VerifyError                 anything this project raises on purpose
    ├── InputError              what the user typed or passed cannot be used          exit 2
    │   ├── WindowError         a window
    │   ├── AmountError         an amount or a claim
    │   ├── NameUnknown         a venue, asset, provider or source; carries suggestions
    │   ├── FigureFileError     a file of published figures
    │   └── EvidenceError       an evidence file that is damaged or does not fit
    ├── StoreError              a store of recorded frames: full, damaged or in use  exit 4
    └── SourceError             a source could not answer                             exit 4
        ├── Unavailable         no connection, time-out, server error, refused
        ├── RateLimited         the provider asks for patience
        ├── AuthMissing         a key is needed and not set
        ├── SchemaChanged       the answer does not have the documented form
        ├── Suspect             the answer contradicts itself
        └── WindowUnsupported   the provider does not serve that window

Every error is one sentence that says what, where and what to do. The exit code lives on the class.
"""

from __future__ import annotations

from collections.abc import Sequence


class VerifyError(Exception):
    """Base of all errors raised on purpose."""

    exit_code = 2

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def __str__(self) -> str:
        return self.message


class InputError(VerifyError):
    """What the user gave cannot be used."""


class WindowError(InputError):
    """A window of time cannot be read or has no length."""


class AmountError(InputError):
    """An amount cannot be read, or is not a finite, non-negative number."""


class NameUnknown(InputError):
    """A name is not in the register; `suggestions` are the nearest names that are."""

    def __init__(self, kind: str, name: str, suggestions: Sequence[str] = ()) -> None:
        self.kind = kind
        self.name = name
        self.suggestions = tuple(suggestions)
        hint = f"; did you mean {' or '.join(self.suggestions)}?" if self.suggestions else ""
        super().__init__(f"unknown {kind} {name!r}{hint}")


class FigureFileError(InputError):
    """A file of figures cannot be read; the message names file and line."""


class EvidenceError(InputError):
    """An evidence file is damaged or does not hold what is asked of it."""


class StoreError(VerifyError):
    """A store of recorded frames cannot be written or read: the disk is full, a file is damaged, it is in use."""

    exit_code = 4


class SourceError(VerifyError):
    """A source could not answer. `source` is its id."""

    exit_code = 4

    def __init__(self, message: str, *, source: str = "") -> None:
        super().__init__(message)
        self.source = source

    def __str__(self) -> str:
        return f"{self.source}: {self.message}" if self.source else self.message


class Unavailable(SourceError):
    """The provider could not be reached or answered with a server error."""


class RateLimited(SourceError):
    """The provider refused for rate; `retry_after` is in seconds where it said so."""

    def __init__(self, message: str, *, source: str = "", retry_after: float | None = None) -> None:
        super().__init__(message, source=source)
        self.retry_after = retry_after


class AuthMissing(SourceError):
    """The source needs a key and its environment variable is not set."""


class SchemaChanged(SourceError):
    """The answer lacks a documented field or carries an unknown value; `field` names it."""

    def __init__(self, message: str, *, source: str = "", field: str = "") -> None:
        super().__init__(message, source=source)
        self.field = field


class Suspect(SourceError):
    """The answer contradicts itself, so that it is set aside."""


class WindowUnsupported(SourceError):
    """The provider does not serve that window; the message says how far back it reaches."""
