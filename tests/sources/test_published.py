"""Files of published figures: real tables are dirty, and no row of them is lost without a word."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
from collections import Counter
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.published import FigureFile, parse_figures, read_bundled, read_figures
from verify.model.amount import Hedge
from verify.model.errors import FigureFileError
from verify.model.figure import Figure
from verify.model.quantity import LIQUIDATIONS, CountUnit, Side

HEADER = "url,outlet,metric,venue,asset,side,amount_usd,window_start_utc,window_end_utc,window_confidence,note"
WINDOW = "2026-02-01T00:00Z,2026-02-01T04:00Z,high"
GOOD = f"https://a.example/1,Paper,liquidations,all,all,long,730000000,{WINDOW},"


def read(*rows: str, header: str = HEADER, end: str = "\n") -> FigureFile:
    return parse_figures(end.join([header, *rows, ""]).encode(), name="mine.csv")


ROW = {"url": "https://a.example/1", "amount_usd": "730000000"}


def table(*rows: dict[str, str]) -> FigureFile:
    """What a file with these rows holds."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list({column: None for row in rows for column in row}))
    writer.writeheader()
    writer.writerows(rows)
    return parse_figures(out.getvalue().encode(), name="mine.csv")


def one(**cells: str) -> Figure:
    """The one figure of a row with these cells beside an address and an amount."""
    found = table(ROW | cells)
    assert not found.problems, found.problems
    (figure,) = found.figures
    return figure


def reason(**cells: str) -> str:
    """Why a row with these cells cannot be read, before a good one."""
    found = table(ROW | cells, ROW)
    (problem,) = found.problems
    assert str(problem).startswith("mine.csv:2: ")
    assert str(problem).isprintable()
    assert len(found.figures) == 1
    return problem.reason


def test_a_row_is_a_figure_with_its_window_scope_and_place() -> None:
    (figure,) = read(GOOD).figures
    assert figure.quantity.metric is LIQUIDATIONS
    assert figure.quantity.side is Side.LONG
    assert figure.quantity.venues.is_all
    assert figure.amount is not None
    assert (figure.amount.low, figure.amount.high, figure.amount.currency) == (725_000_000, 735_000_000, "USD")
    assert str(figure.window) == "2026-02-01T00:00Z/2026-02-01T04:00Z"
    assert figure.window is not None
    assert figure.window.slack == timedelta(minutes=5)
    assert str(figure.evidence) == "mine.csv:2"
    assert (figure.outlet, figure.url) == ("Paper", "https://a.example/1")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("start", ["", "\ufeff", "\ufeff\n\n", "\n"])
def test_byte_order_marks_line_ends_and_blank_lines_change_nothing(start: str, end: str) -> None:
    text = start.replace("\n", end) + end.join(
        [HEADER, "", GOOD, ",,,,,,,,,,", "   ", GOOD.replace("/1", "/2"), "", ""]
    )
    found = parse_figures(text.encode(), name="mine.csv")
    assert [figure.url for figure in found.figures] == ["https://a.example/1", "https://a.example/2"]
    assert not found.problems


@pytest.mark.parametrize("mark", [";", "\t"])
def test_semicolons_and_tabs_separate_as_well(mark: str) -> None:
    header = HEADER.replace(",", mark) + f'{mark}"remark, free"'
    found = parse_figures(f"{header}\n{GOOD.replace(',', mark)}{mark}a, b, c\n".encode(), name="mine.csv")
    assert len(found.figures) == 1
    assert not found.problems


@pytest.mark.parametrize(
    "written",
    [
        "750000000",
        "7.5E+08",
        "7.5e8",
        "750000000.0",
        "750000000.00",
        "750,000,000",
        "750_000_000",
        "$750,000,000.00",
        "$ 750000000",
    ],
)
def test_numbers_as_spreadsheets_write_them(written: str) -> None:
    amount = one(amount_usd=written).amount
    assert amount is not None
    assert (amount.value, amount.low, amount.high) == (750_000_000, 745_000_000, 755_000_000)


