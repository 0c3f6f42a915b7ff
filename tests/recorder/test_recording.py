"""The real recorder against venues of this machine that behave, and that do not: what was sent is what is served."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from io import StringIO
from pathlib import Path

import pytest
from recording import as_sent, as_served, clock, eager, fast_clock, held, listed, recording, told, until
from stream_server import DIALECTS, StreamServer, Venue

from sources.recorder.run import Options
from sources.recorder.status import Health

__all__ = ["eager", "listed"]
pytestmark = pytest.mark.usefixtures("eager", "listed")

EVERY = list(DIALECTS)
GARBAGE: list[str | bytes] = ["", "}{", "[1,", b"\x00\xff\xfe", '{"unheard": "of"}', b"\x1f\x8bnot gzip", "null", "[]"]


def now_ms() -> int:
    return clock() // 1000


def agrees(store: Path, venue: Venue) -> None:
    """What the store serves of a venue is what the venue sent, record by record."""
    timed = venue.key != "bitmex/liquidation"
    assert as_served(held(store, venue.key).events, timed=timed) == as_sent(venue.sent, timed=timed), venue.key


async def burst(venue: Venue, count: int = 3) -> None:
    """Orders one by one, and several in a message, of both sides, not in the order of their times."""
    await venue.push(*[venue.order(now_ms() - 7 * n, side="short") for n in range(count)])
    for n in range(count):
        await venue.push(venue.order(now_ms() - 40 + n))


def test_every_venue_is_recorded_record_by_record(tmp_path: Path) -> None:
    async def run() -> list[Venue]:
        async with StreamServer() as server, recording(tmp_path, server, EVERY) as venues:
            for venue in venues:
                await burst(venue)
        return venues

    for venue in asyncio.run(run()):
        agrees(tmp_path, venue)
        found = held(tmp_path, venue.key)
        assert found.unread == 0, venue.key
        assert found.feeds, venue.key
        for minutes in found.feeds.values():
            assert sum(minute.alive for minute in minutes.values()) > 0, venue.key
            assert sum(minute.subscribed for minute in minutes.values()) > 0, venue.key


def test_what_comes_twice_counts_once_and_garbage_takes_nothing_with_it(tmp_path: Path) -> None:
    async def run() -> list[Venue]:
        async with StreamServer() as server, recording(tmp_path, server, EVERY) as venues:
            for venue in venues:
                await burst(venue, 2)
                for frame in [*reversed(venue.frames), *venue.frames]:
                    await venue.raw(frame)
                for frame in GARBAGE:
                    await venue.raw(frame)
                await venue.raw(["{", '"half": ', "true}"])
                await burst(venue, 1)
        return venues

    for venue in asyncio.run(run()):
        agrees(tmp_path, venue)
    with sqlite3.connect(next(tmp_path.glob("*.sqlite"))) as file:
        kept = [bytes(body) for (body,) in file.execute("SELECT body FROM frames WHERE kind = 4")]
    for frame in GARBAGE:
        raw = frame if isinstance(frame, bytes) else frame.encode()
        assert kept.count(raw) >= len(EVERY), f"{raw!r} was not kept by everybody"


def test_a_message_in_fragments_is_one_frame(tmp_path: Path) -> None:
    async def run() -> Venue:
        async with StreamServer() as server, recording(tmp_path, server, ["okx/liquidation_stream"]) as (venue,):
            order = venue.order(now_ms())
            (frame,) = venue.dialect.frames([order])
            assert isinstance(frame, str)
            await venue.raw([frame[:5], frame[5:60], frame[60:]])
            venue.sent.append(order)
        return venue

    agrees(tmp_path, asyncio.run(run()))


@pytest.mark.parametrize("code", [1006, 1008, 1012])
def test_after_a_break_it_listens_again_and_the_gap_is_not_covered(tmp_path: Path, code: int) -> None:
    keys = ["binance/usdm", "bybit/liquidations", "htx/linear_stream"]
    log = StringIO()

    async def run() -> list[Venue]:
        async with StreamServer() as server, recording(tmp_path, server, keys, log=log) as venues:
            for venue in venues:
                await burst(venue, 1)
            await asyncio.sleep(0.1)
            for venue in venues:
                await venue.close(code)
            for venue in venues:
                await until(lambda venue=venue: not [s for s in venue.sessions if s.ready.is_set()] or venue.past)
                await venue.subscribed(2, total=True)
            await asyncio.sleep(0.2)
            for venue in venues:
                await burst(venue, 1)
        return venues

    for venue in asyncio.run(run()):
        agrees(tmp_path, venue)
    ends = [line for line in map(json.loads, log.getvalue().splitlines()) if line["event"] == "ended"]
    assert {line["code"] for line in ends if line["why"] != "the recorder stops"} == {code}
    with sqlite3.connect(next(tmp_path.glob("*.sqlite"))) as file:
        rows = file.execute("SELECT feed, opened_us, closed_us, why FROM connections").fetchall()
        lived = sum(closed - opened for _, opened, closed, _ in rows)
        assert all(why for *_, why in rows)
        (credited,) = file.execute("SELECT sum(alive_us) FROM coverage").fetchone()
    assert 0 < credited < lived


def test_pings_of_the_venue_are_answered_letter_by_letter(tmp_path: Path) -> None:
    async def run() -> tuple[list[str], list[str]]:
        keys = ["htx/linear_stream", "deribit/trades_stream"]
        async with StreamServer() as server, recording(tmp_path, server, keys) as (deribit, htx):
            assert htx.key == "htx/linear_stream" or deribit.key == "htx/linear_stream"
            htx, deribit = server.venue("htx/linear_stream"), server.venue("deribit/trades_stream")
            await deribit.raw('{"jsonrpc":"2.0","method":"heartbeat","params":{"type":"test_request"}}')
            await until(lambda: bool(htx.sessions[0].said and deribit.sessions[0].said))
            return htx.sessions[0].said, deribit.sessions[0].said

    htx, deribit = asyncio.run(run())
    assert htx[0] == '{"op":"pong","ts":"1789670295000"}'
    assert json.loads(deribit[0])["method"] == "public/test"


def test_heartbeats_that_the_venue_wants_are_sent(tmp_path: Path) -> None:
    async def run() -> list[str]:
        keys = ["okx/liquidation_stream"]
        async with StreamServer() as server, recording(tmp_path, server, keys, ping_every=0.05) as (venue,):
            await until(lambda: len(venue.sessions[0].said) >= 2)
            return venue.sessions[0].said

    assert set(asyncio.run(run())) == {"ping"}


def test_a_stall_without_a_close_is_noticed_and_replaced(tmp_path: Path) -> None:
    async def run() -> Venue:
        async with (
            StreamServer() as server,
            recording(tmp_path, server, ["binance/usdm"], control_every=0.1, least_grace=0.5) as (venue,),
        ):
            await burst(venue, 1)
            first = venue.sessions[0]
            venue.alive = False
            await until(lambda: first in venue.past)
            venue.alive = True
            await venue.subscribed(2, total=True)
            await until(lambda: bool(venue.sessions))
            await asyncio.sleep(0.3)
            await burst(venue, 1)
        return venue

    agrees(tmp_path, asyncio.run(run()))
    with sqlite3.connect(next(tmp_path.glob("*.sqlite"))) as file:
        reasons = [why for (why,) in file.execute("SELECT why FROM connections ORDER BY id")]
    assert "no sign of btcusdt@markPrice@1s" in reasons[0]


def test_a_dead_route_that_acknowledges_is_told_dead_and_not_covered(tmp_path: Path) -> None:
    async def run() -> None:
        async with StreamServer() as server:
            server.venue("binance/usdm").alive = False
            grace = {"control_every": 0.1, "least_grace": 0.4}
            async with recording(tmp_path, server, ["binance/usdm"], **grace):
                await until(lambda: told(tmp_path).channels[0].health is Health.DEAD)
                assert "no sign of" in told(tmp_path).channels[0].reason

    asyncio.run(run())
    (minutes,) = held(tmp_path, "binance/usdm").feeds.values()
    assert sum(minute.subscribed for minute in minutes.values()) > 0
    assert sum(minute.alive for minute in minutes.values()) == 0


def test_silence_among_bursts_is_suspected_told_kept_and_taken_back(tmp_path: Path) -> None:
    keys = ["binance/usdm", "bybit/liquidations", "okx/liquidation_stream", "bitget/liquidation_stream"]
    now = fast_clock(30.0)

    def suspect() -> bool:
        (binance,) = [c for c in told(tmp_path).channels if c.channel == "binance/usdm"]
        return binance.health is Health.SUSPECT_SILENT

    async def run() -> float:
        async with StreamServer() as server, recording(tmp_path, server, keys, now=now, control_every=15.0) as venues:
            silent = server.venue("binance/usdm")
            began, done = now(), asyncio.Event()

            async def bursts() -> None:
                while not done.is_set():
                    for venue in venues:
                        if venue is not silent:
                            await venue.push(venue.order(now() // 1000))
                    await asyncio.sleep(0.02)

            bursting = asyncio.create_task(bursts())
            await until(lambda: (tmp_path / "status.json").exists() and suspect())
            took = (now() - began) / 1_000_000
            while suspect():
                await silent.push(silent.order(now() // 1000))
                await asyncio.sleep(0.05)
            done.set()
            await bursting
            return took

    # a look every half second of this machine is one every 15 s of that clock, and a status every 60 s
    assert asyncio.run(run()) < 60 + 2 * 60
    with sqlite3.connect(next(tmp_path.glob("*.sqlite"))) as file:
        ((channel, since, until_us, reason),) = file.execute("SELECT * FROM suspicions").fetchall()
    assert channel == "binance/usdm"
    assert since < until_us
    assert reason.endswith("while bitget, bybit, okx burst")


def test_a_connection_that_grows_old_is_overlapped_and_nothing_counts_twice(tmp_path: Path) -> None:
    async def run() -> Venue:
        async with StreamServer() as server, recording(tmp_path, server, ["binance/usdm"], life=1.0) as (venue,):
            for _ in range(60):
                await venue.push(venue.order(now_ms()))  # to every connection there is, as a venue does
                await asyncio.sleep(0.05)
                assert venue.sessions, "there was a moment without a connection"
        return venue

    venue = asyncio.run(run())
    assert len(venue.past) >= 3
    agrees(tmp_path, venue)


def test_new_contracts_are_subscribed_to_without_a_gap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from recording import CONTRACTS

    from sources.adapter import Instrument

    async def run() -> tuple[list[str], list[str], Venue]:
        options = Options(refresh=0.3)
        keys = ["bybit/liquidations"]
        async with StreamServer() as server, recording(tmp_path, server, keys, options=options) as (venue,):
            before = [arg for s in venue.sessions for asked in s.asked for arg in asked["args"]]
            more = {**CONTRACTS["bybit"], "NEWUSDT": Instrument("bybit", "NEWUSDT", "NEW", 1.0)}
            monkeypatch.setitem(CONTRACTS, "bybit", more)
            sent = 0
            while not any("NEWUSDT" in arg for s in venue.sessions for asked in s.asked for arg in asked["args"]):
                await venue.push(venue.order(now_ms()))
                await asyncio.sleep(0.02)
                sent += 1
                assert sent < 500
            after = [arg for s in venue.sessions for asked in s.asked for arg in asked["args"]]
            return before, after, venue

    before, after, venue = asyncio.run(run())
    assert "allLiquidation.BTCUSDT" in before
    assert "allLiquidation.NEWUSDT" not in before
    assert "allLiquidation.NEWUSDT" in after
    agrees(tmp_path, venue)


def test_without_a_list_of_contracts_nothing_counts_as_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sources.recorder import listing

    async def none(*_: object, **__: object) -> dict[str, object]:
        return {}

    monkeypatch.setattr(listing, "fetch", none)

    async def run() -> None:
        async with StreamServer() as server, recording(tmp_path, server, ["bybit/liquidations"]) as (venue,):
            await until(lambda: told(tmp_path).channels[0].health is Health.PARTLY)
            await venue.push(venue.order(now_ms()))

    asyncio.run(run())
    found = held(tmp_path, "bybit/liquidations")
    assert len(found.events) == 1
    assert {minute.alive for minutes in found.feeds.values() for minute in minutes.values()} == {0}


def test_a_refused_subscription_is_told_and_nothing_counts_as_heard(tmp_path: Path) -> None:
    refusal = '{"success":false,"ret_msg":"error:handler not found,topic:allLiquidation.X","op":"subscribe"}'

    async def run() -> str:
        async with StreamServer() as server, recording(tmp_path, server, ["bybit/liquidations"]) as (venue,):
            await venue.raw(refusal)
            await until(lambda: told(tmp_path).channels[0].health is Health.PARTLY)
            return told(tmp_path).channels[0].reason

    assert "handler not found" in asyncio.run(run())
    covered = [m.alive for minutes in held(tmp_path, "bybit/liquidations").feeds.values() for m in minutes.values()]
    assert 0 < sum(covered) < 2 * 1_000_000


def test_a_first_snapshot_is_not_new_and_one_after_a_break_tells_what_was_missed(tmp_path: Path) -> None:
    def partial(*orders: object) -> str:
        (frame,) = DIALECTS["bitmex/liquidation"].frames(orders)  # type: ignore[arg-type]
        assert isinstance(frame, str)
        return json.dumps({**json.loads(frame), "action": "partial"})

    async def run() -> Venue:
        async with StreamServer() as server, recording(tmp_path, server, ["bitmex/liquidation"]) as (venue,):
            old, missed = venue.order(now_ms()), venue.order(now_ms())
            await venue.raw(partial(old))
            seen = venue.order(now_ms())
            await venue.push(seen)
            await asyncio.sleep(0.1)
            await venue.close(1006)
            await venue.subscribed(2, total=True)
            await until(lambda: bool(venue.sessions))
            await venue.raw(partial(missed, seen))
            venue.sent.append(missed)
        return venue

    agrees(tmp_path, asyncio.run(run()))


def test_what_a_subscription_tells_of_before_is_left_out(tmp_path: Path) -> None:
    async def run() -> Venue:
        async with StreamServer() as server, recording(tmp_path, server, ["okx/liquidation_stream"]) as (venue,):
            (first,) = venue.dialect.frames([venue.order(now_ms() - 3_600_000), venue.order(now_ms() - 60_000)])
            await venue.raw(first)
            await burst(venue, 1)
        return venue

    # the orders of the burst are of the second in which listening began
    assert len(held_prices(tmp_path, asyncio.run(run()))) == 2


def held_prices(store: Path, venue: Venue) -> set[float | None]:
    return {event.price for event in held(store, venue.key).events}


def test_frames_are_kept_as_they_were_received(tmp_path: Path) -> None:
    async def run() -> bytes:
        async with StreamServer() as server, recording(tmp_path, server, ["htx/linear_stream"]) as (venue,):
            order = venue.order(now_ms())
            (frame,) = venue.dialect.frames([order])
            await venue.raw(frame)
            assert isinstance(frame, bytes)
            return frame

    sent = asyncio.run(run())
    with sqlite3.connect(next(tmp_path.glob("*.sqlite"))) as file:
        assert [body for (body,) in file.execute("SELECT body FROM frames WHERE kind = 0")] == [sent]
