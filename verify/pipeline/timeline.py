"""The window, bin by bin: what each channel showed when, and where its limit was reached."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl

from sources.collect import Delivery
from sources.spec import Cap, Form
from verify.model.report import TimeBin
from verify.model.window import Window

if TYPE_CHECKING:
    from verify.pipeline.judging import Measured

#: A window is cut into at most so many bins of a round length.
MOST_BINS = 120
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LENGTHS = [
    *(timedelta(seconds=s) for s in (1, 2, 5, 10, 15, 20, 30)),
    *(timedelta(minutes=m) for m in (1, 2, 5, 10, 15, 20, 30)),
    *(timedelta(hours=h) for h in (1, 2, 3, 4, 6, 12)),
]


def bin_length(window: Window) -> timedelta:
    """The shortest round length that cuts the window into no more than `MOST_BINS`; whole days for long windows."""
    for length in _LENGTHS:
        if window.length <= MOST_BINS * length:
            return length
    day = timedelta(days=1)
    return day * -(-window.length // (MOST_BINS * day))


def timeline(measured: Measured, window: Window) -> tuple[TimeBin, ...]:
    """The bins of each channel that answered, in the order of the channels.

    A channel of bars is shown bar by bar, as it tells no more; of those over an edge of the window nothing is shown.
    """
    found: list[TimeBin] = []
    for one in measured.deliveries:
        if one.failure is not None or one.frame is None or one.covered is None:
            continue
        if one.channel.form is Form.BARS:
            found += _bars(one)
        elif one.channel.form is Form.EVENTS:
            found += _events(one, window)
    return tuple(found)


def _bars(one: Delivery) -> list[TimeBin]:
    """Amounts of both sides together, where that is all there is, cannot be shown by side."""
    frame = one.frame
    if frame is None or frame.is_empty() or (frame["side"] == "both").any():
        return []
    usd = pl.col("notional_usd")
    sums = frame.group_by("start", "end").agg(
        long=usd.filter(pl.col("side") == "long").sum(),
        short=usd.filter(pl.col("side") == "short").sum(),
        records=pl.when(pl.col("count").null_count() == 0).then(pl.col("count").sum()),
    )
    return [
        TimeBin(one.label, start, end, round(long, 2), round(short, 2), records, None, 1.0)
        for start, end, long, short, records in sums.sort("start").iter_rows()
    ]


def _events(one: Delivery, window: Window) -> list[TimeBin]:
    frame = one.frame
    assert frame is not None
    length = bin_length(window)
    first = _EPOCH + (window.start - _EPOCH) // length * length
    usd = pl.col("notional_usd").fill_null(0.0)
    number = ((pl.col("time") - pl.lit(first)).dt.total_microseconds() // (length // timedelta(microseconds=1))).alias(
        "bin"
    )
    sums = frame.group_by(number).agg(
        long=usd.filter(pl.col("side") == "long").sum(),
        short=usd.filter(pl.col("side") == "short").sum(),
        records=pl.len(),
    )
    money = {place: (long, short, records) for place, long, short, records in sums.iter_rows()}
    caps = [rule.cap for rule in one.rules if rule.cap is not None]
    hit = _capped_seconds(frame.with_columns(number), caps[-1]) if caps else None
    parts = one.told.parts if one.told is not None and one.told.parts else (one.covered or window,)
    found = []
    for place in range(-((first - window.end) // length)):
        start = max(first + place * length, window.start)
        end = min(first + (place + 1) * length, window.end)
        long, short, records = money.get(place, (0.0, 0.0, 0))
        capped = None if hit is None else hit.get(place, 0.0)
        found.append(
            TimeBin(one.label, start, end, round(long, 2), round(short, 2), records, capped, _share(parts, start, end))
        )
    return found


def _share(parts: Sequence[Window], start: datetime, end: datetime) -> float:
    inside = sum((max(min(p.end, end) - max(p.start, start), timedelta(0)) for p in parts), timedelta(0))
    return round(inside / (end - start), 4)


def _capped_seconds(frame: pl.DataFrame, cap: Cap) -> dict[int, float]:
    """By bin the seconds in which the limit was reached for some contract: as many records as one interval may hold."""
    group = ["instrument", *(["side"] if "side" in cap.per else [])]
    interval = cap.interval // timedelta(microseconds=1)
    slot = (pl.col("time").dt.epoch("us") // interval).alias("slot")
    full = frame.group_by("bin", slot, *group).agg(pl.len().alias("count")).filter(pl.col("count") >= cap.most)
    seconds = cap.interval.total_seconds()
    hit = full.group_by("bin").agg(pl.col("slot").n_unique() * seconds)
    return {place: round(value, 6) for place, value in hit.iter_rows()}