def test_the_number_as_printed_wins_over_the_computed_one() -> None:
    amount = one(amount_usd="19000000000", amount_text="nearly $19B").amount
    assert amount is not None
    assert amount.hedge is Hedge.NEARLY
    ranged = one(amount_usd="552500000", amount_text="$551-$554 million").amount
    assert ranged is not None
    assert ranged.ends == (551_000_000, 554_000_000)


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        ({"amount_usd": "abc"}, "cannot read 'abc'"),
        ({"amount_usd": "NaN"}, "not finite"),
        ({"amount_usd": "-inf"}, "not finite"),
        ({"amount_usd": "1e400"}, "more money than there is"),
        ({"amount_usd": "1e99999999"}, "more money than there is"),
        ({"amount_usd": "1e-99999999"}, "so many digits"),
        ({"amount_usd": "-730000000"}, "negative"),
        ({"amount_usd": "(730,000,000)"}, "cannot read"),
        ({"amount_usd": "750.000.000"}, "a decimal point is a point"),
        ({"amount_usd": "7,5"}, "a decimal point is a point"),
        ({"amount_usd": "#REF!"}, "cannot read '#REF!'"),
        ({"amount_usd": "=A1*2"}, "cannot read '=A1*2'"),
        ({"amount_usd": ""}, "states no number"),
        ({"url": ""}, "the url is missing"),
        ({"url": "see page 4"}, "not a web address"),
        ({"url": "javascript:alert(1)"}, "not a web address"),
        ({"url": "http://[bad"}, "not a web address"),
        ({"side": "buy"}, "unknown side 'buy'"),
        ({"side": "inflow"}, "unknown side 'inflow'"),
        ({"metric": "liquidatoins"}, "unknown metric"),
        ({"venue": "Binnance"}, "did you mean Binance"),
        ({"asset": "gold (spot)"}, "not an asset"),
        ({"count_unit": "wallets", "count": "5"}, "unknown count_unit 'wallets'"),
        ({"amount_usd": "", "count": "-5"}, "non-negative"),
        ({"amount_usd": "", "count": "1.5"}, "not a whole number"),
        ({"amount_usd": "", "count": "$5"}, "an amount of money"),
        ({"metric": "liquidation_count"}, "the column count"),
        ({"threshold_usd": "lots", "count": "5"}, "cannot read 'lots'"),
        ({"window_start_utc": "2026-02-01T04:00Z", "window_end_utc": "2026-02-01T00:00Z"}, "before it starts"),
        ({"window_start_utc": "2026-02-01T04:00Z", "window_end_utc": "2026-02-01T04:00Z"}, "no length"),
        ({"window_start_utc": "2026-02-01T04:00Z", "window_end_utc": ""}, "only one edge"),
        ({"window_end_utc": "2026-02-01T04:00Z", "window_start_utc": ""}, "only one edge"),
        ({"window_start_utc": "2026-02-01 00:00", "window_end_utc": "2026-02-01 04:00"}, "no time zone"),
        ({"window_start_utc": "1 Feb", "window_end_utc": "2 Feb"}, "cannot read the time"),
        ({"window_start_utc": "2026-02-01", "window_end_utc": "9999-12-31", "slack": "9999999d"}, "calendar"),
        ({"window_start_utc": "2026-02-01", "window_end_utc": "2026-02-02", "slack": "a bit"}, "duration"),
    ],
)  # fmt: skip
def test_a_row_that_cannot_be_read_says_why(cells: dict[str, str], says: str) -> None:
    assert says in reason(**cells)


def test_short_and_long_rows_are_reported_with_their_line() -> None:
    found = read(GOOD, "https://a.example/2,Paper", GOOD + ",extra", GOOD.replace("/1", "/3"))
    assert [(problem.line, problem.reason) for problem in found.problems] == [
        (3, "it has 2 fields where the header has 11"),
        (4, "it has 12 fields where the header has 11"),
    ]
    assert [str(figure.evidence) for figure in found.figures] == ["mine.csv:2", "mine.csv:5"]


def test_quoted_remarks_hold_commas_quotes_and_line_ends() -> None:
    found = read(GOOD + '"he said ""$1bn"", then\nleft, quickly"', GOOD.replace("/1", "/2"))
    assert [figure.note for figure in found.figures] == ['he said "$1bn", then\nleft, quickly', ""]
    assert [str(figure.evidence) for figure in found.figures] == ["mine.csv:2", "mine.csv:4"]


@pytest.mark.parametrize("place", ["last column", "first column"])
def test_a_quote_that_is_not_closed_does_not_swallow_the_rest_in_silence(place: str) -> None:
    bad = GOOD + '"not closed' if place == "last column" else '"' + GOOD
    found = read(GOOD, bad, GOOD.replace("/1", "/3"), GOOD.replace("/1", "/4"))
    (problem,) = found.problems
    assert problem.line == 3
    assert "lines 3 to 5 were read as one row: is a quote not closed?" in problem.reason
    assert len(found.figures) == 1


