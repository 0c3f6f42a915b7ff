"""Where a character stands: lines and columns of a text."""

from __future__ import annotations

import re
from bisect import bisect_right

_END = re.compile(r"\r\n|\n|\r")


class Lines:
    """The lines of a text, however they end."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts = [0, *(match.end() for match in _END.finditer(text))]

    def position(self, at: int) -> tuple[int, int]:
        """Line and column of the character at `at`, both from 1, the column in characters."""
        line = bisect_right(self._starts, at)
        return line, at - self._starts[line - 1] + 1

    def utf16(self, at: int) -> tuple[int, int]:
        """The same with the column in UTF-16 code units, in which editors and SARIF count by default."""
        line, column = self.position(at)
        start = self._starts[line - 1]
        wide = sum(char > "\uffff" for char in self._text[start:at])
        return line, column + wide
