"""Strings from outside are data: what may be shown of them, and how, in each format."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import TypeVar

from verify.model.checks import RunReport
from verify.model.report import Report

Shown = TypeVar("Shown", Report, RunReport)

_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>()#+!|~$@&])")


_KEPT = frozenset({"url", "urls", "citation", "code"})
_HIDDEN = ("Cc", "Cf", "Cs", "Co", "Cn")


def plain(text: str) -> str:
    """The text in one line without control, escape, invisible or direction-changing characters.

    Colons and hashes that build servers take for commands (`::error::`, `##[error]`) are set apart: wrapping can put
    any word at the start of a line. https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
    """
    if text.isprintable() and "::" not in text and "##" not in text:
        return text
    shown = "".join(" " if char.isspace() else char for char in text)
    shown = "".join(char for char in shown if unicodedata.category(char) not in _HIDDEN)
    return re.sub(r"(?<=:)(?=:)|(?<=#)(?=#)", " ", shown)


def every(report: Shown, clean: Callable[[str], str]) -> Shown:
    """The same report with every string in it cleaned, so that none can be forgotten.

    Addresses are left to `url`, and codes are our own.
    """
    cleaned = _every(report, clean)
    assert isinstance(cleaned, type(report))
    return cleaned


def _every(value: object, clean: Callable[[str], str]) -> object:
    if isinstance(value, Enum):
        return value
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, tuple):
        return tuple(_every(entry, clean) for entry in value)
    if isinstance(value, Mapping):
        return {_every(key, clean): _every(entry, clean) for key, entry in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in fields(value) if field.name not in _KEPT]
        return replace(value, **{name: _every(getattr(value, name), clean) for name in names})
    return value


def markdown(text: str) -> str:
    """The text so that Markdown shows it as it is: no links, no HTML, no mentions.

    A zero-width space breaks what is linked even where it is escaped: addresses, @names, #numbers.
    """
    escaped = _MARKDOWN.sub(r"\\\1", plain(text).strip())
    escaped = re.sub(r"^(\d+)([.)])", r"\1\\\2", re.sub(r"^([-=])", r"\\\1", escaped))
    return re.sub(r"(?<=:)(?=//)|(?<=www)(?=\.)|(?<=[@#])(?=\w)", "\u200b", escaped, flags=re.IGNORECASE)


def url(text: str) -> str:
    """An address that is safe inside <...> in Markdown: web addresses only, brackets and spaces encoded."""
    address = plain(text)
    if not address.lower().startswith(("http://", "https://")):
        return ""
    return "".join(f"%{ord(char):02X}" if char in "<>()[] \"'`\\|" else char for char in address)


def escaped_json(text: str) -> str:
    """JSON that says the same, with everything escaped that a terminal or a build server would act on."""
    hidden = "".join(
        char if char == "\n" or unicodedata.category(char) not in (*_HIDDEN, "Zl", "Zp") else _u(char) for char in text
    )
    return hidden.replace("##", "#\\u0023")


def _u(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
