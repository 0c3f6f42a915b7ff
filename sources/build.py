"""From wire columns to validated frames: decoding, checks that name the provider's field, money, identity.

An adapter decodes with `decode`, turns wire lists into checked columns (`amounts`, `times`, `sides`), looks contracts
up (`contracts`, `value`) and ends with `events` or `bars`. Everything here is vectorised and pure. Whatever does not
have the documented form raises `SchemaChanged` with the provider's own name of the field.

`source` is the channel's key (`gate/liq_orders`) throughout: in frames and in errors.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import msgspec
import numpy as np

from sources.adapter import Instruments
from sources.lazy import pl
from verify.model.errors import SchemaChanged
from verify.model.figure import Basis, Completeness
from verify.model.window import Window

if TYPE_CHECKING:
    import pandera.polars as pa

T = TypeVar("T")
_LATER: ContextVar[bool] = ContextVar("validated later", default=False)
Values: TypeAlias = "Sequence[Any] | pl.Series"
#: What frames are built from: columns by name, or a frame that holds them.
Columns: TypeAlias = "Mapping[str, Any] | pl.DataFrame"

#: Quote coins that count as dollars.
DOLLARS = ("USD", "USDT", "USDC")
#: Times outside are read in the wrong unit: no venue here is older than 2014.
EARLIEST, LATEST = datetime(2014, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)

_PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_WIRE_NAME = re.compile(r"field `([^`]+)`")
_WIRE_PATH = re.compile(r"at `\$\.?([^`]*)`")
_SCALE = re.compile(r"^10{2,}(?=[A-Z])|(?<=[A-Z])10{2,}$|^1M(?=BABYDOGE$)")
_OTHER_NAMES = {"XBT": "BTC"}


@cache
def _decoder(kind: Any, strict: bool) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind, strict=strict)


def decode(kind: type[T], body: bytes, source: str, *, lax: bool = False) -> T:
    """Read JSON into `kind`; `lax` also takes numbers written as strings (`"0.013"`).

    Raises `SchemaChanged` that names the missing or ill-typed field, or says that the answer is not JSON.
    """
    try:
        return _decoder(kind, not lax).decode(body)  # type: ignore[no-any-return, arg-type]
    except msgspec.ValidationError as error:
        raise _changed(f"the answer is not as documented: {error}", _wire_field(str(error)), source) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        start = body[:60].decode("utf-8", "replace")
        raise _changed(f"the answer is not JSON ({error}); it starts {start!r}", "", source) from None


def columns(rows: Iterable[Any], *names: str) -> dict[str, list[Any]]:
    """The named attributes of decoded rows as lists."""
    kept = list(rows)
    return {name: list(map(attrgetter(name), kept)) for name in names}


def floats(rows: Sequence[Any], name: str) -> pl.Series:
    """The named attribute of decoded rows, a float in each: faster than `columns`. None would become NaN."""
    return pl.Series(name, np.fromiter(map(attrgetter(name), rows), dtype=np.float64, count=len(rows)))


def numbers(values: Values, *, field: str, source: str, nullable: bool = False) -> pl.Series:
    """Finite numbers of either sign as float64, read from numbers or strings."""
    raw = values if isinstance(values, pl.Series) else pl.Series(field, values, strict=False)
    series = raw.cast(pl.Float64, strict=False)
    unread = series.is_null() if not nullable else series.is_null() & raw.is_not_null()
    unread = unread | ~series.is_finite().fill_null(True)
    if unread.any():
        raise _changed(f"{field} is no finite number: {raw.filter(unread)[0]!r}", field, source)
    return series


def amounts(values: Values, *, field: str, source: str, zero: bool = False, nullable: bool = False) -> pl.Series:
    """Quantities, prices or money as float64: finite and above zero, or zero too where `zero` is set."""
    series = numbers(values, field=field, source=source, nullable=nullable)
    wrong = (series < 0) if zero else (series <= 0)
    if wrong.any():
        raise _changed(f"{field} is not {'zero or ' if zero else ''}positive: {series.filter(wrong)[0]}", field, source)
    return series


def times(values: Values, *, unit: str, field: str, source: str) -> pl.Series:
    """Whole or fractional numbers in `unit` ("s", "ms", "us", "ns") since 1970 as UTC with microseconds.

    A time before 2014 or after 2100 is one in another unit and raises `SchemaChanged`.
    """
    raw = values if isinstance(values, pl.Series) else pl.Series(field, values, strict=False)
    per = _PER_SECOND[unit]
    wide = raw.cast(pl.Float64, strict=False)
    plausible = wide.is_between(EARLIEST.timestamp() * per, LATEST.timestamp() * per, closed="left").fill_null(False)
    if not plausible.all():
        shown = raw.filter(~plausible)[0]
        raise _changed(f"{field} is no time in {unit} since 1970: {shown!r}", field, source)
    if raw.dtype.is_integer() or (raw.dtype == pl.String and not raw.str.contains(".", literal=True).any()):
        whole = raw.cast(pl.Int64)
        micros = whole * (1_000_000 // per) if per <= 1_000_000 else whole // (per // 1_000_000)
    else:
        micros = (wide * (1_000_000 / per)).round().cast(pl.Int64)
    return micros.cast(pl.Datetime("us", "UTC"))


def sides(values: Values, long: str, short: str, *, field: str, source: str) -> pl.Series:
    """The side of the position, where the wire says `long` for a long and `short` for a short, and nothing else."""
    return mapped(values, {long: "long", short: "short"}, field=field, source=source)


def mapped(values: Values, meaning: Mapping[str, str], *, field: str, source: str) -> pl.Series:
    """Wire words replaced by what they mean; a word that is not documented raises `SchemaChanged`."""
    raw = pl.Series(field, values, dtype=pl.String) if not isinstance(values, pl.Series) else values.alias(field)
    result = raw.replace_strict(dict(meaning), default=None, return_dtype=pl.String)
    if result.null_count():
        shown = raw.filter(result.is_null())[0]
        raise _changed(f"{field} is {shown!r}; documented are {', '.join(meaning)}", field, source)
    return result


def side_of_sign(values: Values, *, positive: str, field: str, source: str) -> pl.Series:
    """The side of the position from the sign of a number; `positive` is "long" or "short". Zero has no side."""
    series = numbers(values, field=field, source=source)
    if (series == 0).any():
        raise _changed(f"{field} is 0, which has no side", field, source)
    other = "short" if positive == "long" else "long"
    said = pl.when(series > 0).then(pl.lit(positive)).otherwise(pl.lit(other))
    return pl.select(side=said)["side"]


def asset_of(base: str) -> str:
    """The asset behind a base coin as venues write it: `1000PEPE` -> `PEPE`, `XBT` -> `BTC`.

    The scale of a scaled contract is in its price as well, so that the notional is the same.
    """
    name = _SCALE.sub("", base.strip().upper())
    return _OTHER_NAMES.get(name, name)


def contracts(names: Values, instruments: Instruments, base_of: Callable[[str], str]) -> pl.DataFrame:
    """For each contract name: `instrument`, `asset`, `size`, `in_dollars`, `inverse`, row by row.

    `base_of` reads the base coin out of the name of a contract that `instruments` does not know; its size is null.
    `in_dollars` is whether its quote coin counts as dollars.
    """
    series = names.cast(pl.String) if isinstance(names, pl.Series) else pl.Series(names, dtype=pl.String)
    known = series.unique().to_list()
    found = [instruments.get(name) for name in known]
    table = pl.DataFrame(
        {
            "instrument": known,
            "asset": [item.asset if item else asset_of(base_of(name)) for name, item in zip(known, found, strict=True)],
            "size": [item.size if item else None for item in found],
            "unit": [item.unit if item else "base" for item in found],
            "inverse": [item.inverse if item else False for item in found],
            "in_dollars": [item is None or item.quote in DOLLARS for item in found],
        },
        schema={
            "instrument": pl.String,
            "asset": pl.String,
            "size": pl.Float64,
            "unit": pl.String,
            "inverse": pl.Boolean,
            "in_dollars": pl.Boolean,
        },
    )
    return series.alias("instrument").to_frame().join(table, on="instrument", how="left", maintain_order="left")


def value(count: pl.Series, price: pl.Series, table: pl.DataFrame) -> dict[str, pl.Series]:
    """`quantity` (base units) and `notional_usd` of `count` contracts at `price`; `table` comes from `contracts`.

    A linear contract of `size` coins is worth size x price; an inverse one, or one sized in dollars or the quote
    coin, is worth its size whatever the price. Both are null where the size is not known, and the notional is null
    where the quote coin does not count as dollars.
    """
    money_sized = pl.col("inverse") | pl.col("unit").is_in(["usd", "quote"])
    amount = pl.col("count") * pl.col("size")
    frame = table.with_columns(count.alias("count"), price.alias("price")).select(
        quantity=pl.when(money_sized).then(amount / pl.col("price")).otherwise(amount),
        notional_usd=pl.when("in_dollars").then(
            pl.when(money_sized).then(amount).otherwise(amount * pl.col("price")),
        ),
    )
    return {name: frame[name] for name in frame.columns}


def identities(frame: Columns, *names: str) -> pl.Series:
    """Event ids for a feed without its own: the named columns joined, and a number for rows that look like one before.

    The number keeps two real liquidations that look alike apart, and still lets a page that is read twice give each
    of them the same id.
    """
    table = frame if isinstance(frame, pl.DataFrame) else pl.DataFrame(dict(frame))
    moment = pl.Datetime("us", "UTC")
    parts = [pl.col(n).dt.epoch("us") if table.schema[n] == moment else pl.col(n) for n in names]
    texts = [part.cast(pl.String).fill_null("") for part in parts]
    joined = table.select(event_id=pl.concat_str(texts, separator=":"))["event_id"]
    first = joined.is_first_distinct()
    if first.all():
        return joined
    nth = (pl.int_range(pl.len()).over("event_id") + 2).cast(pl.String)
    again = joined.filter(~first).to_frame().select(pl.col("event_id") + "#" + nth)
    return joined.scatter((~first).arg_true(), again["event_id"])


def events(
    data: Columns,
    *,
    venue: str,
    source: str,
    price_basis: Basis,
    window: Window | None = None,
    received: datetime | None = None,
    evidence: str | None = None,
) -> pl.DataFrame:
    """A validated frame of liquidations (schema `EVENTS`), in time order, within `window` if one is given.

    `data` holds `time`, `instrument`, `asset`, `side`, and where known `quantity`, `price`, `notional_usd`,
    `event_id`; what it lacks is null. Rows with an id that came before are dropped. Raises `SchemaChanged` naming the
    column that breaks the schema.
    """
    from verify.model.frames import EVENT_COLUMNS, EVENTS

    constants = {
        "venue": venue,
        "source": source,
        "price_basis": str(price_basis),
        "received": received,
        "evidence": evidence,
    }
    frame = _typed(data, EVENT_COLUMNS, source)
    if window is not None:
        frame = frame.filter(pl.col("time") >= window.start, pl.col("time") < window.end)
    if "event_id" in frame.columns:
        frame = frame.filter(pl.col("event_id").is_null() | pl.col("event_id").is_first_distinct())
    frame = _completed(frame.sort("time", maintain_order=True), EVENT_COLUMNS, constants)
    return _validated(frame, EVENTS, source)


def bars(
    data: Columns, *, venue: str, source: str, completeness: Completeness, window: Window | None = None
) -> pl.DataFrame:
    """A validated frame of bars (schema `BARS`), in time order: those that overlap `window`, whole.

    `data` holds `start`, `end`, `asset`, `side` ("long", "short" or "both"), and where known `notional_usd` and
    `count`. A bar that straddles an edge is kept as it is: it gives bounds.
    """
    from verify.model.frames import BAR_COLUMNS, BARS

    constants = {"venue": venue, "source": source, "completeness": str(completeness)}
    frame = _typed(data, BAR_COLUMNS, source)
    if window is not None:
        frame = frame.filter(pl.col("end") > window.start, pl.col("start") < window.end)
    keys = [name for name in ("start", "venue", "asset", "side") if name in frame.columns]
    frame = frame.filter(pl.struct(keys).is_first_distinct()).sort("start", maintain_order=True)
    return _validated(_completed(frame, BAR_COLUMNS, constants), BARS, source)


def series(data: Columns, *, source: str, window: Window | None = None, **constants: str) -> pl.DataFrame:
    """A validated frame of a series (schema `SERIES`), in time order: the rows that overlap `window`, whole.

    `data` holds `start`, `end` (equal for an instant), `value`, and what differs from row to row of `metric`,
    `subject`, `asset`, `field`, `unit`; `constants` the rest (`field` is "value" and `asset` empty where neither says).
    A row that is there twice counts once.
    """
    from verify.model.frames import SERIES, SERIES_COLUMNS

    frame = _typed(data, SERIES_COLUMNS, source)
    if window is not None:
        inside = (pl.col("end") > window.start) & (pl.col("start") < window.end)
        instant = (pl.col("start") == pl.col("end")) & (pl.col("start") == window.start)
        frame = frame.filter(inside | instant)
    constants = {"field": "value", "asset": "", "source": source, **constants}
    frame = _completed(frame, SERIES_COLUMNS, {k: v for k, v in constants.items() if k not in frame.columns})
    keys = [name for name in SERIES_COLUMNS if name not in ("value", "unit", "source")]
    frame = frame.filter(pl.struct(keys).is_first_distinct()).sort("start", maintain_order=True)
    return _validated(frame, SERIES, source)


def no_series() -> pl.DataFrame:
    """No statement about any interval: nothing is known, which is not zero."""
    from verify.model.frames import SERIES_COLUMNS, empty

    return empty(SERIES_COLUMNS)


def bars_of_sides(start: pl.Series, length: timedelta, asset: str, usd: Mapping[str, pl.Series]) -> pl.DataFrame:
    """Rows for `bars`: one per `start` and side, in dollars; `usd` holds the amounts of each side, row by row."""
    sides = [
        pl.DataFrame({"start": start, "end": start + length, "notional_usd": amount}).with_columns(
            asset=pl.lit(asset), side=pl.lit(side)
        )
        for side, amount in usd.items()
    ]
    return pl.concat(sides)


@contextmanager
def validated_later() -> Iterator[None]:
    """Leave the schema unchecked inside: for many small frames that are checked as one with `checked`."""
    token = _LATER.set(True)
    try:
        yield
    finally:
        _LATER.reset(token)


def checked(frame: pl.DataFrame, source: str) -> pl.DataFrame:
    """Events that were built inside `validated_later`, validated; raises `SchemaChanged` like `events`."""
    from verify.model.frames import EVENTS

    return _validated(frame, EVENTS, source)


def no_bars() -> pl.DataFrame:
    """No statement about any interval: nothing is known, which is not zero."""
    from verify.model.frames import BAR_COLUMNS, empty

    return empty(BAR_COLUMNS)


def no_events() -> pl.DataFrame:
    """An honest "nothing happened": for acknowledgements, pings and empty answers."""
    from verify.model.frames import EVENT_COLUMNS, empty

    return empty(EVENT_COLUMNS)


def merge(pages: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """The event frames of several pages as one: in time order, each id of a source once."""
    if not pages:
        return no_events()
    frame = pl.concat(pages)
    first = pl.col("event_id").is_null() | pl.struct("source", "event_id").is_first_distinct()
    return frame.filter(first).sort("time", maintain_order=True)


def _typed(data: Columns, schema: Mapping[str, pl.DataType], source: str) -> pl.DataFrame:
    """Those columns of `schema` that `data` holds, cast; what cannot be cast raises `SchemaChanged`."""
    frame = data if isinstance(data, pl.DataFrame) else pl.DataFrame(dict(data), strict=False)
    held = [pl.col(name).cast(dtype) for name, dtype in schema.items() if name in frame.columns]
    try:
        return frame.select(held)
    except pl.exceptions.PolarsError as error:
        raise _changed(f"the rows do not fit the frame: {error}", "", source) from None


def _completed(frame: pl.DataFrame, schema: Mapping[str, pl.DataType], constants: Mapping[str, object]) -> pl.DataFrame:
    """All columns of `schema`, in order; what the frame lacks is the constant of that name, or null."""
    return frame.select(
        pl.col(name) if name in frame.columns else pl.lit(constants.get(name), dtype=dtype).alias(name)
        for name, dtype in schema.items()
    )


def _validated(frame: pl.DataFrame, schema: pa.DataFrameSchema, source: str) -> pl.DataFrame:
    from pandera.errors import SchemaErrors

    if frame.is_empty() or _LATER.get():
        return frame  # its columns and types are those of the schema; most answers of a venue asked by market are empty
    try:
        return schema.validate(frame, lazy=True)
    except SchemaErrors as error:
        first = error.failure_cases.row(0, named=True)
        name = first["column"] if first["column"] in frame.columns else str(first["failure_case"])
        what = f"{name} breaks {first['check']} (first: {first['failure_case']!r})"
        raise _changed(f"the rows do not fit the frame: {what}", name, source) from None


def _wire_field(message: str) -> str:
    """The field in a message of msgspec: a missing one is named, an ill-typed one is the end of a path."""
    if named := _WIRE_NAME.search(message):
        return named[1]
    if path := _WIRE_PATH.search(message):
        return path[1].rpartition(".")[2]
    return ""


def _changed(message: str, field: str, source: str) -> SchemaChanged:
    return SchemaChanged(message, source=source, field=field)
