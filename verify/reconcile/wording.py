"""The caveat and the sentence fit to print: hedged as the evidence demands."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from verify.model.amount import Amount, money
from verify.model.quantity import LIQUIDATION_COUNT, LIQUIDATIONS, Quantity, Side
from verify.model.report import Cap, Verdict
from verify.model.window import Window, duration_words
from verify.reconcile.channels import Channel, Fit
from verify.reconcile.statements import Statement
from verify.reconcile.verdict import Pair

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


def subject(quantity: Quantity) -> str:
    """What was liquidated, as an editor would put it: `of long BTC positions on Hyperliquid`."""
    side = "" if quantity.side is Side.BOTH else f"{quantity.side} "
    assets = "crypto" if quantity.assets.is_all else quantity.assets.words("assets").replace("+", " and ")
    where = "" if quantity.venues.is_all else f" on {quantity.venues.words('venues').replace('+', ', ')}"
    return f"{side}{assets} positions{where}"


def when(window: Window) -> str:
    """`in the 4 hours to about 02:30 UTC on 19 January 2026`."""
    about = "about " if window.slack else ""
    end = window.end
    day = f"{end.day} {_MONTHS[end.month - 1]} {end.year}"
    return f"in the {duration_words(window.length)} to {about}{end:%H:%M} UTC on {day}"


def sentence(
    verdict: Verdict | None,
    claim: Amount | None,
    quantity: Quantity,
    window: Window,
    channels: Sequence[Channel],
    pairs: Sequence[Pair],
    titles: Mapping[str, str],
) -> str:
    """One sentence that says no more than the evidence does, or that says that there is none."""
    if quantity.metric not in (LIQUIDATIONS, LIQUIDATION_COUNT):
        return ""
    if claim is None and not any(channel.nearest is not None for channel in channels):
        return _floor(quantity, window, channels)
    speaking = [c for c in channels if c.feasible is not None and c.fit is not Fit.SILENT] or [
        c for c in channels if c.nearest is not None or (claim is not None and c.feasible is not None)
    ]
    if not speaking:
        return _floor(quantity, window, channels)
    ordered = sorted(speaking, key=lambda c: (c.fit not in (Fit.YES, Fit.HEDGED), c.lineage))
    first = ordered[0]
    stated = (
        first.nearest.window if first.nearest is not None else (first.matched[0].window if first.matched else window)
    )
    counted = f"of {subject(quantity)} were liquidated"
    if quantity.metric == LIQUIDATION_COUNT:
        named = first.nearest.quantity if first.nearest is not None else quantity
        counted = f"{named.words().partition(',')[0]} were counted"
    main = f"At least {_said(first, claim, quantity)} {counted} {when(stated)}, according to {first.title}"
    others = _others(first, titles, pairs, quantity)
    if not others:
        return f"{main}; no independent count is known."
    agreed = verdict is Verdict.SUPPORTED and all(
        _overlap(first.nearest, s) for _, s in others if first.nearest is not None
    )
    numbers = "; ".join(
        f"{title} counts {statement.figure.amount} over {duration_words(statement.window.length)}"
        for title, statement in others
    )
    if agreed:
        return f"{main}; {numbers}."
    common = [pair for pair in pairs if first.lineage in (pair.first[0], pair.second[0]) and pair.same_scope]
    if any(pair.two_sided and not _overlap(pair.first[1], pair.second[1]) for pair in common):
        return f"{main}; {numbers}. They contradict one another: do not average them."
    return f"{main}; {numbers}. The counts differ in scope or window and have no meaningful average."


def least(channels: Sequence[Channel], *, claimed: bool) -> tuple[float, tuple[str, ...]]:
    """The most that is surely shown, and by whom: one lineage, or several that speak of different venues added up.

    With a claim what all figures of a lineage allow is taken, without one what they allow for exactly the window.
    """
    found: list[tuple[float, str, frozenset[str] | None]] = []
    for channel in channels:
        span = (channel.feasible if claimed else None) or channel.by_clock
        if span is not None and span[0] > 0:
            scopes = [statement.quantity.venues.names for statement in channel.kept]
            told = None if None in scopes else frozenset[str]().union(*(scope or () for scope in scopes))
            found.append((span[0], channel.title, told if channel.votes else None))
    if not found:
        return 0.0, ()
    found.sort(key=lambda entry: (-entry[0], entry[1]))
    taken: set[str] = set()
    apart = []
    for low, title, told in found:
        if told and not told & taken:
            taken |= told
            apart.append((low, title))
    together = sum(low for low, _ in apart)
    if together > found[0][0]:
        return together, tuple(title for _, title in apart)
    return found[0][0], (found[0][1],)


def _floor(quantity: Quantity, window: Window, channels: Sequence[Channel]) -> str:
    """What can be said of exactly the window asked: the least that the figures imply."""
    low, titles = least(channels, claimed=False)
    if not titles:
        return "Nothing that could be checked is known: do not print a number for this window."
    listed = " and ".join((", ".join(titles[:-1]), titles[-1])) if len(titles) > 1 else titles[0]
    because = f"as the figures of {listed} imply" if len(titles) == 1 else f"adding up what {listed} show"
    return f"At least {money(low, digits=3)} of {subject(quantity)} were liquidated {when(window)}, {because}."


def _others(
    first: Channel, titles: Mapping[str, str], pairs: Sequence[Pair], quantity: Quantity
) -> list[tuple[str, Statement]]:
    """What other lineages count of the same quantity, beside the first."""
    found: dict[str, Statement] = {}
    for pair in pairs:
        sides = (pair.first, pair.second)
        if first.lineage in (pair.first[0], pair.second[0]) and pair.first[1].quantity == quantity:
            lineage, statement = next(side for side in sides if side[0] != first.lineage)
            found[lineage] = statement
    return [(titles.get(lineage, lineage), found[lineage]) for lineage in sorted(found)]


def _said(channel: Channel, claim: Amount | None, quantity: Quantity) -> str:
    """The channel's own number; where it prints none, the low end of what its other figures give."""
    currency = "" if quantity.metric == LIQUIDATION_COUNT else "USD"
    if channel.nearest is not None and channel.nearest.figure.amount is not None:
        return str(channel.nearest.figure.amount.plain())
    span = channel.feasible or (0.0, math.inf)
    if claim is not None and channel.fit is Fit.YES:
        return str(claim.plain())
    return money(span[0], digits=3, currency=currency)


