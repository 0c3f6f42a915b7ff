"""`verify.flows`: net flows of exchange-traded funds, and volumes of decentralised exchanges, over days."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from verify.claims.statement import Stated, Statistic, stated
from verify.model import names
from verify.model.errors import InputError
from verify.model.figure import Figure
from verify.model.quantity import ALL_FUNDS, METRICS, Quantity, Scope
from verify.model.report import Finding, Report
from verify.model.trading_days import EASTERN, day_window, trading_days
from verify.model.window import Window
from verify.pipeline.observed import (
    Gathered,
    Options,
    Told,
    delivered_reading,
    dollars,
    figure_reading,
    gather,
    held,
    report,
)
from verify.reconcile.channels import Fit
from verify.reconcile.readings import Reading, spread

if TYPE_CHECKING:
    import polars as pl

    from sources.collect import Delivery

KINDS = {"etf": "etf_net_flow", "dex": "dex_volume"}
#: A printed figure speaks of the window asked if it shares this part of the union of both.
_SAME_WINDOW = 0.9
#: Parts that leave more than this share of the whole open are named.
_REST = 0.005
_ALL = re.compile(r"etfs$|^all")
_DAY = timedelta(days=1)


def flows(
    window: str | Window,
    claim: str | None = None,
    *,
    kind: str = "etf",
    asset: str = "",
    subject: str = "",
    slack: str | timedelta | None = None,
    options: Options | None = None,
) -> Report:
    """Judge a claim about a flow, or report what is known.

    `kind` is "etf" (net flow of US spot funds of `asset`; `subject` one fund's ticker) or "dex" (volume of the
    protocol `subject`). The window's dates are trading days in US Eastern time for funds, days in UTC for protocols.
    Money is in US dollars; an outflow is negative ("-$3M", "net outflow of $3M"). Raises `InputError`.
    """
    options = options or Options()
    question = FlowQuestion.asked(kind, asset, subject, claim)
    return question.judged(gather(window, question, options, slack=slack), min_confidence=options.min_confidence)


@dataclass(frozen=True, slots=True)
class FlowQuestion:
    """A claim about a flow; without one, what is known. See `flows`."""

    kind: str
    asset: str = ""
    subject: str = ""
    said: Stated | None = None

    @classmethod
    def asked(cls, kind: str, asset: str = "", subject: str = "", claim: str | None = None) -> FlowQuestion:
        """The question as written. Raises `InputError`."""
        if kind not in KINDS:
            raise InputError(f"unknown kind of flow {kind!r}: etf or dex")
        if kind == "etf" and not asset:
            raise InputError("which funds? --asset names what they hold, for example --asset SOL")
        if kind == "dex" and not subject:
            raise InputError("which protocol? --protocol names it, for example --protocol byreal")
        known = names.find("assets", asset)
        question = cls(kind, known.id if known else asset.upper(), subject)
        return question.claiming(stated(claim)) if claim else question

    def claiming(self, said: Stated | None) -> FlowQuestion:
        """The same question about another claim. Raises `InputError` for one that is no sum of money."""
        if said is not None and (said.amount is None or said.unit != "USD"):
            raise InputError(f"{said.text!r} is no sum of money: write for example $46.88M")
        return replace(self, said=said)

    @property
    def quantity(self) -> Quantity:
        """What it is about."""
        return asked_of(self.kind, self.asset, self.subject)

    def wanted(self, window: Window) -> list[tuple[Quantity, Window]]:
        """What sources are asked for. Raises `InputError` for a window without a day that counts."""
        if not _days(self.kind, window):
            raise InputError(f"{window} holds no trading day of US exchanges")
        return [(self.quantity, fetched(self.kind, window))]

    def judged(self, found: Gathered, *, min_confidence: float = 0.0) -> Report:
        """The report on what was gathered. Raises `InputError` for a window without a day that counts."""
        kind, said = self.kind, self.said
        quantity = self.wanted(found.window)[0][0]
        days = _days(kind, found.window)
        listed = [
            *_from_sources(found, kind, self.asset, self.subject, days, said),
            *_from_figures(found, kind, quantity, self.subject, said),
        ]
        found.findings += [*_findings(found, kind, quantity), *_of_others(found, kind, self.asset)]
        what = _subject(kind, self.asset, self.subject, outflow=said is not None and said.negative)
        when = f"{days[0]:%d %B %Y}" if len(days) == 1 else f"{days[0]:%d %B} to {days[-1]:%d %B %Y}"
        told = Told(
            command="flows",
            quantity=what,
            claim=said.text if said else None,
            sentence=_sentence(listed, what, when, kind),
            caveat=_caveat(listed, kind, len(days)),
            shown=dollars,
        )
        return report(found, listed, told, min_confidence=min_confidence)


def asked_of(kind: str, asset: str, subject: str) -> Quantity:
    """The quantity that sources are asked for."""
    venue = names.find("venues", subject) if subject else None
    slug = re.sub(r"[^a-z0-9]+", "-", subject.lower()).strip("-")  # as aggregators of protocols name them
    scope = Scope.of(venue.id if venue else slug) if subject and kind == "dex" else Scope()
    return Quantity(METRICS[KINDS[kind]], scope, Scope.of(asset) if asset else Scope())


def fetched(kind: str, window: Window) -> Window:
    """What to ask sources for: the days of the window, in the time zone in which they are counted."""
    days = _dates(window)
    if kind == "dex":
        return Window(_utc(days[0]), _utc(days[-1] + _DAY))
    return Window(day_window(days[0]).start, day_window(days[-1]).end)


def _dates(window: Window) -> list[date]:
    first, last = window.start.date(), (window.end - timedelta(microseconds=1)).date()
    return [first + number * _DAY for number in range((last - first).days + 1)]


def _utc(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _days(kind: str, window: Window) -> list[date]:
    dates = _dates(window)
    return dates if kind == "dex" else trading_days(dates[0], dates[-1] + _DAY)


def _from_sources(
    found: Gathered, kind: str, asset: str, subject: str, days: Sequence[date], claim: Stated | None
) -> Iterable[Reading]:
    import polars as pl

    for delivery, frame in found.series(KINDS[kind], asset if kind == "etf" else ""):
        yield from _since_launch(delivery, frame, found.window, claim)
        by_day = _by_day(frame.filter(pl.col("field") == "value"), kind, subject)
        missing = [day for day in days if day not in by_day]
        if len(missing) == len(days):
            continue
        told = [value for day, value in by_day.items() if day in set(days)]
        total, step = sum(told), delivery.channel.step
        half = len(told) * step / 2  # every day may be rounded
        sign = _sign(claim)
        lacking = f", without {_few(missing)}: not reported" if missing else ""
        rounded = f", each to {dollars(step)}" if step else ""
        text = f"{dollars(round(total, 2))} over {_counted(len(told))}{rounded}{lacking}"
        span = (sign * total - half, sign * total + half)
        fitting = _fitting(claim, sign * total, half, step) if claim else None
        yield delivered_reading(
            delivery, delivery.source.title, span, text,
            variant="the days that are reported" if missing else "", fitting=fitting, partial=bool(missing),
        )  # fmt: skip


def _fitting(claim: Stated, total: float, half: float, step: float) -> Fit:
    """Whether the claim fits a sum of rounded days, which may be off by `half`.

    A claim that is no finer than one day's number is what one reads off the table, if the sum as printed is in it.
    """
    asked = _amount(claim)
    amount = asked.amount
    assert amount is not None
    printed = held(asked, (total, total))
    if printed in (Fit.YES, Fit.HEDGED) and float(amount.high - amount.low) >= step:
        return printed
    return held(asked, (total - half, total + half))


def _since_launch(delivery: Delivery, frame: pl.DataFrame, window: Window, claim: Stated | None) -> Iterable[Reading]:
    """A sum from launch to now: that of the window asked, if the window reaches from the one to the other."""
    for start, end, field, value in frame.select("start", "end", "field", "value").iter_rows():
        if field != "cumulative":
            continue
        told = Window(start, end)
        text = f"{dollars(round(value, 2))} from {start:%d %b %Y} to {end:%d %b %Y}"
        same = told.shared(window) >= _SAME_WINDOW
        variant = "" if same else "its sum from launch until it was asked"
        fitting = held(_amount(claim), (value, value)) if claim and same else None  # of another window it says nothing
        yield delivered_reading(delivery, delivery.source.title, (value, value), text, variant=variant, fitting=fitting)


def _by_day(frame: pl.DataFrame, kind: str, subject: str) -> Mapping[date, float]:
    """Dollars by day: of the fund or protocol asked, of all funds, or the sum of the funds where no total is told."""
    zone = EASTERN if kind == "etf" else UTC
    wanted = names.key(subject) if subject else ""
    totals: dict[date, float] = {}
    parts: dict[date, float] = {}
    for start, whose, value in frame.select("start", "subject", "value").iter_rows():
        day = start.astimezone(zone).date()
        if wanted:
            if names.key(whose) == wanted:
                totals[day] = totals.get(day, 0.0) + value
        elif whose == ALL_FUNDS:
            totals[day] = value
        else:
            parts[day] = parts.get(day, 0.0) + value
    return {**parts, **totals}


def _from_figures(
    found: Gathered, kind: str, quantity: Quantity, subject: str, claim: Stated | None
) -> Iterable[Reading]:
    sign = _sign(claim)
    for figure in found.stated(KINDS[kind]):
        if figure.window is None or not _same_subject(figure, quantity, kind, subject):
            continue
        if not figure.window.may_be(found.window) and figure.window.shared(found.window) < _SAME_WINDOW:
            continue
        amount = figure.amount
        assert amount is not None
        fitting = None
        if claim is not None:
            ends = sorted((sign * float(amount.low), sign * float(amount.high)))
            fitting = held(_amount(claim), (ends[0], ends[1]))
        yield figure_reading(figure, found, f"{amount} over {figure.window.words()}", fitting, sign=sign)


def _same_subject(figure: Figure, quantity: Quantity, kind: str, subject: str) -> bool:
    stated_, venues = figure.quantity, figure.quantity.venues.names
    if kind == "dex":
        return venues == quantity.venues.names
    if stated_.assets != quantity.assets:
        return False
    if subject:  # what all funds took in says nothing of one
        return venues is not None and {names.key(name) for name in venues} == {names.key(subject)}
    return venues is None or all(_ALL.search(name) for name in venues)


def _findings(found: Gathered, kind: str, quantity: Quantity) -> list[Finding]:
    """What printed figures say of one another: parts against their whole, one part with different digits."""
    if kind != "etf":
        return []
    wholes: list[Figure] = []
    parts: dict[tuple[str, ...], list[Figure]] = {}
    for figure in found.stated(KINDS[kind]):
        window, venues = figure.window, figure.quantity.venues.names
        if window is None or not window.may_be(found.window) or figure.quantity.assets != quantity.assets:
            continue
        if venues is None or all(_ALL.search(name) for name in venues):
            wholes.append(figure)
        else:
            parts.setdefault(tuple(sorted(venues)), []).append(figure)
    notes = [note for group in parts.values() if (note := _twice(group))]
    if wholes and len(parts) > 1:
        notes += _parts_of(wholes[0], [group[0] for group in parts.values()])
    return notes


def _of_others(found: Gathered, kind: str, asset: str) -> Iterable[Finding]:
    """Channels that answered about the funds of other assets: a saved page is of what it is."""
    for delivery, frame in found.series(KINDS[kind]):
        told = sorted(set(frame["asset"].to_list()) - {"", asset})
        if kind == "etf" and told and asset not in frame["asset"]:
            yield Finding("other_asset", f"{delivery.label} tells of {', '.join(told)} funds, not of {asset}", ())


def _twice(group: Sequence[Figure]) -> Finding | None:
    """One fund's flow printed with different digits."""
    values = {float(figure.amount.value): figure for figure in group if figure.amount is not None}
    if len(values) < 2:
        return None
    (first, a), (second, b) = list(values.items())[:2]
    name = "+".join(sorted(group[0].quantity.venues.names or ())).upper()
    ratio = max(abs(first), abs(second)) / min(abs(first), abs(second)) if first and second else 0.0
    slip = f", apart by a factor of {ratio:.3g}" if ratio else ""
    return Finding(
        "same_thing_twice", f"{name} is printed as {dollars(first)} and as {dollars(second)}{slip}", (a.url, b.url)
    )


