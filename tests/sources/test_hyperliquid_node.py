"""Node files by address: a window is summed and counted, from disk or S3, and replayed without the files."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from decimal import Decimal
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import lz4.frame
import obstore
import pytest
from conformance import PAYLOADS
from obstore.store import MemoryStore

import verify
from sources import addressed, hyperliquid_node, hyperliquid_s3
from sources.adapter import Payload
from verify.jobs import runner
from verify.model.errors import InputError
from verify.model.quantity import LIQUIDATION_COUNT, CountUnit, Quantity, Side
from verify.model.report import Report, Verdict
from verify.model.window import Window, parse_instant

WINDOW = "2026-01-19T00:00Z/PT1H"
NOW = parse_instant("2026-01-20T00:00Z")
BLOCKS = (PAYLOADS / "hyperliquid" / "node_fills.jsonl").read_bytes()
PACKED = (PAYLOADS / "hyperliquid" / "node_fills.lz4").read_bytes()
OLDER = (PAYLOADS / "hyperliquid" / "node_fills_older.jsonl").read_bytes()
NOTHING = b'{"block_time":"2026-01-19T01:00:00.1","events":[]}\n'
KEYS = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLEEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret-of-the-account"}


def ask(address: str, **options: Any) -> Report:
    return verify.liquidations(
        WINDOW, options.pop("claim", None), sources=[address], figures=FIGURES,
        **{"offline": True, "now": NOW, "venues": ["hyperliquid"], **options},
    )  # fmt: skip


#: A file of figures that has nothing of the window.
FIGURES: list[Path] = []


@pytest.fixture(autouse=True)
def _no_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but what the files say, and nothing of this machine's account."""
    empty = tmp_path / "none.csv"
    empty.write_text("amount_usd,published_utc,url\n5,2020-01-01,https://a.example/\n")
    FIGURES[:] = [empty]
    for name in (*(n for names in hyperliquid_s3._KEYS for n in names), "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("AWS_REGION", raising=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    day = tmp_path / "node" / "hourly" / "20260119"
    day.mkdir(parents=True)
    (day / "0.lz4").write_bytes(PACKED)
    (day / "1.lz4").write_bytes(lz4.frame.compress(NOTHING))
    (day / "2.lz4").write_bytes(b"is of another hour, and not read")
    return tmp_path / "node"


def line(tid: int, at: str, *, coin: str = "BTC", user: str = "a", size: str = "1.0", tx: str = "1") -> bytes:
    """A long of `user` that is liquidated at 100,000 dollars, in the older form."""
    who = "0x" + user * 40
    fill = {
        "coin": coin, "px": "100000", "sz": size, "side": "A", "time": int(parse_instant(at).timestamp() * 1000),
        "dir": "Close Long", "hash": "0x" + tx * 64, "tid": tid,
        "liquidation": {"liquidatedUser": who, "markPx": "100000", "method": "market"},
    }  # fmt: skip
    return json.dumps([who, fill]).encode() + b"\n"


def test_a_window_is_summed_once_and_the_report_says_what_is_left_out(folder: Path) -> None:
    (row,) = ask(f"hyperliquid:{folder}").sources
    assert (row.status, row.long_usd, row.short_usd, row.events) == ("ok", 184985.0, pytest.approx(5200.0), 3)
    assert row.covered == 1.0
    assert "auto-deleveraging is not counted: 1 trade of $13,000" in row.note
    assert "(HIP-3) are not counted: 1 trade" in row.note
    (with_builders,) = ask(f"hyperliquid:{folder}?builders=yes").sources
    assert with_builders.events == 4


def test_rows_that_came_with_the_next_hour_are_counted(folder: Path) -> None:
    late = line(900, "2026-01-19T00:59:59Z") + line(901, "2026-01-19T01:00:01Z")
    (folder / "hourly" / "20260119" / "1.lz4").write_bytes(late)
    (row,) = ask(f"hyperliquid:{folder}").sources
    assert (row.events, row.long_usd) == (4, 284985.0)


@pytest.mark.parametrize(("gone", "status", "covered"), [("1.lz4", "lower bound", 1.0), ("0.lz4", "failed", None)])
def test_what_is_not_there_is_said(folder: Path, gone: str, status: str, covered: float | None) -> None:
    (folder / "hourly" / "20260119" / gone).unlink()
    (row,) = ask(f"hyperliquid:{folder}").sources
    assert (row.status, row.covered) == (status, covered)
    assert ("rows that came late may be missing" if status != "failed" else "has no file of the window") in row.note


def test_an_hour_that_is_missing_within_is_no_zero(folder: Path) -> None:
    code = hyperliquid_node.opened(str(folder))[0].channels["node_fills"]
    window = Window.parse("2026-01-18T23:00Z/PT2H")
    assert code.requests is not None
    assert code.reader is not None
    assert code.told is not None
    (request,) = code.requests(window, Quantity())
    told = code.told(Payload(request, code.reader(request), NOW), window)
    assert (told.share, told.whole, told.parts) == (0.5, False, (Window.parse(WINDOW),))
    assert told.notes[0] == "no file of 20260118/23: nothing is known of it, which is not zero"


def test_one_file_spans_what_its_lines_say_and_another_form_of_the_same_hour_adds_nothing(tmp_path: Path) -> None:
    single = tmp_path / "fills.jsonl"
    single.write_bytes(NOTHING.replace(b"T01:", b"T00:") + BLOCKS + NOTHING)
    (row,) = ask(f"hyperliquid:{single}").sources
    assert (row.events, row.status) == (3, "lower bound")
    assert row.covered == pytest.approx(1.0, abs=0.01)
    for name in ("node_fills/hourly/20260119/0", "node_fills_by_block/hourly/20260119/0.jsonl"):
        path = tmp_path / "both" / name
        path.parent.mkdir(parents=True)
        path.write_bytes(OLDER if name.endswith("/0") else BLOCKS)
    (row,) = ask(f"hyperliquid:{tmp_path / 'both'}").sources
    assert (row.long_usd, row.short_usd) == (184985.0, pytest.approx(11600.0)), "the BTC fill is in both files"


def test_a_report_has_a_count_for_each_unit_and_a_claim_is_judged_by_its_own(tmp_path: Path) -> None:
    # Five fills: user a sells BTC in two transactions of 0.6M and 0.9M, user b ETH of 1.2M in one of two fills.
    rows = [
        line(1, "2026-01-19T00:01Z", size="6"), line(2, "2026-01-19T00:02Z", size="4", tx="2"),
        line(3, "2026-01-19T00:02Z", size="5", tx="2"), line(4, "2026-01-19T00:03Z", coin="ETH", user="b", size="7"),
        line(5, "2026-01-19T00:03Z", coin="ETH", user="b", size="5"),
    ]  # fmt: skip
    for hour, body in ((0, b"".join(rows)), (1, NOTHING)):
        path = tmp_path / "20260119" / f"{hour}.jsonl"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(body)
    address = f"hyperliquid:{tmp_path}"
    said = {
        claim: ask(address, claim=claim, count_over="$1M").verdict
        for claim in ("2 positions", "1 order", "0 fills", "2 orders", "2 fills", "2")
    }
    yes, no = Verdict.SUPPORTED, Verdict.DIFFERS
    assert list(said.values()) == [yes, yes, yes, no, no, yes]
    report = ask(address, count_over="$1M")
    assert "0 fills, 1 order, 2 positions" in report.sources[0].note
    assert sorted(figure.quantity for figure in report.figures) == [
        f"liquidated {unit} above $1M, Hyperliquid" for unit in ("fills", "orders", "positions")
    ]
    everywhere = ask(address, claim="2 positions", count_over="$1M", venues=[])
    assert everywhere.verdict is Verdict.INCONCLUSIVE, "one venue is not the market"
    assert "to judge a claim about it add --venue hyperliquid" in everywhere.findings[0].text
    assert ask(address, claim="5 fills", count_over="0").verdict is yes
    assert ask(address, claim="1 position", count_over="0", assets=["BTC"]).verdict is yes
    assert ask(address, claim="0 positions", count_over="0", side=Side.SHORT).verdict is yes


def test_counts_of_nothing_are_zero(folder: Path) -> None:
    code = hyperliquid_node.opened(str(folder))[0].channels["node_fills"]
    assert code.counts is not None
    asked = Quantity(LIQUIDATION_COUNT, threshold_usd=Decimal(10**9), unit=CountUnit.UNSPECIFIED)
    assert set(code.counts([], Window.parse(WINDOW), asked).values()) == {0}


def test_evidence_names_the_files_and_a_replay_needs_none_of_them(folder: Path, tmp_path: Path) -> None:
    kept = tmp_path / "run.warc"
    first = ask(f"hyperliquid:{folder}", evidence=kept, claim="$190K")
    digest = sha256(PACKED).hexdigest()
    assert digest.encode() in kept.read_bytes()
    assert b'"name":"hourly/20260119/0.lz4"' in kept.read_bytes()
    for path in sorted(folder.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    folder.rmdir()
    again = ask(f"hyperliquid:{folder}", evidence=kept, replay=True, claim="$190K", now=None)
    assert (again.sources, again.verdict, again.figures) == (first.sources, first.verdict, first.figures)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (lz4.frame.compress(BLOCKS * 50)[:-9], "0.lz4: the file is cut off"),
        (b"<html>", "0.lz4: a line is not JSON"),
        (BLOCKS.replace(b'"Close Short"', b'"Close Long"'), "on the other side"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_row_that_names_it(folder: Path, body: bytes, says: str) -> None:
    (folder / "hourly" / "20260119" / "0.lz4").write_bytes(body)
    (row,) = ask(f"hyperliquid:{folder}").sources
    assert row.status == "failed"
    assert says in row.note


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("hyperliquid:/nowhere/at/all", "there is no such file or directory"),
        ("hyperliquid:/nowhere?builder=yes", "unknown option 'builder'"),
        ("hyperliquid:s3?region=a b", "region is the name of one"),
        ("hyperliquid:s3?builders=all", "builders is yes or no"),
    ],
)
def test_an_address_that_leads_nowhere_is_one_clear_error(address: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        addressed.opened(address)


def test_s3_needs_its_extra_credentials_and_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="asked over the network"):
        ask("hyperliquid:s3")
    (row,) = ask("hyperliquid:s3", offline=False).sources
    assert row.status == "failed"
    assert row.note.endswith("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://elsewhere.example")
    with pytest.raises(InputError, match="not https"):
        addressed.opened("hyperliquid:s3")
    monkeypatch.setattr(hyperliquid_s3, "find_spec", lambda _name: None)
    with pytest.raises(InputError, match=r"pip install 'verify-figures\[s3\]'"):
        addressed.opened("hyperliquid:s3")


class Bucket:
    """An S3 on this machine: what it holds, what it was asked, and whether it refuses."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.asked: list[tuple[str, str | None]] = []
        self.status = 200


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    held = Bucket()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            held.asked.append((self.path, self.headers["x-amz-request-payer"]))
            body = held.objects.get(self.path)
            status = held.status if held.status != 200 else 200 if body is not None else 404
            if status != 200:
                body = f"<Error><AWSAccessKeyId>{KEYS['AWS_ACCESS_KEY_ID']}</AWSAccessKeyId></Error>".encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body or b"")))
            self.send_header("Last-Modified", "Mon, 19 Jan 2026 01:00:00 GMT")
            self.send_header("ETag", '"1"')
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_arguments: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    for name, value in {**KEYS, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}"}.items():
        monkeypatch.setenv(name, value)
    yield held
    server.shutdown()
    server.server_close()
    thread.join()


BASE = "/hl-mainnet-node-data/node_fills_by_block/hourly/20260119"


def test_a_bucket_says_what_the_files_say_and_its_reader_pays(bucket: Bucket, tmp_path: Path) -> None:
    bucket.objects = {f"{BASE}/0.lz4": PACKED, f"{BASE}/1.lz4": lz4.frame.compress(NOTHING)}
    kept = tmp_path / "s3.warc"
    report = ask("hyperliquid:s3", offline=False, evidence=kept)
    (row,) = report.sources
    assert (row.status, row.long_usd, row.events) == ("ok", 184985.0, 3)
    assert bucket.asked == [(f"{BASE}/0.lz4", "requester"), (f"{BASE}/1.lz4", "requester")]
    assert "not from AWS" in row.note, "another S3 than the provider's is named"
    assert not any(value.encode() in kept.read_bytes() for value in KEYS.values())
    asked = len(bucket.asked)
    assert ask("hyperliquid:s3", replay=True, evidence=kept, now=None).sources == report.sources
    assert len(bucket.asked) == asked


@pytest.mark.parametrize(
    ("address", "events"),
    [
        ("hyperliquid:s3://hl-mainnet-node-data/node_fills_by_block", 3),
        ("hyperliquid:s3://hl-mainnet-node-data/node_fills_by_block/hourly/", 3),
        ("hyperliquid:s3://hl-mainnet-node-data/node_fills_by_block/hourly/20260119/0.lz4", 3),
    ],
)
def test_an_address_may_name_a_part_of_the_bucket(bucket: Bucket, address: str, events: int) -> None:
    bucket.objects = {f"{BASE}/0.lz4": PACKED}
    (row,) = ask(address, offline=False).sources
    assert (row.status, row.events) == ("lower bound", events), "the hour after the window is not there"


@pytest.mark.parametrize(("status", "says"), [(403, "S3 refused it (403)"), (401, "does not know the account")])
def test_a_refusal_is_a_clear_failure_without_a_word_of_the_account(bucket: Bucket, status: int, says: str) -> None:
    bucket.status = status
    (row,) = ask("hyperliquid:s3", offline=False).sources
    assert row.status == "failed"
    assert says in row.note
    assert "AKIA" not in row.note
    assert len(bucket.asked) == 1, "a refusal is not asked again"


def test_a_bucket_without_the_hour_and_a_file_that_is_cut_off_are_failures(bucket: Bucket) -> None:
    (row,) = ask("hyperliquid:s3", offline=False).sources
    assert (row.status, "has no file of the window" in row.note) == ("failed", True)
    bucket.objects = {f"{BASE}/0.lz4": PACKED[:-5]}
    (row,) = ask("hyperliquid:s3", offline=False).sources
    assert (row.status, "is cut off" in row.note) == ("failed", True)


def test_an_object_comes_in_parts_and_is_never_whole_in_memory() -> None:
    store, body = MemoryStore(), bytes(range(256)) * 4096 * 5
    obstore.put(store, "hour", body)
    found = hyperliquid_s3.chunks(store, "bucket", "hour")
    assert found is not None
    assert b"".join(found) == body
    assert hyperliquid_s3.chunks(store, "bucket", "nothing") is None


@pytest.mark.parametrize(
    ("day", "places"),
    [
        ("2025-07-01", ["node_fills/hourly"]),
        ("2025-07-27", ["node_fills_by_block/hourly", "node_fills/hourly"]),
        ("2025-08-01", ["node_fills_by_block/hourly"]),
    ],
)
def test_the_older_files_are_read_of_the_older_days(day: str, places: list[str]) -> None:
    assert list(hyperliquid_node._bases("", parse_instant(f"{day}T00:00Z").date())) == places


JOB = """
[settings]
offline = true
figures = ["{figures}"]
[defaults]
window = "{window}"
venues = ["hyperliquid"]
sources = ["hyperliquid:{place}"]
[checks.positions]
count_over = "$100K"
claim = "1 position"
[checks.fills]
count_over = "$100K"
claim = "2 fills"
[checks.sum]
claim = "$190.2K"
"""


def test_checks_of_a_job_count_too_and_read_the_files_once(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = tmp_path / "verify.toml"
    job.write_text(JOB.format(figures=FIGURES[0], window=WINDOW, place=folder))
    monkeypatch.chdir(tmp_path)
    report = runner.run(runner.Options())
    assert {row.name: row.verdict for row in report.checks} == {
        "positions": Verdict.SUPPORTED, "fills": Verdict.DIFFERS, "sum": Verdict.SUPPORTED,
    }  # fmt: skip
    assert report.requests == 1