def caveat(
    *, independent: Sequence[str], titles: Sequence[str], outlets: int, caps: Sequence[Cap], estimated: bool = False
) -> str:
    """What the reader must know before believing the number: how many measurements there are, and what they miss."""
    parts = []
    if not independent:
        parts.append("No figure here names who measured it: however many outlets print a number, none can be checked.")
    elif len(independent) == 1:
        who = titles[0] if titles else independent[0]
        printed = "One outlet prints a number" if outlets == 1 else f"{outlets} outlets print numbers"
        votes = "one vote" if outlets == 1 else f"one vote, not {outlets}"
        parts.append(
            f"Single channel: {printed} for this window; every number with a known origin descends from {who}."
            f" That is {votes}."
        )
    else:
        listed = ", ".join(titles)
        behind = f"the numbers of {outlets} outlets" if outlets > 1 else "the number of one outlet"
        parts.append(f"{len(independent)} independent lineages ({listed}) stand behind {behind}.")
    if caps:
        capped = "; ".join(f"{cap.venue}: {cap.text}" for cap in caps)
        parts.append(f"Feeds that show only part of what happened: {capped}. A total built on them is a lower bound.")
    if not estimated:
        parts.append("What the whole market lost is not known from these figures.")
    return " ".join(parts)


def corroboration(pairs: Sequence[Pair], independent: int, within: Sequence[Pair] = ()) -> tuple[str, str]:
    """The answer to the second question, and its text. `within` are pairs of lineages that share a feed."""
    if independent == 0:
        return "not answerable", "not answerable: no known lineage states this very quantity for the window"
    if independent == 1:
        return "no", f"not corroborated: {_one_vote(within)}"
    same = [pair for pair in pairs if pair.same_scope and pair.two_sided]
    if not same:
        text = f"not corroborated: {independent} independent lineages, none of which states the same thing as another"
        ratios = ", ".join(f"{pair.ratio:.2g}" for pair in pairs if math.isfinite(pair.ratio))
        return "no", f"{text}; on similar scopes they differ by factors of {ratios}" if ratios else text
    worst = max(same, key=lambda pair: pair.ratio)
    agree = all(_overlap(pair.first[1], pair.second[1]) for pair in same)
    if agree:
        return "yes", f"corroborated: {independent} independent lineages agree on a common scope"
    return "no", f"contradicted: independent lineages differ by a factor of {worst.ratio:.1f} on a common scope"


def _one_vote(within: Sequence[Pair]) -> str:
    """Two readers of one feed: that they agree says that it was read rightly, and nothing about the feed."""
    same = [pair for pair in within if pair.same_scope and pair.two_sided]
    if not same:
        return "one lineage" if not within else "lineages that share their feeds are one vote"
    if all(_overlap(pair.first[1], pair.second[1]) for pair in same):
        return "lineages that agree, but share their feeds, are one vote"
    worst = max(pair.ratio for pair in same)
    return f"one vote, whose readers differ by a factor of {worst:.1f} on a common scope though they share their feeds"


def _overlap(first: Statement, second: Statement, tolerance: float = 0.1) -> bool:
    """Whether two figures agree within their rounding or 10 %, the gap that differences of basis explain.

    A lower bound agrees with nothing: it is only not contradicted.
    """
    if math.isinf(first.high) or math.isinf(second.high):
        return False
    ratio = (
        max(first.value, second.value) / min(first.value, second.value) if min(first.value, second.value) else math.inf
    )
    return (first.low <= second.high and second.low <= first.high) or ratio <= 1 + tolerance