def test_a_quote_inside_a_quoted_cell_spoils_its_own_row_only() -> None:
    found = read(GOOD + '"he said "no" to us"', GOOD.replace("/1", "/2"))
    assert [problem.line for problem in found.problems] == [2]
    assert [figure.url for figure in found.figures] == ["https://a.example/2"]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "the file is empty"),
        (b" \r\n\n", "the file is empty"),
        (b"\xef\xbb\xbf", "the file is empty"),
        (b",,,\n", "needs the column url"),
        (b"url,amount_usd\n", "no rows below the header"),
        (b"url,amount_usd\nx,y\n", "none of its 1 rows can be read; first: line 2: 'x' is not a web address"),
        (b"a,b\n1,2\n", "needs the column url"),
        (b"url,note\nhttps://a.example,x\n", "needs the column url and one of amount_usd"),
        (b"url,amount_usd,note,Notes\n", "'note' stands twice"),
        (b"url,amount_usd,URL\n", "'url' stands twice"),
        ("url,amount_usd,outlet\nhttps://a.example,5,Zürich\n".encode("latin-1"), "mine.csv:2: the file is not UTF-8"),
        ("url,amount_usd\nhttps://a.example,5\n".encode("utf-16"), "not a CSV in UTF-8"),
        (b"PK\x03\x04\x14\x00\x06\x00\x08\x00", "not a CSV in UTF-8"),
        (b"url,amount_usd\n" + b"x" * 50_000_000, "mine.csv:2: the line has 50,000,000 bytes"),
        (b"u" * 200_000 + b"\n1\n", "the header is not valid CSV"),
        (b'"url,amount_usd\n1\n', "the header is not valid CSV"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(1, 255)) * 9, "not UTF-8"),
    ],
)
def test_what_is_no_file_of_figures_is_one_sentence_with_its_name(data: bytes, says: str) -> None:
    with pytest.raises(FigureFileError) as caught:
        parse_figures(data, name="mine.csv")
    said = str(caught.value)
    assert said.startswith("mine.csv:")
    assert says in said
    assert said.isprintable()
    assert len(said) < 400


def test_a_cell_that_is_too_long_spoils_its_own_row_only() -> None:
    found = read(GOOD + "x" * 500_000, GOOD.replace("/1", "/2"))
    assert [problem.line for problem in found.problems] == [2]
    assert len(found.figures) == 1


