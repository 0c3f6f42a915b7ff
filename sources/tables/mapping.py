"""The mapping of a table: which column is what, in which unit, on whose word. TOML, small, and checked whole.

::

    venue = "okx"                              # or columns.venue
    lineage = ["okx/liquidation_orders"]       # the measuring feeds that the rows descend from
    completeness = "complete"                  # complete, capped, partial or unknown (as where nothing is said)

    [columns]
    time = "ts"
    instrument = "symbol"
    side = "side"
    quantity = "contracts"
    price = "px"

    [units]
    quantity = "contracts"

    [contracts]
    "BTC-USDT-SWAP" = 0.01

An unknown key is an error with its line and the key that was probably meant.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from verify.model.errors import InputError

_UNKNOWN = re.compile(r"Object contains unknown field `([^`]+)`(?: - at `\$\.?([^`]*)`)?")
_AT = re.compile(r"^(.*?)(?: - at `\$\.?([^`]*)`)?$", re.DOTALL)


class Columns(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The names of the columns, as the heading writes them. Events have `time`; bars `start` (or `time`) and a length;
    `long` and `short` are the dollars of each side where they stand side by side."""

    time: str | None = None
    start: str | None = None
    end: str | None = None
    side: str | None = None
    venue: str | None = None
    asset: str | None = None
    instrument: str | None = None
    quantity: str | None = None
    price: str | None = None
    notional: str | None = None
    id: str | None = None
    long: str | None = None
    short: str | None = None
    count: str | None = None


