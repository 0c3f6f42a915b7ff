"""The client against a provider on this machine: paging, limits, retries, redirects, keys."""

from __future__ import annotations

import asyncio
import base64
import logging
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise
from pathlib import Path

import fake_source
import pytest
from fake_source import NOW, ORDERS, WINDOW, page
from provider_server import Answer, Ask, ProviderServer, failing, in_turn, redirect

from sources._limits import HostLimit, TooLate, retry_after
from sources.adapter import Channel, Instrument, Request, Source
from sources.evidence import Recorder
from sources.http import Limits, Progress, fetch_all, host_map_of
from sources.jobs import Job, Outcome, Purpose
from sources.spec import Rate, Transport
from verify.model.errors import AuthMissing, InputError, RateLimited, Suspect, Unavailable, WindowUnsupported
from verify.model.quantity import Quantity

HOST = "api.fake.example"
ALL = Quantity()
PATIENT = Limits(first_wait=0.0, jitter=0.0)
CANARY = "canary-4f1c-do-not-print"
KEYED = fake_source.source(auth=("VERIFY_FAKE_API_KEY",), auth_headers=("X-Api-Key",))
ENVIRONMENT = {"VERIFY_FAKE_API_KEY": CANARY}


def job(source: Source | None = None) -> Job:
    return Job.for_channel(source or fake_source.source(), "orders", WINDOW, ALL)


def fetch(server: ProviderServer, *jobs: Job, **options: object) -> list[Outcome]:
    settings = {"now": NOW, "clock": lambda: NOW, "environment": {}, "limits": PATIENT, "host_map": server.host_map}
    return fetch_all(jobs, **{**settings, **options})


def test_pages_are_followed_in_order(server: ProviderServer) -> None:
    server.serve(HOST, ORDERS, in_turn(page("a", next="2"), page("b", next="3"), page("c")))
    (outcome,) = fetch(server, job())
    assert outcome.failure is None
    assert [b'"a"' in p.body or b'"b"' in p.body or b'"c"' in p.body for p in outcome.payloads] == [True] * 3
    assert [payload.evidence for payload in outcome.payloads] == [f"fake/orders/{n}" for n in (1, 2, 3)]
    assert [ask.query.get("cursor") for ask in server.asked] == [None, "2", "3"]
    assert outcome.covered == WINDOW
    assert outcome.payloads[0].received == NOW


def test_a_post_carries_its_body_and_type(server: ProviderServer) -> None:
    request = Request(f"https://{HOST}{ORDERS}", method="POST", body=b'{"q":1}', content_type="application/json")
    server.serve(HOST, ORDERS, page("a"))
    (outcome,) = fetch(server, job(fake_source.source(requests=lambda *_: (request,))))
    assert outcome.failure is None
    assert (server.asked[0].method, server.asked[0].body) == ("POST", b'{"q":1}')
    assert server.asked[0].headers["Content-Type"] == "application/json"


def test_branches_keep_the_order_of_their_requests(server: ProviderServer) -> None:
    def served(ask: Ask) -> Answer:
        return Answer(page(ask.query["part"]), latency=0.05 if ask.query["part"] == "0" else 0.0)

    parts = [Request(f"https://{HOST}{ORDERS}", (("part", str(n)),)) for n in range(4)]
    server.serve(HOST, ORDERS, served)
    (outcome,) = fetch(server, job(fake_source.source(requests=lambda *_: parts)))
    assert [payload.request for payload in outcome.payloads] == parts


def test_one_source_that_fails_stops_no_other(server: ProviderServer) -> None:
    server.serve(HOST, ORDERS, page("a"))
    server.serve("api.other.example", ORDERS, failing(400, b'{"label":"INVALID_PARAM_VALUE"}'))
    good, bad = fetch(server, job(), job(fake_source.source("other")))
    assert good.failure is None
    assert isinstance(bad.failure, Unavailable)
    assert str(bad.failure) == 'other/orders: refused the request (HTTP 400): {"label":"INVALID_PARAM_VALUE"}'
    assert bad.covered is None


