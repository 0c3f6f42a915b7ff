"""A table held against feeds of other venues: they show other liquidations, but at the same times, on the same side of
the market and in sizes that go together. By the tests of the estimate (`verify.reconcile.faults`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from verify.model.figure import Completeness
from verify.model.window import Window
from verify.reconcile.estimated import Fault, FaultKind
from verify.reconcile.faults import diagnose
from verify.reconcile.gaps import spans
from verify.reconcile.held import Suspicion
from verify.reconcile.observed import Evidence, Feed
from verify.reconcile.records import records
from verify.reconcile.shown import Prepared

#: Events that another feed must show to say anything by its shape.
_ENOUGH = 30
_SAID = {
    FaultKind.SIDES_SWAPPED: "sides swapped",
    FaultKind.CONTRACTS_AS_COINS: "looks like contracts",
    FaultKind.QUANTITY_WITHOUT_PRICE: "looks like quantities without their price",
    FaultKind.ASSET_SCALED: "one asset is scaled",
    FaultKind.DOUBLED: "rows doubled",
    FaultKind.SHIFTED: "shifted",
    FaultKind.STALE: "stale",
}


def by_shapes(
    label: str,
    events: pl.DataFrame,
    others: Sequence[tuple[str, pl.DataFrame]],
    window: Window,
    contract_sizes: Mapping[str, float],
    complete: bool,
) -> list[Suspicion]:
    """The faults of a table that feeds of other venues betray; nothing where none of them is large enough."""
    venues = set(events["venue"].unique())
    usable = [(name, frame) for name, frame in others if frame.height >= _ENOUGH and not venues & set(frame["venue"])]
    if not usable or events.height < _ENOUGH:
        return []
    state = Completeness.COMPLETE if complete else Completeness.UNKNOWN
    mine = Feed(label, "+".join(sorted(venues)), (label,), events, state, contract_sizes=contract_sizes)
    feeds = [
        mine,
        *(Feed(n, "+".join(sorted(set(f["venue"]))), (n,), f, Completeness.UNKNOWN) for n, f in usable),
    ]
    evidence = Evidence(window, tuple(feeds))
    assets: dict[str, int] = {}
    read = tuple(
        Prepared(feed, records(feed.events, window, assets), spans(None, window))
        for feed in sorted(feeds, key=lambda feed: feed.id)
    )
    against = ", ".join(name for name, _ in usable)
    faults = diagnose(evidence, read, assets).faults
    return [_said(fault, against) for fault in faults if fault.channel == label and fault.kind in _SAID]


def _said(fault: Fault, against: str) -> Suspicion:
    words = _SAID[fault.kind]
    if fault.kind is FaultKind.SHIFTED and fault.amount is not None:
        words = f"shifted by {fault.amount:g} h"
    if fault.kind is FaultKind.ASSET_SCALED and fault.amount is not None:
        words = f"{fault.asset} is x {fault.amount:g}"
    text = f"{words}: {fault.evidence}"
    return Suspicion(str(fault.kind), text, fault.probability, against, fault.amount, fault.asset)
