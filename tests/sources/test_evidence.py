"""Evidence files: they open elsewhere, replay to the same outcomes, and show every change."""

from __future__ import annotations

import errno
import gzip
import hashlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import fake_source
import pytest
from fake_source import NOW, ORDERS, WINDOW, page
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from provider_server import Answer, ProviderServer, failing, gzipped, hang, html, in_turn, redirect
from warcio.archiveiterator import ArchiveIterator

from sources.adapter import Request, Source
from sources.evidence import Archive, Recorder, check, show
from sources.http import Limits, fetch_all
from sources.jobs import Job, Outcome
from sources.spec import Rate
from verify.model.errors import EvidenceError, SourceError, Unavailable
from verify.model.quantity import ALL as EVERYTHING
from verify.model.quantity import Quantity, Scope, Side

HOST = "api.fake.example"
ALL = Quantity()
NAMES = ["run.warc", "run.warc.gz"]
RECEIVED = datetime(2026, 1, 19, 4, 0, 3, 123456, tzinfo=UTC)
ONE_PER_HOUR = Rate(1, timedelta(hours=1))
#: A run in a process of its own: the evidence file and the server are its arguments.
INTERRUPTED = """
import signal, sys
from pathlib import Path
import fake_source
from sources.evidence import Recorder
from sources.http import fetch_all
from sources.jobs import Job
from verify.model.quantity import Quantity

signal.signal(signal.SIGINT, signal.default_int_handler)  # a parent may have it ignored
job = Job.for_channel(fake_source.source(), "orders", fake_source.WINDOW, Quantity())
with Recorder(Path(sys.argv[1]), now=fake_source.NOW) as recorder:
    fetch_all(
        [job], now=fake_source.NOW, environment={}, host_map={"*": sys.argv[2]}, recorder=recorder,
        progress=lambda told: print(told.text, flush=True),
    )
"""


def job(source: Source | None = None, quantity: Quantity = ALL) -> Job:
    return Job.for_channel(source or fake_source.source(), "orders", WINDOW, quantity)


def record(server: ProviderServer, path: Path, *jobs: Job, deadline: float = 60.0) -> list[Outcome]:
    with Recorder(path, now=NOW, info={"window": str(WINDOW)}, software="verify 0.1.0") as recorder:
        recorder.resource("figures é.csv", b"outlet,value\nx,750M\n")
        return fetch_all(
            jobs,
            now=NOW,
            clock=lambda: RECEIVED,
            environment={},
            recorder=recorder,
            host_map=server.host_map,
            limits=Limits(first_wait=0.0, jitter=0.0),
            deadline=deadline,
        )


def replay(path: Path, *jobs: Job) -> list[Outcome]:
    archive = Archive(path)
    return fetch_all(jobs, now=archive.now, archive=archive, environment={})


def told(outcomes: list[Outcome]) -> list[object]:
    """All that a report could show of outcomes."""
    return [
        (
            o.payloads,
            o.covered,
            o.parser,
            o.diverted,
            type(o.failure),
            str(o.failure),
            vars(o.failure) if o.failure else None,
        )
        for o in outcomes
    ]


@pytest.fixture
def three_pages(server: ProviderServer) -> ProviderServer:
    server.serve(HOST, ORDERS, in_turn(page("a", next="2"), gzipped(page("b", next="3")), page("c")))
    return server