def test_an_adapter_that_breaks_is_contained(server: ProviderServer) -> None:
    def follow(*_: object) -> list[Request]:
        raise KeyError("list")

    server.serve(HOST, ORDERS, page("a"))
    (outcome,) = fetch(server, job(fake_source.source(follow=follow)))
    assert "could not deal with the answer (KeyError: 'list')" in str(outcome.failure)
    assert len(outcome.payloads) == 1


class TestWindows:
    def test_a_window_before_the_history_is_refused_without_a_request(self, server: ProviderServer) -> None:
        (outcome,) = fetch(server, job(), now=NOW + timedelta(days=91))
        assert isinstance(outcome.failure, WindowUnsupported)
        assert "90 days" in str(outcome.failure)
        assert server.asked == []

    def test_a_window_that_begins_before_the_history_is_asked_for_in_part(self, server: ProviderServer) -> None:
        server.serve(HOST, ORDERS, page("a"))
        (outcome,) = fetch(server, job(), now=WINDOW.start + timedelta(days=90, hours=1))
        assert outcome.covered is not None
        assert (outcome.covered.start, outcome.covered.end) == (WINDOW.start + timedelta(hours=1), WINDOW.end)
        assert server.asked[0].query["from"] == fake_source.build_ms(outcome.covered.start)

    def test_a_window_that_reaches_into_the_future_ends_now(self, server: ProviderServer) -> None:
        server.serve(HOST, ORDERS, page("a"))
        (outcome,) = fetch(server, job(), now=WINDOW.start + timedelta(hours=1))
        assert outcome.covered is not None
        assert outcome.covered.end == WINDOW.start + timedelta(hours=1)


class TestRetries:
    @pytest.mark.parametrize("status", [500, 502, 503, 429])
    def test_a_passing_failure_is_tried_again(self, server: ProviderServer, status: int) -> None:
        server.serve(HOST, ORDERS, in_turn(failing(status), failing(status), page("a")))
        (outcome,) = fetch(server, job())
        assert outcome.failure is None
        assert server.count(HOST) == 3

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 418, 422, 451])
    def test_a_refusal_is_final(self, server: ProviderServer, status: int) -> None:
        server.serve(HOST, ORDERS, failing(status))
        (outcome,) = fetch(server, job())
        assert outcome.failure is not None
        assert server.count(HOST) == 1

    def test_a_rate_limit_that_stays_is_named(self, server: ProviderServer) -> None:
        server.serve(HOST, ORDERS, failing(429, Retry_After="0"))
        (outcome,) = fetch(server, job())
        assert isinstance(outcome.failure, RateLimited)
        assert server.count(HOST) == PATIENT.attempts

    @pytest.mark.parametrize("value", ["3600", format_datetime(NOW + timedelta(hours=1), usegmt=True)])
    def test_a_wait_beyond_the_deadline_is_not_begun(self, server: ProviderServer, value: str) -> None:
        server.serve(HOST, ORDERS, failing(429, Retry_After=value))
        (outcome,) = fetch(server, job())
        assert isinstance(outcome.failure, RateLimited)
        assert outcome.failure.retry_after == 3600
        assert server.count(HOST) == 1

    @pytest.mark.parametrize(
        ("value", "seconds"),
        [
            ("7", 7.0),
            ("Mon, 19 Jan 2026 04:00:30 GMT", 30.0),
            ("Mon, 19 Jan 2026 03:00:00 GMT", 0.0),
            ("soon", None),
            ("-5", None),
            ("", None),
            (None, None),
        ],
    )
    def test_retry_after_is_read_as_seconds_or_date(self, value: str | None, seconds: float | None) -> None:
        assert retry_after(value, NOW) == seconds

    def test_a_connection_refused_is_named_and_not_repeated(self, server: ProviderServer) -> None:
        (outcome,) = fetch(server, job(), host_map={"*": "http://127.0.0.1:9"})
        assert isinstance(outcome.failure, Unavailable)
        assert "cannot be reached" in str(outcome.failure)


