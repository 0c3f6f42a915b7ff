"""What a text says against itself, before anything outside is asked.

Sums are compared as intervals: what rounding and hedges leave open is never a contradiction.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from verify.claims import dates
from verify.claims.claim import Claim, Reading
from verify.claims.dates import When
from verify.claims.spans import Kind, fold
from verify.claims.text import Kind as BlockKind
from verify.model.amount import Amount, Hedge, money
from verify.model.quantity import Side

_MONEY = "liquidations"
_FROM_TO = (
    r"\bfrom (?:about |around |nearly )?{0} (?:\S{{1,20}} ){{0,4}}?to (?:about |around |nearly )?{1}"
    r"|从\s?{0}.{{0,8}}[至到]\s?{1}"
)
_SINGLE = re.compile(r"\bsingle\b")
#: How far apart two numbers may be and still be taken for misprints of one, as a ratio.
_SAME_FIGURE = Decimal("1.25")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing noticed. `claims` are indexes into the reading's claims; `wrong` says that they cannot all be true."""

    code: str
    text: str
    claims: tuple[int, ...] = ()
    wrong: bool = False


def check(reading: Reading) -> list[Finding]:
    """Every finding, in the order of the checks: dates, sums, shares, moves, sizes, digits, repetitions, sources."""
    claims = reading.claims
    return [
        *_dates(reading),
        *_sums(claims),
        *_shares(claims),
        *_moves(claims),
        *_sizes(claims),
        *_digits(reading),
        *_repetitions(claims),
        *_single_sources(claims),
    ]


def _dates(reading: Reading) -> Iterator[Finding]:
    text = reading.document.text
    for start, end, _ in dates.impossible_dates(fold(text)):
        yield Finding("impossible_date", f"no calendar has a {text[start:end]}", wrong=True)
    if reading.published is None:
        return
    for index, claim in enumerate(reading.claims):
        window = claim.when.window if claim.when else None
        if window is not None and window.start - window.slack > reading.published.moment:
            yield Finding(
                "future_date", f"{claim.text}: {claim.when.text if claim.when else ''} lies after the dateline",
                (index,), wrong=True,
            )  # fmt: skip


def _groups(claims: Sequence[Claim]) -> dict[tuple[int, str], list[int]]:
    """Indexes of liquidation amounts by paragraph and stated time; one without a time goes with every time."""
    groups: dict[tuple[int, str], list[int]] = defaultdict(list)
    for index, claim in enumerate(claims):
        if claim.metric == _MONEY or (not claim.metric and claim.kind is Kind.MONEY):
            groups[claim.block, claim.when.label if claim.when else ""].append(index)
    return groups


def _exact(claim: Claim) -> bool:
    return claim.hedge in (Hedge.NONE, Hedge.ABOUT, Hedge.NEARLY)


def _span(claim: Claim) -> tuple[Decimal, Decimal]:
    low, high = claim.number.amount.tolerated
    return low, high if high is not None else claim.number.amount.high


def _sums(claims: Sequence[Claim]) -> Iterator[Finding]:
    """Long and short against their total, and venues or assets against the whole."""
    for members in _groups(claims).values():
        said = [(index, claims[index]) for index in members if _exact(claims[index])]
        sides: dict[tuple[object, ...], tuple[int, Claim]] = {}
        for index, claim in said:
            sides.setdefault((claim.venues, claim.assets, claim.side), (index, claim))
        parts = {what: _parts(said, what) for what in ("venues", "assets")}
        for number, whole in said:
            if whole.side is not Side.BOTH:
                continue
            long = sides.get((whole.venues, whole.assets, Side.LONG))
            short = sides.get((whole.venues, whole.assets, Side.SHORT))
            if long and short and (text := sum_of_sides(long[1], short[1], whole)):
                yield Finding("long_plus_short", text, (number, long[0], short[0]), wrong=True)
            for what, (low, indexes) in parts.items() if not whole.venues and not whole.assets else ():
                if low > _span(whole)[1]:
                    yield Finding(
                        "parts_exceed_whole",
                        f"the {what} named add up to at least {money(low)}, more than {whole.text}",
                        (number, *indexes), wrong=True,
                    )  # fmt: skip


