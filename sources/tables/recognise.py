"""Columns by their headings, where no mapping names them. Every guess is said, and an unclear one is none."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import msgspec

from sources.lazy import pl
from sources.tables.mapping import Columns, SideRule, TableMapping, Time, Units
from sources.tables.times import headings_with_units, zone_in_heading
from verify.model import names
from verify.model.window import duration_words

#: Words of headings by what the column is, best first: whole words in lower case, units and zones left out.
_WORDS: Mapping[str, tuple[str, ...]] = {
    "time": (
        "time", "timestamp", "ts", "datetime", "date time", "event time", "trade time", "liquidation time",
        "liquidated at", "created at", "created time", "executed at", "exec time", "update time", "zeit", "zeitpunkt",
        "uhrzeit", "datum", "date", "hora", "fecha", "heure", "时间", "日期", "t", "hour", "day", "minute",
    ),
    "start": ("start", "bar start", "open time", "from", "bucket", "period start", "interval start", "von"),
    "end": ("end", "bar end", "close time", "until", "period end", "interval end", "bis"),
    "side": (
        "side", "position side", "pos side", "posside", "position", "direction", "liquidated side", "order side",
        "seite", "richtung", "方向", "lado", "s",
    ),
    "venue": ("venue", "exchange", "exch", "market venue", "börse", "boerse", "交易所", "platform"),
    "asset": ("asset", "base", "base asset", "base coin", "base currency", "coin", "currency", "token", "ccy", "币种"),
    "instrument": (
        "instrument", "symbol", "contract", "market", "inst id", "instid", "pair", "ticker", "paar", "product",
        "instrument name", "合约", "交易对",
    ),
    "quantity": (
        "quantity", "qty", "size", "amount", "filled", "filled quantity", "vol", "volume", "sz", "contracts", "menge",
        "anzahl", "base amount", "base quantity", "数量", "q",
    ),
    "price": ("price", "px", "avg price", "average price", "fill price", "exec price", "preis", "kurs", "bk px", "bkpx",
              "bankruptcy price", "mark price", "价格", "p", "ap"),
    "notional": (
        "notional", "notional usd", "usd", "value", "value usd", "usd value", "amount usd", "usd amount",
        "quantity usd", "volume usd", "usd volume", "size usd", "notional value", "quote amount", "turnover", "betrag",
        "wert", "usdt", "value usdt", "notional usdt", "amount usdt", "liquidation usd", "liquidations",
        "liquidations usd", "金额",
    ),
    "id": ("id", "event id", "trade id", "order id", "liquidation id", "uid", "tid", "execution id"),
    "long": ("long", "longs", "long usd", "long liquidations", "long liquidation usd", "longs usd", "long volume",
             "long liquidations usd", "liquidated longs", "buy liquidations", "多头", "long liq"),
    "short": ("short", "shorts", "short usd", "short liquidations", "short liquidation usd", "shorts usd",
              "short volume", "short liquidations usd", "liquidated shorts", "空头", "short liq"),
    "count": ("count", "liquidation count", "number", "n", "trades", "events", "anzahl liquidationen"),
}  # fmt: skip
_LONG = ("long", "longs", "l", "buy long", "position long", "多", "多头", "long position", "+")
_SHORT = ("short", "shorts", "s", "position short", "空", "空头", "short position")
_SELL = ("sell", "ask", "sold", "close_long", "close long", "verkauf", "卖", "卖出", "a")
_BUY = ("buy", "bid", "bought", "close_short", "close short", "kauf", "买", "买入", "b")


def completed(mapping: TableMapping, frame: pl.DataFrame, name: str) -> tuple[TableMapping, tuple[str, ...]]:
    """The mapping with what it leaves open filled in from the headings, and what was assumed for that."""
    found, notes = _columns(mapping.columns, frame.columns)
    units = mapping.units
    if found.quantity and not mapping.columns.quantity and units.quantity == "coins":
        guessed = _quantity_unit(found.quantity)
        if guessed != units.quantity:
            units = Units(guessed, units.notional)  # type: ignore[arg-type]
        notes.append(f"{found.quantity!r} counts {guessed if guessed != 'usd' else 'dollars'}")
    time, more = _time(mapping.time, found, frame)
    notes += more
    venue = mapping.venue
    if not venue and not found.venue:
        venue = _venue_in(name)
        notes += [f"the venue is {venue}, by the name of the table"] if venue else []
    filled = msgspec.structs.replace(mapping, columns=found, units=units, time=time, venue=venue)
    return filled, tuple(notes)


def _columns(given: Columns, headings: Sequence[str]) -> tuple[Columns, list[str]]:
    """The roles that are not given, by headings that nobody has taken."""
    taken = {name for field in Columns.__struct_fields__ if (name := getattr(given, field)) is not None}
    whole = bool(taken)  # a mapping that names columns is not second-guessed but for what it must have
    found: dict[str, str] = {}
    plain = {heading: _plain(heading) for heading in headings if heading not in taken}
    wanted = [f for f in Columns.__struct_fields__ if getattr(given, f) is None]
    if whole:
        wanted = [f for f in wanted if f == "time" and given.start is None]
    for role in sorted(wanted, key=lambda f: f not in ("long", "short")):  # before "side" takes "long"
        ranked = sorted(
            (words.index(text), place, heading)
            for place, (heading, text) in enumerate(plain.items())
            if text in (words := _WORDS[role])
        )
        if ranked and ranked[0][2] not in found.values():
            found[role] = ranked[0][2]
    if ("long" in found) != ("short" in found):
        found.pop("long", None)
        found.pop("short", None)
    if "start" in found and "end" in found:
        found.pop("time", None)  # bars with both edges need no third
    notes = [f"{heading!r} is the {role}" for role, heading in found.items()]
    return msgspec.structs.replace(given, **found), ([f"without a mapping, {', '.join(notes)}"] if notes else [])


def _plain(heading: str) -> str:
    """A heading as words in lower case, without its unit of time, zone and brackets."""
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", heading.strip())
    text = re.sub(
        r"(?i)[\s_(\[]*\b(?:utc|gmt)\s?(?:[+-]\d{1,2}(?::?\d{2})?)?[)\]]*$", "", re.sub(r"[_\-.]+(?!\d)", " ", text)
    )
    text = re.sub(r"(?i)\s*[(\[]?\b(?:ms|us|ns|sec|seconds|millis|milliseconds)[)\]]?$", "", text)
    return " ".join(re.sub(r"[(){}\[\]$€,:/#]", " ", text).casefold().split())


def _quantity_unit(heading: str) -> str:
    text = _plain(heading)
    if re.search(r"contract|kontrakt|合约|张|^sz$|lots?\b", text):
        return "contracts"
    return "usd" if re.search(r"\busd[tc]?\b|dollar|\$", text) else "coins"


def _time(given: Time, columns: Columns, frame: pl.DataFrame) -> tuple[Time, list[str]]:
    """Zone and unit of time from the heading; the length of bars from the steps between them."""
    heading = columns.time or columns.start
    notes: list[str] = []
    if heading is None or heading not in frame.columns:
        return given, notes
    zone, unit = given.zone, given.unit
    if not zone and (zone := zone_in_heading(heading)):
        notes.append(f"the zone of {heading!r} is {zone}")
    numeric = frame[heading].dtype.is_numeric() or frame[heading].cast(pl.Float64, strict=False).is_not_null().any()
    if not unit and numeric and not given.format and heading in (units := headings_with_units([heading])):
        unit = units[heading]  # type: ignore[assignment]
        notes.append(f"the unit of {heading!r} is {unit}")
    return msgspec.structs.replace(given, zone=zone, unit=unit), notes


def bar_length(starts: pl.Series) -> tuple[int, str] | None:
    """The length of bars in microseconds, if they follow one another in even steps, and how that is said."""
    steps = starts.unique().sort().diff().drop_nulls().dt.total_microseconds()
    if not len(steps):
        return None
    least = int(steps.min())  # type: ignore[arg-type]
    if least <= 0 or not (steps % least == 0).all() or (steps == least).mean() < 0.5:  # type: ignore[operator]
        return None
    from datetime import timedelta

    return least, f"its bars are {duration_words(timedelta(microseconds=least))} long, by their steps"


def _venue_in(name: str) -> str:
    """The one registered venue that the name of a table contains as a word."""
    found = {known.id for word in re.split(r"[^a-z0-9]+", name.casefold()) if (known := names.find("venues", word))}
    return found.pop() if len(found) == 1 else ""


def side_words(rule: SideRule, present: Sequence[str], heading: str) -> tuple[dict[str, str], str]:
    """What each word (in lower case) says of the position, and what was assumed."""
    if rule.long or rule.short or rule.buy or rule.sell:
        long, short = (*rule.long, *rule.sell), (*rule.short, *rule.buy)
        return {**_meaning(long, "long"), **_meaning(short, "short")}, ""
    words = {word.strip().casefold() for word in present}
    position, order = (words & {*_LONG, *_SHORT}) - {"s"}, (words & {*_SELL, *_BUY}) - {"s"}
    if rule.of == "order":
        return {**_meaning((*_SELL, "s"), "long"), **_meaning(_BUY, "short")}, ""
    if rule.of == "position":
        return {**_meaning((*_LONG, *_BUY), "long"), **_meaning((*_SHORT, *_SELL), "short")}, ""
    if order and not position:
        return (
            {**_meaning((*_SELL, "s"), "long"), **_meaning(_BUY, "short")},
            f"{heading!r} says buy and sell and is taken for the side of the order that closed the position: a sell"
            " closed a long",
        )
    return {**_meaning(_LONG, "long"), **_meaning(_SHORT, "short")}, f"{heading!r} is the side of the position"


def _meaning(words: Sequence[str], side: str) -> dict[str, str]:
    return {word.strip().casefold(): side for word in words}


def is_time(heading: str) -> bool:
    """Whether a heading says that its column tells times."""
    return _plain(heading) in {*_WORDS["time"], *_WORDS["start"], *_WORDS["end"]}
