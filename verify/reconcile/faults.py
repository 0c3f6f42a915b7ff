"""Faults first: every channel is held against itself and the others before a number of it is used.

Nothing is mended silently: each fault is named with its evidence, what was mended keeps a penalty, what no name
explains is set aside. The order matters: times before shapes, amounts before levels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from verify.model.figure import Completeness
from verify.reconcile import amount_faults
from verify.reconcile import feed_faults as tests
from verify.reconcile.crossed import Cross, crossed
from verify.reconcile.estimated import Fault, FaultKind
from verify.reconcile.gaps import Span, without
from verify.reconcile.observed import Bars, Evidence, Row
from verify.reconcile.records import Records
from verify.reconcile.shown import MENDED, Prepared
from verify.reconcile.sum_faults import Sums, examine

#: Records that a silent feed should have shown before its silence is a fault.
_EXPECTED = 20.0
#: A feed is set aside when its dollars, for its size, are this far (log) from those of the others.
_LEVEL = 5.0


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What is left to use: feeds, bars with penalty and silent parts, rows; and the faults."""

    feeds: tuple[Prepared, ...]
    bars: tuple[tuple[Bars, float, tuple[Span, ...]], ...]
    rows: tuple[Row, ...]
    faults: tuple[Fault, ...]


def diagnose(evidence: Evidence, read: tuple[Prepared, ...], assets: dict[str, int]) -> Diagnosis:
    """Find the faults of all channels of a window."""
    window = evidence.window
    length = window.length.total_seconds()
    faults: list[Fault] = []
    feeds = _by_themselves(read, window.start.timestamp(), length, faults)
    feeds = _empty(feeds, evidence, faults)
    cross = crossed(feeds, evidence, assets)
    feeds = _amounts(feeds, {number: name for name, number in assets.items()}, cross, faults)
    feeds = _times(feeds, length, faults)
    sums = _sums(evidence, feeds, assets, faults)
    feeds = _sides(feeds, cross, length, faults)
    feeds = _silences(feeds, faults)
    feeds = _levels(feeds, evidence, faults)
    rows = _rows(evidence.rows, feeds, faults)
    bars = tuple((bars, one.penalty, one.gone) for one in sums.values() for bars in one.bars)
    return Diagnosis(tuple(feeds), bars, rows, tuple(faults))


def _note(fault: Fault | None, faults: list[Fault]) -> None:
    if fault is not None:
        faults.append(fault)


def _by_themselves(read: Sequence[Prepared], epoch: float, length: float, faults: list[Fault]) -> list[Prepared]:
    """Time units, repeats, rows of the window before; then what lies outside the window goes."""
    found = []
    for one in read:
        one, fault = tests.in_other_unit(one, epoch, length)
        _note(fault, faults)
        one, fault = tests.doubled(one, capped=one.feed.completeness is Completeness.CAPPED)
        _note(fault, faults)
        kept, fault = tests.served_again(one, length)
        _note(fault, faults)
        if kept is not None:
            found.append(kept)
    return [replace(one, records=one.records.within(0.0, length)) for one in found]


def _empty(feeds: list[Prepared], evidence: Evidence, faults: list[Fault]) -> list[Prepared]:
    """Feeds that are silent though their size and the others' activity make that implausible."""
    sizes = _sizes(evidence)
    rates = _rates(feeds, sizes)
    counts = [len(f.records) for f in feeds if len(f.records)]
    found = []
    for one in feeds:
        size = sizes.get(one.feed.venue, 0.0)
        expected = _due(rates, size)
        if not rates and len(counts) > 1:
            expected = 0.5 * float(min(counts))
        if len(one.records) == 0 and expected > _EXPECTED:
            text = f"it shows nothing where some {expected:.0f} liquidations or more were due for its size"
            faults.append(Fault(one.feed.id, FaultKind.EMPTY, 0.99, text, "set aside"))
            continue
        found.append(one)
    return found


def _rates(feeds: Sequence[Prepared], sizes: Mapping[str, float]) -> list[float]:
    """Records per dollar of size of the feeds that show any."""
    return [len(f.records) / sizes[f.feed.venue] for f in feeds if len(f.records) and sizes.get(f.feed.venue, 0) > 0]


def _due(rates: Sequence[float], size: float) -> float:
    """The records that a channel of this size shows at least, unless it is silent."""
    return 0.2 * float(np.median(rates)) * size if rates and size > 0 else 0.0