class Units(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What a quantity counts, and what one of `notional`, `long` and `short` is worth."""

    quantity: Literal["coins", "contracts", "usd"] = "coins"
    notional: Literal["usd", "thousand_usd", "million_usd"] = "usd"


class Contract(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What one contract stands for: `size` coins, or dollars (an inverse contract)."""

    size: float
    unit: Literal["coins", "usd"] = "coins"


class SideRule(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Whose side the column tells. Of the position: `long` and `short` are the words for each. Of the order that
    closed it: `sell` and `buy` are; a sell closed a long."""

    of: Literal["position", "order", ""] = ""
    long: tuple[str, ...] = ()
    short: tuple[str, ...] = ()
    buy: tuple[str, ...] = ()
    sell: tuple[str, ...] = ()


class Time(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """`zone` of times that name none, `unit` of numbers since 1970, `format` as of strptime. Bars: which edge the time
    is (`label`), and their `length` ("1h")."""

    zone: str = ""
    unit: Literal["", "s", "ms", "us", "ns"] = ""
    format: str = ""
    label: Literal["start", "end"] = "start"
    length: str = ""


class Numbers(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The sign before decimals; the other one groups digits."""

    decimal: Literal["", ".", ","] = ""


class CapRule(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """At most `most` rows per `per` and `seconds`, of which `keep` is kept."""

    seconds: float
    most: int = 1
    per: tuple[Literal["symbol", "side"], ...] = ("symbol",)
    keep: Literal["latest", "largest", "first", "unknown"] = "unknown"


class TableMapping(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A whole mapping; see the module."""

    title: str = ""
    venue: str = ""
    asset: str = ""
    docs: str = ""
    lineage: tuple[str, ...] = ()
    completeness: Literal["complete", "capped", "partial", "unknown", ""] = ""
    cap: CapRule | None = None
    threshold_usd: float | None = None
    price_basis: Literal["average_fill", "bankruptcy", "order", "mark", "stated"] = "stated"
    covers: str = ""
    columns: Columns = Columns()
    units: Units = Units()
    contracts: dict[str, float | Contract] = {}
    side: SideRule = SideRule()
    time: Time = Time()
    numbers: Numbers = Numbers()


def load(text: str, name: str) -> TableMapping:
    """Read a mapping. Raises `InputError` with file, line and, for an unknown key, the nearest known one."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{name}: is no TOML: {error}") from None
    try:
        found = msgspec.convert(table, TableMapping)
    except msgspec.ValidationError as error:
        raise InputError(_explained(str(error), text, name)) from None
    _check(found, text, name)
    return found


def _explained(message: str, text: str, name: str) -> str:
    if unknown := _UNKNOWN.match(message):
        key, path = unknown[1], re.sub(r"\[.*", "", unknown[2] or "")
        known = _keys(path)
        hint = _nearest(key, known)
        meant = f"; did you mean {hint}?" if hint else f"; known are {', '.join(known)}"
        return f"{name}:{_line(text, path, key)}: unknown key {key!r}{f' in [{path}]' if path else ''}{meant}"
    matched = _AT.match(message)
    assert matched is not None
    what, path = matched[1], matched[2] or ""
    section, _, key = path.rpartition(".")
    key = key.partition("[")[0]
    return f"{name}:{_line(text, section, key)}: {path or 'the mapping'}: {what[:1].lower()}{what[1:]}"


def _keys(path: str) -> tuple[str, ...]:
    kinds: Mapping[str, Any] = {
        "": TableMapping, "columns": Columns, "units": Units, "side": SideRule, "time": Time, "numbers": Numbers,
        "cap": CapRule,
    }  # fmt: skip
    return tuple(kinds[path].__struct_fields__) if path in kinds else tuple(Contract.__struct_fields__)


def _nearest(key: str, known: tuple[str, ...]) -> str:
    from verify.model.names import SUGGESTION_SCORE, similarity

    best = max(known, key=lambda name: similarity(key.lower(), name))
    return best if similarity(key.lower(), best) >= SUGGESTION_SCORE else ""


def _line(text: str, section: str, key: str) -> int:
    """The line on which a key of a section stands; that of the section, or 1, where it is written in another way."""
    name, top = re.escape(key), re.escape(section)
    here = re.compile(rf"(?:^\s*|[{{,]\s*)[\"']?{name}[\"']?\s*=")
    outside = re.compile(rf"\s*{top}(?:\s*=|\.{name}\b)" if section else r"(?!)")  # cap = {...}, time.zone = ...
    inside, found = section == "", 1
    for number, line in enumerate(text.splitlines(), 1):
        if heading := re.match(r"\s*\[+\s*([^\]]+?)\s*\]", line):
            inside = heading[1].strip("\"' ") == (section or key)
            found = number if inside else found
            if inside and not section:
                return number
        elif (inside and here.search(line)) or outside.match(line):
            return number
    return found


def _check(mapping: TableMapping, text: str, name: str) -> None:
    def refuse(section: str, key: str, what: str) -> None:
        raise InputError(f"{name}:{_line(text, section, key)}: {what}")

    capped = mapping.completeness == "capped"
    if capped and mapping.cap is None:
        refuse("", "completeness", 'a capped table needs its rule: cap = { seconds = 1, most = 1, per = ["symbol"] }')
    if mapping.cap is not None and not capped:
        refuse("", "cap", 'a cap is only read where completeness = "capped"')
    if mapping.cap is not None and not (0 < mapping.cap.seconds < 1e9 and mapping.cap.most >= 1):
        refuse("cap", "seconds", "a cap needs at least one row in more than no time")
    for symbol, contract in mapping.contracts.items():
        size = contract.size if isinstance(contract, Contract) else contract
        if not 0 < size < float("inf"):
            refuse("contracts", symbol, f"the contract {symbol!r} has no size above zero")
    rule = mapping.side
    if rule.of == "position" and (rule.buy or rule.sell):
        refuse("side", "buy" if rule.buy else "sell", "sides of the position are told by the words `long` and `short`")
    if rule.of == "order" and (rule.long or rule.short):
        refuse("side", "long" if rule.long else "short", "sides of the order are told by the words `buy` and `sell`")
    words = [word.strip().casefold() for group in (rule.long, rule.short, rule.buy, rule.sell) for word in group]
    if len(set(words)) != len(words):
        refuse("side", "long" if rule.long else "buy", "one word cannot mean both sides")
    if mapping.threshold_usd is not None and not 0 <= mapping.threshold_usd < float("inf"):
        refuse("", "threshold_usd", "a threshold is an amount of dollars")
    columns = mapping.columns
    if (columns.long is None) != (columns.short is None):
        refuse("columns", "long" if columns.long else "short", "`long` and `short` stand side by side: name both")
    _check_texts(mapping, refuse)


def _check_texts(mapping: TableMapping, refuse: Any) -> None:
    from sources.registry import misspelt
    from sources.tables.times import zone
    from verify.model.window import Window, parse_duration

    for key, text, read in (
        ("zone", mapping.time.zone, zone),
        ("length", mapping.time.length, parse_duration),
        ("covers", mapping.covers, Window.parse),
    ):
        if text:
            try:
                read(text)
            except InputError as error:
                refuse("" if key == "covers" else "time", key, str(error))
    for feed in mapping.lineage:
        if not re.fullmatch(r"[\w.-]+(?:/[\w.-]+)?", feed):
            refuse("", "lineage", f"{feed[:60]!r} is no feed: write venue/channel as `verify sources` does")
        if wrong := misspelt(feed):
            refuse("", "lineage", wrong)