class TestRates:
    """Loop time is moved by hand, so that no test waits."""

    @staticmethod
    def passes(
        rate: Rate, count: int, *, until: float = 1e9, parallel: int = 100, answer: float = 0.0, hold: float = 0.0
    ) -> list[float]:
        """When each of `count` requests is let through; each takes `answer` s, the first asks for patience."""
        clock = FastLoop()
        limit = HostLimit(rate, parallel)
        times: list[float] = []

        async def ask() -> None:
            async with limit.slot(until):
                times.append(round(clock.time(), 3))
                await asyncio.sleep(answer)
                if len(times) == 1 and hold:
                    limit.hold(hold)

        async def run() -> None:
            await asyncio.gather(*(ask() for _ in range(count)))

        try:
            clock.run_until_complete(run())
        finally:
            clock.close()
        return times

    def test_no_span_sees_more_than_its_number(self) -> None:
        assert self.passes(Rate(3, timedelta(minutes=1)), 8) == [0, 0, 0, 60, 60, 60, 120, 120]

    def test_slow_answers_do_not_save_up_turns(self) -> None:
        times = self.passes(Rate(2, timedelta(seconds=1)), 12, parallel=6, answer=10.0)
        assert all(later - earlier >= 1 for earlier, later in zip(times, times[2:], strict=False))

    def test_a_host_that_asks_for_patience_gets_it(self) -> None:
        times = self.passes(Rate(1, timedelta(seconds=1)), 4, hold=30.0, answer=0.5)
        assert times[0] == 0
        assert all(time >= 30.5 for time in times[1:])
        assert all(later - earlier >= 1 for earlier, later in pairwise(times))

    def test_a_turn_after_the_deadline_is_not_waited_for(self) -> None:
        with pytest.raises(TooLate) as caught:
            self.passes(Rate(3, timedelta(minutes=1)), 4, until=30.0)
        assert caught.value.seconds == 60


class FastLoop(asyncio.SelectorEventLoop):
    """An event loop whose time jumps to the next timer."""

    def __init__(self) -> None:
        self.now = 0.0
        super().__init__()

    def time(self) -> float:
        return self.now

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:
            self.now = max(self.now, self._scheduled[0].when())
        super()._run_once()


class TestPaging:
    def test_a_cursor_that_comes_back_is_a_circle(self, server: ProviderServer) -> None:
        server.serve(HOST, ORDERS, page("a", next="1"))
        (outcome,) = fetch(server, job())
        assert isinstance(outcome.failure, Suspect)
        assert "round in a circle" in str(outcome.failure)
        assert "cursor=1" in str(outcome.failure)
        assert server.count(HOST) == 2

    def test_paging_without_end_is_stopped(self, server: ProviderServer) -> None:
        server.serve(HOST, ORDERS, lambda ask: page("a", next=str(ask.number)))
        (outcome,) = fetch(server, job(), limits=Limits(pages=10))
        assert isinstance(outcome.failure, Suspect)
        assert "finds no end: 10 pages" in str(outcome.failure)
        assert server.count(HOST) == 11


class TestRedirects:
    def test_within_the_hosts_of_the_source_it_is_followed(self, server: ProviderServer) -> None:
        server.serve(HOST, ORDERS, redirect("https://eu.fake.example/moved"))
        server.serve("eu.fake.example", "/moved", page("a"))
        (outcome,) = fetch(server, job(fake_source.source(hosts=("eu.fake.example",))))
        assert outcome.failure is None
        assert outcome.payloads[0].request.url == f"https://{HOST}{ORDERS}"

    @pytest.mark.parametrize("target", ["https://evil.example/", "http://api.fake.example/v2", "//evil.example/x"])
    def test_anywhere_else_it_is_refused(self, server: ProviderServer, target: str) -> None:
        server.serve(HOST, ORDERS, redirect(target))
        (outcome,) = fetch(server, job())
        assert isinstance(outcome.failure, Unavailable)
        assert target.split("/")[2] in str(outcome.failure)
        assert len(server.asked) == 1

    def test_in_a_circle_it_ends(self, server: ProviderServer) -> None:
        server.serve(HOST, ORDERS, redirect(f"https://{HOST}{ORDERS}"))
        (outcome,) = fetch(server, job())
        assert "redirects more than 5 times" in str(outcome.failure)

    def test_a_request_to_a_host_that_is_not_declared_is_not_sent(self, server: ProviderServer) -> None:
        stray = fake_source.source(requests=lambda *_: (Request("https://stray.example/"),))
        (outcome,) = fetch(server, job(stray))
        assert "stray.example, which is none of its hosts" in str(outcome.failure)
        assert server.asked == []


