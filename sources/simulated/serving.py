"""A SIMULATED market as sources: `--source 'simulated:crash?seed=7'`.

The address names a regime, and may name a seed (0), a scenario (nominal) and the start of the simulated day. What the
venues show of that day comes in the wire format of each venue and is read by its own adapter; aggregators add hourly
bars, and a last source knows how large the venues are. Nothing leaves this machine, and the truth stays behind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache, partial
from importlib import import_module
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from sources import build
from sources.adapter import Channel, Instrument, Instruments, Payload, Request, Source, Told, Weight
from sources.lazy import pl
from sources.simulated import wire
from sources.simulated.feeds import ShownAggregator, ShownFeed
from sources.simulated.scenarios import SCENARIOS, Simulated, scenario, simulate
from sources.simulated.world import Feed, Regime, Venue
from sources.spec import ChannelSpec, CompletenessRule, Form, SourceSpec, Transport
from verify.model import names
from verify.model.errors import InputError, NameUnknown, WindowError
from verify.model.figure import Basis, Completeness
from verify.model.quantity import Quantity
from verify.model.window import Window, iso, parse_instant

KIND = "simulated"
#: The simulated day where the address names none. Long past, so that no clock is before it.
START, LENGTH = datetime(2025, 3, 1, tzinfo=UTC), timedelta(days=1)
#: What an address may name.
PARAMETERS = ("seed", "scenario", "start")
#: Named by what a reader sees first.
NOTICE = "nothing here happened in a market"
#: Citations and requests must be addresses that archives take; this one is reserved (RFC 2606) and leads nowhere.
_NOWHERE = "https://simulated.example/"
#: The channels of the simulated world that are written in the form of another channel.
_WRITTEN_AS = {"hyperliquid/trades": "hyperliquid/node_fills"}
#: Rows of one body: the venue's own pages would only cost time.
_ROWS = 100_000
_HOUR = timedelta(hours=1)
_BAR_FIELDS = ("start", "end", "venue", "asset", "side", "notional_usd", "count")
_EVENT_FIELDS = ("time", "instrument", "asset", "side", "quantity", "price", "notional_usd", "event_id")


@dataclass(frozen=True, slots=True)
class Day:
    """A simulated day: all that it is a function of."""

    regime: Regime
    seed: int
    scenario: str
    start: datetime

    @property
    def window(self) -> Window:
        return Window(self.start, self.start + LENGTH)


class _Head(msgspec.Struct):
    """The first line of every answer. `covered` are the parts of the window that were listened to (None: all)."""

    SIMULATED: str
    covered: list[tuple[datetime, datetime]] | None = None


class _Size(msgspec.Struct):
    venue: str
    open_interest: float | None
    volume: float | None


def opened(address: str) -> Sequence[Source]:
    """The sources of the simulated day at `address` (`crash?seed=7&scenario=faults&start=2026-01-18T00:00Z`).

    Raises `InputError` for a regime, a scenario or a parameter that there is not.
    """
    day = read_address(address)
    shown = _simulated(day)
    venues = [_venue(day, feed) for feed in shown.shown.feeds]
    read = {feed.venue for feed in shown.shown.feeds}
    venues += [
        _unread(day, venue.name, venue.feed.documented(day.start.date()))
        for venue in shown.scenario.world.venues
        if venue.feed is not None and venue.name not in read
    ]
    aggregators = [_aggregator(day, item) for item in shown.shown.aggregators]
    return [*venues, *aggregators, _market(day)]


def read_address(address: str) -> Day:
    """What an address names; whatever it leaves out is as documented above."""
    regime, _, query = address.partition("?")
    if regime not in list(Regime):
        raise InputError(f"there is no simulated regime {regime[:40]!r}: choose {', '.join(Regime)}")
    given = dict(parse_qsl(query, keep_blank_values=True))
    for name in given:
        if name not in PARAMETERS:
            raise InputError(f"a simulated market has no parameter {name[:40]!r}: it takes {', '.join(PARAMETERS)}")
    seed = given.get("seed", "0")
    if not (seed.isascii() and seed.isdigit() and len(seed) <= 18):
        raise InputError(f"the seed of a simulated market is a whole number from 0 on, not {seed[:40]!r}")
    try:
        which = scenario(given.get("scenario", "nominal"))
        start = parse_instant(given["start"]) if "start" in given else START
        return _checked(Day(Regime(regime), int(seed), which.name, start))
    except NameUnknown as error:
        known = ", ".join(item.name for item in SCENARIOS)
        raise InputError(f"{error.message} (there are: {known})") from None
    except (WindowError, OverflowError) as error:
        raise InputError(f"the start of a simulated day: {error}") from None


def _checked(day: Day) -> Day:
    """The hour before and the day before are drawn too, so that the ends of the calendar are out of reach."""
    if day.start.microsecond or day.start.second:
        raise InputError(f"a simulated day starts at a full minute, not at {iso(day.start)}")
    if not 2000 <= day.start.year <= 2100:
        raise InputError(f"a simulated day lies in the years 2000 to 2100, not in {day.start.year}")
    return day


@lru_cache(maxsize=2)
def _simulated(day: Day) -> Simulated:
    return simulate(scenario(day.scenario), day.regime, day.seed, start=day.start, length=LENGTH)


def _source(day: Day, name: str, title: str, channel: ChannelSpec, code: Channel, **more: Any) -> Source:
    spec = SourceSpec(
        id=f"{KIND}.{name}",
        title=f"SIMULATED {title}",
        homepage=_NOWHERE,
        channels=(channel,),
        hosts=(),
        rate=None,
        as_of=date(2026, 11, 25),
        kind=KIND,
        limits=(NOTICE,),
    )
    return Source(spec, {channel.id: code}, within=day.window, **more)


def _venue(day: Day, feed: ShownFeed) -> Source:
    """One venue's feed: its real adapter reads it, except where the venue is invented."""
    channel = _WRITTEN_AS.get(feed.channel, feed.channel)
    home, _, name = channel.partition("/")
    real: Source | None = import_module(f"sources.{home}").SOURCE if channel in wire.FORMS else None
    own = real.spec.channel(name) if real is not None else None
    spec = ChannelSpec(
        id=name,
        title=f"SIMULATED {own.title if own is not None else 'liquidations'}",
        transport=Transport.FILE,
        form=Form.EVENTS,
        docs=(_NOWHERE,),
        metrics=("liquidations", "liquidation_count"),
        venues=(feed.venue,),
        lineage=(feed.channel,),
        completeness=(_rule(feed.completeness, feed.cap, doubtful=feed.doubtful),),
        side_rule="as the venue's own adapter reads it",
        side_citation=_NOWHERE,
        quantity_unit=own.quantity_unit if own is not None else "coins",
        price_basis=own.price_basis if own is not None else Basis.AVERAGE_FILL,
        bar_length=None,
    )
    code = Channel(
        requests=partial(_requests, day, feed.venue, name),
        parse=partial(_parse_events, channel if real is not None else ""),
        reader=partial(_read_events, day, feed.venue, channel),
        told=_told,
    )
    more: dict[str, Any] = {}
    if real is not None and real.parse_instruments is not None and real.instrument_requests is not None:
        more = {
            "instrument_requests": partial(_ask, day, feed.venue, "contracts"),
            "parse_instruments": partial(_parse_contracts, home),
            "reader": partial(_read_contracts, day, feed.venue),
        }
    return _source(day, feed.venue, names.title("venues", feed.venue), spec, code, **more)


