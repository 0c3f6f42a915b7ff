"""Farside Investors: net flows of US spot funds by day and fund, from a page that was saved with a browser.

The site turns plain clients away (a Cloudflare challenge, HTTP 403), and offers no interface: `farside:PATH` reads a
saved page. Cells are millions of US dollars, parentheses are outflows, `-` is not reported.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path

from sources import funds
from sources.adapter import Channel, Instruments, Payload, Request, Source
from sources.lazy import pl
from sources.spec import ChannelSpec, CompletenessRule, Form, Rate, SourceSpec, Transport
from verify.model.errors import InputError, SchemaChanged, Unavailable
from verify.model.figure import Completeness
from verify.model.quantity import ALL_FUNDS, Quantity
from verify.model.window import Window

_HOME = "https://farside.co.uk"
_DOCS = f"{_HOME}/sol/"
_LARGEST = 64 * 1024 * 1024  # bytes of a saved page
#: What the head of a page calls the asset; the funds of its table are asked where it calls none.
_CALLED = {"bitcoin": "BTC", "ethereum": "ETH", "solana": "SOL", "hyperliquid": "HYPE", "btc": "BTC", "eth": "ETH"}
_CALLED |= {"sol": "SOL", "hyp": "HYPE"}
_FUNDS = {"IBIT": "BTC", "FBTC": "BTC", "ETHA": "ETH", "FETH": "ETH", "BSOL": "SOL", "FSOL": "SOL", "VSOL": "SOL"}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
# No tag may hold a `<`, so that a page full of unfinished tags takes no longer than its length.
_MARK = re.compile(r"<(/?)(table|tr|td|th)\b[^<>]*>", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")
_TITLE = re.compile(r"<title\b[^<>]*>([^<]{0,300})", re.IGNORECASE)
_CANONICAL = re.compile(r"farside\.co\.uk/([a-z]{3,20})(?:-etf-flow-all-data)?/?[\"'#?]", re.IGNORECASE)
_DATE = re.compile(r"(\d{1,2})[ -]([A-Za-z]{3})[A-Za-z]*[ -](\d{4})|(\d{1,2})/(\d{1,2})/(\d{4})")
_TICKER = re.compile(r"[A-Z]{3,6}")
_MONEY = re.compile(r"(\()?([-−]?)\$?(\d{1,3}(?:,\d{3})+|\d+)(\.\d+)?(\))?")
_NOTHING = frozenset({"", "-", "–", "—", "n/a"})
_MILLION = 1_000_000
#: A cell is printed to a tenth of a million.
_STEP = 0.1 * _MILLION

SPEC = SourceSpec(
    id="farside",
    title="Farside",
    homepage=_HOME,
    kind="flow",
    hosts=("farside.co.uk",),
    rate=Rate(1, timedelta(seconds=1)),
    as_of=date(2026, 11, 22),
    limits=(
        "asking the site: it turns plain clients away (HTTP 403); save its page with a browser and give it with "
        "--source farside:PATH",
    ),
    channels=(
        ChannelSpec(
            id="page",
            title="Net flow of US spot funds by day and fund, a saved page",
            transport=Transport.FILE,
            form=Form.SERIES,
            docs=(_DOCS,),
            metrics=("etf_net_flow",),
            venues=(),
            lineage=("farside/tables",),
            completeness=(CompletenessRule(Completeness.COMPLETE, _DOCS, note="the funds that it lists"),),
            quantity_unit="USD",
            step=_STEP,
            doubts=(
                "A total of 0.0 on a day without any fund's number stands for nothing reported and is left out; a "
                "fund's 0.0 may be printed before its final number.",
                "It can change until the day after: a saved page is as old as its file.",
            ),
        ),
    ),
)


def opened(address: str) -> Sequence[Source]:
    """The source of a page saved at `address`, a path. Raises `InputError` where there is no such file."""
    path = Path(address).expanduser()
    if not path.is_file():
        raise InputError(f"--source farside:{address}: there is no such file; save a page of {_HOME} with a browser")
    name = re.sub(r"[^a-z0-9_.-]+", "-", path.stem.lower()).strip("-.") or "page"
    spec = replace(SPEC, id=f"farside.{name}")
    code = Channel(_requests, partial(_parse, source=f"{spec.id}/page"), reader=partial(_read, path))
    return [Source(spec, {"page": code})]


def _requests(_window: Window, _quantity: Quantity) -> Sequence[Request]:
    return [Request(f"{_HOME}/", note="a saved page")]


def _read(path: Path, _request: Request) -> bytes:
    try:
        if path.stat().st_size > _LARGEST:
            raise Unavailable(f"{path.name} is longer than {_LARGEST // 2**20} MB: that is no saved page")
        return path.read_bytes()
    except OSError as error:
        raise Unavailable(f"cannot read {path.name}: {error.strerror}") from None


def _parse(
    payload: Payload, window: Window, _instruments: Instruments, *, source: str = "farside/page"
) -> pl.DataFrame:
    """One row per day and fund, and one of all. Raises `Suspect` where the funds of a day are not its total."""
    text = payload.body.decode("utf-8", "replace")
    table, heads = _table(text, source)
    asset = _asset(text, heads, source)
    rows: list[funds.Flow] = []
    for day, cells in table:
        if len(cells) != len(heads):
            raise SchemaChanged(f"the row of {day} has {len(cells)} cells of {len(heads)}", source=source)
        told = {head: _usd(cell, day, source) for head, cell in zip(heads, cells, strict=True) if head}
        total = told.pop(ALL_FUNDS, None)
        parts = list(told.values())
        if all(part is None for part in parts):
            continue
        known = [part or 0.0 for part in parts]  # it adds up those that have reported
        funds.add_up(day, total, known, within=_STEP * (len(known) + 1) / 2, source=source)
        rows.append((day, ALL_FUNDS, total))
        rows += [(day, fund, part) for fund, part in told.items()]
    return funds.flows(rows, asset=asset, field="Total", source=source, window=window)


def _table(text: str, source: str) -> tuple[list[tuple[date, list[str]]], list[str]]:
    """The rows of days with their cells, and the fund (or `ALL_FUNDS`, or nothing) of each column after the date."""
    for rows in _tables(text):
        days = [(day, row[1:]) for row in rows if row and (day := _day(row[0]))]
        if not days:
            continue
        first = next(number for number, row in enumerate(rows) if row and _day(row[0]))
        heads = _heads(rows[:first], max(len(cells) for _, cells in days))
        if ALL_FUNDS in heads and any(head not in ("", ALL_FUNDS) for head in heads):
            return days, heads
    hint = "it is the page that keeps plain clients out: save it once the browser shows the table"
    what = hint if "just a moment" in text.lower() else "save one of its pages of flows as HTML"
    raise SchemaChanged(f"the page has no table of flows by day and fund; {what}", source=source, field="Total")


def _heads(rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """Issuers, tickers and fees stand above one another: the lowest that looks like a ticker names the column."""
    found = [""] * width
    for row in rows:
        cells = row[len(row) - width :] if len(row) >= width else ()
        for number, cell in enumerate(cells):
            if cell.lower() == "total":
                found[number] = ALL_FUNDS
            elif _TICKER.fullmatch(cell) and found[number] != ALL_FUNDS:
                found[number] = cell
    return found


def _tables(text: str) -> list[list[list[str]]]:
    """Tables as rows of cells, each the words in it. A table inside of another ends it."""
    tables: list[list[list[str]]] = []
    opened_at: int | None = None
    for mark in [*_MARK.finditer(text), None]:
        if opened_at is not None:
            cell = text[opened_at : mark.start() if mark else len(text)]
            tables[-1][-1].append(" ".join(html.unescape(_TAG.sub(" ", cell)).split()))
            opened_at = None
        if mark is None or mark[1]:
            continue
        name = mark[2].lower()
        if name == "table" or not tables:
            tables.append([])
        if name == "tr" or (name in ("td", "th") and not tables[-1]):
            tables[-1].append([])
        if name in ("td", "th"):
            opened_at = mark.end()
    return tables


def _day(cell: str) -> date | None:
    """A date day first, as the site writes it; None for what is none."""
    found = _DATE.fullmatch(cell)
    if found is None:
        return None
    try:
        if found[1]:
            return date(int(found[3]), _MONTHS.index(found[2].lower()) + 1, int(found[1]))
        return date(int(found[6]), int(found[5]), int(found[4]))
    except ValueError:
        return None


def _usd(cell: str, day: date, source: str) -> float | None:
    """Dollars of a cell in millions; None where nothing is reported, which is not zero."""
    if cell.lower() in _NOTHING:
        return None
    found = _MONEY.fullmatch(cell.replace(" ", ""))
    if found is None or bool(found[1]) != bool(found[5]):
        raise SchemaChanged(f"a cell of {day} is no amount: {cell[:20]!r}", source=source, field="Total")
    sign = -1 if found[1] or found[2] else 1
    return round(sign * float(found[3].replace(",", "") + (found[4] or "")) * _MILLION, 2)


def _asset(text: str, heads: Sequence[str], source: str) -> str:
    """The asset whose funds they are: by the address and the title of the page, else by well-known funds."""
    told = [*_CANONICAL.findall(text[:20_000]), *re.findall(r"\w+", (_TITLE.search(text) or [""])[0].lower())]
    by_funds = {_FUNDS[head] for head in heads if head in _FUNDS}
    if len(by_funds) == 1:
        return by_funds.pop()
    by_name = {_CALLED[word.lower()] for word in told if word.lower() in _CALLED}
    if len(by_name) == 1:
        return by_name.pop()
    raise SchemaChanged("the page does not say of which asset the funds are", source=source, field="title")


_INSTEAD = "turns plain clients away (HTTP 403): save its page with a browser and add --source farside:PATH"
SOURCE = Source(SPEC, {"page": Channel(parse=_parse)}, notes={"page": _INSTEAD})
