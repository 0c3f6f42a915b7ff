"""What is to be fetched and what came of it: a `Job` asks one channel for one window, an `Outcome` answers it.

Jobs are data; `sources.http` runs them, `sources.evidence` keeps and replays them. Nothing here does I/O.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlencode

from sources.adapter import Instrument, Instruments, Payload, ReadFn, Request, Source, channel_key
from sources.plan import unsupported
from sources.spec import ChannelSpec, SourceSpec, Transport
from verify.model.errors import SchemaChanged, SourceError, VerifyError
from verify.model.quantity import Quantity
from verify.model.window import Window, iso


class Purpose(StrEnum):
    CHANNEL = "channel"
    INSTRUMENTS = "instruments"
    WEIGHTS = "weights"
    CONTROL = "control"


@dataclass(frozen=True, slots=True)
class Job:
    """One thing to ask of one source. Build it with `for_channel`, `for_instruments`, `for_weights`, `for_control`.

    `channel` is a channel id for the purposes CHANNEL and CONTROL; `window` belongs to CHANNEL; `at` (UTC) belongs to
    WEIGHTS, None is now.
    """

    source: Source
    quantity: Quantity
    purpose: Purpose
    channel: str = ""
    window: Window | None = None
    at: datetime | None = None

    @classmethod
    def for_channel(cls, source: Source, channel: str, window: Window, quantity: Quantity) -> Job:
        return cls(source, quantity, Purpose.CHANNEL, channel, window)

    @classmethod
    def for_instruments(cls, source: Source, quantity: Quantity) -> Job:
        return cls(source, quantity, Purpose.INSTRUMENTS)

    @classmethod
    def for_weights(cls, source: Source, quantity: Quantity, at: datetime | None = None) -> Job:
        return cls(source, quantity, Purpose.WEIGHTS, at=at)

    @classmethod
    def for_control(cls, source: Source, channel: str, quantity: Quantity) -> Job:
        return cls(source, quantity, Purpose.CONTROL, channel)

    @property
    def spec(self) -> SourceSpec:
        return self.source.spec

    @property
    def channel_spec(self) -> ChannelSpec | None:
        return self.spec.channel(self.channel) if self.channel else None

    @property
    def label(self) -> str:
        """`gate/liq_orders`, `gate/liq_orders.control`, `gate/instruments`: how it is named everywhere."""
        if self.channel_spec is None:
            return f"{self.spec.id}/{self.purpose}"
        key = channel_key(self.spec, self.channel_spec)
        return key if self.purpose is Purpose.CHANNEL else f"{key}.{self.purpose}"

    @property
    def key(self) -> str:
        """What tells this job from every other of a run, for replay: label, window, quantity, time."""
        parts = [self.label, str(self.window or ""), self.quantity.words(), iso(self.at) if self.at else ""]
        return " | ".join(parts)

    @property
    def passes_missing(self) -> bool:
        """Whether a 404 is handed to the adapter: where files are read, it says that there is none for that day."""
        return self.channel_spec is not None and self.channel_spec.transport is Transport.FILE

    @property
    def reader(self) -> ReadFn | None:
        """What answers in place of the network, for a source on this machine."""
        return self.source.channels[self.channel].reader if self.channel else self.source.reader

    @property
    def needs_instruments(self) -> bool:
        """Whether what to ask depends on the contracts that the venue lists."""
        return self.purpose is Purpose.CHANNEL and self.source.channels[self.channel].requests_for is not None

    def first(self, window: Window | None, instruments: Instruments | None) -> Sequence[Request]:
        """What to ask first; `window` is the part that the provider serves, `instruments` None where not known."""
        if self.purpose is Purpose.INSTRUMENTS:
            return self.source.instrument_requests(self.quantity) if self.source.instrument_requests else ()
        if self.purpose is Purpose.WEIGHTS:
            return self.source.weight_requests(self.quantity, self.at) if self.source.weight_requests else ()
        code = self.source.channels[self.channel]
        if self.purpose is Purpose.CONTROL:
            return (code.control(),) if code.control else ()
        if window is None:
            raise ValueError(f"{self.label}: a channel is asked for a window")
        if code.requests_for is not None and instruments is not None:
            return code.requests_for(instruments, window, self.quantity)
        return code.requests(window, self.quantity) if code.requests else ()

    def then(self, payload: Payload, window: Window | None) -> Sequence[Request]:
        """What to ask after an answer: the next page, halves of a full one, or nothing."""
        if self.purpose is not Purpose.CHANNEL or window is None:
            return ()
        return self.source.channels[self.channel].follow(payload, window, self.quantity)

    def parser(self) -> str:
        """The module that reads the answers, with its version: `sources.gate sha256:1f0a...`."""
        code = self.source.channels[self.channel] if self.channel else None
        reader: Any = {
            Purpose.CHANNEL: code and (code.parse or code.message),
            Purpose.CONTROL: code and (code.control_alive or code.control),
            Purpose.INSTRUMENTS: self.source.parse_instruments,
            Purpose.WEIGHTS: self.source.parse_weights,
        }[self.purpose]
        reader = getattr(reader, "func", reader)  # of a functools.partial
        return _version(str(getattr(reader, "__module__", "")))


@cache
def _version(module: str) -> str:
    """Name of a module with a digest of its text and of what it uses from its own package (`sources`)."""
    package = module.partition(".")[0]
    used = {module}
    for value in vars(sys.modules[module]).values() if module in sys.modules else ():
        home = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", "")
        if isinstance(home, str) and home.partition(".")[0] == package:
            used.add(home)
    digest = hashlib.sha256()
    for name in sorted(used):
        path = getattr(sys.modules.get(name), "__file__", None)
        if path:
            digest.update(Path(path).read_bytes())
    return f"{module} sha256:{digest.hexdigest()[:16]}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a job. With a failure, `payloads` holds what had come before it and `covered` is None.

    `covered` is the part of the job's window that the provider was asked for: shorter than the window where it lies
    partly before the provider's history or in the future; None for jobs without a window. `diverted`: a server on this
    machine was asked in the provider's place, so that it is no figure of the provider at all.
    """

    job: Job
    payloads: tuple[Payload, ...] = ()
    failure: SourceError | None = None
    covered: Window | None = None
    parser: str = ""
    diverted: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """One line for stderr. `state`: "waiting", "done" or "failed"; `text`: what it waits for, got, or failed with."""

    label: str
    state: str
    text: str