def _unread(day: Day, venue: str, feed: Feed) -> Source:
    """A venue whose feed nobody listened to that day: aggregators did, so that what is documented of it matters."""
    spec = ChannelSpec(
        id=_WRITTEN_AS.get(feed.channel, feed.channel).partition("/")[2],
        title="SIMULATED liquidations",
        transport=Transport.STREAM,
        form=Form.EVENTS,
        docs=(_NOWHERE,),
        metrics=("liquidations", "liquidation_count"),
        venues=(venue,),
        lineage=(feed.channel,),
        completeness=(_rule(feed.completeness, feed.possible, doubtful=feed.doubtful),),
        side_rule="as the venue's own adapter reads it",
        side_citation=_NOWHERE,
        quantity_unit="coins",
        history=timedelta(0),
    )
    code = Channel(message=lambda _body, _received, _instruments: build.no_events(), reader=lambda _request: b"")
    return _source(day, venue, names.title("venues", venue), spec, code)


def _rule(completeness: Completeness, cap: Any, *, doubtful: bool = False) -> CompletenessRule:
    """What is documented of a feed. A rule that an undocumented feed may follow is not among it."""
    return CompletenessRule(
        completeness,
        _NOWHERE,
        cap=cap if completeness is Completeness.CAPPED else None,
        note="two documents contradict each other" if doubtful else "",
        confirmed=not doubtful and completeness is not Completeness.UNKNOWN,
    )


