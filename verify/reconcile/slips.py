"""The catalogue of slips: how a true figure becomes a wrong one on its way into print.

Each entry is declared, not coded: what it changes, how common it is, and where it was seen. A claim that does not fit
is compared with every known figure as each slip would print it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

from verify.model.amount import Amount, money
from verify.model.figure import Figure
from verify.model.quantity import (
    LIQUIDATION_COUNT,
    LIQUIDATIONS,
    CountUnit,
    Quantity,
    Scope,
    Side,
)
from verify.model.window import Window, duration_words

#: How far (relative) a figure may lie from a claim to be offered as its explanation by coarser rounding.
NEAR = Decimal("0.06")
#: The coarsest rounding, relative to the claim, that is still offered as an explanation.
COARSEST = Decimal("0.1")
_STEPS = (Decimal(1), Decimal("2.5"), Decimal(5))
_STALE = timedelta(days=4)
#: So many digits must be left of a truncated number for it to be recognised.
_LEAST_DIGITS_LEFT = 3
_SHIFTS = tuple(timedelta(hours=hours) for hours in (8, 9, 5, 4, 1, 24))


@dataclass(frozen=True, slots=True)
class Claimed:
    """What is claimed. `window` is None where the claim states none."""

    quantity: Quantity
    amount: Amount
    window: Window | None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A known figure, or the sum of figures of one page, as material for a slip."""

    quantity: Quantity
    amount: Amount
    window: Window | None
    figure: Figure
    parts: tuple[Figure, ...] = ()


@dataclass(frozen=True, slots=True)
class Slip:
    """One way of getting it wrong.

    `quantity` says whether the slip prints a candidate's quantity as the claim's, `window` the same for the window,
    `factor` what it multiplies the number by. `cost` orders the catalogue: 0 is no slip at all, small is common.
    `seen` names an event in which it stands in print (docs/slips.md), or says that it was not.
    """

    id: str
    title: str
    cost: float
    seen: str
    quantity: Callable[[Quantity, Quantity], bool]
    window: Callable[[Window, Window], bool]
    factor: Decimal = Decimal(1)
    amount: Callable[[Amount, Amount], bool] | None = None
    sums: bool = False


@dataclass(frozen=True, slots=True)
class Explanation:
    """A slip that would turn a known figure into the claim.

    `distance` is (figure - claim) / claim after the slip. `rounding` is the coarseness, in the claim's unit, to which
    the figure must have been rounded to give the claim's number; with `exact` the claim's own rounding is enough.
    """

    slip: Slip
    candidate: Candidate
    claim: Claimed
    distance: Decimal
    rounding: Decimal
    exact: bool

    @property
    def title(self) -> str:
        """What happened, e.g. `12 hours printed as 4 hours`."""
        before, after = self.candidate.window, self.claim.window
        if self.slip.id != "window_changed" or before is None or after is None:
            return self.slip.title
        return f"{duration_words(before.length)} printed as {duration_words(after.length)}"

    @property
    def words(self) -> str:
        """One sentence with the figure."""
        candidate = self.candidate
        number = str(candidate.amount) if not candidate.parts else money(candidate.amount.value)
        over = f" over {duration_words(candidate.window.length)}" if candidate.window else ""
        parts = ""
        if candidate.parts:
            parts = (
                " ("
                + " + ".join(
                    f"{p.amount} {p.quantity.assets.words('assets')}"
                    if not p.quantity.assets.is_all
                    else f"{p.amount} {p.quantity.venues.words('venues')}"
                    for p in candidate.parts
                )
                + ")"
            )
        return f"{number}{parts} {candidate.quantity.words()}{over}: {self.title}"


def _same_quantity(figure: Quantity, claim: Quantity) -> bool:
    """Equal; a claim that names no unit may be a count of any."""
    if claim.unit is CountUnit.UNSPECIFIED and figure.unit is not None:
        figure = replace(figure, unit=claim.unit)
    return figure == claim


def _sides(of: Sequence[Side], printed: Sequence[Side]) -> Callable[[Quantity, Quantity], bool]:
    def test(figure: Quantity, claim: Quantity) -> bool:
        return figure.side in of and claim.side in printed and figure.with_side(claim.side) == claim

    return test