def test_files_that_cannot_be_opened_say_so(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.csv", tmp_path):
        with pytest.raises(FigureFileError, match="cannot be read"):
            read_figures(path)


def test_a_file_is_named_by_its_path_and_hash(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_bytes(b"url,amount_usd\nhttps://a.example/1,5\n")
    found = read_figures(path)
    assert found.name == str(path)
    assert found.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_bare_date_as_the_end_means_that_whole_day() -> None:
    window = one(window_start_utc="2026-02-01", window_end_utc="2026-02-01").window
    assert str(window) == "2026-02-01T00:00Z/2026-02-02T00:00Z"


@pytest.mark.parametrize(
    ("grade", "minutes"),
    [("high", 5), ("Medium-High", 15), ("medium (shot)", 30), ("", 30), ("low; inferred", 120), ("highly unsure", 120)],
)
def test_the_grade_of_a_window_says_how_far_its_edges_may_be_off(grade: str, minutes: int) -> None:
    window = one(window_start_utc="2026-02-01", window_end_utc="2026-02-01", window_confidence=grade).window
    assert window is not None
    assert window.slack == timedelta(minutes=minutes)


def test_slack_in_own_words_wins_and_may_be_nothing() -> None:
    for written, slack in (("1h", timedelta(hours=1)), ("0m", timedelta(0))):
        window = one(window_start_utc="2026-02-01", window_end_utc="2026-02-01", slack=written).window
        assert window is not None
        assert window.slack == slack


def test_scopes_are_all_some_named_or_an_unnamed_part() -> None:
    assert one(venue="all exchanges").quantity.venues.is_all
    assert one(venue="all (unspecified)").quantity.venues.is_all
    assert one(venue="Binance+OKX / gate.io").quantity.venues.names == {"binance", "okx", "gate"}
    assert one(venue="币安").quantity.venues.names == {"binance"}
    assert one(venue="major exchanges").quantity.venues.vague
    assert one(venue="Backpack").quantity.venues.names == {"backpack"}
    assert one(asset="bitcoin + ETH").quantity.assets.names == {"BTC", "ETH"}
    assert one(asset="kBONK").quantity.assets.names == {"KBONK"}


def test_counts_stand_beside_amounts_with_their_unit_and_threshold() -> None:
    found = read(
        "https://a.example/1,600000000,182729,traders,",
        "https://a.example/1,,38,positions,1E+06",
        header="url,amount_usd,count,count_unit,threshold_usd",
    )
    assert not found.problems
    units = [(figure.quantity.unit, figure.quantity.threshold_usd) for figure in found.figures]
    assert units == [(None, None), (CountUnit.TRADERS, None), (CountUnit.POSITIONS, Decimal(1_000_000))]
    assert [figure.amount.currency for figure in found.figures if figure.amount] == ["USD", "", ""]


def test_numbers_that_the_collector_computed_are_marked() -> None:
    assert one().as_printed
    assert not one(as_printed="No").as_printed


def test_flows_out_of_funds_may_be_negative() -> None:
    figure = one(metric="ETF net flow", side="net", amount_usd="-46900000", venue="US spot SOL ETFs", asset="SOL")
    assert figure.amount is not None
    assert (figure.amount.low, figure.amount.high) == (-46_950_000, -46_850_000)


def collected(**cells: str) -> dict[str, str]:
    """A row of a table whose collector had columns and words of its own."""
    return {
        "event": "2026-01-19",
        "outlet": "AiCoin (seed article)",
        "url": "https://www.aicoin.com/article/511821",
        "published_at": "2026-01-19 (hour n/a)",
        "metric": "liquidations",
        "venue": "all (unspecified)",
        "asset": "all",
        "side": "n/a",
        "amount_usd": "",
        "count": "",
        "window_text": "this downturn",
        "window_start_utc": "",
        "window_end_utc": "",
        "window_confidence": "low",
        "provider_attributed": "unattributed",
        "notes": "a remark, kept",
    } | cells


def test_tables_with_other_columns_and_words_are_read_too() -> None:
    edges = {"window_start_utc": "2026-01-18T21:00Z", "window_end_utc": "2026-01-19T01:00Z"}
    found = table(
        collected(
            **edges,
            side="long",
            amount_usd="750000000",
            window_confidence="low (start/end inferred; crash 23:00-24:00Z)",
            provider_attributed='unattributed ("single statistical channel")',
        ),
        collected(metric="count of liquidated positions > $1M", venue="Hyperliquid", count="38"),
        collected(
            metric="whale realised PnL", venue="Hyperliquid? (not stated)", side="short close", amount_usd="241000"
        ),
        collected(
            metric="ETF net flow", venue="US spot SOL ETFs", asset="SOL", side="inflow", amount_usd="46880000",
            window_start_utc="2026-01-12", window_end_utc="2026-01-16", window_confidence="high",
        ),
        collected(**edges, metric="price low / % drop", venue="unspecified", asset="BTC", side="", amount_usd="92000"),
    )  # fmt: skip
    assert not found.problems
    metrics = [figure.quantity.metric.id for figure in found.figures]
    assert metrics == ["liquidations", "liquidation_count", "realised_gain", "etf_net_flow", "price"]
    first, count, _, flow, _ = found.figures
    assert (first.event, first.note) == ("2026-01-19", "a remark, kept")
    assert first.attribution == 'unattributed ("single statistical channel")'
    assert first.window is not None
    assert first.window.slack == timedelta(hours=2)
    assert (count.quantity.unit, count.quantity.threshold_usd) == (CountUnit.POSITIONS, Decimal(1_000_000))
    assert str(flow.window) == "2026-01-12T00:00Z/2026-01-17T00:00Z"


def test_every_row_of_the_bundled_events_can_be_read() -> None:
    events = read_bundled()
    assert [event.name for event in events] == [
        f"bundled/{day}/figures.csv" for day in ("2025-02-03", "2025-10-10", "2026-01-19", "2026-01-20")
    ]
    assert [problem for event in events for problem in event.problems] == []
    lines = Counter(str(figure.evidence) for event in events for figure in event.figures)
    assert len(lines) == 209
    assert all(figure.url.startswith("http") for event in events for figure in event.figures)


def test_ids_are_stable_and_tell_figures_apart() -> None:
    figures = [figure for event in read_bundled() for figure in event.figures]
    assert [figure.id for figure in figures] == [figure.id for event in read_bundled() for figure in event.figures]
    stated = {(f.quantity, str(f.amount), f.window, f.at, f.outlet, f.url, f.attribution) for f in figures}
    assert len({figure.id for figure in figures}) == len(stated)


@given(st.lists(st.lists(st.text(max_size=12), max_size=6), max_size=6))
def test_any_table_is_figures_and_problems_or_one_error(rows: list[list[str]]) -> None:
    out = io.StringIO()
    csv.writer(out).writerows([["url", "amount_usd", "side"], *rows])
    try:
        found = parse_figures(out.getvalue().encode("utf-8", "surrogatepass"), name="mine.csv")
    except FigureFileError:
        return
    assert found.figures


@given(st.binary(max_size=300))
def test_any_bytes_are_figures_or_one_error(data: bytes) -> None:
    for content in (data, b"url,amount_usd\n" + data):
        with contextlib.suppress(FigureFileError):
            assert parse_figures(content, name="mine.csv").figures