def sum_of_sides(long: Claim, short: Claim, whole: Claim) -> str:
    """What is wrong with long + short = total whatever the rounding, or ""."""
    low, high = _span(long)[0] + _span(short)[0], _span(long)[1] + _span(short)[1]
    if low <= _span(whole)[1] and high >= _span(whole)[0]:
        return ""
    both = long.number.amount.value + short.number.amount.value
    return f"{long.text} long and {short.text} short are {money(both)}, not {whole.text}"


def _parts(said: Sequence[tuple[int, Claim]], what: str) -> tuple[Decimal, tuple[int, ...]]:
    """The least that the venues or assets named, each once, add up to, and where they stand."""
    parts: dict[tuple[str, ...], tuple[int, Claim]] = {}
    for index, claim in said:
        if len(getattr(claim, what)) == 1 and claim.side is Side.BOTH:
            parts.setdefault(getattr(claim, what), (index, claim))
    low = sum((_span(claim)[0] for _, claim in parts.values()), Decimal(0))
    return low, tuple(index for index, _ in parts.values())


def _shares(claims: Sequence[Claim]) -> Iterator[Finding]:
    """A percentage against the part and the whole that stand in the same paragraph."""
    groups: dict[int, list[int]] = defaultdict(list)
    for index, claim in enumerate(claims):
        groups[claim.block].append(index)
    for members in groups.values():
        amounts = [(i, claims[i]) for i in members if claims[i].metric in (_MONEY, "") and claims[i].kind is Kind.MONEY]
        wholes = [(i, c) for i, c in amounts if not c.venues and not c.assets and c.side is Side.BOTH]
        for index in members:
            share = claims[index]
            if share.metric != "share" or len(wholes) != 1 or not (share.venues or share.assets or share.side):
                continue
            scope = (share.venues, share.assets, share.side)
            part = next(
                ((i, c) for i, c in amounts if (c.venues, c.assets, c.side) == scope and c is not wholes[0][1]), None
            )
            if part is None or not (_exact(part[1]) and _exact(wholes[0][1]) and _exact(share)):
                continue
            (low, high), (least, most), (down, up) = _span(part[1]), _span(wholes[0][1]), _span(share)
            if most <= 0 or least <= 0:
                continue
            if low / most * 100 > up or high / least * 100 < down:
                real = part[1].number.amount.value / wholes[0][1].number.amount.value * 100
                yield Finding(
                    "share_does_not_fit",
                    f"{part[1].text} of {wholes[0][1].text} is {real:.1f} %, not {share.text}",
                    (index, part[0], wholes[0][0]), wrong=True,
                )  # fmt: skip


def move_between(before: Amount, after: Amount) -> tuple[Decimal, Decimal]:
    """The change from one level to another in per cent of the first: the interval that their rounding leaves open."""
    least, most = (after.low - before.high) / before.high, (after.high - before.low) / before.low
    return least * 100, most * 100


def _moves(claims: Sequence[Claim]) -> Iterator[Finding]:
    """A percentage against the two levels between which a price is said to have moved in the same sentence."""
    groups: dict[tuple[int, tuple[str, ...]], list[int]] = defaultdict(list)
    for index, claim in enumerate(claims):
        if claim.metric in ("price", "price_change"):
            groups[claim.position, claim.assets].append(index)
    for members in groups.values():
        levels = [i for i in members if claims[i].metric == "price" and claims[i].number.amount.ends is None]
        moves = [i for i in members if claims[i].metric == "price_change" and claims[i].kind is Kind.PERCENT]
        if len(levels) != 2 or len(moves) != 1 or not _from_to(claims[levels[0]], claims[levels[1]]):
            continue
        before, after, move = (claims[i].number.amount for i in (*levels, *moves))
        if not before.low or not _exact(claims[moves[0]]):
            continue
        least, most = move_between(before, after)
        low, high = move.tolerated
        down, up = (-most, -least) if after.value < before.value else (least, most)
        if (high is not None and down > high) or up < low:
            real = abs(after.value - before.value) / before.value * 100
            yield Finding(
                "move_does_not_fit",
                f"from {before.text} to {after.text} is {real:.1f} %, not {move.text}",
                (*levels, *moves), wrong=True,
            )  # fmt: skip


def _from_to(first: Claim, second: Claim) -> bool:
    """Whether the sentence says "from" the first level "to" the second."""
    between = _FROM_TO.format(re.escape(first.text), re.escape(second.text))
    return re.search(between, first.sentence, re.IGNORECASE) is not None