def _swapped(figure: Quantity, claim: Quantity) -> bool:
    return figure.side is not Side.BOTH and figure.with_side(figure.side.other) == claim


def _scope_as_market(field: str) -> Callable[[Quantity, Quantity], bool]:
    def test(figure: Quantity, claim: Quantity) -> bool:
        part, whole = getattr(figure, field), getattr(claim, field)
        return part.names is not None and whole.is_all and figure.widened(field) == claim

    return test


def _market_as_scope(figure: Quantity, claim: Quantity) -> bool:
    return _scope_as_market("venues")(claim, figure) or _scope_as_market("assets")(claim, figure)


def _metrics(*pairs: tuple[str, str]) -> Callable[[Quantity, Quantity], bool]:
    """One metric printed as another; where the unit of a count plays no part."""

    def test(figure: Quantity, claim: Quantity) -> bool:
        alike = replace(figure, metric=claim.metric, unit=claim.unit, threshold_usd=claim.threshold_usd)
        scope = all(
            getattr(claim, field).is_all or getattr(alike, field) == getattr(claim, field)
            for field in ("venues", "assets")
        )
        return (figure.metric.id, claim.metric.id) in pairs and scope and alike.side == claim.side

    return test


def _units(pairs: Iterable[tuple[CountUnit, CountUnit]] | None) -> Callable[[Quantity, Quantity], bool]:
    wanted = None if pairs is None else frozenset(pairs)

    def test(figure: Quantity, claim: Quantity) -> bool:
        if figure.unit is None or claim.unit in (None, CountUnit.UNSPECIFIED, figure.unit):
            return False
        return replace(figure, unit=claim.unit) == claim and (wanted is None or (figure.unit, claim.unit) in wanted)

    return test


def _same_window(figure: Window, claim: Window) -> bool:
    return figure.may_be(claim)


def _any_window(_figure: Window, _claim: Window) -> bool:
    return True


def _other_length(figure: Window, claim: Window) -> bool:
    longer, shorter = max(figure.length, claim.length), min(figure.length, claim.length)
    return figure.overlaps(claim) and longer - shorter > longer / 8


def _stale(figure: Window, claim: Window) -> bool:
    """A window of the same length that ended before, seen on a rolling counter."""
    alike = abs(figure.length - claim.length) <= claim.length / 8
    return alike and not figure.may_be(claim) and timedelta(0) < claim.end - figure.end <= _STALE


def _shifted(figure: Window, claim: Window) -> bool:
    if figure.may_be(claim):
        return False
    gap, slack = claim.start - figure.start, figure.slack + claim.slack
    near = [by for by in _SHIFTS if abs(abs(gap) - by) <= slack]
    return any(figure.shifted(by if gap > timedelta(0) else -by).may_be(claim) for by in near)


def _truncated(figure: Amount, claim: Amount) -> bool:
    """Leading digits lost: 182,729 printed as 2,729. Round numbers share their zeros by chance."""
    long, short = str(int(figure.value)), str(int(claim.value))
    return len(short.rstrip("0")) >= _LEAST_DIGITS_LEFT and len(short) < len(long) and long.endswith(short)


ROUNDED = Slip("rounded", "the same reading, rounded", 0, "2026-01-19", _same_quantity, _same_window)
_T, _L, _S = Side.BOTH, Side.LONG, Side.SHORT
_COUNT_UNITS = tuple((a, b) for a in CountUnit for b in CountUnit if {a, b} != {CountUnit.ORDERS, CountUnit.POSITIONS})

