"""`--evidence` and `--replay`: the same report byte for byte, without a network; and what a damaged file says."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from program import cascade
from program.conftest import Run
from provider_server import ProviderServer, failing, html

FORMATS = ("table", "json", "md")
NO_NETWORK = "import socket\nsocket.socket.connect = socket.getaddrinfo = lambda *a, **k: 1 / 0\n"
FIGURES = """url,outlet,amount_usd,venue,side,window_start_utc,window_end_utc,provider_attributed
https://coinglass.example/gate,CoinGlass,{amount},Gate,total,{start},{end},CoinGlass
"""


@pytest.fixture
def figures(tmp_path: Path) -> Path:
    """An aggregator's number for Gate over an hour of this day."""
    day = datetime.now(UTC).strftime("%Y-%m-%d")
    path = tmp_path / "figures.csv"
    path.write_text(FIGURES.format(amount=398000, start=f"{day}T00:00Z", end=f"{day}T23:00Z"), encoding="utf-8")
    return path


def table_of(report: str) -> str:
    return report.partition("Sources asked")[2].partition("Noticed")[0]


def with_a_network(run: Run, server: ProviderServer, *arguments: str) -> dict[str, str]:
    """A run that keeps its evidence, and the report of each format as replayed while the server still answers."""
    market = cascade.Market(datetime.now(UTC))
    cascade.serve(server, market)
    server.serve("www.okx.com", "/api/v5/public/liquidation-orders", failing(451))
    server.serve("api.coinex.com", "/v2/futures/liquidation-history", html())
    first = run("liquidations", "--window", "4h", *arguments, "--evidence", "run.warc")
    assert first.code == 0, first.err
    return {"table": first.out}


def test_a_replay_says_the_same_byte_for_byte_without_a_network(
    run: Run, program: Run, server: ProviderServer, figures: Path, tmp_path: Path
) -> None:
    asked = ("--figures", str(figures))
    told = with_a_network(run, server, *asked)
    requests = len(server.asked)
    figures.write_text("changed since", encoding="utf-8")
    again = ("liquidations", "--window", "4h", *asked, "--evidence", "run.warc", "--replay", "-q")
    replayed = {form: run(*again, "--format", form) for form in FORMATS}
    assert len(server.asked) == requests, "a replay asks nobody"
    assert replayed["table"].out == told["table"]
    assert "failed" in told["table"]
    assert {form: done.code for form, done in replayed.items()} == dict.fromkeys(FORMATS, 0)
    asked_again = program(*again, "--format", "json", before=NO_NETWORK)
    assert asked_again.out == replayed["json"].out, "another process says the same"
    assert not [name.name for name in tmp_path.iterdir() if name.name.endswith(".part")]


def test_a_replay_needs_neither_its_figures_nor_the_host_map(run: Run, server: ProviderServer, figures: Path) -> None:
    told = with_a_network(run, server, "--figures", str(figures))
    figures.unlink()
    again = run("liquidations", "--window", "4h", "--evidence", "run.warc", "--replay", "-q", VERIFY_HOST_MAP="")
    assert again.out == told["table"]


@pytest.mark.parametrize(
    "other",
    [("--window", "6h"), ("--window", "4h", "--asset", "BTC"), ("--window", "2026-01-19T00:00Z/PT4H")],
    ids=["length", "asset", "window"],
)
def test_another_question_is_refused(run: Run, server: ProviderServer, other: tuple[str, ...]) -> None:
    cascade.serve(server, cascade.Market(datetime.now(UTC)))
    asked = run("liquidations", "--window", "4h", "--source", "gate", "--evidence", "run.warc", "-q")
    assert asked.code == 0
    requests = len(server.asked)
    again = run("liquidations", *other, "--source", "gate", "--evidence", "run.warc", "--replay", "-q")
    assert len(server.asked) == requests
    assert (again.code, again.out) == (2, "")
    assert "run.warc is of another run: it holds gate/liq_orders | 20" in again.err