class TestKeys:
    def test_a_key_that_is_not_set_is_named_before_any_request(self, server: ProviderServer) -> None:
        (outcome,) = fetch(server, job(KEYED))
        assert isinstance(outcome.failure, AuthMissing)
        assert str(outcome.failure) == "fake/orders: needs a key: set VERIFY_FAKE_API_KEY"
        assert server.asked == []

    def test_the_key_goes_into_the_declared_header(self, server: ProviderServer) -> None:
        server.serve(HOST, ORDERS, page("a"))
        fetch(server, job(KEYED), environment=ENVIRONMENT)
        assert server.asked[0].headers["X-Api-Key"] == CANARY

    def test_without_a_declared_header_it_is_a_bearer_token(self, server: ProviderServer) -> None:
        server.serve(HOST, ORDERS, page("a"))
        fetch(server, job(fake_source.source(auth=("VERIFY_FAKE_API_KEY",))), environment=ENVIRONMENT)
        assert server.asked[0].headers["Authorization"] == f"Bearer {CANARY}"

    def test_a_source_gets_no_key_of_another(self, server: ProviderServer) -> None:
        server.serve(HOST, ORDERS, page("a"))
        server.serve("api.other.example", ORDERS, page("a"))
        fetch(server, job(KEYED), job(fake_source.source("other")), environment=ENVIRONMENT)
        (other,) = [ask for ask in server.asked if ask.host == "api.other.example"]
        assert CANARY not in str(other)

    @pytest.mark.parametrize("status", [200, 302, 400, 401, 403, 429, 500])
    def test_a_key_that_the_provider_echoes_is_found_nowhere(
        self, server: ProviderServer, status: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        echo = f'{{"message":"bad key {CANARY}","base64":"{base64.b64encode(CANARY.encode()).decode()}"}}'.encode()
        headers = {
            "Content-Type": f"application/json; x={CANARY}",
            "Set-Cookie": f"session={CANARY}",
            "X-Echo": CANARY,
            **({"Location": f"https://{CANARY}.example/"} if status == 302 else {}),
        }
        server.serve(HOST, ORDERS, Answer(echo, status, headers))
        said: list[Progress] = []
        path = tmp_path / "run.warc"
        with Recorder(path, now=NOW) as recorder:
            (outcome,) = fetch(
                server,
                job(KEYED),
                environment=ENVIRONMENT,
                recorder=recorder,
                progress=said.append,
            )
        assert server.asked[0].headers["X-Api-Key"] == CANARY
        assert "[VERIFY_FAKE_API_KEY]" in path.read_text()
        seen = [path.read_text(), repr(outcome), str(outcome.failure), repr(said), caplog.text]
        seen += [repr(error.__dict__) for error in (outcome.failure, outcome.failure.__context__) if error]
        for text in seen:
            assert CANARY not in text
            assert base64.b64encode(CANARY.encode()).decode() not in text
            assert CANARY.upper() not in text.upper()

    def test_a_cookie_is_never_sent_back(self, server: ProviderServer) -> None:
        cookie = {"Content-Type": "application/json", "Set-Cookie": "id=1; Path=/"}
        server.serve(HOST, ORDERS, in_turn(Answer(page("a", next="2"), headers=cookie), page("b")))
        fetch(server, job())
        assert [ask.headers.get("Cookie") for ask in server.asked] == [None, None]


class TestContracts:
    def contract_source(self) -> Source:
        base = fake_source.source()
        by_market = Channel(
            requests=base.channels["orders"].requests,
            parse=fake_source.parse,
            requests_for=lambda known, _window, _quantity: [
                Request(f"https://{HOST}{ORDERS}", (("market", name),)) for name in known
            ],
        )
        return Source(
            base.spec,
            {"orders": by_market},
            instrument_requests=lambda _: (Request(f"https://{HOST}/v1/contracts"),),
            parse_instruments=lambda payload: {
                name: Instrument("fake", name, "BTC", 1.0) for name in payload.body.decode().split()
            },
        )

    def test_a_channel_asked_by_market_waits_for_the_contracts(self, server: ProviderServer) -> None:
        server.serve(HOST, "/v1/contracts", Answer(b"A B", latency=0.05))
        server.serve(HOST, ORDERS, page("a"))
        source = self.contract_source()
        outcomes = fetch(server, job(source), Job.for_instruments(source, ALL))
        assert [outcome.failure for outcome in outcomes] == [None, None]
        assert [outcome.job.purpose for outcome in outcomes] == [Purpose.CHANNEL, Purpose.INSTRUMENTS]
        assert sorted(ask.query.get("market", "") for ask in server.asked) == ["", "A", "B"]

    def test_without_them_it_asks_what_it_can(self, server: ProviderServer) -> None:
        server.serve(HOST, "/v1/contracts", failing(400))
        server.serve(HOST, ORDERS, page("a"))
        source = self.contract_source()
        orders, contracts = fetch(server, job(source), Job.for_instruments(source, ALL))
        assert orders.failure is None
        assert contracts.failure is not None
        assert "market" not in server.asked[-1].query


def test_progress_tells_what_each_source_waits_for(server: ProviderServer) -> None:
    said: list[Progress] = []
    server.serve(HOST, ORDERS, page("a"))
    fetch(server, job(), progress=said.append)
    assert Progress("fake/orders", "waiting", f"an answer from {HOST} (orders)") in said
    assert said[-1] == Progress("fake/orders", "done", "1 answer")


def test_a_missing_file_is_handed_to_the_adapter_of_a_file_channel(server: ProviderServer) -> None:
    source = fake_source.source(transport=Transport.FILE, follow=lambda *_: ())
    (outcome,) = fetch(server, job(source))
    assert outcome.failure is None
    assert outcome.payloads[0].status == 404


def test_a_channel_without_anything_to_ask_is_no_empty_market(server: ProviderServer) -> None:
    (outcome,) = fetch(server, job(fake_source.source(requests=lambda *_: ())))
    assert isinstance(outcome.failure, Unavailable)
    assert "has nothing to ask for" in str(outcome.failure)


def test_a_run_without_jobs_has_no_outcomes() -> None:
    assert fetch_all([], now=NOW, environment={}) == []


@pytest.mark.parametrize("target", ["http://93.184.216.34", "https://127.0.0.1:1", "http://api.gateio.ws", "x"])
def test_a_host_map_leads_to_this_machine_only(target: str) -> None:
    with pytest.raises(InputError, match="only http://127"):
        host_map_of(f"api.gateio.ws={target}")


def test_a_host_map_is_read_from_the_environment(server: ProviderServer) -> None:
    server.serve(HOST, ORDERS, page("a"))
    (outcome,) = fetch(server, job(), host_map=None, environment={"VERIFY_HOST_MAP": server.host_map_text})
    assert outcome.failure is None
    assert outcome.diverted


def test_the_clock_of_answers_is_the_injected_one(server: ProviderServer) -> None:
    moment = datetime(2030, 1, 1, tzinfo=UTC)
    server.serve(HOST, ORDERS, page("a"))
    (outcome,) = fetch(server, job(), clock=lambda: moment)
    assert outcome.payloads[0].received == moment
