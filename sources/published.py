"""Published figures: a CSV of numbers that outlets printed, each with its URL.

Columns (names are matched without regard to case; others are ignored)::

    url                 page that prints the number                                            required
    amount_usd          the number in dollars: 758000000 (trailing zeros are taken as rounding)  \\
    amount_text         the number as printed: "nearly $19B", "$551-$554 million"; wins          > one of three
    count               a number of traders, positions or orders                                /
    metric              liquidations (default), or another metric listed in docs/figures.md
    outlet              who printed it (default: the host of the URL)
    published_at        when, as stated
    venue, asset        all (default), one name, or several joined with + or /
    side                long, short or total: the side of the position that was liquidated
    count_unit          traders, positions, orders or fills
    threshold_usd       what a count counts above
    window_start_utc, window_end_utc    ISO 8601; a bare date as the end means that whole day; empty: not stated
    window_confidence   high, medium-high, medium (default) or low: edges good to 5, 15, 30 or 120 minutes
    slack               the same in your own words: 10m, 1h
    window_text         the outlet's words for the window
    provider_attributed who the text says has measured it
    lineage             the lineage, where you know it for sure
    as_printed          no: the collector computed the number, e.g. the middle of a printed range
    event, note         free text

A row that cannot be read becomes a `RowProblem` with file, line and reason; it is never dropped silently.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from importlib.resources import files
from pathlib import Path
from urllib.parse import urlsplit

from verify.model import names
from verify.model.amount import Amount
from verify.model.errors import FigureFileError, InputError, NameUnknown
from verify.model.figure import EvidenceRef, Figure, Grade
from verify.model.quantity import (
    LIQUIDATION_COUNT,
    LIQUIDATIONS,
    METRICS,
    CountUnit,
    Metric,
    Nature,
    Quantity,
    Scope,
    Side,
)
from verify.model.window import Window, parse_duration, parse_instant

#: The name under which `--figures` reaches the events that ship with the package.
BUNDLED = "bundled"

_LONGEST_LINE = 1_000_000
_ALIASES = {
    "provider": "provider_attributed",
    "attribution": "provider_attributed",
    "notes": "note",
    "amount": "amount_text",
    "venues": "venue",
    "exchange": "venue",
    "assets": "asset",
    "coin": "asset",
    "start": "window_start_utc",
    "window_start": "window_start_utc",
    "end": "window_end_utc",
    "window_end": "window_end_utc",
    "published": "published_at",
    "source": "outlet",
}
_NUMBER_COLUMNS = ("amount_usd", "amount_text", "count")
_SIDES = {
    "long": Side.LONG,
    "longs": Side.LONG,
    "short": Side.SHORT,
    "shorts": Side.SHORT,
    "total": Side.BOTH,
    "both": Side.BOTH,
    "all": Side.BOTH,
    "n/a": Side.BOTH,
    "": Side.BOTH,
}
_OTHER_SIDES = frozenset({"inflow", "outflow", "short close", "long close", "net"})
_EVERYTHING = frozenset(
    {"", "all", "n/a", "na", "any", "unspecified", "market", "all venues", "all exchanges", "all assets"}
)
_METRIC_WORDS = (
    (re.compile(r"liquidations?\s*(?:\(misreported\))?"), "liquidations"),
    (re.compile(r"liquidations? \(\W*real losses\W*\)"), "realised_losses"),
    (re.compile(r"liquidations? \(rate per hour\)"), "liquidation_rate"),
    (re.compile(r"liquidations? \+ adl"), "forced_closures"),
    (re.compile(r"adl closures?"), "auto_deleveraging"),
    (re.compile(r"estimated (?:true )?liquidations?"), "estimated_liquidations"),
    (re.compile(r"largest (?:single )?liquidation"), "largest_liquidation"),
    (re.compile(r"(?:number|count) of (?:liquidated )?(?:traders|positions|orders|fills)\b.*"), "liquidation_count"),
    (re.compile(r"wallet losses"), "wallet_losses"),
    (re.compile(r"open interest drop"), "open_interest_drop"),
    (re.compile(r"open interest(?: level.*)?"), "open_interest"),
    (re.compile(r"price\b.*"), "price"),
    (re.compile(r"unrealised (?:pnl|gain)"), "unrealised_gain"),
    (re.compile(r"(?:whale )?realised (?:pnl|gain)"), "realised_gain"),
    (re.compile(r"etf (?:net )?flows?"), "etf_net_flow"),
    (re.compile(r"(?:cumulative )?dex volume"), "dex_volume"),
    (re.compile(r"volatility change\b.*"), "volatility_change"),
    (re.compile(r"(?:long|venue|short) share\b.*"), "share"),
    (re.compile(r"under-?reporting factor"), "factor"),
    (re.compile(r"qualitative\b.*"), "remark"),
)
_ABOVE = re.compile(r"(?:>|above|over)\s*(\$?\s*[\d.,]+\s*[a-z]*)")
_UNIT = re.compile(r"traders|positions|orders|fills")
_COVERED = re.compile(r"-covered\b", re.IGNORECASE)
_VAGUE = re.compile(r"\b(?:major|some|several|leading|top|large)\b", re.IGNORECASE)
_REMARK = re.compile(r"\([^()]*\)")


@dataclass(frozen=True, slots=True)
class RowProblem:
    """A row that could not be read: where it stands and why."""

    file: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.reason}"


@dataclass(frozen=True, slots=True)
class FigureFile:
    """What one file holds. `sha256` is the hash of its bytes, `data`."""

    name: str
    sha256: str
    figures: tuple[Figure, ...]
    problems: tuple[RowProblem, ...]
    data: bytes = field(default=b"", repr=False, compare=False)


def read_bundled() -> list[FigureFile]:
    """The figures of past events that ship with the package, one file per event."""
    folder = files("sources") / "events"
    if not folder.is_dir():  # a source checkout: the fixtures lie at the top
        folder = Path(__file__).parent.parent / "fixtures" / "events"
    found = []
    for event in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if event.is_dir():
            data = (event / "figures.csv").read_bytes()
            found.append(parse_figures(data, name=f"{BUNDLED}/{event.name}/figures.csv"))
    return found


def read_figures(path: str | Path) -> FigureFile:
    """Read one file of figures; `FigureFileError` if it is not one or holds no readable row."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise FigureFileError(f"{path}: cannot be read: {error.strerror or error}") from None
    return parse_figures(data, name=str(path))


