"""Ethereum: what an address holds at a block, from a node of the user's own; errors of JSON-RPC are failures."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from conformance import PAYLOADS, RECEIVED, Case, conforms, fixture, read
from fake_source import NOW
from provider_server import ProviderServer

from sources.adapter import Payload
from sources.ethereum import SOURCE
from sources.http import fetch_all
from sources.jobs import Job
from verify.model.errors import AuthMissing, RateLimited, SchemaChanged, Suspect, Unavailable
from verify.model.quantity import METRICS, Quantity, Scope
from verify.model.window import Window

OWNER = "0x" + "Ab" * 20
WINDOW = Window.parse("2026-01-18T23:00Z/PT1H")
HELD = Quantity(METRICS["holding"], subject=OWNER)
CODE = SOURCE.channels["balances"]
assert CODE.requests is not None
(BLOCK,) = CODE.requests(WINDOW, HELD)
(BATCH,) = CODE.follow(Payload(BLOCK, fixture("ethereum", "block.json"), RECEIVED), WINDOW, HELD)

CASES = {
    "balances": [
        Case("balances.json", WINDOW, BATCH, quantity=HELD, rows="", optional=("jsonrpc",)),
        Case("block.json", WINDOW, BLOCK, quantity=HELD, expect="empty"),
        Case("pruned.json", WINDOW, BATCH, quantity=HELD, expect=Unavailable),
        Case("limited.json", WINDOW, BATCH, quantity=HELD, expect=RateLimited),
        Case("other_chain.json", WINDOW, BATCH, quantity=HELD, expect=Suspect),
        Case("stale_block.json", WINDOW, BATCH, quantity=HELD, expect=Suspect),
    ]
}
test_conformance = conforms(SOURCE, CASES)


def test_ether_and_the_tokens_that_stand_for_it_are_added_up_and_told_apart() -> None:
    frame = read(SOURCE, "balances", CASES["balances"][0])
    assert dict(frame.select("field", "value").iter_rows()) == {
        "quantity": 626700.0, "ether": 1.5, "WETH": 2.0, "aEthWETH": 626696.5, "stETH": 0.0,
    }  # fmt: skip
    assert set(frame["start"]) == {datetime(2026, 1, 18, 23, 59, 49, tzinfo=UTC)}
    assert set(frame["subject"]) == {OWNER.lower()}


def test_a_block_after_the_time_asked_is_not_taken() -> None:
    assert BLOCK.url.endswith("/1768780799")
    assert hex(24070656).encode() in (BATCH.body or b"")


def test_without_an_account_or_a_known_asset_nothing_is_asked() -> None:
    assert CODE.requests is not None
    assert CODE.requests(WINDOW, Quantity()) == ()
    assert CODE.requests(WINDOW, replace(HELD, assets=Scope.of("SOL"))) == ()
    assert CODE.requests(WINDOW, replace(HELD, subject="0x1")) == ()


@pytest.mark.parametrize(("old", "new"), [(b"0x14d1120d7b160000", b"1.5"), (b"stETH", b"x"), (b"0x16f4a00", b"1")])
def test_balances_are_exact_hexadecimal_numbers_and_none_is_missing(old: bytes, new: bytes) -> None:
    body = fixture("ethereum", "balances.json").replace(old, new)
    with pytest.raises(SchemaChanged):
        read(SOURCE, "balances", CASES["balances"][0], body)


def test_a_contract_that_is_not_there_yet_holds_nothing() -> None:
    body = fixture("ethereum", "balances.json").replace(b"0x14d1120d7b160000", b"0x")
    assert read(SOURCE, "balances", CASES["balances"][0], body)["value"][0] == 626698.5


def test_the_url_of_a_node_is_a_secret_that_no_record_names(server: ProviderServer) -> None:
    server.serve("coins.llama.fi", "/block/ethereum/1768780799", PAYLOADS / "ethereum" / "block.json")
    server.serve("ethereum-node.invalid", "/", PAYLOADS / "ethereum" / "balances.json")
    job = Job.for_channel(SOURCE, "balances", WINDOW, HELD)
    secret = "https://node.example/v3/0123456789abcdef"
    (outcome,) = fetch_all([job], now=NOW, environment={"VERIFY_ETHEREUM_RPC_URL": secret}, host_map=server.host_map)
    assert outcome.failure is None
    assert len(outcome.payloads) == 2
    assert "0123456789abcdef" not in repr(outcome)


def test_a_node_of_ones_own_on_this_machine_is_asked_in_place_of_the_name(server: ProviderServer) -> None:
    host = server.url.removeprefix("http://")
    server.serve(host, "/rpc", PAYLOADS / "ethereum" / "pruned.json")
    key = "0123456789abcdef"
    job = Job.for_channel(_only_node(), "balances", WINDOW, HELD)
    environment = {"VERIFY_ETHEREUM_RPC_URL": f"{server.url}/rpc?key={key}"}
    (outcome,) = fetch_all([job], now=NOW, environment=environment, host_map={})
    assert outcome.failure is None
    assert server.asked[0].query == {"key": key}
    assert not outcome.diverted
    assert key not in repr(outcome)
    assert CODE.parse is not None
    with pytest.raises(Unavailable, match="archive node"):
        CODE.parse(outcome.payloads[0], WINDOW, {})


@pytest.mark.parametrize("url", ["http://node.example/", "ftp://node.example/x", "node.example/rpc", "https:///rpc/x"])
def test_what_is_no_encrypted_node_is_refused(url: str) -> None:
    job = Job.for_channel(SOURCE, "balances", WINDOW, HELD)
    (outcome,) = fetch_all([job], now=NOW, environment={"VERIFY_ETHEREUM_RPC_URL": url}, host_map={})
    assert isinstance(outcome.failure, AuthMissing)
    assert url not in outcome.failure.message


def _only_node():  # type: ignore[no-untyped-def]
    """The source without the question for the block, which would leave this machine."""
    channel = replace(CODE, requests=lambda *_: [BATCH])
    return replace(SOURCE, channels={"balances": channel})