def _parts_of(whole: Figure, parts: Sequence[Figure]) -> list[Finding]:
    assert whole.amount is not None
    total = float(whole.amount.value)
    amounts = [float(part.amount.value) for part in parts if part.amount is not None]
    rest = total - sum(amounts)
    if abs(rest) <= _REST * abs(total):
        return []
    listed = " + ".join(dollars(amount) for amount in amounts)
    text = f"the named parts, {listed}, add up to {dollars(round(sum(amounts), 2))} of {dollars(total)}:"
    text += f" {dollars(round(rest, 2))} is left for what is not named"
    return [Finding("parts_of_whole", text, tuple(dict.fromkeys(figure.url for figure in (whole, *parts))))]


def _amount(claim: Stated) -> Stated:
    """A sum of money is compared as one, whatever words stand around it."""
    return replace(claim, statistic=Statistic.AMOUNT)


def _sign(claim: Stated | None) -> float:
    return -1.0 if claim is not None and claim.negative else 1.0


def _counted(days: int) -> str:
    return f"{days} day{'' if days == 1 else 's'}"


def _few(days: Sequence[date]) -> str:
    shown = ", ".join(f"{day:%d %b}" for day in days[:3])
    return shown + (f" and {len(days) - 3} more days" if len(days) > 3 else "")


def _subject(kind: str, asset: str, subject: str, *, outflow: bool = False) -> str:
    """In words; where the claim is one of an outflow, readings are counted in its direction."""
    if kind == "dex":
        return f"volume of {names.title('venues', subject)}"
    flow = "net outflow" if outflow else "net flow"
    return f"{flow} of {subject.upper()}" if subject else f"{flow} of US spot {asset} funds"


def _sentence(listed: Sequence[Reading], what: str, when: str, kind: str) -> str:
    known = [reading for reading in listed if not reading.variant]
    if not known:
        return ""
    verb = "was" if kind == "etf" else "added up to"
    return f"The {what} {verb} {spread(listed, dollars)} ({when})."


def _caveat(listed: Sequence[Reading], kind: str, days: int) -> str:
    known = {reading.lineage for reading in listed if reading.votes}
    if kind == "etf":
        text = f"Counted over {days} trading day{'s' if days != 1 else ''} of US exchanges, in US Eastern time."
    else:
        text = f"Counted over {days} day{'s' if days != 1 else ''} of UTC."
    if len(known) < 2:
        text += " One lineage at most speaks of it: nothing independent confirms it."
    if kind == "etf":
        text += " Providers list different funds, and a first number may be completed a day later."
    return text