def parse_figures(data: bytes, *, name: str) -> FigureFile:
    """Parse the bytes of a CSV file. `name` is how reports call it; lines are counted from 1, the header included."""
    digest = hashlib.sha256(data).hexdigest()
    figures: list[Figure] = []
    problems: list[RowProblem] = []
    header, rows = _table(data, name)
    for first, last, cells in rows:
        try:
            if isinstance(cells, csv.Error):
                raise InputError(f"not valid CSV: {cells}{_span(first, last)}")
            if len(cells) != len(header):
                raise InputError(f"it has {len(cells)} fields where the header has {len(header)}{_span(first, last)}")
            figures += _figures_of(dict(zip(header, cells, strict=True)), EvidenceRef(name, first, digest))
        except InputError as error:
            problems.append(RowProblem(name, first, str(error)))
    if not figures:
        begin = f"; first: line {problems[0].line}: {problems[0].reason}" if problems else ""
        held = f"none of its {len(problems)} rows can be read" if problems else "it has no rows below the header"
        raise FigureFileError(f"{name}: holds no figures: {held}{begin}")
    return FigureFile(name, digest, tuple(figures), tuple(problems), data)


def _span(first: int, last: int) -> str:
    return f" (lines {first} to {last} were read as one row: is a quote not closed?)" if last > first else ""


def _table(data: bytes, name: str) -> tuple[list[str], Iterator[tuple[int, int, list[str] | csv.Error]]]:
    """The header and the rows that are not blank (or why they are no row), each with its first and last line.

    Strict CSV: without that, a quote that is not closed would swallow the rest of the file without a word.
    """
    text = _text(data, name)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    try:
        header = [_column(cell) for cell in next(filter(any, reader), [])]
    except csv.Error as error:
        raise FigureFileError(f"{name}:{reader.line_num}: the header is not valid CSV: {error}") from None
    if repeated := sorted({column for column in header if column and header.count(column) > 1}):
        raise FigureFileError(f"{name}:1: the column {repeated[0]!r} stands twice in the header")
    if "url" not in header or not any(column in header for column in _NUMBER_COLUMNS):
        raise FigureFileError(
            f"{name}:1: the header needs the column url and one of {', '.join(_NUMBER_COLUMNS)} (see docs/figures.md)"
        )

    def rows() -> Iterator[tuple[int, int, list[str] | csv.Error]]:
        while True:
            first = reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield first, reader.line_num, error
                continue
            if any(cell.strip() for cell in cells):
                yield first, reader.line_num, cells

    return header, rows()