def _sizes(evidence: Evidence) -> dict[str, float]:
    """Open interest, else volume, of the venues that have a usable one."""
    found = {}
    for size in evidence.sizes:
        known = [v for v in (size.open_interest_usd, size.volume_usd) if v is not None and np.isfinite(v) and v > 0]
        if known:
            found[size.venue] = known[0]
    return found


def _amounts(
    feeds: list[Prepared], names: dict[int, str], cross: Mapping[str, Cross], faults: list[Fault]
) -> list[Prepared]:
    """Amounts in the wrong unit. The clearest case is mended first, so that it does not blur the others."""
    typical = [amount_faults.typical_sizes(one.records) for one in feeds]
    priced = [amount_faults.price_of(one.records) for one in feeds]
    prices = _prices(priced)
    for _ in range(len(feeds)):
        best: tuple[float, int, Prepared, Fault] | None = None
        for place, one in enumerate(feeds):
            others = [t for index, t in enumerate(typical) if index != place and t]
            if not others or any(f.channel == one.feed.id and f.kind in _SCALES for f in faults):
                continue
            ratios = cross[one.feed.id].ratios if one.feed.id in cross else {}
            mended, fault, contrast = amount_faults.scaled(
                one, others, names, prices, priced[place], ratios, typical[place]
            )
            if fault is not None and (best is None or contrast > best[0]):
                best = (contrast, place, mended, fault)
        if best is None:
            break
        _, place, feeds[place], fault = best
        faults.append(fault)
        typical[place] = amount_faults.typical_sizes(feeds[place].records)
    return feeds


_SCALES = (FaultKind.CONTRACTS_AS_COINS, FaultKind.QUANTITY_WITHOUT_PRICE, FaultKind.ASSET_SCALED)


def _prices(priced: Sequence[Mapping[int, float]]) -> dict[int, float]:
    found: dict[int, list[float]] = {}
    for one in priced:
        for code, price in one.items():
            found.setdefault(code, []).append(price)
    return {code: float(np.median(prices)) for code, prices in found.items()}


def _times(feeds: list[Prepared], length: float, faults: list[Fault]) -> list[Prepared]:
    """Shifts by whole hours, read from the activity."""
    outlines = [tests.outline(one.records, length) for one in feeds]
    for place, one in enumerate(feeds):
        if not _plain(one, faults):
            continue
        others = tests.together([o for i, o in enumerate(outlines) if i != place and _plain(feeds[i], faults)])
        if others is None or others.count < 2:
            continue
        fault = tests.shifted(one, outlines[place], others, length)
        if fault is not None and fault.amount is not None:
            faults.append(fault)
            feeds[place] = tests.moved(one, fault.amount, length)
    return [replace(one, records=one.records.within(0.0, length)) for one in feeds]


def _plain(one: Prepared, faults: Sequence[Fault]) -> bool:
    return not any(f.channel == one.feed.id and f.kind is FaultKind.SHIFTED for f in faults)


def _sums(
    evidence: Evidence, feeds: Sequence[Prepared], assets: dict[str, int], faults: list[Fault]
) -> dict[str, Sums]:
    by_source: dict[str, list[Bars]] = {}
    for bars in evidence.bars:
        by_source.setdefault(bars.by, []).append(bars)
    records = sum(len(one.records) for one in feeds)
    filled = {source for source, group in by_source.items() if any(b.bars.height for b in group)}
    sizes = _sizes(evidence)
    rates = _rates(feeds, sizes)
    found = {}
    for source, group in sorted(by_source.items()):
        active = records > _EXPECTED or bool(filled - {source})
        if rates:  # sums of a small venue may be empty
            active = _due(rates, sum(sizes.get(one.venue, 0.0) for one in group)) > _EXPECTED
        found[source] = examine(source, group, feeds, evidence.window, assets, active)
        faults.extend(found[source].faults)
    return found


def _sides(feeds: list[Prepared], cross: Mapping[str, Cross], length: float, faults: list[Fault]) -> list[Prepared]:
    """Swapped sides, by the others' shapes and by aggregators' sums of the same feed. Two rounds: in the first the
    others may be swapped themselves."""
    turned: dict[str, Fault] = {}
    outlines = [tests.outline(one.records, length) for one in feeds]
    for _ in range(2):
        for place, one in enumerate(feeds):
            others = tests.together([o for i, o in enumerate(outlines) if i != place])
            by_cells = cross[one.feed.id].turned if one.feed.id in cross else 0.0
            fault = tests.swapped(one, outlines[place], others, -by_cells if one.feed.id in turned else by_cells)
            if fault is None:
                continue
            feeds[place] = tests.turned(one)
            outlines[place] = outlines[place].turned()
            if one.feed.id in turned:
                del turned[one.feed.id]  # the first round was wrong
            else:
                turned[one.feed.id] = fault
    faults.extend(turned.values())
    return feeds