def test_what_was_not_asked_is_a_row_of_the_replay(run: Run, server: ProviderServer) -> None:
    cascade.serve(server, cascade.Market(datetime.now(UTC)))
    run("liquidations", "--window", "4h", "--source", "gate", "--evidence", "run.warc", "-q")
    both = ("--source", "gate", "--source", "deribit")
    again = run("liquidations", "--window", "4h", *both, "--evidence", "run.warc", "--replay", "-q")
    assert "deribit/trades failed: run.warc holds nothing of it" in again.out
    assert "gate/liq_orders" in again.out


def test_evidence_is_listed_and_checked(run: Run, server: ProviderServer) -> None:
    with_a_network(run, server)
    listed = run("evidence", "show", "run.warc")
    assert listed.code == 0
    assert "https://api.gateio.ws/api/v4/futures/usdt/liq_orders?from=" in listed.out
    assert "response" in listed.out
    assert "451" in listed.out
    checked = run("evidence", "check", "run.warc")
    assert (checked.code, checked.err) == (0, "")
    assert checked.out.endswith("records, all as they were written\n")


def test_a_flipped_byte_is_found_and_named(run: Run, server: ProviderServer, tmp_path: Path) -> None:
    with_a_network(run, server)
    path = tmp_path / "run.warc"
    data = bytearray(path.read_bytes())
    place = data.index(b'"fill_price": "99000"') + 16
    data[place] ^= 1
    path.write_bytes(data)
    checked = run("evidence", "check", "run.warc")
    assert checked.code == 1
    assert "response gate/liq_orders/" in checked.out
    assert "was changed after it was written" in checked.out
    replayed = run("liquidations", "--window", "4h", "--evidence", "run.warc", "--replay", "-q")
    assert (replayed.code, replayed.out) == (2, "")
    assert "was changed after it was written" in replayed.err


def test_a_file_that_is_cut_off_says_so(run: Run, server: ProviderServer, tmp_path: Path) -> None:
    told = with_a_network(run, server)
    path = tmp_path / "run.warc"
    path.write_bytes(path.read_bytes()[:-40])
    checked = run("evidence", "check", "run.warc")
    assert checked.code == 1
    assert "is cut off" in checked.out
    replayed = run("liquidations", "--window", "4h", "--evidence", "run.warc", "--replay")
    assert "is cut off" in replayed.out
    assert table_of(replayed.out) == table_of(told["table"]), "only the end record is lost"


def test_evidence_is_never_overwritten(run: Run, server: ProviderServer, tmp_path: Path) -> None:
    with_a_network(run, server)
    before = (tmp_path / "run.warc").read_bytes()
    again = run("liquidations", "--window", "4h", "--evidence", "run.warc", "-q")
    assert (again.code, again.out) == (2, "")
    assert "run.warc is there already" in again.err
    assert (tmp_path / "run.warc").read_bytes() == before


@pytest.mark.parametrize(("content", "words"), [(b"", "is empty"), (b"hello\n", "is no evidence file of verify")])
def test_what_is_no_evidence_is_refused(run: Run, tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "run.warc").write_bytes(content)
    for arguments in (("evidence", "show", "run.warc"), ("evidence", "check", "run.warc")):
        done = run(*arguments)
        assert done.code == 2
        assert words in done.err
    replayed = run("liquidations", "--window", "4h", "--evidence", "run.warc", "--replay")
    assert replayed.code == 2
    assert words in replayed.err


def test_replay_without_a_file_says_what_to_do(run: Run) -> None:
    done = run("liquidations", "--window", "4h", "--replay")
    assert done.code == 2
    assert "--replay needs --evidence FILE" in done.err
    done = run("liquidations", "--window", "4h", "--replay", "--evidence", "missing.warc")
    assert done.code == 2
    assert "missing.warc" in done.err