def _sizes(claims: Sequence[Claim]) -> Iterator[Finding]:
    """One liquidation, or all those above a size, against the total of the same scope and time."""
    wholes: dict[tuple[object, ...], int] = {}
    for index, claim in enumerate(claims):
        if claim.metric == _MONEY and claim.kind is Kind.MONEY and _exact(claim):
            wholes.setdefault(_scope(claim), index)
    for index, part in enumerate(claims):
        least = Decimal(0)
        if part.metric == "largest_liquidation" and part.kind is Kind.MONEY:
            least = _span(part)[0]
        elif part.metric == "liquidation_count" and part.threshold is not None:
            least = _span(part)[0] * part.threshold
        whole = wholes.get(_scope(part)) if least else None
        if whole is not None and least > _span(claims[whole])[1]:
            text = f"{part.text} means at least {money(least)}, more than the {claims[whole].text} in all"
            yield Finding("size_exceeds_whole", text, (index, whole), wrong=True)


def _scope(claim: Claim) -> tuple[object, ...]:
    return claim.block, claim.side, claim.venues, claim.assets, claim.when.label if claim.when else ""


def _digits(reading: Reading) -> Iterator[Finding]:
    """One quantity over one time with two different numbers; a headline may leave the time to the body."""
    groups: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for index, claim in enumerate(reading.claims):
        if claim.metric in (_MONEY, "liquidation_count", "largest_liquidation", "price_change", "etf_net_flow"):
            key = (claim.metric, claim.kind, claim.side, claim.assets, claim.venues, claim.threshold, claim.unit)
            groups[key].append(index)
    for members in groups.values():
        first = members[0]
        for other in members[1:]:
            one, two = reading.claims[first], reading.claims[other]
            heading = reading.document.blocks[one.block].kind is BlockKind.HEADING
            timed = one.when is not None and two.when is not None and one.when.label == two.when.label
            if one.position == two.position or not (timed or (heading and one.when is None)):
                continue
            (low, high), (least, most) = one.number.amount.tolerated, two.number.amount.tolerated
            apart = (most is not None and most < low) or (high is not None and high < least)
            ratio = max(one.number.amount.value, two.number.amount.value) / max(
                min(one.number.amount.value, two.number.amount.value), Decimal(1)
            )
            moved = bool(one.number.amount.digits) and one.number.amount.digits == two.number.amount.digits
            if apart and (ratio <= _SAME_FIGURE or (moved and len(two.number.amount.digits) > 1)):
                where = "headline" if heading else "text"
                text = f"the {where} says {one.text} first and {two.text} later for the same quantity and time"
                yield Finding("digits_differ", text, (first, other), wrong=True)


def _repetitions(claims: Sequence[Claim]) -> Iterator[Finding]:
    """A figure that comes back without its side, its time or its hedge."""
    seen: dict[tuple[str, Kind, Decimal], int] = {}
    for index, claim in enumerate(claims):
        key = (claim.metric, claim.kind, claim.number.amount.value)
        first = seen.setdefault(key, index)
        if first == index or not claim.metric:
            continue
        full = claims[first]
        lost = []
        if full.when is not None and claim.when is None:
            lost.append(f"its window ({full.when.text})")
        elif full.when is not None and claim.when is not None and not _same_time(full.when, claim.when):
            lost.append(f"its window ({full.when.text}; here it reads as {claim.when.text})")
        if full.side is not Side.BOTH and claim.side is Side.BOTH:
            lost.append(f"its side ({full.side})")
        if full.venues and not claim.venues:
            lost.append("its venue")
        if full.threshold is not None and claim.threshold is None:
            lost.append(f"its threshold ({money(full.threshold)})")
        if full.attribution and not claim.attribution:
            lost.append(f"its source ({full.attribution})")
        if lost:
            yield Finding("repeated_without", f"{claim.text} is repeated without {', '.join(lost)}", (first, index))


def _same_time(one: When | None, two: When | None) -> bool:
    if one is None or two is None:
        return one is two
    return one.label == two.label or (one.window is not None and one.window == two.window)


def _single_sources(claims: Sequence[Claim]) -> Iterator[Finding]:
    for index, claim in enumerate(claims):
        if _SINGLE.search(claim.attribution):
            text = f"{claim.text}: the text itself names only {claim.attribution}, and does not say which"
            yield Finding("single_channel", text, (index,))
