"""The time line in characters: a strip for each channel, from the beginning of the window to its end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise

from verify.model.report import Report, TimeBin
from verify.model.window import Window

_BLOCKS = "▁▂▃▄▅▆▇█"
_LABEL = 35
_NARROWEST = 20
_MOST = 16
_KEY = "each on its own scale   × not covered, which is not zero   ▔ at its limit"
_DAY = timedelta(days=1)


def strips(report: Report, width: int) -> list[str]:
    """Lines of at most `width` characters; none where no channel tells when."""
    bins: dict[str, list[TimeBin]] = {}
    for item in report.timeline:
        bins.setdefault(item.channel, []).append(item)
    if not bins:
        return []
    order = sorted(bins, key=lambda name: (-sum(b.long_usd + b.short_usd for b in bins[name]), name))
    margin = min(max(map(len, order)), _LABEL, width // 2) + 1
    room = width - margin
    if room < _NARROWEST:
        return []
    window = Window.parse(report.window)
    lines = []
    for name in order[:_MOST]:
        drawn, capped = _strip(bins[name], window, room)
        lines.append(f"{name if len(name) < margin else name[: margin - 2] + '…':<{margin}}{drawn}".rstrip())
        if capped.strip():
            lines.append(f"{'':<{margin}}{capped}".rstrip())
    if len(order) > _MOST:
        lines.append(f"and {len(order) - _MOST} more channels")
    form = "%H:%M" if window.length <= _DAY else "%d %b"
    left, right = f"{window.start:{form}}", f"{window.end:{form} UTC}"
    return [*lines, f"{'':<{margin}}{left}{right:>{room - len(left)}}", _KEY]


def _strip(bins: Sequence[TimeBin], window: Window, room: int) -> tuple[str, str]:
    """Dollars in each part of the window, and where the limit was reached."""
    edges = [window.start + window.length * place / room for place in range(room + 1)]
    dollars, covered, capped = [0.0] * room, [0.0] * room, [False] * room
    for item in bins:
        length = (item.end - item.start).total_seconds()
        for place, (start, end) in enumerate(pairwise(edges)):
            shared = (min(item.end, end) - max(item.start, start)).total_seconds()
            if shared > 0:
                dollars[place] += (item.long_usd + item.short_usd) * shared / length
                covered[place] += item.covered * shared / (end - start).total_seconds()
                capped[place] = capped[place] or bool(item.capped_seconds)
    most = max(dollars)
    drawn = "".join(_cell(value, share, most) for value, share in zip(dollars, covered, strict=True))
    return drawn, "".join("▔" if limited else " " for limited in capped)


def _cell(value: float, share: float, most: float) -> str:
    if value <= 0:
        return " " if share >= 0.5 else "×"  # a part of which less than half was covered is no quiet one
    return _BLOCKS[min(int(value / most * len(_BLOCKS)), len(_BLOCKS) - 1)]