def _aggregator(day: Day, shown: ShownAggregator) -> Source:
    spec = ChannelSpec(
        id="history_1h",
        title="SIMULATED hourly bars of several venues' feeds",
        transport=Transport.FILE,
        form=Form.BARS,
        docs=(_NOWHERE,),
        metrics=("liquidations",),
        venues=tuple(sorted(shown.sources)),
        lineage=tuple(sorted(feed.channel for feed in shown.sources.values())),
        completeness=(_rule(Completeness.UNKNOWN, None),),
        side_rule="long and short are those of the position",
        side_citation=_NOWHERE,
        quantity_unit="USD",
        bar_length=_HOUR,
    )
    code = Channel(
        requests=partial(_requests, day, shown.name, "bars"),
        parse=partial(_parse_bars, f"{KIND}.{shown.name}"),
        reader=partial(_read_bars, day, shown.name),
    )
    return _source(day, shown.name, shown.name.replace("_", " "), spec, code)


def _market(day: Day) -> Source:
    """How large every venue is, seen or not."""
    spec = ChannelSpec(
        id="sizes",
        title="SIMULATED open interest and volume of all venues",
        transport=Transport.FILE,
        form=Form.SERIES,
        docs=(_NOWHERE,),
        metrics=("open_interest",),
        venues=(),
        lineage=(f"{KIND}/sizes",),
        completeness=(_rule(Completeness.COMPLETE, None),),
        quantity_unit="USD, one-sided",
    )
    read = partial(_read_sizes, day)
    return _source(
        day,
        "market",
        "market",
        spec,
        Channel(reader=read),
        weight_requests=lambda quantity, _at: _ask(day, "market", "sizes", quantity),
        parse_weights=_parse_sizes,
        reader=read,
    )


def _ask(day: Day, name: str, what: str, _quantity: Quantity, **more: str) -> list[Request]:
    return [Request(f"{_NOWHERE}{day.regime}/{name}/{what}", (*_day(day), *more.items()))]


def _day(day: Day) -> tuple[tuple[str, str], ...]:
    return (("seed", str(day.seed)), ("scenario", day.scenario), ("day", iso(day.start)))


def _requests(day: Day, name: str, what: str, window: Window, quantity: Quantity) -> list[Request]:
    return _ask(day, name, what, quantity, start=window.start.isoformat(), end=window.end.isoformat())


def _asked(request: Request) -> Window:
    params = dict(request.params)
    return Window(datetime.fromisoformat(params["start"]), datetime.fromisoformat(params["end"]))


def _feed(day: Day, venue: str) -> ShownFeed:
    return next(feed for feed in _simulated(day).shown.feeds if feed.venue == venue)


def _place(day: Day, venue: str) -> Venue:
    return _simulated(day).scenario.world.venue(venue)


def _body(lines: Sequence[bytes], covered: tuple[Window, ...] | None = None) -> bytes:
    parts = None if covered is None else [(part.start, part.end) for part in covered]
    return b"\n".join([msgspec.json.encode(_Head(NOTICE, parts)), *lines])


def _read_events(day: Day, venue: str, channel: str, request: Request) -> bytes:
    feed, window = _feed(day, venue), _asked(request)
    inside = feed.events.filter(pl.col("time") >= window.start, pl.col("time") < window.end)
    covered = None
    if feed.covered is not None:
        covered = tuple(
            Window(max(part.start, window.start), min(part.end, window.end))
            for part in feed.covered
            if part.start < window.end and part.end > window.start
        )
    if channel not in wire.FORMS:
        rows = inside.select(_EVENT_FIELDS).with_columns(pl.col("time").dt.epoch("us")).rows()
        return _body([msgspec.json.encode(rows)], covered)
    bodies = wire.write(channel, inside, feed.contract_sizes, rows=_ROWS)
    if channel.startswith("binance/") and bodies:
        bodies = [b"[" + b",".join(bodies) + b"]"]  # a connection may send several in one message
    return _body(bodies, covered)