CATALOGUE: tuple[Slip, ...] = (
    ROUNDED,
    Slip("total_as_side", "a total printed as one side", 1.0, "2026-01-19", _sides([_T], [_L, _S]), _same_window),
    Slip("side_as_total", "one side printed as the total", 1.6, "2026-01-19", _sides([_L, _S], [_T]), _same_window),
    Slip("sides_swapped", "long and short swapped", 1.5, "2026-01-19", _swapped, _same_window),
    Slip("window_changed", "another length of window", 1.2, "2026-01-19", _same_quantity, _other_length),
    Slip("stale_window", "an older reading of the rolling window", 1.4, "2026-01-19", _same_quantity, _stale),
    Slip("date_shifted", "a window of another date or time zone", 1.5, "2026-01-19", _same_quantity, _shifted),
    Slip(
        "venue_as_market",
        "one venue printed as the whole market",
        1.3,
        "2025-10-10",
        _scope_as_market("venues"),
        _same_window,
        sums=True,
    ),
    Slip(
        "assets_as_market",
        "some assets printed as the whole market",
        1.3,
        "2026-01-19",
        _scope_as_market("assets"),
        _same_window,
        sums=True,
    ),
    Slip(
        "market_as_part",
        "the whole market printed as one venue or asset",
        1.8,
        "not seen",
        _market_as_scope,
        _same_window,
    ),
    Slip("tenfold", "a factor of ten too large", 1.7, "2026-01-19", _same_quantity, _same_window, Decimal(10)),
    Slip("tenth", "a factor of ten too small", 1.7, "2026-01-19", _same_quantity, _same_window, Decimal("0.1")),
    Slip(
        "wan_as_yi",
        "万 (ten thousand) printed as 亿 (a hundred million)",
        1.9,
        "not seen",
        _same_quantity,
        _same_window,
        Decimal(10_000),
    ),
    Slip(
        "yi_as_wan",
        "亿 (a hundred million) printed as 万 (ten thousand)",
        1.9,
        "not seen",
        _same_quantity,
        _same_window,
        Decimal("0.0001"),
    ),
    Slip(
        "million_as_billion",
        "a million printed as a billion",
        1.9,
        "not seen",
        _same_quantity,
        _same_window,
        Decimal(1000),
    ),
    Slip(
        "billion_as_million",
        "a billion printed as a million",
        1.9,
        "not seen",
        _same_quantity,
        _same_window,
        Decimal("0.001"),
    ),
    Slip("digits_truncated", "leading digits lost", 1.1, "2026-01-20", _same_quantity, _same_window, amount=_truncated),
    Slip(
        "change_as_level",
        "a change printed as a level, or a level as a change",
        1.5,
        "2025-10-10",
        _metrics(("open_interest_drop", "open_interest"), ("open_interest", "open_interest_drop")),
        _any_window,
    ),
    Slip(
        "open_interest_as_liquidations",
        "a fall of open interest printed as liquidations",
        1.6,
        "2025-10-10",
        _metrics(("open_interest_drop", LIQUIDATIONS.id)),
        _any_window,
    ),
    Slip("other_count_unit", "a count of something else", 1.4, "2026-01-19", _units(_COUNT_UNITS), _same_window),
    Slip(
        "order_as_position",
        "orders printed as positions, or the reverse",
        1.4,
        "2025-10-10",
        _units([(CountUnit.ORDERS, CountUnit.POSITIONS), (CountUnit.POSITIONS, CountUnit.ORDERS)]),
        _same_window,
    ),
    Slip(
        "equity_as_notional",
        "losses of equity printed as liquidated notional, or the reverse",
        1.7,
        "2025-10-10",
        _metrics(
            ("wallet_losses", LIQUIDATIONS.id),
            ("realised_losses", LIQUIDATIONS.id),
            (LIQUIDATIONS.id, "wallet_losses"),
            (LIQUIDATIONS.id, "realised_losses"),
        ),
        _same_window,
    ),
    Slip(
        "closures_as_liquidations",
        "auto-deleveraging counted as liquidations",
        1.7,
        "not seen",
        _metrics(("forced_closures", LIQUIDATIONS.id), ("auto_deleveraging", LIQUIDATIONS.id)),
        _same_window,
    ),
    Slip(
        "estimate_as_measured",
        "an estimate printed as if it were measured",
        1.6,
        "not seen",
        _metrics(("estimated_liquidations", LIQUIDATIONS.id)),
        _same_window,
    ),
)


