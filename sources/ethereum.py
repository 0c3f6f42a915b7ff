"""Ethereum: what an address holds at a block, over JSON-RPC at a node of the user's own choice."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from urllib.parse import urlsplit

import msgspec

from sources import build
from sources.adapter import Channel, Instruments, Payload, Request, Source
from sources.hyperliquid_state import ADDRESS
from sources.lazy import pl
from sources.spec import ChannelSpec, CompletenessRule, Form, Rate, SourceSpec, Transport
from verify.model.errors import RateLimited, SchemaChanged, Suspect, Unavailable
from verify.model.figure import Completeness
from verify.model.quantity import Quantity
from verify.model.window import Window

_NODE = "ethereum-node.invalid"
_BLOCKS = "https://coins.llama.fi/block/ethereum"
_BLOCK_DOCS = "https://api-docs.defillama.com/"
_DOCS = "https://ethereum.org/developers/docs/apis/json-rpc/"
_ERC20 = "https://eips.ethereum.org/EIPS/eip-20"
_KEY = "ethereum/balances"
_MAINNET = 1
_DRIFT = timedelta(minutes=2)  # a slot is 12 s; several may be missed
_BALANCE_OF = "70a08231"  # the first bytes of keccak("balanceOf(address)")
_RATE_LIMITED = (-32005, 429)


@dataclass(frozen=True)
class _Token:
    """A token that stands for one unit of the asset each; `address` is empty for ether itself."""

    name: str
    address: str
    decimals: int


#: What is added up, by asset. Aave pays a supplier's interest in its tokens, Lido a staker's, so that each stays worth
#: one unit. https://aave.com/docs/resources/addresses https://docs.lido.fi/deployed-contracts/
_TOKENS = {
    "ETH": (
        _Token("ether", "", 18),
        _Token("WETH", "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2", 18),
        _Token("aEthWETH", "0x4d5f47fa6a74757f35c14fd3a6ef8e3c9bc514e8", 18),
        _Token("stETH", "0xae7ab96520de3a18e5e111b5eaab095312d7fe84", 18),
    ),
    "BTC": (
        _Token("WBTC", "0x2260fac5e5542a773aa44fbcfedf7c193bc2c599", 8),
        _Token("aEthWBTC", "0x5ee5bf7ae06d1be5997a1a72006fe6c607ec6de8", 8),
    ),
}

SPEC = SourceSpec(
    id="ethereum",
    title="Ethereum",
    homepage="https://ethereum.org",
    kind="chain",
    hosts=(_NODE, "coins.llama.fi"),
    own_node=_NODE,
    auth=("VERIFY_ETHEREUM_RPC_URL",),
    rate=Rate(5, timedelta(seconds=1)),
    as_of=date(2026, 11, 22),
    limits=(
        "VERIFY_ETHEREUM_RPC_URL is the URL of a node; most keyless ones serve the last 128 blocks (25 minutes) only, "
        "the past needs an archive node",
        "debts are not taken off, and tokens that stand for more or less than one unit (wstETH) are not counted",
    ),
    channels=(
        ChannelSpec(
            id="balances",
            title="What an address holds at the end of the window",
            transport=Transport.REST,
            form=Form.SERIES,
            docs=(_DOCS, _ERC20, _BLOCK_DOCS),
            metrics=("holding",),
            venues=(),
            lineage=("ethereum/state",),
            completeness=(
                CompletenessRule(
                    Completeness.PARTIAL,
                    _DOCS,
                    note="the tokens " + ", ".join(t.name for tokens in _TOKENS.values() for t in tokens) + " of one "
                    "address; what lies elsewhere is not seen",
                ),
            ),
            quantity_unit="coins",
            first_day=date(2015, 8, 1),
            doubts=(
                "Which block belongs to a time is DefiLlama's word, held against the time in the block's own header.",
                "One node is asked, and believed.",
            ),
        ),
    ),
)


class _Height(msgspec.Struct):
    height: int
    timestamp: int


class _Fault(msgspec.Struct):
    code: int
    message: str = ""


class _Header(msgspec.Struct):
    number: str
    timestamp: str


class _Reply(msgspec.Struct):
    id: str | int | None
    result: msgspec.Raw = msgspec.Raw()
    error: _Fault | None = None


def _requests(window: Window, quantity: Quantity) -> Sequence[Request]:
    """First the block of the window's last second; nothing where no account is named, or no asset that is known."""
    if not ADDRESS.fullmatch(quantity.subject) or not _assets(quantity):
        return ()
    last = int((window.end - timedelta(microseconds=1)).timestamp())
    return [Request(f"{_BLOCKS}/{last}", note="the block of a time")]


def _follow(payload: Payload, _window: Window, quantity: Quantity) -> Sequence[Request]:
    """All balances at that block in one batch."""
    if _of_node(payload):
        return ()
    block = build.decode(_Height, payload.body, _KEY)
    asked = int(payload.request.url.rpartition("/")[2])
    height = block.height - (block.timestamp > asked)
    calls: list[tuple[str, str, list[object]]] = [
        ("chain", "eth_chainId", []),
        ("block", "eth_getBlockByNumber", [hex(height), False]),
    ]
    for asset in _assets(quantity):
        for token in _TOKENS[asset]:
            owner = quantity.subject.lower()
            if not token.address:
                calls.append((token.name, "eth_getBalance", [owner, hex(height)]))
                continue
            data = f"0x{_BALANCE_OF}{owner[2:]:0>64}"
            calls.append((token.name, "eth_call", [{"to": token.address, "data": data}, hex(height)]))
    batch = [{"jsonrpc": "2.0", "id": name, "method": method, "params": params} for name, method, params in calls]
    body = json.dumps(batch, separators=(",", ":")).encode()
    note = f"balances at block {height}"
    return [Request(f"https://{_NODE}/", method="POST", body=body, content_type="application/json", note=note)]


