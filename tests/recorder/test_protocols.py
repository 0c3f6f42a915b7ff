"""How each venue's stream is spoken: what is sent, what a frame is, what must be answered."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources import registry
from sources.adapter import Channel, Instrument, Source
from sources.recorder.run import Chosen, channels_of
from sources.spec import Transport
from sources.streams import bybit, htx, lighter
from sources.streams.protocol import Kind, packed, stamped
from verify.model.errors import InputError

PAYLOADS = Path(__file__).parents[2] / "fixtures" / "payloads"
ALL = channels_of(registry.load().values(), ())
BY_KEY = {chosen.key: chosen for chosen in ALL}


def sorted_kind(chosen: Chosen, body: bytes) -> Kind:
    unpack = chosen.speaks.unpack
    return chosen.speaks.sort(unpack(body) if unpack is not None else body)


def streams() -> Iterator[tuple[Source, str, Channel]]:
    for source in registry.load().values():
        for spec, code in source.pairs():
            if spec.transport is Transport.STREAM:
                yield source, spec.id, code


def test_every_stream_there_is_can_be_recorded() -> None:
    assert [f"{source.spec.id}/{name}" for source, name, code in streams() if code.stream is None] == []


@pytest.mark.parametrize("chosen", ALL, ids=lambda chosen: chosen.key)
def test_a_protocol_is_documented_encrypted_and_noticed_dead_within_a_minute(chosen: Chosen) -> None:
    speaks = chosen.speaks
    assert speaks.docs
    assert all(url.startswith("https://") for url in speaks.docs)
    assert speaks.control
    assert 15 <= speaks.grace <= 45
    assert all(feed.url.startswith("wss://") for feed in speaks.feeds)
    assert len({feed.name for feed in speaks.feeds}) == len(speaks.feeds)


@pytest.mark.parametrize("chosen", ALL, ids=lambda chosen: chosen.key)
def test_every_feed_asks_for_something_even_without_a_list_of_contracts(chosen: Chosen) -> None:
    for feed in chosen.speaks.feeds:
        for subscription in feed.subscribe({}):
            assert subscription.acks > 0
            assert subscription.messages
            assert subscription.complete is not feed.listed
            for message in subscription.messages:
                json.loads(message)


KINDS = {
    "aster/force_orders": {"acknowledged.json": Kind.ACK, "documented.json": Kind.DATA, "combined.json": Kind.DATA,
                           "refused.json": Kind.REFUSAL, "trade.json": Kind.OTHER},
    "binance/usdm": {"acknowledged.json": Kind.ACK, "usdm_array.json": Kind.DATA, "usdm_combined.json": Kind.DATA,
                     "usdm_documented.json": Kind.DATA, "refused.json": Kind.REFUSAL,
                     "ticker_message.json": Kind.OTHER},
    "binance/coinm": {"coinm_documented.json": Kind.DATA},
    "bitfinex/liquidations_stream": {"stream.json": Kind.DATA, "stream_heartbeat.json": Kind.CONTROL,
                                     "stream_subscribed.json": Kind.ACK, "stream_refused.json": Kind.REFUSAL,
                                     "stream_info.json": Kind.OTHER},
    "bitget/liquidation_stream": {"stream.json": Kind.DATA, "stream_batch.json": Kind.DATA,
                                  "stream_pong.txt": Kind.PONG, "stream_subscribed.json": Kind.ACK,
                                  "stream_refused.json": Kind.REFUSAL},
    "bitmex/liquidation": {"partial.json": Kind.SNAPSHOT, "insert.json": Kind.DATA, "update.json": Kind.DATA,
                           "delete.json": Kind.DATA, "pong.txt": Kind.PONG, "subscribed.json": Kind.ACK,
                           "refused.json": Kind.REFUSAL, "welcome.json": Kind.OTHER, "trade.json": Kind.OTHER},
    "bybit/liquidations": {"all_liquidation.json": Kind.DATA, "old_topic.json": Kind.DATA, "pong.json": Kind.PONG,
                           "acknowledged.json": Kind.ACK, "refused.json": Kind.REFUSAL, "trade.json": Kind.OTHER},
    "deribit/trades_stream": {"stream_flagged.json": Kind.DATA, "stream_heartbeat.json": Kind.PING,
                              "stream_subscribed.json": Kind.ACK, "bad_arguments.json": Kind.REFUSAL,
                              "stream_ticker.json": Kind.OTHER},
    "gate/public_liquidates": {"public_liquidates.json": Kind.DATA, "pong.json": Kind.PONG,
                               "subscribed.json": Kind.ACK, "subscription_refused.json": Kind.REFUSAL},
    "htx/linear_stream": {"stream_linear.json.gz": Kind.DATA, "stream_linear.json": Kind.DATA,
                          "stream_ping.json": Kind.PING, "stream_subscribed.json": Kind.ACK,
                          "stream_refused.json": Kind.REFUSAL},
    "kraken/trade": {"ws_liquidation_linear.json": Kind.DATA, "ws_snapshot_liquidation.json": Kind.SNAPSHOT,
                     "ws_trade_documented.json": Kind.CONTROL, "ws_trade_snapshot_documented.json": Kind.CONTROL,
                     "ws_heartbeat.json": Kind.PONG, "ws_subscribed.json": Kind.ACK, "ws_refused.json": Kind.REFUSAL,
                     "ws_info.json": Kind.OTHER},
    "lighter/trades": {"liquidations.json": Kind.DATA, "ordinary.json": Kind.CONTROL, "refused.json": Kind.REFUSAL,
                       "connected.json": Kind.OTHER},
    "okx/liquidation_stream": {"liquidations_documented.json": Kind.DATA, "pong.txt": Kind.PONG,
                               "subscribed.json": Kind.ACK, "subscription_refused.json": Kind.REFUSAL,
                               "trades.json": Kind.OTHER},
    "poloniex/stream": {"ws_liquidation_documented.json": Kind.DATA, "ws_pong.json": Kind.PONG,
                        "ws_subscribed.json": Kind.ACK, "ws_refused.json": Kind.REFUSAL},
}  # fmt: skip


@pytest.mark.parametrize(
    ("key", "name", "kind"), [(key, name, kind) for key, found in KINDS.items() for name, kind in found.items()]
)
def test_a_frame_is_taken_for_what_it_is(key: str, name: str, kind: Kind) -> None:
    chosen = BY_KEY[key]
    body = (PAYLOADS / chosen.source.spec.id / name).read_bytes()
    if name.endswith(".txt"):
        body = body.strip()
    assert sorted_kind(chosen, body) is kind


def test_no_frame_with_a_liquidation_is_passed_over() -> None:
    """Whatever the adapter reads an event from is kept, and has the needle by which it is found."""
    seen = set()
    for chosen in ALL:
        for path in sorted((PAYLOADS / chosen.source.spec.id).glob("*.json*")):
            body = path.read_bytes()
            try:
                assert chosen.code.message is not None
                from datetime import UTC, datetime

                frame = chosen.code.message(body, datetime(2026, 11, 22, tzinfo=UTC), {})
            except Exception:  # what the adapter refuses is no concern here
                continue
            if frame.height:
                kind = sorted_kind(chosen, body)
                assert kind in (Kind.DATA, Kind.SNAPSHOT), f"{chosen.key}: {path.name} is {kind!r}"
                plain = chosen.speaks.unpack(body) if chosen.speaks.unpack is not None else body
                assert chosen.speaks.needle in plain, f"{chosen.key}: {path.name}"
                seen.add(chosen.key)
    assert len(seen) >= 13


WORDS = ["e", "op", "ts", "topic", "event", "arg", "table", "type", "data", "error", "method", "channel"]
JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4),
    max_leaves=8,
)


@given(st.binary(max_size=80) | st.text(max_size=80).map(str.encode) | JSON.map(lambda c: json.dumps(c).encode()))
def test_whatever_comes_is_sorted_without_an_error(body: bytes) -> None:
    for chosen in ALL:
        sorted_kind(chosen, body)
        if chosen.speaks.answer is not None:
            chosen.speaks.answer(body)


def contracts(count: int, *, inverse: bool = False) -> dict[str, Instrument]:
    names = [f"SOMECOIN{n:04}USD{'' if inverse else 'T'}" for n in range(count)]
    return {name: Instrument("x", name, name[:8], 1.0, inverse=inverse) for name in names}


def test_bybits_topics_are_spread_so_that_no_connection_has_too_many_characters() -> None:
    known = contracts(1500) | contracts(30, inverse=True)
    linear = bybit.subscribe("linear", known)
    topics = [arg for sub in linear for message in sub.messages for arg in json.loads(message)["args"]]
    assert {name for name, item in known.items() if not item.inverse} == {
        topic.partition(".")[2] for topic in topics if topic.startswith("all")
    }
    assert len(linear) > 1
    for subscription in linear:
        args = [arg for message in subscription.messages for arg in json.loads(message)["args"]]
        assert len(json.dumps(args, separators=(",", ":"))) <= bybit.ROOM
        assert "kline.1.BTCUSDT" in args
        assert subscription.acks == len(subscription.messages)
    assert len(bybit.subscribe("inverse", known)) == 1


@given(st.lists(st.text("AB", min_size=1, max_size=30), max_size=60), st.integers(33, 200))
def test_packing_keeps_every_item_in_order_and_within_the_room(items: list[str], room: int) -> None:
    groups = packed(items, room, 3)
    assert [item for group in groups for item in group] == items
    assert all(sum(len(item) + 3 for item in group) <= room for group in groups)


def test_gates_messages_carry_the_time_at_which_they_are_sent() -> None:
    speaks = BY_KEY["gate/public_liquidates"].speaks
    (subscription,) = speaks.feeds[0].subscribe({})
    assert speaks.ping is not None
    for message in (*subscription.messages, speaks.ping):
        assert json.loads(stamped(message, 1_795_000_000))["time"] == 1_795_000_000


def test_lighters_markets_are_spread_over_connections() -> None:
    known = {str(n): Instrument("lighter", str(n), "X", 1.0) for n in range(200)}
    found = lighter.subscribe(known)
    channels = [json.loads(message)["channel"] for sub in found for message in sub.messages]
    assert {f"trade/{n}" for n in range(200)} <= set(channels)
    assert channels.count("market_stats/1") == len(found) == 3


@pytest.mark.parametrize(
    ("ping", "pong"),
    [
        (b'{"op":"ping","ts":"1789670295000"}', '{"op":"pong","ts":"1789670295000"}'),
        (b'{"op":"ping","ts":1789670295000}', '{"op":"pong","ts":1789670295000}'),
        (b'{"op":"ping"}', None),
    ],
)
def test_htxs_ping_is_answered_letter_by_letter(ping: bytes, pong: str | None) -> None:
    assert htx.answer(htx.unpack(gzip.compress(ping))) == pong


def test_a_name_without_a_stream_is_one_clear_error() -> None:
    with pytest.raises(InputError, match="coinalyze has no stream to record"):
        channels_of(registry.load().values(), ["coinalyze"])