def instruments_of(outcome: Outcome) -> dict[str, Instrument]:
    """The contracts in the answers to an INSTRUMENTS job. Raises `SourceError` where they cannot be read."""
    read = outcome.job.source.parse_instruments
    found: dict[str, Instrument] = {}
    with contained(outcome.job.label):
        for payload in outcome.payloads if read else ():
            found.update(read(payload) if read else {})
    return found


def served(spec: SourceSpec, channel: ChannelSpec, window: Window, now: datetime) -> Window:
    """The part of `window` that the channel can answer at `now`; raises `WindowUnsupported` where there is none.

    The start is rounded up to whole seconds, so that what is asked for is inside the history.
    """
    start, end = window.start, min(window.end, now)
    if channel.history is not None:
        reach = now - channel.history
        start = max(start, reach if not reach.microsecond else reach.replace(microsecond=0) + timedelta(seconds=1))
    if start >= end:
        unsupported(channel, window, now, source=channel_key(spec, channel))
    return window if (start, end) == (window.start, window.end) else Window(start, end, window.slack)


@contextmanager
def contained(label: str) -> Iterator[None]:
    """Name the source in every error that leaves; what an adapter did not foresee becomes `SchemaChanged`.

    For everything that runs an adapter's code, so that one adapter never takes the others down.
    """
    try:
        yield
    except SourceError as error:
        error.source = error.source or label
        raise
    except VerifyError:
        raise
    except Exception as error:
        what = f"{type(error).__name__}: {' '.join(str(error).split())}"[:200]
        raise SchemaChanged(f"the adapter could not deal with the answer ({what})", source=label) from error


def full_url(request: Request) -> str:
    """URL with its query, in the order that the adapter gave."""
    if not request.params:
        return request.url
    return f"{request.url}{'&' if '?' in request.url else '?'}{urlencode(request.params)}"


def fingerprint(request: Request) -> str:
    """A digest of what a replayed request must match: method, host, path, query and body."""
    body = hashlib.sha256(request.body or b"").hexdigest()
    return hashlib.sha256(json.dumps([request.method, full_url(request), body]).encode()).hexdigest()
