"""`verify.market`: prices venue by venue and day boundary by day boundary, implied volatility, correlation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from verify.claims.statement import Stated, Statistic, stated
from verify.model import names
from verify.model.errors import InputError
from verify.model.figure import Figure
from verify.model.quantity import ALL, METRICS, Quantity, Scope
from verify.model.report import Report
from verify.model.trading_days import EASTERN, close_of, trading_days
from verify.model.window import Window
from verify.pipeline.observed import (
    Gathered,
    Options,
    Told,
    delivered_reading,
    figure_reading,
    gather,
    held,
    report,
)
from verify.reconcile import prices
from verify.reconcile.channels import Fit
from verify.reconcile.prices import Extremes, Span
from verify.reconcile.readings import Reading, spread

if TYPE_CHECKING:
    from sources.collect import Delivery

#: What is judged, and the unit of a number without one.
KINDS = {"price": "USD", "volatility": "points", "correlation": "correlation"}
_DAY = timedelta(days=1)
#: Where a day begins, by how it is called; a window of about a day is read by each of them.
_BOUNDARIES = {"day of UTC": ZoneInfo("UTC"), "day of UTC+8": ZoneInfo("Asia/Shanghai"), "day of US Eastern": EASTERN}
_ABOUT_A_DAY = timedelta(hours=26)
#: How much past a correlation is held against, and how old a price at the close of the index may be.
_PAST, _FRESH = timedelta(days=550), timedelta(hours=2)
#: From which overlap on a printed low is one of the window asked.
_OVERLAP = 0.5


def market(
    window: str | Window,
    claim: str | None = None,
    *,
    kind: str = "price",
    asset: str = "",
    venues: Sequence[str] = (),
    slack: str | timedelta | None = None,
    options: Options | None = None,
) -> Report:
    """Judge a claim about a price, an implied volatility or a correlation, or report what is known.

    `kind` is "price" ("fell more than 3%", "broke $92,000", "low of $91,935"), "volatility" ("down 18-25 points", of
    BTC and ETH where no asset is named) or "correlation" (of daily returns with the S&P 500: "0.72", "new high").
    Raises `InputError`.
    """
    options = options or Options()
    question = MarketQuestion.asked(kind, asset, venues, claim)
    return question.judged(gather(window, question, options, slack=slack), min_confidence=options.min_confidence)


@dataclass(frozen=True, slots=True)
class MarketQuestion:
    """A claim about a price, a volatility or a correlation; without one, what is known. See `market`."""

    kind: str
    asset: str
    venues: Scope = ALL
    said: Stated | None = None

    @classmethod
    def asked(cls, kind: str, asset: str = "", venues: Sequence[str] = (), claim: str | None = None) -> MarketQuestion:
        """The question as written. Raises `InputError`."""
        if kind not in KINDS:
            raise InputError(f"unknown kind of market figure {kind!r}: {', '.join(KINDS)}")
        if not asset and kind != "volatility":
            raise InputError("which asset? --asset names it, for example --asset BTC")
        known = names.find("assets", asset) if asset else None
        scope = Scope.of(*(names.resolve("venues", venue).id for venue in venues))
        question = cls(kind, known.id if known else asset.upper(), scope)
        return question.claiming(stated(claim, unit=KINDS[kind])) if claim else question

    def claiming(self, said: Stated | None) -> MarketQuestion:
        """The same question about another claim. Raises `InputError` for one that is no claim about its kind."""
        _check(self.kind, said)
        return replace(self, said=said)

    @property
    def quantity(self) -> Quantity:
        """What it is about."""
        metric = {"price": "price", "volatility": "implied_volatility", "correlation": "correlation"}[self.kind]
        return Quantity(METRICS[metric], self.venues, Scope.of(self.asset) if self.asset else ALL)

    def wanted(self, window: Window) -> list[tuple[Quantity, Window]]:
        """What sources are asked for."""
        return wanted(self.kind, self.asset, self.venues, window)

    def judged(self, found: Gathered, *, min_confidence: float = 0.0) -> Report:
        """The report on what was gathered."""
        if self.kind == "price":
            listed, told = _prices(found, self.asset, self.venues, self.said)
        elif self.kind == "volatility":
            listed, told = _volatility(found, self.asset, self.said)
        else:
            listed, told = _correlation(found, self.asset, self.said)
        return report(found, listed, told, min_confidence=min_confidence)


def _check(kind: str, said: Stated | None) -> None:
    if said is None:
        return
    level = said.statistic is Statistic.NEW_HIGH
    if level and kind != "correlation":
        raise InputError(f"{said.text!r} holds no number: write for example 'broke $92,000' or 'fell more than 3%'")
    if kind == "price" and said.unit == "points":
        raise InputError(f"{said.text!r} counts points, and a price has none: is it `verify market volatility`?")
    if kind == "volatility" and said.unit == "USD":
        raise InputError(f"{said.text!r} is money, and a volatility is counted in points: is it `verify market price`?")
    if kind == "volatility" and said.unit == "percent":
        raise InputError(f"{said.text!r} is in per cent, and a volatility is counted in points: write 'down 20 points'")
    if kind == "correlation" and not level and said.unit != "correlation":
        raise InputError(f"{said.text!r} has a unit, and a correlation has none: write for example 0.72")


def wanted(kind: str, asset: str, venues: Scope, window: Window) -> list[tuple[Quantity, Window]]:
    """What sources are asked for a kind of claim over a window."""
    price = Quantity(METRICS["price"], venues, Scope.of(asset) if asset else Scope())
    if kind == "price":
        days = [w for _, w in _days_of(window)]
        return [(price, Window(min(w.start for w in (window, *days)), max(w.end for w in (window, *days))))]
    if kind == "volatility":
        return [(Quantity(METRICS["implied_volatility"], assets=Scope.of(asset) if asset else Scope()), window)]
    past = Window(window.start - _PAST, window.end)
    return [(price, past), (Quantity(METRICS["index_level"]), past)]


def _days_of(window: Window) -> list[tuple[str, Window]]:
    """The day that a window of about a day stands for, by each boundary; none for longer and shorter ones."""
    if not timedelta(hours=1) <= window.length <= _ABOUT_A_DAY:
        return []
    day = (window.start + window.length / 2).date()
    found = []
    for name, zone in _BOUNDARIES.items():
        first, last = (datetime.combine(d, time(), zone).astimezone(UTC) for d in (day, day + _DAY))
        found.append((f"the {name}", Window(first, last)))
    return found


# prices


def _prices(found: Gathered, asset: str, venues: Scope, said: Stated | None) -> tuple[list[Reading], Told]:
    listed = [
        reading
        for delivery, frame in found.series("price", asset)
        for reading in _of_venue(delivery, frame, found.window, said)
    ]
    listed += _printed(found, asset, venues, said)
    statistic = said.statistic if said else Statistic.LOW
    shown = _percent if said is not None and said.unit == "percent" else _price
    what = f"price of {asset}, {_named(statistic)}"
    sentence = f"{asset} {_happened(statistic, listed)} ({found.window.words()})." if listed else ""
    caveat = "Every venue has its own price; an average of several breaks a mark later than one of them, or never."
    if any(reading.variant for reading in listed):
        caveat += " A day begins at another hour in UTC, UTC+8 and New York: each is told."
    return listed, Told("market", what, said.text if said else None, sentence, caveat, shown)


def _of_venue(delivery: Delivery, frame: object, window: Window, said: Stated | None) -> Iterator[Reading]:
    import polars as pl

    assert isinstance(frame, pl.DataFrame)
    title = delivery.source.title
    unit = frame["unit"][0]
    asked = [("", window), *((name, day) for name, day in _days_of(window) if day != window)]
    for boundary, span in asked:
        ext = prices.extremes(frame, span)
        if ext is None:
            continue
        for definition, allowed, words in _readings(ext, said, unit):
            variant = ", ".join(part for part in (boundary, definition) if part)
            yield delivered_reading(
                delivery, title, allowed, words, variant=variant, fitting=held(said, allowed) if said else None,
                partial=ext.covered < 0.999,
            )  # fmt: skip


def _readings(ext: Extremes, said: Stated | None, unit: str) -> Iterator[tuple[str, Span, str]]:
    """Definition (empty: the usual one), what it allows, and that in words."""
    statistic = said.statistic if said else Statistic.LOW
    money = "" if unit == "USD" else f" {unit}"
    if statistic in (Statistic.FALL, Statistic.RISE, Statistic.CHANGE):
        sign = -1.0 if statistic is Statistic.FALL else 1.0
        for definition, change in (
            ("", ext.change), ("from opening to lowest price", ext.to_low), ("from highest to lowest", ext.peak_to_low),
        ):  # fmt: skip
            if definition and statistic is Statistic.RISE:
                continue
            low, high = sorted((sign * change[0], sign * change[1]))
            if statistic is Statistic.CHANGE:
                low, high = (min(abs(low), abs(high)) if low * high > 0 else 0.0), max(abs(low), abs(high))
            yield definition, (low, high), _moved(change, definition or "from opening to closing price")
        return
    if statistic in (Statistic.HIGH, Statistic.ABOVE):
        yield "", ext.high, f"highest {_spanned(ext.high)}{money}"
    elif statistic is Statistic.CLOSE:
        yield "", ext.close, f"closed at {_spanned(ext.close)}{money}"
    elif statistic in (Statistic.LEVEL, Statistic.AMOUNT):
        yield "", (ext.low[0], ext.high[1]), f"traded from {_price(ext.low[0])} to {_price(ext.high[1])}{money}"
    else:
        yield "", ext.low, f"lowest {_spanned(ext.low)}{money}"
    if said is None:
        yield "highest", ext.high, f"highest {_spanned(ext.high)}{money}"
        yield "change", ext.change, _moved(ext.change, "from opening to closing price")


def _printed(found: Gathered, asset: str, venues: Scope, said: Stated | None) -> list[Reading]:
    """Prices that were printed as lows of the window, or of a part of it: at least as low it was then."""
    if said is not None and said.statistic not in (Statistic.LOW, Statistic.BELOW, Statistic.LEVEL, Statistic.AMOUNT):
        return []
    listed = []
    for figure in found.stated("price"):
        window = figure.window
        if window is None or figure.quantity.assets.names != frozenset({asset}) or not window.overlaps(found.window):
            continue
        if venues.names is not None and not (figure.quantity.venues.names or frozenset(("",))) <= venues.names:
            continue
        if window.shared(found.window) < _OVERLAP and not found.window.contains(window):
            continue
        assert figure.amount is not None
        span = (float(figure.amount.low), float(figure.amount.high))
        text = f"{figure.amount} {_whose(figure)}, {window.words()}"
        listed.append(figure_reading(figure, found, text, _as_low(said, span) if said else None))
    return listed


def _as_low(said: Stated, low: tuple[float, float]) -> Fit:
    """Whether a claim fits a price that was printed as the lowest: of prices above it, that says nothing."""
    fitting = held(said, low)
    if fitting is Fit.NO and said.statistic in (Statistic.LEVEL, Statistic.AMOUNT):
        assert said.amount is not None
        most = said.amount.tolerated[1]
        return Fit.NO if most is not None and float(most) <= low[0] else Fit.POSSIBLE
    return fitting


def _whose(figure: Figure) -> str:
    venues = figure.quantity.venues
    return f"on {venues.words('venues')}" if venues.names else "(no venue named: perhaps an average)"


def _named(statistic: Statistic) -> str:
    return {
        Statistic.FALL: "fall in per cent", Statistic.RISE: "rise in per cent", Statistic.CHANGE: "change in per cent",
        Statistic.HIGH: "highest", Statistic.ABOVE: "highest", Statistic.CLOSE: "closing", Statistic.LEVEL: "level",
    }.get(statistic, "lowest")  # fmt: skip


def _happened(statistic: Statistic, listed: Sequence[Reading]) -> str:
    """What the price did, as it would be printed: `traded as low as $91,910 to $92,040 by 2 lineages`."""
    moved = {Statistic.FALL: ("fell", "rose"), Statistic.RISE: ("rose", "fell")}
    if statistic in moved:
        asked = [reading for reading in listed if not reading.variant]
        along, against = moved[statistic]
        if asked and all(reading.high < 0 for reading in asked):
            return f"{against} by {spread(listed, lambda v: _percent(-v))} from its opening to its closing price"
        return f"{along} by {spread(listed, _percent)} from its opening to its closing price"
    verb = {
        Statistic.CHANGE: "moved by", Statistic.HIGH: "traded as high as", Statistic.ABOVE: "traded as high as",
        Statistic.CLOSE: "closed at", Statistic.LEVEL: "traded from", Statistic.AMOUNT: "traded from",
    }.get(statistic, "traded as low as")  # fmt: skip
    return f"{verb} {spread(listed, _percent if statistic is Statistic.CHANGE else _price)}"


def _price(value: float) -> str:
    return f"${value:,.2f}".removesuffix(".00")


def _percent(value: float) -> str:
    return f"{value:.2f} %"


def _spanned(span: Span) -> str:
    return _price(span[0]) if _price(span[0]) == _price(span[1]) else f"{_price(span[0])} to {_price(span[1])}"


def _moved(change: Span, definition: str) -> str:
    if f"{change[0]:.2f}" == f"{change[1]:.2f}":
        return f"{'fell' if change[0] < 0 else 'rose'} {abs(change[0]):.2f} % {definition}"
    return f"changed by {change[0]:+.2f} % to {change[1]:+.2f} % {definition}"


# implied volatility


def _volatility(found: Gathered, asset: str, said: Stated | None) -> tuple[list[Reading], Told]:
    import polars as pl

    listed: list[Reading] = []
    for delivery, frame in found.series("implied_volatility", asset):
        for ticker in sorted(set(frame["asset"])):
            ends = prices.closes(frame.filter(pl.col("asset") == ticker))
            if len(ends) < 2:
                continue
            values = [value for _, value in ends]
            whole, peak = prices.fall_in_points(values)
            sign = -1.0 if said is not None and said.statistic is Statistic.RISE else 1.0
            listed += [
                delivered_reading(
                    delivery, f"{delivery.source.title} {ticker}", (sign * fell, sign * fell),
                    f"{-fell:+.1f} points, from {since:.1f} to {values[-1]:.1f}", variant=variant,
                    fitting=held(said, (sign * fell, sign * fell)) if said else None,
                )
                for variant, fell, since in (("", whole, values[0]), ("from its highest close", peak, max(values)))
            ]  # fmt: skip
    what = f"implied volatility{f' of {asset}' if asset else ''}, change in points"
    sentence = f"The {what}: {spread(listed, lambda v: f'{-v:+.1f}')}." if listed else ""
    caveat = (
        "DVOL is one index of one venue, 30 days ahead; other terms (one week) and other makers are not read, and a"
        " fall is counted from the first day of the window, or from its highest close."
    )
    shown = lambda value: f"{-value:+.1f} points"  # noqa: E731  # the two directions of one number
    return listed, Told("market", what, said.text if said else None, sentence, caveat, shown)


# correlation


def _correlation(found: Gathered, asset: str, said: Stated | None) -> tuple[list[Reading], Told]:
    index: dict[date, float] = {}
    for _, frame in found.series("index_level"):
        index |= {start.date(): value for start, value in frame.select("start", "value").iter_rows()}
    moments = (
        {day: close_of(day) for day in trading_days(min(index), max(index) + _DAY) if day in index} if index else {}
    )
    listed: list[Reading] = []
    for delivery, frame in found.series("price", asset):
        levels = prices.at_moments(frame, moments, tolerance=_FRESH)
        for days in prices.ROLLING:
            past = prices.rolling_correlation(levels, index, days)
            if past:
                listed.append(_correlated(delivery, past, days, said))
    what = f"correlation of {asset} with the S&P 500, daily returns"
    sentence = f"The {what}, over {prices.ROLLING[0]} days: {spread(listed, lambda v: f'{v:.2f}')}." if listed else ""
    caveat = (
        "Returns are taken from close to close of the index (16:00 in New York) on days that both have; a holiday is no"
        " day. “New high” means higher than on every earlier day that was read."
    )
    return listed, Told("market", what, said.text if said else None, sentence, caveat, lambda v: f"{v:.2f}")


def _correlated(delivery: Delivery, past: dict[date, float], days: int, said: Stated | None) -> Reading:
    last = max(past)
    value = past[last]
    earlier = {day: other for day, other in past.items() if day < last}
    best = max(earlier, key=lambda day: earlier[day]) if earlier else None
    text = f"{value:.2f} over {days} days to {last}"
    if best is not None:
        text += f", highest before {earlier[best]:.2f} on {best} (since {min(past)})"
    fitting: Fit | None = None
    if said is not None and said.statistic is Statistic.NEW_HIGH:
        fitting = Fit.POSSIBLE if best is None else (Fit.YES if value > earlier[best] else Fit.NO)
    elif said is not None:
        sign = -1.0 if said.negative else 1.0
        fitting = held(said, (sign * value, sign * value))
    variant = "" if days == prices.ROLLING[0] else f"{days} days"
    return delivered_reading(delivery, delivery.source.title, (value, value), text, variant=variant, fitting=fitting)