def _parse_events(channel: str, payload: Payload, window: Window, instruments: Instruments) -> pl.DataFrame:
    lines = payload.body.split(b"\n")[1:]
    if not channel:
        return _parse_invented(lines, payload, window)
    home, _, name = channel.partition("/")
    real: Source = import_module(f"sources.{home}").SOURCE
    code = real.channels[name]
    if home == "hyperliquid":
        lines = [b"\n".join(lines)] if lines else []
    with build.validated_later():
        frames = [_read_by(code, real, line, payload, window, instruments) for line in lines]
    merged = build.checked(build.merge(frames), f"{KIND}.{home}")
    return merged.filter(pl.col("time") >= window.start, pl.col("time") < window.end)


def _read_by(
    code: Channel, real: Source, line: bytes, payload: Payload, window: Window, instruments: Instruments
) -> pl.DataFrame:
    if code.message is not None:
        return code.message(line, payload.received, instruments)
    assert code.parse is not None
    request = Request(f"https://{real.spec.hosts[0] if real.spec.hosts else 'file'}/usdt/")
    return code.parse(replace(payload, request=request, body=line), window, instruments)


def _parse_invented(lines: Sequence[bytes], payload: Payload, window: Window) -> pl.DataFrame:
    """Venues of another world have no wire format of their own."""
    rows = [row for line in lines for row in msgspec.json.decode(line)]
    frame = pl.DataFrame(rows, schema=list(_EVENT_FIELDS), orient="row", infer_schema_length=None)
    if frame.is_empty():
        return build.no_events()
    frame = frame.with_columns(pl.from_epoch("time", "us").dt.replace_time_zone("UTC"))
    venue = payload.request.url.split("/")[4]
    return build.events(
        frame, venue=venue, source=f"{KIND}.{venue}", price_basis=Basis.AVERAGE_FILL, window=window,
        received=payload.received, evidence=payload.evidence,
    )  # fmt: skip


def _told(payload: Payload, window: Window) -> Told:
    head = build.decode(_Head, payload.body.partition(b"\n")[0], KIND)
    if head.covered is None:
        return Told(1.0)
    parts = tuple(Window(start, end) for start, end in head.covered)
    share = sum((part.length / window.length for part in parts), 0.0)
    whole = share > 1 - 1e-9
    notes = () if whole else (f"the feed was not listened to for {1 - share:.1%} of the window",)
    return Told(share, notes, whole, parts)


def _read_contracts(day: Day, venue: str, _request: Request) -> bytes:
    return wire.contracts(_place(day, venue), _simulated(day).scenario.world.assets, _feed(day, venue).contract_sizes)


def _parse_contracts(home: str, payload: Payload) -> dict[str, Instrument]:
    real: Source = import_module(f"sources.{home}").SOURCE
    assert real.parse_instruments is not None
    assert real.instrument_requests is not None
    return real.parse_instruments(replace(payload, request=real.instrument_requests(Quantity())[0]))


def _read_bars(day: Day, name: str, request: Request) -> bytes:
    window = _asked(request)
    shown = next(item for item in _simulated(day).shown.aggregators if item.name == name)
    bars = shown.bars.filter(pl.col("end") > window.start, pl.col("start") < window.end)
    rows = bars.select(_BAR_FIELDS).with_columns(pl.col("start", "end").dt.epoch("us")).rows()
    return _body([msgspec.json.encode(rows)])


def _parse_bars(source: str, payload: Payload, window: Window, _instruments: Instruments) -> pl.DataFrame:
    rows = [row for line in payload.body.split(b"\n")[1:] for row in msgspec.json.decode(line)]
    frame = pl.DataFrame(rows, schema=list(_BAR_FIELDS), orient="row", infer_schema_length=None)
    if frame.is_empty():
        return build.no_bars()
    frame = frame.with_columns(pl.from_epoch(pl.col("start", "end"), "us").dt.replace_time_zone("UTC"))
    return pl.concat(
        build.bars(
            frame.filter(pl.col("venue") == venue), venue=venue, source=source, completeness=Completeness.UNKNOWN,
            window=window,
        )
        for venue in frame["venue"].unique().sort()
    )  # fmt: skip


def _read_sizes(day: Day, _request: Request) -> bytes:
    sizes = [_Size(size.venue, size.open_interest, size.volume) for size in _simulated(day).shown.sizes]
    return _body([msgspec.json.encode(sizes)])


def _parse_sizes(payload: Payload, _instruments: Instruments) -> list[Weight]:
    sizes = build.decode(list[_Size], payload.body.split(b"\n")[1], KIND)
    return [Weight(size.venue, "all", payload.received, size.open_interest, size.volume) for size in sizes]