def _text(data: bytes, name: str) -> str:
    if not data.removeprefix(b"\xef\xbb\xbf").strip():
        raise FigureFileError(f"{name}: the file is empty: expected a CSV with a header line (see docs/figures.md)")
    lines = data.split(b"\n")
    longest = max(range(len(lines)), key=lambda index: len(lines[index]))
    if len(lines[longest]) > _LONGEST_LINE:
        size = f"{len(lines[longest]):,}"
        raise FigureFileError(f"{name}:{longest + 1}: the line has {size} bytes: no row of figures is that long")
    if b"\0" in data:
        raise FigureFileError(f"{name}: the file holds zero bytes: it is not a CSV in UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        at = data[: error.start].count(b"\n") + 1
        raise FigureFileError(f"{name}:{at}: the file is not UTF-8: save it as UTF-8 and try again") from None


def _delimiter(text: str) -> str:
    head = text.lstrip().split("\n", 1)[0]
    return max(",;\t", key=head.count)


def _column(cell: str) -> str:
    column = cell.strip().lower().replace(" ", "_")
    return _ALIASES.get(column, column)


def _figures_of(row: Mapping[str, str], where: EvidenceRef) -> list[Figure]:
    """The figure of the amount and, where the row has one, the figure of the count."""
    cells = {column: (value or "").strip() for column, value in row.items() if column}
    url = cells.get("url", "")
    parts = _url(url)
    metric, unit, threshold = _metric(cells)
    window, at = _window(cells, metric)
    venues = _venues(cells.get("venue", ""), metric)
    assets = _assets(cells.get("asset", ""))
    side = _side(cells.get("side", ""), metric)

    def stated(metric: Metric, amount: Amount | None, unit: CountUnit | None = None) -> Figure:
        return Figure(
            quantity=Quantity(metric, venues, assets, side, threshold if unit else None, unit),
            amount=amount,
            window=window,
            outlet=cells.get("outlet") or parts,
            url=url,
            attribution=cells.get("provider_attributed", ""),
            published=cells.get("published_at", ""),
            window_text=cells.get("window_text", ""),
            note=cells.get("note", ""),
            event=cells.get("event", ""),
            declared_lineage=cells.get("lineage", ""),
            as_printed=cells.get("as_printed", "").lower() not in {"no", "false", "0"},
            at=at,
            evidence=where,
        )

    found = []
    amount = _amount(cells, metric)
    count = _count(cells.get("count", ""))
    if amount is not None and metric is not LIQUIDATION_COUNT:
        found.append(stated(metric, amount))
    if count is not None:
        found.append(stated(LIQUIDATION_COUNT if metric.nature is Nature.FLOW else metric, count, unit))
    if not found:
        if amount is not None:
            raise InputError("it counts something: the number belongs into the column count")
        if metric.money or metric is LIQUIDATION_COUNT:
            raise InputError(f"it states no number: {', '.join(_NUMBER_COLUMNS)} are all empty")
        found.append(stated(metric, None))
    return found


def _url(url: str) -> str:
    """The host of a web address."""
    if not url:
        raise InputError("the url is missing: a figure without its page cannot be checked")
    try:
        host = urlsplit(url).hostname
    except ValueError:
        host = None
    if not host or not url.lower().startswith(("http://", "https://")):
        raise InputError(f"{_short(url)!r} is not a web address")
    return host


def _metric(cells: Mapping[str, str]) -> tuple[Metric, CountUnit, Decimal | None]:
    written = cells.get("metric", "").lower()
    identity = next((i for pattern, i in _METRIC_WORDS if pattern.fullmatch(written)), None)
    metric = METRICS.get(identity or written.replace(" ", "_") or "liquidations")
    if metric is None:
        raise InputError(f"unknown metric {_short(cells['metric'])!r} (docs/figures.md lists them)")
    unit_word = cells.get("count_unit", "").lower() or (m[0] if (m := _UNIT.search(written)) else "")
    try:
        unit = CountUnit(unit_word) if unit_word else CountUnit.UNSPECIFIED
    except ValueError:
        raise InputError(f"unknown count_unit {unit_word!r}: write {', '.join(CountUnit)}") from None
    above = cells.get("threshold_usd", "") or (m[1] if (m := _ABOVE.search(written)) else "")
    if not above:
        return metric, unit, None
    number = _number(above)
    size = Amount.parse(above) if number is None else Amount.from_decimal(number, text=above)
    return metric, unit, size.value or None


def _amount(cells: Mapping[str, str], metric: Metric) -> Amount | None:
    if text := cells.get("amount_text", ""):
        return Amount.parse(text)
    written = cells.get("amount_usd", "")
    if not written:
        return None
    number = _number(re.sub(r"^(-?)\$ ?", r"\1", written))  # a spreadsheet's currency format
    if number is None:
        return Amount.parse(written)
    if number < 0 and metric.id != "etf_net_flow":
        raise InputError(f"the amount {_short(written)} is negative")
    size = Amount.from_decimal(abs(number), text=written)
    return size if number >= 0 else Amount(-size.value, -size.high, -size.low, size.hedge, size.currency, None, written)


def _count(written: str) -> Amount | None:
    if not written:
        return None
    number = _number(written)
    amount = Amount.parse(written) if number is None else Amount.from_decimal(number, currency="", text=written)
    if amount.currency:
        raise InputError(f"the count {_short(written)!r} is an amount of money")
    if amount.value != amount.value.to_integral_value():
        raise InputError(f"the count {_short(written)!r} is not a whole number")
    return amount


def _number(written: str) -> Decimal | None:
    """A machine-written number (also 7.5E+08 and 750000000.0), or None if it is written for people."""
    try:
        number = Decimal(written.replace(",", "") if re.fullmatch(r"-?\d{1,3}(,\d{3})+(\.\d+)?", written) else written)
    except InvalidOperation:
        return None
    if not number.is_finite():
        raise InputError(f"the number {_short(written)!r} is not finite")
    if number and number.adjusted() > 18:
        raise InputError(f"the number {_short(written)} is more money than there is")
    return number.quantize(Decimal(1)) if number == number.to_integral_value() else number


def _window(cells: Mapping[str, str], metric: Metric) -> tuple[Window | None, datetime | None]:
    start, end = cells.get("window_start_utc", ""), cells.get("window_end_utc", "")
    if not start and not end:
        return None, None
    level = metric.nature is Nature.LEVEL
    if not (start and end) and not level:
        raise InputError("the window has only one edge: fill window_start_utc and window_end_utc, or neither")
    grade = cells.get("window_confidence", "").lower()
    slack = parse_duration(cells["slack"], zero=True) if cells.get("slack") else _slack(grade)
    whole_day = re.fullmatch(r"\d{4}-\d{2}-\d{2}", end)
    last = Window.parse(end).end if whole_day else parse_instant(end or start)
    first = parse_instant(start or end)
    if level and first >= last:
        return None, last
    return Window(first, last, slack), None


def _slack(grade: str) -> timedelta:
    words = re.match(r"(?:medium-high|high|medium|low)\b|", grade)
    word = words[0] if words else ""
    return Grade(word or (Grade.LOW if grade else Grade.MEDIUM)).slack


def _side(written: str, metric: Metric) -> Side:
    side = _SIDES.get(written.lower())
    if side is not None:
        return side
    if metric not in (LIQUIDATIONS, LIQUIDATION_COUNT) and written.lower() in _OTHER_SIDES:
        return Side.BOTH
    raise InputError(
        f"unknown side {_short(written)!r}: write long, short or total (the position's side, not the order's)"
    )


def _venues(written: str, metric: Metric) -> Scope:
    plain = _REMARK.sub("", written).strip().strip("?").strip()
    if plain.strip('"').lower() in _EVERYTHING:
        return Scope()
    if _COVERED.search(plain):
        return Scope(note=plain)
    if _VAGUE.search(plain):
        return Scope(vague=True, note=plain.strip('"'))
    members = [part.strip().strip('"?') for part in re.split(r"[+/,&]", plain) if part.strip()]
    liquidations = metric in (LIQUIDATIONS, LIQUIDATION_COUNT)
    return Scope.of(*(_venue(member) if liquidations else names.key(member) for member in members))


def _venue(written: str) -> str:
    """A venue id; an unregistered venue is taken by its own name unless it looks like a misspelt one."""
    if known := names.find("venues", written):
        return known.id
    if near := names.nearest("venues", written, cutoff=80):
        raise NameUnknown("venue", written, [near.name.title])
    return names.key(written)


def _assets(written: str) -> Scope:
    if written.lower() in _EVERYTHING:
        return Scope()
    found = []
    for part in re.split(r"[+/,&]", written):
        symbol = part.strip()
        known = names.find("assets", symbol)
        if known is None and not re.fullmatch(r"[A-Za-z0-9]{1,15}", symbol):
            raise InputError(f"{_short(symbol)!r} is not an asset: write a ticker such as BTC")
        found.append(known.id if known else symbol.upper())
    return Scope.of(*found)


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."