def candidates(figures: Iterable[Figure]) -> list[Candidate]:
    """Figures as printed, and for each page and window the sums over its venues and over its assets."""
    figures = sorted(
        (f for f in figures if f.amount is not None and f.as_printed and f.amount.value > 0),
        key=lambda f: (f.outlet, f.url, f.amount.value if f.amount else 0, f.id),
    )
    found = [Candidate(f.quantity, f.amount, f.window, f) for f in figures if f.amount is not None]
    pages: dict[tuple[str, Window | None, Quantity], list[Figure]] = {}
    for figure in figures:
        for field in ("venues", "assets"):
            scope = getattr(figure.quantity, field)
            if scope.names is not None and len(scope.names) == 1:
                whole = figure.quantity.widened(field)
                pages.setdefault((f"{figure.url}#{field}", figure.window, whole), []).append(figure)
    for (page, window, whole), parts in pages.items():
        field = page.rpartition("#")[2]
        unique = {getattr(part.quantity, field): part for part in parts}
        if len(unique) > 1 and whole.metric in (LIQUIDATIONS, LIQUIDATION_COUNT):
            members = tuple(sorted(unique.values(), key=lambda p: (-p.amount.value if p.amount else 0, p.id)))
            total = sum((p.amount.value for p in members if p.amount), Decimal(0))
            spread = sum((p.amount.unit for p in members if p.amount), Decimal(0))
            names = frozenset().union(*(getattr(p.quantity, field).names or () for p in members))
            quantity = replace(whole, venues=Scope(names)) if field == "venues" else replace(whole, assets=Scope(names))
            amount = Amount(
                total,
                total - spread / 2,
                total + spread / 2,
                currency=members[0].amount.currency if members[0].amount else "",
            )
            found.append(Candidate(quantity, amount, window, members[0], members))
    return found


def explain(claim: Claimed, known: Iterable[Candidate], *, slips: Sequence[Slip] = CATALOGUE) -> list[Explanation]:
    """Every slip that turns a known figure into the claim, likeliest first.

    Exact ones (within the claim's own rounding) come before those that also need coarser rounding; then the cost of
    the slip and the distance decide. Equal numbers from several pages are offered once.
    """
    found: dict[tuple[object, ...], Explanation] = {}
    for candidate in known:
        for slip in slips:
            if candidate.parts and not slip.sums:
                continue
            if explanation := _apply(slip, candidate, claim):
                edges = (candidate.window.start, candidate.window.end) if candidate.window else None
                key = (slip.id, candidate.quantity, candidate.amount.value, edges)
                if key not in found or _page(candidate) < _page(found[key].candidate):
                    found[key] = explanation
    return sorted(found.values(), key=_rank)


def _rank(explanation: Explanation) -> tuple[object, ...]:
    return (
        not explanation.exact,
        explanation.slip.cost,
        abs(explanation.distance),
        explanation.slip.id,
        _page(explanation.candidate),
    )


def _page(candidate: Candidate) -> tuple[str, str, str]:
    """What decides between equals: who printed it, never when."""
    return candidate.figure.outlet, candidate.figure.url, candidate.figure.id


def _apply(slip: Slip, candidate: Candidate, claim: Claimed) -> Explanation | None:
    if not slip.quantity(candidate.quantity, claim.quantity):
        return None
    if candidate.window is None or claim.window is None:
        if slip.window not in (_same_window, _any_window) or slip is ROUNDED:
            return None
    elif not slip.window(candidate.window, claim.window):
        return None
    if slip.amount is not None:
        return (
            Explanation(slip, candidate, claim, Decimal(0), claim.amount.unit, True)
            if slip.amount(candidate.amount, claim.amount)
            else None
        )
    value = candidate.amount.value * slip.factor
    if not claim.amount.value:
        return None
    distance = (value - claim.amount.value) / claim.amount.value
    low, high = claim.amount.low, claim.amount.high
    if low <= value < high:
        return Explanation(slip, candidate, claim, distance, claim.amount.unit, True)
    rounding = _coarseness(value, claim.amount)
    if abs(distance) > NEAR or rounding is None:
        return None
    return Explanation(slip, candidate, claim, distance, rounding, False)


def _coarseness(value: Decimal, claim: Amount) -> Decimal | None:
    """The finest natural step (1, 2.5 or 5 times a power of ten) to which `value` rounds to the claim's number."""
    for step in _natural_steps(claim.value):
        if step > claim.value * COARSEST:
            return None
        if (value / step).to_integral_value(rounding="ROUND_HALF_UP") * step == claim.value:
            return step
    return None


def _natural_steps(value: Decimal) -> Iterator[Decimal]:
    exponent = value.adjusted() - 4
    while True:
        for step in _STEPS:
            yield step.scaleb(exponent)
        exponent += 1
