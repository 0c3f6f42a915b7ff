"""What others printed of a quantity that no source measures: agreement is no corroboration, and is said so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from verify.model.amount import Amount, money
from verify.model.figure import Figure
from verify.model.quantity import Scope, Side
from verify.model.report import Reason
from verify.model.window import Window
from verify.reconcile.lineage import Lineage

if TYPE_CHECKING:
    from verify.article.judging import Asking
    from verify.claims.claim import Claim

#: Pages without a window of their own are of the same event where they came out this near to the claim's.
_NEARBY = timedelta(days=3)
_MOST_SHOWN = 3


def compare(asked: Asking, figures: Sequence[Figure], lineages: Mapping[str, Lineage]) -> Reason | None:
    """What known figures of the same quantity and time say of a claim; None where there are none.

    `single_source` where some say the same (however many pages: their origin is one or unknown), `printed_otherwise`
    where all say something else. Neither decides anything.
    """
    alike = [f for f in figures if f.amount is not None and _same(asked, f)]
    if not alike:
        return None
    claim = asked.claim.number.amount
    same = [f for f in alike if f.amount is not None and agree(claim, _turned(f.amount, asked.claim))]
    if not same:
        shown = (f"{money(f.amount.value)} ({f.attribution or f.outlet})" for f in alike if f.amount is not None)
        values = list(dict.fromkeys(shown))[:_MOST_SHOWN]
        return Reason(
            "printed_otherwise", f"others print {', '.join(values)} for it; which of them is right is not known"
        )
    outlets = sorted({f.outlet for f in same})
    origins = sorted({lineages[f.id].title for f in same if lineages[f.id].known})
    pages = f"{len(outlets)} page{'s' if len(outlets) > 1 else ''} print{'' if len(outlets) > 1 else 's'} it too"
    origin = "none names who measured it"
    if origins:
        named = " and ".join(origins)
        origin = f"all of {named}" if all(lineages[f.id].known for f in same) else f"the only origin named is {named}"
    return Reason(
        "single_source", f"{pages} ({', '.join(outlets[:_MOST_SHOWN])}), {origin}: no independent count is known"
    )


def _turned(known: Amount, claim: Claim) -> Amount:
    """A flow as a text prints it: without its sign, which is in the word "outflow"."""
    if claim.metric != "etf_net_flow" or claim.direction != "fall":
        return known
    return Amount(-known.value, -known.high, -known.low, known.hedge, known.currency)


def _same(asked: Asking, figure: Figure) -> bool:
    quantity, known = asked.quantity, figure.quantity
    if quantity.metric != known.metric or quantity.assets != known.assets:
        return False
    sides = {quantity.side, known.side}  # whose gain it was is often told in another clause
    if len(sides) > 1 and Side.BOTH not in sides and quantity.metric.id == "realised_gain":
        return False
    if quantity.venues.names is not None and known.venues.names is not None and quantity.venues != known.venues:
        return False
    if quantity.metric.id == "etf_net_flow" and not _all_funds(quantity.venues, known.venues):
        return False
    return _same_time(asked.window, figure)


def _all_funds(asked: Scope, known: Scope) -> bool:
    """Whether a figure is of all funds where the claim is, and of the same fund where it is of one."""
    if asked.names is None:
        return known.names is None or any("etfs" in name for name in known.names)
    return asked == known


def _same_time(window: Window | None, figure: Figure) -> bool:
    if window is None:
        return True
    if figure.window is not None:
        if figure.quantity.metric.id in ("price", "unrealised_gain"):
            return figure.window.overlaps(window)
        return figure.window.may_be(window) or figure.window.shared(window) > Decimal("0.8")
    if figure.at is not None:
        return window.start - _NEARBY <= figure.at <= window.end + _NEARBY
    return (
        figure.published[:10] >= f"{window.start.date()}"
        and figure.published[:10] <= f"{(window.end + _NEARBY).date()}"
    )


def agree(claim: Amount, known: Amount) -> bool:
    """Whether a known figure is what a claim says: its value lies in the claim, or the claim in its printed range."""
    low, high = claim.tolerated
    if known.ends is not None and known.ends[0] <= claim.value <= known.ends[1]:
        return True
    return low <= known.value and (high is None or known.value < high or known.value == claim.value)
