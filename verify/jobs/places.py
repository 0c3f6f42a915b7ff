"""Where in a TOML file a key stands. The standard parser tells no lines: it is asked about beginnings of the file."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

_HEADER = re.compile(r"\s*\[([\w.-]+)\]\s*(?:#.*)?$", re.ASCII)
Path = Sequence[str]


@dataclass(frozen=True)
class Document:
    """A TOML file that can be read; `root` is the table in it that concerns us."""

    name: str
    text: str
    root: tuple[str, ...] = ()

    @cached_property
    def _lines(self) -> list[str]:
        return self.text.split("\n")

    @cached_property
    def _whole(self) -> dict[str, Any]:
        return self._read(len(self._lines)) or {}

    @cached_property
    def _headers(self) -> dict[str, int]:
        """The lines of table headers written plainly; none where a string over several lines may look like one."""
        if '"""' in self.text or "'''" in self.text:
            return {}
        found = ((number, _HEADER.match(line)) for number, line in enumerate(self._lines, 1))
        return {match[1]: number for number, match in found if match}

    def line(self, path: Path) -> int:
        """The line (from 1) on which the key at `path` is written, or the nearest table above it that is.

        A beginning of the file that can be read either holds the key or does not, and never loses it again, so that
        the first one that holds it is found by bisection. A value over several lines begins after the last readable
        beginning without it.
        """
        wanted = [*self.root, *path]
        while wanted and not _holds(self._whole, wanted):
            wanted.pop()
        if not wanted:
            return 1
        if header := self._headers.get(".".join(wanted)):
            return header
        without, holding = 0, len(self._lines)
        while holding - without > 1:
            middle = self._readable((without + holding) // 2, without)
            if middle == without:
                upper = self._readable_above((without + holding) // 2, holding)
                if upper == holding:
                    break
                middle = upper
            if _holds(self._read(middle), wanted):
                holding = middle
            else:
                without = middle
        return without + 1

    def _readable(self, count: int, floor: int) -> int:
        """The most lines up to `count`, and more than `floor`, that can be read; `floor` where there are none."""
        while count > floor and self._read(count) is None:
            count -= 1
        return count

    def _readable_above(self, count: int, ceiling: int) -> int:
        while count < ceiling and self._read(count) is None:
            count += 1
        return count

    def _read(self, count: int) -> dict[str, Any] | None:
        try:
            return tomllib.loads("\n".join(self._lines[:count]))
        except tomllib.TOMLDecodeError:
            return None


def _holds(table: Any, path: Path) -> bool:
    for key in path:
        if not isinstance(table, dict) or key not in table:
            return False
        table = table[key]
    return True