def _silences(feeds: list[Prepared], faults: list[Fault]) -> list[Prepared]:
    listening = [one.records.seconds for one in feeds]
    for place, one in enumerate(feeds):
        if any(f.channel == one.feed.id and f.kind is FaultKind.SHIFTED for f in faults):
            continue
        others = [times for index, times in enumerate(listening) if index != place and len(times) >= _EXPECTED]
        gap = tests.silent_part(one, others)
        if gap is None or gap[2] < 6.0:
            continue
        span, share, contrast = gap
        text = (
            f"nothing for {(span[1] - span[0]) / 60:.0f} minutes in which the others show {share:.0%} of their records"
        )
        faults.append(Fault(one.feed.id, FaultKind.GAP, round(1 - float(np.exp(-contrast)), 4), text, "mended", share))
        feeds[place] = replace(one, parts=without(one.parts, span))
    return feeds


def _levels(feeds: list[Prepared], evidence: Evidence, faults: list[Fault]) -> list[Prepared]:
    """Feeds whose level nothing explains are set aside."""
    sizes = _sizes(evidence)
    level = {
        one.feed.id: float(np.log(one.records.usd.sum() / sizes[one.feed.venue]))
        for one in feeds
        if len(one.records) and sizes.get(one.feed.venue, 0.0) > 0
    }
    if len(level) < 3:
        return feeds
    found = []
    for one in feeds:
        others = np.array([v for key, v in level.items() if key != one.feed.id])
        middle = float(np.median(others))
        spread = max(1.0, 1.5 * float(np.median(np.abs(others - middle))))
        away = level.get(one.feed.id, middle) - middle
        if abs(away) > _LEVEL * spread:
            text = f"for its size it shows {np.exp(away):.3g} times what the others show"
            faults.append(Fault(one.feed.id, FaultKind.UNEXPLAINED, 0.95, text, "set aside"))
            continue
        found.append(one)
    return found


def _rows(rows: Sequence[Row], feeds: Sequence[Prepared], faults: list[Fault]) -> tuple[Row, ...]:
    """Rows of aggregators: the window before served again, no amount at all, twice or far from the feeds."""
    kept: list[Row] = []
    by_source: dict[str, list[Row]] = {}
    for row in rows:
        if np.isfinite(row.notional_usd) and row.notional_usd >= 0:
            by_source.setdefault(row.source, []).append(row)
    shown = {one.feed.venue: one.records for one in feeds if one.penalty <= MENDED and len(one.records)}
    for source, group in sorted(by_source.items()):
        before = [row for row in group if row.earlier is not None and row.notional_usd > 0]
        if before and all(row.earlier == row.notional_usd for row in before):
            text = "its rows are those of the window before"
            faults.append(Fault(source, FaultKind.STALE, 0.99, text, "set aside"))
            continue
        if not any(row.notional_usd for row in group) and shown:
            text = "it shows nothing where others show liquidations"
            faults.append(Fault(source, FaultKind.EMPTY, 0.99, text, "set aside"))
            continue
        kept += _compared(source, group, shown, faults)
    return tuple(kept)


def _compared(source: str, group: list[Row], shown: dict[str, Records], faults: list[Fault]) -> list[Row]:
    logs = []
    for row in group:
        records = shown.get(row.venue)
        if records is None or row.notional_usd <= 0:
            continue
        long, short = (float(v) for v in records.sides())
        mine = {"long": long, "short": short, "both": long + short}[str(row.side)]
        if mine > 0:
            logs.append(float(np.log(row.notional_usd / mine)))
    if len(logs) < 2:
        return group
    middle = float(np.median(logs))
    if abs(middle - np.log(2)) < 0.1:
        faults.append(Fault(source, FaultKind.DOUBLED, 0.9, "it shows twice what the feeds show", "mended", 1.0))
        return [replace(row, notional_usd=row.notional_usd / 2) for row in group]
    if float(np.median(np.abs(logs))) > 1.5:
        text = f"it shows {np.exp(middle):.3g} times what the feeds show"
        faults.append(Fault(source, FaultKind.UNEXPLAINED, 0.9, text, "set aside"))
        return []
    return group