@pytest.mark.parametrize("name", NAMES)
class TestReplay:
    def test_it_gives_the_same_outcomes_without_network(
        self, three_pages: ProviderServer, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = record(three_pages, tmp_path / name, job())
        asked = len(three_pages.asked)

        def no_network(*_: object) -> None:
            raise AssertionError("the network was touched")

        monkeypatch.setattr(socket.socket, "connect", no_network)
        monkeypatch.setattr(socket, "getaddrinfo", no_network)
        assert told(replay(tmp_path / name, job())) == told(first)
        assert len(three_pages.asked) == asked
        assert first[0].payloads[0].received == RECEIVED

    def test_it_gives_the_same_failures(self, server: ProviderServer, tmp_path: Path, name: str) -> None:
        kinds: dict[str, tuple[object, Rate]] = {
            "down": (failing(503), fake_source.QUICK),
            "limited": (failing(429, Retry_After="3600"), fake_source.QUICK),
            "page": (html(), fake_source.QUICK),
            "circle": (page("a", next="1"), fake_source.QUICK),
            "hanging": (in_turn(page("a", next="2"), hang()), fake_source.QUICK),
            "slow": (page("a", next="2"), ONE_PER_HOUR),
            "wrong": (in_turn(page("a", next="2"), b'{"orders":3}'), fake_source.QUICK),
            "moved": (redirect("https://evil.example/"), fake_source.QUICK),
        }
        jobs = []
        for identity, (served, rate) in kinds.items():
            server.serve(f"api.{identity}.example", ORDERS, served)  # type: ignore[arg-type]
            jobs.append(job(fake_source.source(identity, rate=rate)))
        first = record(server, tmp_path / name, *jobs, deadline=1.0)
        assert all(isinstance(outcome.failure, SourceError) for outcome in first)
        assert len({str(outcome.failure) for outcome in first}) == len(kinds)
        assert told(replay(tmp_path / name, *jobs)) == told(first)

    def test_it_gives_back_the_clock_and_what_the_run_was_about(
        self, three_pages: ProviderServer, tmp_path: Path, name: str
    ) -> None:
        record(three_pages, tmp_path / name, job())
        archive = Archive(tmp_path / name)
        assert archive.now == NOW
        assert archive.info == {"window": str(WINDOW)}
        assert archive.resources == ("figures é.csv",)
        assert archive.resource("figures é.csv") == b"outlet,value\nx,750M\n"
        assert archive.warnings == ()
        with pytest.raises(EvidenceError, match=r"holds no file 'other\.csv'"):
            archive.resource("other.csv")

    def test_another_question_is_refused(self, three_pages: ProviderServer, tmp_path: Path, name: str) -> None:
        record(three_pages, tmp_path / name, job())
        other = replace(job(), window=WINDOW.shifted(timedelta(hours=1)))
        with pytest.raises(EvidenceError, match="is of another run") as caught:
            replay(tmp_path / name, other)
        assert str(WINDOW) in str(caught.value)

    def test_a_source_that_was_not_asked_is_unavailable(
        self, three_pages: ProviderServer, tmp_path: Path, name: str
    ) -> None:
        record(three_pages, tmp_path / name, job())
        here, there = replay(tmp_path / name, job(), job(fake_source.source("other")))
        assert here.failure is None
        assert isinstance(there.failure, Unavailable)
        assert "holds nothing of it" in str(there.failure)


@pytest.mark.parametrize(
    "changed",
    [
        {"method": "POST"},
        {"url": f"https://eu.fake.example{ORDERS}"},
        {"url": f"https://{HOST}/v2/liquidations"},
        {"params": (("from", "1"),)},
        {"body": b"x"},
    ],
    ids=["method", "host", "path", "query", "body"],
)
def test_a_request_must_match_in_all_parts(
    three_pages: ProviderServer, tmp_path: Path, changed: dict[str, object]
) -> None:
    request = Request(f"https://{HOST}{ORDERS}", (("from", "0"),), note="one")
    asked = fake_source.source(requests=lambda *_: (request,))
    record(three_pages, tmp_path / "run.warc", job(asked))
    archive = Archive(tmp_path / "run.warc")
    assert archive.answer(job(asked), replace(request, note="words do not matter")).body == page("a", next="2")
    with pytest.raises(EvidenceError, match="holds no answer to"):
        archive.answer(job(asked), replace(request, **changed))  # type: ignore[arg-type]


def test_the_answer_after_retries_and_redirects_is_the_one_that_is_replayed(
    server: ProviderServer, tmp_path: Path
) -> None:
    server.serve(HOST, ORDERS, in_turn(failing(500), failing(429, Retry_After="0"), redirect("/moved")))
    server.serve(HOST, "/moved", page("a"))
    first = record(server, tmp_path / "run.warc", job())
    assert told(replay(tmp_path / "run.warc", job())) == told(first)
    uses = [entry.use for entry in show(tmp_path / "run.warc") if entry.kind == "response"]
    assert uses == ["retried", "retried", "redirect", "answer"]


def test_a_request_of_two_jobs_is_sent_once_and_is_evidence_of_both(server: ProviderServer, tmp_path: Path) -> None:
    server.serve(HOST, ORDERS, in_turn(page("a"), page("b")))
    bitcoin = Quantity(assets=Scope(frozenset({"BTC"})), venues=EVERYTHING, side=Side.LONG)
    first = record(server, tmp_path / "run.warc", job(), job(quantity=bitcoin))
    assert len(server.asked) == 1
    assert first[0].payloads == first[1].payloads != ()
    for jobs in ((job(), job(quantity=bitcoin)), (job(quantity=bitcoin),), (job(),)):
        replayed = replay(tmp_path / "run.warc", *jobs)
        assert told(replayed)[-1] == told(first)[-1]
        assert [outcome.failure for outcome in replayed] == [None] * len(jobs)


def test_a_failure_of_a_shared_request_is_one_of_every_job(server: ProviderServer, tmp_path: Path) -> None:
    server.serve(HOST, ORDERS, failing(451))
    bitcoin = Quantity(assets=Scope(frozenset({"BTC"})), venues=EVERYTHING, side=Side.LONG)
    first = record(server, tmp_path / "run.warc", job(), job(quantity=bitcoin))
    assert len(server.asked) == 1
    assert [outcome.failure is not None for outcome in first] == [True, True]


class TestFile:
    @pytest.mark.parametrize("name", NAMES)
    def test_it_opens_in_other_tools_with_fitting_digests(
        self, three_pages: ProviderServer, tmp_path: Path, name: str
    ) -> None:
        (outcome,) = record(three_pages, tmp_path / name, job())
        kinds, bodies = [], []
        with (tmp_path / name).open("rb") as file:
            for item in ArchiveIterator(file, check_digests="raise"):
                kinds.append(item.rec_type)
                body = item.content_stream().read()
                if item.rec_type == "response":
                    bodies.append(body)
                    assert item.rec_headers["WARC-Date"] == "2026-01-19T04:00:03.123456Z"
                    assert item.rec_headers["X-Verify-Sha256"] == hashlib.sha256(body).hexdigest()
                    assert item.rec_headers["X-Verify-Parser"].startswith("fake_source sha256:")
                    assert item.rec_headers["X-Verify-Source"] == "fake"
                    assert item.rec_headers["X-Verify-Channel"] == "orders"
                    assert item.rec_headers["WARC-Block-Digest"].startswith("sha256:")
        assert kinds == ["warcinfo", "resource", *["request", "response"] * 3, "metadata", "metadata"]
        assert bodies == [payload.body for payload in outcome.payloads]

    def test_it_is_listed_with_names_sizes_and_hashes(self, three_pages: ProviderServer, tmp_path: Path) -> None:
        record(three_pages, tmp_path / "run.warc.gz", job())
        entries = show(tmp_path / "run.warc.gz")
        assert [entry.number for entry in entries] == list(range(1, 11))
        second = entries[5]
        assert (second.kind, second.id, second.status, second.use) == ("response", "fake/orders/2", 200, "answer")
        assert second.sha256 == hashlib.sha256(page("b", next="3")).hexdigest()
        assert second.size == len(page("b", next="3"))
        assert second.uri.startswith(f"https://{HOST}{ORDERS}?from=")
        assert "cursor=2" in second.uri

    def test_private_headers_are_left_out(self, server: ProviderServer, tmp_path: Path) -> None:
        headers = {"Set-Cookie": "id=sesame", "Content-Type": "application/json", "X-Kept": "yes"}
        server.serve(HOST, ORDERS, Answer(page("a"), headers=headers))
        record(server, tmp_path / "run.warc", job())
        text = (tmp_path / "run.warc").read_text()
        assert "sesame" not in text
        assert "x-kept: yes" in text

    def test_it_appears_under_its_name_at_the_end(self, tmp_path: Path) -> None:
        path = tmp_path / "run.warc"
        with Recorder(path, now=NOW):
            assert not path.exists()
        assert [item.name for item in tmp_path.iterdir()] == ["run.warc"]

    def test_a_file_that_is_there_is_kept(self, tmp_path: Path) -> None:
        path = tmp_path / "run.warc"
        path.write_bytes(b"precious")
        with pytest.raises(EvidenceError, match="is there already"):
            Recorder(path, now=NOW)
        assert path.read_bytes() == b"precious"
        Recorder(path, now=NOW, overwrite=True).close()
        assert check(path).intact

    def test_a_place_that_cannot_be_written_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(EvidenceError, match="cannot write"):
            Recorder(tmp_path / "missing" / "run.warc", now=NOW)

    def test_what_was_written_before_an_interrupt_is_kept(self, server: ProviderServer, tmp_path: Path) -> None:
        path = tmp_path / "run.warc.gz"
        server.serve(HOST, ORDERS, page("a"))

        def interrupt(*_: object) -> None:
            raise KeyboardInterrupt

        stopping = fake_source.source(follow=interrupt)  # type: ignore[arg-type]
        with pytest.raises(KeyboardInterrupt):
            record(server, path, job(stopping))
        found = check(path)
        assert found.intact
        assert not found.complete
        assert "fake/orders/1" in [entry.id for entry in found.entries]

    def test_ctrl_c_in_the_middle_of_a_run_keeps_what_came(self, server: ProviderServer, tmp_path: Path) -> None:
        path = tmp_path / "run.warc.gz"
        server.serve(HOST, ORDERS, in_turn(page("a", next="2"), hang()))
        run = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", INTERRUPTED, str(path), server.url],
            cwd=Path(__file__).parents[1],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert run.stdout is not None
        assert any("next page" in line for line in run.stdout)
        run.send_signal(signal.SIGINT)
        _, errors = run.communicate()
        assert errors.strip().endswith("KeyboardInterrupt")
        found = check(path)
        assert found.intact
        assert not found.complete
        assert [entry.id for entry in found.entries] == ["", "fake/orders/1", "fake/orders/1", "end"]

    @pytest.mark.parametrize("content", [b"", b"hello", b"WARC/1.1\r\n", gzip.compress(b"hello", mtime=0)])
    def test_what_is_no_evidence_is_refused(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "x.warc").write_bytes(content)
        with pytest.raises(EvidenceError):
            Archive(tmp_path / "x.warc")

    def test_a_file_that_is_missing_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(EvidenceError, match=r"cannot read .*none\.warc"):
            check(tmp_path / "none.warc")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The bytes of one run, plain and compressed."""
    files = {}
    with ProviderServer() as server:
        server.serve(HOST, ORDERS, in_turn(page("a", next="2"), page("b"), page("a", next="2"), page("b")))
        for name in NAMES:
            path = tmp_path_factory.mktemp("recorded") / name
            record(server, path, job())
            files[name] = path.read_bytes()
    return files


@pytest.fixture
def damaged(tmp_path: Path, recorded: dict[str, bytes]) -> Callable[[str, Callable[[bytes], bytes]], Path]:
    def write(name: str, change: Callable[[bytes], bytes]) -> Path:
        path = tmp_path / name
        path.write_bytes(change(recorded[name]))
        return path

    return write


@pytest.mark.parametrize("name", NAMES)
class TestDamage:
    def test_an_unchanged_file_is_intact(self, damaged: Callable[..., Path], name: str) -> None:
        found = check(damaged(name, lambda data: data))
        assert found.intact
        assert found.complete
        assert not found.truncated

    def test_every_flipped_byte_is_found_and_its_record_named(
        self, damaged: Callable[..., Path], recorded: dict[str, bytes], name: str
    ) -> None:
        whole = check(damaged(name, lambda data: data)).entries
        starts = [entry.offset for entry in whole]
        # Every 11th byte, and the first and last of every record; the last record whole.
        edges = {edge for start in starts for edge in (start, start - 1) if edge >= 0}
        for position in sorted(
            edges | set(range(0, len(recorded[name]), 11)) | set(range(starts[-1], len(recorded[name])))
        ):
            found = check(damaged(name, lambda data, at=position: flipped(data, at, 0xFF)))
            number = sum(start <= position for start in starts)
            assert found.problems, position
            named = found.problems[0].record
            assert named is not None
            assert named.number == number, (position, str(found.problems[0]))
            assert named.offset == starts[number - 1]

    def test_a_changed_body_is_named_by_its_answer(self, damaged: Callable[..., Path], name: str) -> None:
        def change(data: bytes) -> bytes:
            if name.endswith("gz"):
                at = [entry.offset for entry in check(damaged(name, bytes)).entries if entry.kind == "response"][1]
                return flipped(data, at + 200, 0x10)
            return data.replace(b'"id":"b"', b'"id":"c"')

        path = damaged(name, change)
        (problem, *_) = check(path).problems
        assert "response fake/orders/2, at byte" in str(problem) or "record 6 (" in str(problem)
        with pytest.raises(EvidenceError, match="record 6"):
            Archive(path)

    def test_a_removed_record_is_noticed(self, damaged: Callable[..., Path], name: str) -> None:
        entries = check(damaged(name, lambda data: data)).entries
        start, end = entries[5].offset, entries[6].offset
        found = check(damaged(name, lambda data: data[:start] + data[end:]))
        assert "record 5 (" in str(found.problems[0])
        assert "a record that came after it was removed" in str(found.problems[0])

    def test_a_cut_file_loses_its_last_record_only(self, damaged: Callable[..., Path], name: str) -> None:
        entries = check(damaged(name, lambda data: data)).entries
        for number in range(2, len(entries) + 1):
            start = entries[number - 1].offset
            for keep in (0, 1, 30):
                path = damaged(name, lambda data, end=start + keep: data[:end])
                found = check(path)
                assert [entry.id for entry in found.entries] == [entry.id for entry in entries[: number - 1]]
                assert found.truncated
                assert not found.damaged
                text = str(found.problems[0])
                assert f"cut off after record {number - 1}" in text or f"record {number} (" in text
                assert Archive(path).warnings == (f"{path}: {text}",)

    def test_a_cut_file_replays_what_it_has(self, damaged: Callable[..., Path], name: str) -> None:
        end = check(damaged(name, lambda data: data)).entries[-1].offset
        path = damaged(name, lambda data: data[: end + 10])
        (outcome,) = replay(path, job())
        assert outcome.failure is None
        assert len(outcome.payloads) == 2
        assert len(Archive(path).warnings) == 1


@pytest.mark.parametrize("name", NAMES)
@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_flipped_bit_is_found(tmp_path: Path, recorded: dict[str, bytes], name: str, data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(recorded[name]) - 1))
    bit = data.draw(st.integers(0, 7))
    path = tmp_path / name
    path.write_bytes(flipped(recorded[name], position, 1 << bit))
    assert not check(path).intact


def flipped(data: bytes, position: int, mask: int) -> bytes:
    return data[:position] + bytes([data[position] ^ mask]) + data[position + 1 :]


def test_a_replay_needs_no_key(server: ProviderServer, tmp_path: Path) -> None:
    keyed = fake_source.source(auth=("VERIFY_FAKE_API_KEY",))
    server.serve(HOST, ORDERS, page("a"))
    with Recorder(tmp_path / "run.warc", now=NOW) as recorder:
        first = fetch_all(
            [job(keyed)],
            now=NOW,
            recorder=recorder,
            environment={"VERIFY_FAKE_API_KEY": "sesame-open"},
            host_map=server.host_map,
        )
    assert "sesame" not in (tmp_path / "run.warc").read_text()
    assert told(replay(tmp_path / "run.warc", job(keyed))) == told(first)


def test_a_trial_on_this_machine_stays_one_in_the_replay(three_pages: ProviderServer, tmp_path: Path) -> None:
    (first,) = record(three_pages, tmp_path / "run.warc", job())
    (again,) = replay(tmp_path / "run.warc", job())
    assert first.diverted
    assert again.diverted


def test_a_full_disk_stops_the_run(server: ProviderServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server.serve(HOST, ORDERS, page("a"))
    recorder = Recorder(tmp_path / "run.warc", now=NOW)

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(recorder, "_file", SimpleNamespace(write=full, closed=False))
        with pytest.raises(EvidenceError, match="No space left"):
            fetch_all([job()], now=NOW, recorder=recorder, environment={}, host_map=server.host_map)
    recorder.close()