def _parse(payload: Payload, window: Window, _instruments: Instruments) -> pl.DataFrame:
    """Per asset `quantity` in coins, the sum, and as fields named by token what it is made of, at the block's time."""
    if not _of_node(payload):
        build.decode(_Height, payload.body, _KEY)
        return build.no_series()
    replies = _replies(payload)
    if (chain := _whole(replies, "chain")) != _MAINNET:
        raise Suspect(f"the node is one of chain {chain}, not of Ethereum", source=_KEY)
    header = build.decode(_Header, bytes(replies["block"]), _KEY)
    at = build.times([_hex(header.timestamp, "timestamp")], unit="s", field="timestamp", source=_KEY)[0]
    number = _hex(header.number, "number")
    if not timedelta(0) < window.end - at <= _DRIFT:
        raise Suspect(f"block {number} is of {at:%Y-%m-%d %H:%M:%S}, not of the time asked", source=_KEY)
    rows: list[tuple[str, str, float]] = []
    for asset, tokens in _TOKENS.items():
        held = {t.name: Decimal(_whole(replies, t.name)) / 10**t.decimals for t in tokens if t.name in replies}
        if held:
            rows.append((asset, "quantity", float(sum(held.values()))))
            rows += [(asset, name, float(coins)) for name, coins in held.items()]
    owner = _owner(payload)
    moment = pl.lit(at, dtype=pl.Datetime("us", "UTC"))
    frame = pl.DataFrame(rows, schema=["asset", "field", "value"], orient="row")
    frame = frame.with_columns(start=moment, end=moment, unit=pl.col("asset"))
    return build.series(frame, source=_KEY, window=window, metric="holding", subject=owner)


def _assets(quantity: Quantity) -> list[str]:
    """Those asked for that have tokens; ether where none is named."""
    named = quantity.assets.names
    return [asset for asset in _TOKENS if (asset in named if named is not None else asset == "ETH")]


def _of_node(payload: Payload) -> bool:
    return urlsplit(payload.request.url).hostname == _NODE


def _owner(payload: Payload) -> str:
    """The address that the batch asked about."""
    for call in json.loads(payload.request.body or b"[]"):
        if call["method"] == "eth_getBalance":
            return str(call["params"][0])
        if call["method"] == "eth_call":
            return f"0x{call['params'][0]['data'][-40:]}"
    raise SchemaChanged("the request asks for no balance", source=_KEY)


def _replies(payload: Payload) -> dict[str, msgspec.Raw]:
    """The results by the id of their call, in whatever order they came. Every error of a call is a failure."""
    if payload.body.lstrip()[:1] == b"{":  # a batch that is refused as a whole
        answers = [build.decode(_Reply, payload.body, _KEY)]
    else:
        answers = build.decode(list[_Reply], payload.body, _KEY)
    for answer in answers:
        if answer.error is not None:
            _refused(answer.error)
    found = {str(answer.id): answer.result for answer in answers if bytes(answer.result) not in (b"", b"null")}
    wanted = [call["id"] for call in json.loads(payload.request.body or b"[]")]
    if missing := [name for name in wanted if name not in found]:
        raise SchemaChanged(f"no result for {missing[0]}", source=_KEY, field="result")
    return {name: found[name] for name in wanted}


def _refused(fault: _Fault) -> None:
    words = " ".join(fault.message.split())[:120]
    if fault.code in _RATE_LIMITED:
        raise RateLimited(f"the node asks for patience: {words}", source=_KEY)
    hint = ""
    if any(word in words.lower() for word in ("prun", "trie node", "historical state", "archive", "not available")):
        hint = ": an archive node is needed, see VERIFY_ETHEREUM_RPC_URL"
    raise Unavailable(f"the node refuses ({fault.code} {words}){hint}", source=_KEY)


def _whole(replies: dict[str, msgspec.Raw], name: str) -> int:
    """A whole number as the node writes it; `0x` alone is the answer of a contract that is not there yet: nothing."""
    text = build.decode(str, bytes(replies[name]), _KEY)
    return 0 if text == "0x" and name != "chain" else _hex(text, "result")


def _hex(text: str, field: str) -> int:
    digits = text[2:]
    if not text.startswith("0x") or not digits or len(digits) > 64 or not set(digits) <= set("0123456789abcdefABCDEF"):
        raise SchemaChanged(f"{field} is no hexadecimal number: {text[:40]!r}", source=_KEY, field=field)
    return int(digits, 16)


def _control() -> Request:
    return Request(f"{_BLOCKS}/{int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())}", note="the block of a time")


def _alive(payload: Payload) -> bool:
    return build.decode(_Height, payload.body, _KEY).height > 0


SOURCE = Source(SPEC, {"balances": Channel(_requests, _parse, _follow, control=_control, control_alive=_alive)})
