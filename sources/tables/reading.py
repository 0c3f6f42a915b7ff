"""From a grid and its mapping to events or bars as they stand, of all times, with every row that says nothing named."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache

from sources import build
from sources.lazy import pl
from sources.tables import cells, grid, mapping, recognise
from sources.tables.grid import Grid, Problem
from sources.tables.mapping import Contract, TableMapping
from sources.tables.times import times, zone
from verify.model import names
from verify.model.errors import InputError, SchemaChanged
from verify.model.figure import Basis, Completeness
from verify.model.window import parse_duration

_SUM_LINE = re.compile(r"(?i)\s*(?:grand |sub)?(?:totals?|sums?|summe|gesamt|合计|总计|average|mean)\b.*")
_WORTH = {"usd": 1.0, "thousand_usd": 1e3, "million_usd": 1e6}
_QUOTES = ("USDT", "USDC", "USD", "PERP", "BUSD", "FDUSD", "EUR", "BTC")


@dataclass(frozen=True, slots=True)
class Reading:
    """What a table says: `frame` is in the schema of events or bars, of all times.

    `problems` are the rows that could not be read, `sums` rows that only add up others (they are no part of it),
    `assumed` what was taken for granted in words, `contract_sizes` coins per contract by instrument as the mapping
    has them.
    """

    frame: pl.DataFrame
    bars: bool
    venues: tuple[str, ...]
    problems: tuple[Problem, ...]
    sums: tuple[Problem, ...]
    assumed: tuple[str, ...]
    contract_sizes: dict[str, float]
    mapping: TableMapping


@lru_cache(maxsize=4)
def reading(body: bytes, text: str, name: str, source: str) -> Reading:
    """Read a table: `text` is its mapping, `name` what it is called, `source` the key of its channel.

    Raises `InputError` for a mapping that does not fit, `SchemaChanged` for bytes that are no table.
    """
    table = grid.read(body, name)
    given = mapping.load(text, f"mapping of {name}") if text else TableMapping()
    filled, assumed = recognise.completed(given, table.frame, name)
    return _Reader(table, filled, name, source, [*table.notes, *assumed]).read()


class _Reader:
    """One table on its way to a frame: which of its rows are still good, and what is wrong with the others."""

    def __init__(self, table: Grid, filled: TableMapping, name: str, source: str, assumed: list[str]) -> None:
        self.table, self.map, self.name, self.source, self.assumed = table, filled, name, source, assumed
        self.good = pl.repeat(True, table.frame.height, eager=True)
        self.problems = list(table.problems)
        self.sums: list[Problem] = []
        self._sign = "."
        self._present()

    def _present(self) -> None:
        headings = self.table.frame.columns
        for role in self.map.columns.__struct_fields__:
            heading = getattr(self.map.columns, role)
            if heading is not None and heading not in headings:
                near = sorted(headings, key=lambda h: -names.similarity(heading.casefold(), h.casefold()))[:1]
                hint = f"; did you mean {near[0]!r}?" if near else ""
                raise InputError(f"{self.name}: has no column {heading!r} ({role}){hint}")

    def read(self) -> Reading:
        columns = self.map.columns
        bars = bool(columns.start or columns.end or columns.long or self.map.time.length)
        if not (columns.time or columns.start):
            raise InputError(f"{self.name}: which column is the time? Say so: [columns] time = ...{self._listed()}")
        self._drop_sum_lines()
        self._sign = self._decimals()
        frame = self._bars() if bars else self._events()
        found = tuple(sorted(frame["venue"].unique().to_list())) or (
            (self._constant_venue(),) if self.map.venue else ()
        )
        sizes = {
            symbol: contract if isinstance(contract, float) else contract.size
            for symbol, contract in self.map.contracts.items()
            if isinstance(contract, float) or contract.unit == "coins"
        }
        problems = tuple(sorted(self.problems, key=lambda problem: problem.line))
        return Reading(frame, bars, found, problems, tuple(self.sums), tuple(self.assumed), sizes, self.map)

    def _listed(self) -> str:
        return f" (it has {', '.join(repr(heading) for heading in self.table.frame.columns[:12])})"

    def _column(self, heading: str) -> pl.Series:
        return self.table.frame[heading]

    def _wrong(self, mask: pl.Series, heading: str, what: str) -> None:
        """Name the rows of `mask` that were good until now."""
        bad = mask & self.good
        if not bad.any():
            return
        self.good = self.good & ~bad
        shown = self._column(heading).filter(bad).to_list() if heading else [None] * int(bad.sum())
        for line, cell in zip(self.table.lines.filter(bad).to_list(), shown, strict=True):
            said = f"{heading} {str(cell)[:60]!r} {what}" if heading else what
            self.problems.append(Problem(line, said, self.table.unit))

    def _drop_sum_lines(self) -> None:
        """Rows such as "Total" repeat what the others say; they are named apart, as nothing is missing without them."""
        heading = self.map.columns.time or self.map.columns.start or ""
        first = self.table.frame.columns[0]
        for name in dict.fromkeys((heading, first)):
            if self._column(name).dtype == pl.String:
                mask = self._column(name).str.contains(_SUM_LINE.pattern.replace(r"\s*", "^\\s*", 1)).fill_null(False)
                for line in self.table.lines.filter(mask & self.good):
                    self.sums.append(Problem(line, "is a sum of others", self.table.unit))
                self.good = self.good & ~mask

    def _decimals(self) -> str:
        if self.map.numbers.decimal:
            return self.map.numbers.decimal
        c = self.map.columns
        used = [self._column(h) for h in (c.quantity, c.price, c.notional, c.long, c.short) if h]
        sign = cells.decimal_sign([series.filter(self.good) for series in used], self.table.delimiter)
        if sign.clash:
            raise InputError(
                f"{self.name}: {sign.clash[0]!r} and {sign.clash[1]!r} write decimals in two ways: say which,"
                ' [numbers] decimal = "," or "." in the mapping'
            )
        if sign.note:
            self.assumed.append(sign.note)
        elif sign.sign == ",":
            self.assumed.append("decimals stand after a comma")
        return sign.sign

    def _numbers(self, heading: str | None, *, zero: bool = False, signed: bool = False) -> pl.Series | None:
        """A column of amounts: null where empty, named where no number."""
        if heading is None:
            return None
        read = cells.numbers(self._column(heading), self._sign)
        self._wrong(read.unread, heading, "is no number")
        values = read.values
        if not signed:
            self._wrong((values < 0).fill_null(False), heading, "is below zero")
        if not zero:
            self._wrong((values == 0).fill_null(False), heading, "is zero, which is no liquidation")
        return values

    def _times(self, heading: str) -> pl.Series:
        rule = self.map.time
        read = times(self._column(heading), zone(rule.zone), unit=rule.unit, pattern=rule.format)
        self._wrong(cells.blank(self._column(heading)), heading, "says no time")
        self._wrong(read.unread, heading, "is no time that can be read")
        if read.note and (not rule.zone or "zone" not in read.note):
            self.assumed.append(read.note)
        return read.values

    def _constant_venue(self) -> str:
        known = names.find("venues", self.map.venue)
        return known.id if known else names.key(self.map.venue)

    def _venue(self) -> pl.Series:
        heading = self.map.columns.venue
        if heading is None:
            if not self.map.venue:
                raise InputError(
                    f"{self.name}: of which venue are the rows? Say venue = ... in the mapping, or name its column"
                    f"{self._listed()}"
                )
            return pl.repeat(self._constant_venue(), self.table.frame.height, eager=True, dtype=pl.String)
        written = self._column(heading).cast(pl.String).fill_null("")
        self._wrong(cells.blank(written), heading, "names no venue")
        meaning = {}
        for text in written.unique():
            known = names.find("venues", text)
            meaning[text] = known.id if known else names.key(text)
        strange = sorted(v for t, v in meaning.items() if v and not names.find("venues", t))
        if strange:
            self.assumed.append(f"venues that are not registered: {', '.join(strange[:5])}")
        return written.replace_strict(meaning, return_dtype=pl.String)

    def _asset(self) -> tuple[pl.Series, pl.Series]:
        """Assets and instruments."""
        c = self.map.columns
        height = self.table.frame.height
        instrument = self._column(c.instrument).cast(pl.String).str.strip_chars() if c.instrument else None
        if instrument is not None and c.instrument:
            self._wrong(cells.blank(instrument), c.instrument, "names no instrument")
        if c.asset:
            asset = self._column(c.asset).cast(pl.String).str.strip_chars().fill_null("")
            self._wrong(cells.blank(asset), c.asset, "names no asset")
        elif self.map.asset:
            asset = pl.repeat(self.map.asset, height, eager=True, dtype=pl.String)
        elif instrument is not None:
            asset = instrument.fill_null("")
        else:
            raise InputError(
                f"{self.name}: of which asset are the rows? Say asset = ... in the mapping, or name its column, or that"
                f" of the instrument{self._listed()}"
            )
        meaning = {text: build.asset_of(base_of(text)) for text in asset.unique()}
        self._wrong(
            asset.replace_strict(meaning, return_dtype=pl.String) == "", c.asset or c.instrument or "", "is no asset"
        )
        asset = asset.replace_strict(meaning, return_dtype=pl.String)
        return asset, instrument.fill_null("") if instrument is not None else asset

    def _side(self, quantity: pl.Series | None) -> pl.Series:
        """The side of the position."""
        heading = self.map.columns.side
        if heading is None:
            raise InputError(f"{self.name}: which column is the side? Say so: [columns] side = ...{self._listed()}")
        written = self._column(heading).cast(pl.String).fill_null("").str.strip_chars().str.to_lowercase()
        words, note = recognise.side_words(self.map.side, written.unique().to_list(), heading)
        if note:
            self.assumed.append(note)
        side = written.replace_strict(words, default=None, return_dtype=pl.String)
        known = ", ".join(sorted(words)[:12])
        self._wrong(side.is_null(), heading, f"is no side; read are {known}")
        if quantity is not None and (quantity < 0).any():
            self.assumed.append("amounts below zero are taken by their size, as the side is told beside them")
        return side

    def _events(self) -> pl.DataFrame:
        c = self.map.columns
        if c.notional is None and (c.quantity is None or (c.price is None and self.map.units.quantity == "coins")):
            raise InputError(
                f"{self.name}: which columns tell the size? Name quantity and price, or notional, under [columns]"
                f"{self._listed()}"
            )
        assert c.time is not None or c.start is not None
        time = self._times(c.time or c.start or "")
        asset, instrument = self._asset()
        venue = self._venue()
        quantity, price = self._numbers(c.quantity, signed=True), self._numbers(c.price)
        notional = self._numbers(c.notional, signed=True)
        side = self._side(quantity if quantity is not None else notional)
        sized = self._sized(instrument, quantity, price, notional)
        data = pl.DataFrame({"time": time, "venue": venue, "instrument": instrument, "asset": asset, "side": side})
        data = data.with_columns(**sized)
        if c.id:
            data = data.with_columns(event_id=self._identities(c.id, data))
        return build.events(
            data.filter(self.good), venue=self.map.venue, source=self.source, price_basis=Basis(self.map.price_basis)
        )

    def _sized(
        self, instrument: pl.Series, quantity: pl.Series | None, price: pl.Series | None, notional: pl.Series | None
    ) -> dict[str, pl.Series]:
        """Coins, price and dollars of each row."""
        height = self.table.frame.height
        nothing = pl.repeat(None, height, eager=True, dtype=pl.Float64)
        count = quantity.abs() if quantity is not None else nothing
        px = price if price is not None else nothing
        worth = _WORTH[self.map.units.notional]
        told = notional.abs() * worth if notional is not None else nothing
        per, in_dollars = self._contracts(instrument)
        amount = count * per
        dollars = pl.select(pl.when(in_dollars).then(amount).otherwise(amount * px)).to_series()
        coins = pl.select(pl.when(in_dollars).then(amount / px).otherwise(amount)).to_series()
        # A contract of unknown size still has the money that the table tells.
        coins = coins.fill_null(told / px)
        return {"quantity": coins, "price": px, "notional_usd": told.fill_null(dollars)}

    def _contracts(self, instrument: pl.Series) -> tuple[pl.Series, pl.Series]:
        """What one of the quantity stands for, and whether that is dollars."""
        unit, height = self.map.units.quantity, self.table.frame.height
        if unit != "contracts":
            ones = pl.repeat(1.0, height, eager=True, dtype=pl.Float64)
            return ones, pl.repeat(unit == "usd", height, eager=True)
        sizes, money = {}, {}
        for symbol, contract in self.map.contracts.items():
            entry = contract if isinstance(contract, Contract) else Contract(contract)
            sizes[symbol.casefold()], money[symbol.casefold()] = entry.size, entry.unit == "usd"
        keys = instrument.str.to_lowercase()
        size = keys.replace_strict(sizes, default=None, return_dtype=pl.Float64)
        unknown = sorted(instrument.filter(size.is_null() & self.good).unique().to_list())
        if unknown:
            self.assumed.append(
                f"the size of the contract{'s' if len(unknown) > 1 else ''} {', '.join(unknown[:5])} is not in the"
                " mapping ([contracts]): without it quantities are worth nothing that is known"
            )
        return size, keys.replace_strict(money, default=False, return_dtype=pl.Boolean)

    def _identities(self, heading: str, data: pl.DataFrame) -> pl.Series:
        """Ids of rows; one that comes again with other numbers is no repeat, and named."""
        ids = self._column(heading).cast(pl.String)
        ids = pl.select(pl.when(~cells.blank(ids)).then(ids)).to_series()
        frame = data.with_columns(id=ids, good=self.good)
        told = [name for name in data.columns if name != "event_id"]
        again = frame.select(
            later=~pl.col("id").is_first_distinct() & pl.col("id").is_not_null() & pl.col("good"),
            same=~pl.struct("id", *told).is_first_distinct(),
        )
        self._wrong(again["later"] & ~again["same"], heading, "was there before with other numbers")
        repeats = int((again["later"] & again["same"]).sum())
        if repeats:
            self.assumed.append(f"{repeats} rows repeat an id and all else of a row before, and count once")
        return ids

    def _bars(self) -> pl.DataFrame:
        c, rule = self.map.columns, self.map.time
        heading = c.start or c.time or ""
        start = self._times(heading)
        if c.end:
            end = self._times(c.end)
        else:
            length = self._length(start)
            if rule.label == "end" and not c.start:
                start = start - length
            end = start + length
        self._wrong((end <= start).fill_null(False), heading, "begins a bar that does not end later")
        asset, _ = self._asset()
        venue = self._venue()
        base = pl.DataFrame({"start": start, "end": end, "venue": venue, "asset": asset})
        frame = self._both_sides(base) if c.long else self._one_side(base)
        return build.bars(frame, venue=self.map.venue, source=self.source, completeness=self._completeness())

    def _both_sides(self, base: pl.DataFrame) -> pl.DataFrame:
        c, worth = self.map.columns, _WORTH[self.map.units.notional]
        sides = {"long": self._numbers(c.long, zero=True), "short": self._numbers(c.short, zero=True)}
        wide = base.with_columns(amount.alias(side) for side, amount in sides.items() if amount is not None)
        kept = wide.filter(self._once(wide))
        return pl.concat(
            kept.select(*base.columns, notional_usd=pl.col(side) * worth, side=pl.lit(side)) for side in sides
        )

    def _once(self, rows: pl.DataFrame) -> pl.Series:
        """Which rows are good and tell a bar for the first time; one that tells it again otherwise is named."""
        keys = [name for name in ("start", "end", "venue", "asset", "side") if name in rows.columns]
        firsts = rows.filter(self.good).select(
            bar=pl.struct(keys).is_first_distinct(), whole=pl.struct(rows.columns).is_first_distinct()
        )
        at = self.good.arg_true()
        first = self.good.clone().scatter(at, firsts["bar"])
        other = pl.repeat(False, rows.height, eager=True).scatter(at, ~firsts["bar"] & firsts["whole"])
        repeats = int((~firsts["whole"]).sum())
        if repeats:
            self.assumed.append(f"{repeats} rows repeat a bar with the same numbers, and count once")
        self._wrong(other, self.map.columns.start or self.map.columns.time or "", "was told before with other numbers")
        return first & self.good

    def _one_side(self, base: pl.DataFrame) -> pl.DataFrame:
        c, worth = self.map.columns, _WORTH[self.map.units.notional]
        if c.notional is None:
            raise InputError(
                f"{self.name}: which column holds the dollars of a bar? Name notional, or long and short, under"
                f" [columns]{self._listed()}"
            )
        amount = self._numbers(c.notional, zero=True)
        assert amount is not None
        both = pl.repeat("both", base.height, eager=True, dtype=pl.String)
        data = {"notional_usd": amount * worth, "side": self._side(None) if c.side else both}
        count = self._numbers(c.count, zero=True)
        if count is not None:
            data["count"] = count.cast(pl.Int64, strict=False)
        return base.with_columns(**data).filter(self._once(base.with_columns(**data)))

    def _length(self, start: pl.Series) -> timedelta:
        if self.map.time.length:
            return parse_duration(self.map.time.length)
        found = recognise.bar_length(start.filter(self.good))
        if found is None:
            raise InputError(f'{self.name}: how long are its bars? Say so: [time] length = "1h" in the mapping')
        self.assumed.append(found[1])
        return timedelta(microseconds=found[0])

    def _completeness(self) -> Completeness:
        return Completeness(self.map.completeness or "unknown")


def base_of(symbol: str) -> str:
    """`BTCUSDT`, `BTC-USDT-SWAP`, `BTC/USDT:USDT`, `PF_XBTUSD`, `tBTCF0:USTF0`, `BTC` -> the base coin."""
    name = re.sub(r"^(?:PF|PI|FI|FF)_", "", symbol.strip().upper())
    name = re.sub(r"F0$", "", re.split(r"[:]", name)[0])
    if parts := re.fullmatch(r"([A-Z0-9]+?)[-_/ ].*", name):
        name = parts[1]
    for quote in _QUOTES:
        if name.endswith(quote) and name != quote:
            return name.removesuffix(quote)
    return name


def lines_of(problems: Sequence[Problem], most: int = 5) -> str:
    """Rows that were not read, in a sentence: the first ones whole, the rest by number."""
    shown = "; ".join(str(problem) for problem in problems[:most])
    return shown + (f"; and {len(problems) - most} more" if len(problems) > most else "")


__all__ = ["Reading", "SchemaChanged", "base_of", "lines_of", "reading"]
