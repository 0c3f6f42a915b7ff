"""Strings from outside are data: what may be shown of them, and how, in each format."""

from __future__ import annotations

import re
import unicodedata

_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>()#+!|~$@&])")


def plain(text: str) -> str:
    """The text in one line without control, escape, invisible or direction-changing characters."""
    shown = "".join(" " if char in "\r\n\t\v\f\x85\u2028\u2029" else char for char in text)
    return "".join(char for char in shown if unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Cn"))


def markdown(text: str) -> str:
    """The text so that Markdown shows it as it is: no links, no HTML, no mentions."""
    escaped = _MARKDOWN.sub(r"\\\1", plain(text))
    return re.sub(r"^(\s*)([-=>]|\d+[.)])", r"\1\\\2", escaped).replace("://", ":\u200b//")


def url(text: str) -> str:
    """An address that is safe inside <...> in Markdown: web addresses only, brackets and spaces encoded."""
    address = plain(text)
    if not address.lower().startswith(("http://", "https://")):
        return ""
    return "".join(f"%{ord(c):02X}" if c in "<>()[] \"'`\\|" else c for c in address)
