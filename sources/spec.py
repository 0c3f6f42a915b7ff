"""What a source declares about itself before any code runs: the facts that plans, caveats and reports rest on.

Facts with a date are data, never an `if`: a tuple of entries with `since`, strictly increasing, of which the
last one that has begun is in force. Everything is checked when the module is imported.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from verify.model.figure import Basis, Completeness, QuantityBasis
from verify.model.quantity import METRICS

#: What a user's own table rests on is the table itself: `file:desk.csv`.
_URL = re.compile(r"https?://[^\s/]+\.[^\s]+|wss?://[^\s/]+\.[^\s]+|(?:file|sql):\S+")
_IDENTITY = re.compile(r"[a-z0-9][a-z0-9_.-]*")


class SpecError(ValueError):
    """A declaration that contradicts itself; raised at import, so that it never reaches a user."""


class Transport(StrEnum):
    REST = "rest"
    STREAM = "stream"
    FILE = "file"


class Form(StrEnum):
    """What one row of a channel is."""

    EVENTS = "events"
    BARS = "bars"
    SERIES = "series"  # prices, flows, volumes, volatilities, holdings: what is not a liquidation
    FIGURES = "figures"


class Keep(StrEnum):
    """Which record a capped feed keeps of each interval."""

    LATEST = "latest"
    LARGEST = "largest"
    FIRST = "first"
    UNKNOWN = "unknown"


class BarLabel(StrEnum):
    """Which edge of a bar its time stamp names."""

    START = "start"
    END = "end"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Cap:
    """The rule of a capped feed: at most `most` records per `per` and `interval`, of which `keep` is kept."""

    interval: timedelta
    keep: Keep
    per: tuple[str, ...] = ("symbol",)  # ("symbol",) or ("symbol", "side")
    most: int = 1

    def words(self) -> str:
        kept = "" if self.keep is Keep.UNKNOWN else f", the {self.keep}"
        seconds = f"{self.interval.total_seconds():g}"
        span = "second" if seconds == "1" else f"{seconds} seconds"
        number = {1: "one", 2: "two"}.get(self.most, str(self.most))
        return (
            f"at most {number} liquidation{'' if self.most == 1 else 's'} per {' and '.join(self.per)} and {span}{kept}"
        )


@dataclass(frozen=True, slots=True)
class CompletenessRule:
    """What a channel shows of its venue's liquidations from `since` (None: always) until the next rule.

    `confirmed` is False where no document says so; `note` says what is doubtful. `citation` is a URL.
    """

    completeness: Completeness
    citation: str
    since: date | None = None
    cap: Cap | None = None
    note: str = ""
    confirmed: bool = True

    def words(self) -> str:
        stated = self.cap.words() if self.cap else str(self.completeness)
        doubt = "" if self.confirmed else " (unconfirmed)"
        return f"{stated}{doubt}"


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `requests` in `per` for one host."""

    requests: int
    per: timedelta
    citation: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelSpec:
    """One feed of a provider.

    `lineage` names the measuring feeds that the channel descends from (a venue's own feed descends from itself: its
    id is `venue/channel`); `lineage_assumed` says that no document does. `history` is how far back the channel
    answers (None: as far as there is data; zero: only what happens while listening). `span` is the longest window
    of one request, `page` the most rows of one answer, `step` what each number of a series is rounded to (zero: to
    nothing). An archive that is not continued names its `first_day` and `last_day` (UTC) and the `missing_days`
    between them. `selected` says, where the provider is asked contract by contract, which ones are asked for if no
    asset is named: the answer is then a part of the venue. `doubts` are printed in every report that rests on the
    channel.
    """

    id: str
    title: str
    transport: Transport
    form: Form
    docs: tuple[str, ...]
    metrics: tuple[str, ...]
    venues: tuple[str, ...]
    lineage: tuple[str, ...]
    completeness: tuple[CompletenessRule, ...]
    side_rule: str = ""
    side_citation: str = ""
    quantity_unit: str
    price_basis: Basis = Basis.STATED
    quantity_basis: QuantityBasis = QuantityBasis.FILLED
    history: timedelta | None = None
    span: timedelta | None = None
    page: int | None = None
    bar_label: BarLabel = BarLabel.START
    bar_length: timedelta | None = None
    doubts: tuple[str, ...] = ()
    first_day: date | None = None
    last_day: date | None = None
    missing_days: tuple[date, ...] = ()
    selected: str = ""
    step: float = 0.0
    lineage_assumed: bool = False

    def __post_init__(self) -> None:
        _require(bool(_IDENTITY.fullmatch(self.id)), f"channel id {self.id!r} is not lower case")
        sided = self.form is not Form.SERIES
        _require(bool(self.title and self.quantity_unit), f"{self.id}: a text is missing")
        _require(bool(self.side_rule and self.side_citation) == sided, f"{self.id}: a series has no side, all else has")
        _require(bool(self.docs), f"{self.id}: no documentation is cited")
        _require(bool(self.metrics), f"{self.id}: serves no metric")
        _require(bool(self.venues) or not sided, f"{self.id}: names no venue")
        _require(bool(self.lineage), f"{self.id}: declares no lineage")
        for metric in self.metrics:
            _require(metric in METRICS, f"{self.id}: unknown metric {metric!r}")
        _require(bool(self.completeness), f"{self.id}: declares no completeness")
        cited = (self.side_citation,) if sided else ()
        for url in (*self.docs, *cited, *(rule.citation for rule in self.completeness)):
            _require_url(url, self.id)
        strictly_increasing([rule.since for rule in self.completeness], self.id)
        for rule in self.completeness:
            capped = rule.completeness is Completeness.CAPPED
            _require(capped == (rule.cap is not None), f"{self.id}: a rule is capped without a cap, or the reverse")
        _require(self.step >= 0, f"{self.id}: the step is negative")
        if self.form is Form.BARS:
            _require(self.bar_length is not None, f"{self.id}: bars need a length")
        strictly_increasing([day for day in (self.first_day, *self.missing_days, self.last_day) if day], self.id)
        if self.transport is Transport.STREAM:
            _require(self.history == timedelta(0), f"{self.id}: a stream has no history")

    def rule_at(self, moment: datetime) -> CompletenessRule:
        """The completeness rule in force at `moment` (UTC)."""
        return in_force(self.completeness, moment)

    def rules_in(self, start: datetime, end: datetime) -> tuple[CompletenessRule, ...]:
        """Every rule in force at some moment of `[start, end)`, in order."""
        first = self.completeness.index(self.rule_at(start))
        later = [r for r in self.completeness[first + 1 :] if r.since and _midnight(r.since) < end]
        return (self.completeness[first], *later)


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """One provider. `auth` names the environment variables of its keys; `hosts` are all hosts it may be asked at.

    `auth_headers` says, key by key, which header carries it: `X-Api-Key`, or `Authorization: Token {}`; without it
    keys go into `Authorization: Bearer {}`. With `key_optional` a source that is asked for by name answers in part
    without its keys. A node of the user's own stands in `hosts` as `own_node`, a name that leads nowhere: the first of
    `auth` holds its URL, which is a secret like any key and is put in place of the name when a request is sent.
    """

    id: str
    title: str
    homepage: str
    channels: tuple[ChannelSpec, ...]
    hosts: tuple[str, ...]
    rate: Rate | None
    as_of: date
    kind: str = "venue"  # "venue", "chain", "aggregator", "flow", "market", "file" or "simulated"
    auth: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    auth_headers: tuple[str, ...] = ()
    key_optional: bool = False
    own_node: str = ""

    def __post_init__(self) -> None:
        _require(bool(_IDENTITY.fullmatch(self.id)), f"source id {self.id!r} is not lower case")
        _require(bool(self.title), f"{self.id}: no title")
        _require_url(self.homepage, self.id)
        _require(bool(self.channels), f"{self.id}: no channel")
        names = [channel.id for channel in self.channels]
        _require(len(set(names)) == len(names), f"{self.id}: two channels share an id")
        for name in self.auth:
            _require(name.startswith("VERIFY_") and name.isupper(), f"{self.id}: {name} is not VERIFY_<SOURCE>_...")
        _require(len(self.auth_headers) in (0, len(self.auth)), f"{self.id}: keys and their headers differ in number")
        named = self.own_node in self.hosts and self.own_node.endswith(".invalid")
        _require(not self.own_node or (named and bool(self.auth)), f"{self.id}: the own node is no host or has no URL")
        for channel in self.channels:
            if channel.transport is Transport.REST:
                _require(bool(self.hosts) and self.rate is not None, f"{self.id}: REST needs hosts and a rate")
        _require(self.rate is None or self.rate.requests > 0, f"{self.id}: the rate is not positive")
        if self.rate is not None and self.rate.citation:
            _require_url(self.rate.citation, self.id)

    def channel(self, identity: str) -> ChannelSpec:
        return next(channel for channel in self.channels if channel.id == identity)

    def named_elsewhere(self, channel: ChannelSpec, venues: Collection[str]) -> bool:
        """Whether `channel` is open to any venue while others of this source name all of `venues` for its metric."""
        others = {v for other in self.channels if set(other.metrics) & set(channel.metrics) for v in other.venues}
        return not channel.venues and bool(venues) and set(venues) <= others


def in_force(rules: Sequence[CompletenessRule], moment: datetime) -> CompletenessRule:
    """The last rule whose `since` (midnight UTC) is not after `moment`."""
    begun = [rule for rule in rules if rule.since is None or _midnight(rule.since) <= moment]
    return begun[-1] if begun else rules[0]


def strictly_increasing(dates: Sequence[date | None], owner: str) -> None:
    """The first entry may be None ("always"), every later one must name a later date."""
    previous = date.min
    for index, since in enumerate(dates):
        if since is None:
            _require(index == 0, f"{owner}: only the first dated entry may have no date")
            continue
        _require(since > previous, f"{owner}: the dated entries are not strictly increasing at {since}")
        previous = since


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise SpecError(message)


def _require_url(url: str, owner: str) -> None:
    _require(bool(_URL.fullmatch(url)), f"{owner}: {url!r} is not a URL")
