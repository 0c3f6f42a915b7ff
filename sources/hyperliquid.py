"""Hyperliquid: node fills from local files, one account's fills, ledger and positions, daily statistics (keyless)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache

import msgspec

from sources import build, hyperliquid_state
from sources.adapter import Channel, Instruments, Payload, Request, Source
from sources.hyperliquid_fills import SOURCE_KEY, Fill, asset_of, events, legs_of, parse_bytes
from sources.lazy import pl
from sources.plan import milliseconds
from sources.spec import ChannelSpec, CompletenessRule, Form, Rate, SourceSpec, Transport
from verify.model.errors import SchemaChanged, Suspect
from verify.model.figure import Basis, Completeness, QuantityBasis
from verify.model.quantity import Quantity
from verify.model.window import Window

_INFO = "https://api.hyperliquid.xyz/info"
_STATISTICS = "https://d2v1fiwobg9w6.cloudfront.net/daily_notional_liquidated_by_coin"
_DOCS = "https://hyperliquid.gitbook.io/hyperliquid-docs/historical-data"
_INFO_DOCS = "https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/info-endpoint"
_NODE = "https://github.com/hyperliquid-dex/node/blob/f256f31/README.md"
_TYPES = "https://github.com/nktkas/hyperliquid/blob/db80d59/src/api/info/_methods/userFills.ts"
_BACKEND = "https://github.com/thunderhead-labs/hyperliquid-stats/blob/3e50083/app.py"
_PAGE = 2000
_DAY = timedelta(days=1)
_DAILY = "hyperliquid/daily"

SPEC = SourceSpec(
    id="hyperliquid",
    title="Hyperliquid",
    homepage="https://hyperliquid.xyz",
    kind="chain",
    hosts=("api.hyperliquid.xyz", "d2v1fiwobg9w6.cloudfront.net"),
    rate=Rate(1200 // 20, timedelta(minutes=1), _INFO_DOCS),  # 1,200 weights a minute; these requests weigh 20
    as_of=date(2026, 11, 22),
    limits=(
        "node files are read from a local copy (`--source hyperliquid:DIR`) or from S3 (`--source hyperliquid:s3`, "
        "with the extra s3), which needs an AWS account that pays for the transfer (cents); to copy one: "
        "`aws s3 cp s3://hl-mainnet-node-data/node_fills_by_block/hourly/20260119/0.lz4 . --request-payer requester`",
        "nothing keyless lists the liquidations of all accounts over some hours",
        "of one account the last 10,000 fills are served",
    ),
    channels=(
        ChannelSpec(
            id="node_fills",
            title="Fills of a node, hourly files",
            transport=Transport.FILE,
            form=Form.EVENTS,
            docs=(_DOCS, _NODE, _TYPES),
            metrics=("liquidations", "liquidation_count", "auto_deleveraging"),
            venues=("hyperliquid",),
            lineage=(SOURCE_KEY,),
            completeness=(
                CompletenessRule(
                    Completeness.COMPLETE,
                    _DOCS,
                    note="every fill of the chain; nothing is said of blocks that the recording node missed",
                    confirmed=False,
                ),
            ),
            side_rule="the liquidated user's own leg: side A sells, so that a long was liquidated; B a short",
            side_citation=_TYPES,
            quantity_unit="coins",
            price_basis=Basis.AVERAGE_FILL,
            quantity_basis=QuantityBasis.FILLED,
            first_day=date(2025, 5, 25),
            doubts=(
                "How long the files are kept is not documented (one reader speaks of ten months).",
                "Both legs of a trade are in the files and name the liquidated user; the counterparty's is left out.",
                "Auto-deleveraging is no liquidation and is reported apart; that it is told by the word of `dir` was "
                "seen by others and is not documented. Takeovers by the liquidator vault (backstop) are counted.",
                "Markets of other builders (HIP-3) are left out unless asked for; spot is left out.",
                "Where `dir` says which position was closed, it is believed; a contradiction of `side` is refused.",
            ),
        ),
        ChannelSpec(
            id="daily",
            title="Daily notional of liquidated positions per coin",
            transport=Transport.REST,
            form=Form.BARS,
            docs=(_BACKEND,),
            # Not "liquidations": whole positions at the moment of liquidation, an upper bound of what was sold.
            metrics=("estimated_liquidations",),
            venues=("hyperliquid",),
            lineage=(SOURCE_KEY,),
            completeness=(
                CompletenessRule(
                    Completeness.UNKNOWN,
                    _BACKEND,
                    note="sums of the node's own list of liquidations; an upper bound, as whole positions are counted",
                    confirmed=False,
                ),
            ),
            side_rule="longs and shorts are not told apart",
            side_citation=_BACKEND,
            quantity_unit="USD",
            price_basis=Basis.MARK,
            quantity_basis=QuantityBasis.POSITION,
            bar_length=_DAY,
            doubts=(
                "A position that is liquidated in parts may count several times.",
                "An unadvertised host; a file beside this one ended on 3 April 2026 when others read it.",
                "That a day is a UTC day is read from the code of 2023.",
            ),
        ),
        ChannelSpec(
            id="account",
            title="Positions of a named account, now",
            transport=Transport.REST,
            form=Form.SERIES,
            docs=(f"{_INFO_DOCS}/perpetuals",),
            metrics=("holding", "unrealised_gain"),
            venues=("hyperliquid",),
            lineage=("hyperliquid/state",),
            completeness=(
                CompletenessRule(
                    Completeness.PARTIAL,
                    f"{_INFO_DOCS}/perpetuals",
                    note="perpetuals of Hyperliquid's own; not spot, vaults or markets of other builders",
                ),
            ),
            quantity_unit="coins; money in USD",
            price_basis=Basis.MARK,
            quantity_basis=QuantityBasis.POSITION,
            history=timedelta(minutes=1),
            doubts=(
                "Only the present state is served; a state that came just after the window stands for its end.",
                "The entry price is what Hyperliquid states; whether fees are in the gain is not documented.",
            ),
        ),
    ),
)


@cache
def ledger_columns() -> dict[str, pl.DataType]:
    """One row per liquidated position in an account's ledger.

    `position_usd` is the notional of all `positions` of the entry together, at the moment of liquidation.
    """
    return {
        "time": pl.Datetime("us", "UTC"),
        "user": pl.String(),
        "coin": pl.String(),
        "asset": pl.String(),
        "side": pl.String(),
        "quantity": pl.Float64(),
        "positions": pl.Int64(),
        "position_usd": pl.Float64(),
        "leverage": pl.String(),
        "hash": pl.String(),
    }


class _Day(msgspec.Struct, gc=False):
    time: str
    coin: str
    daily_notional_liquidated: float


class _Days(msgspec.Struct):
    chart_data: list[_Day]


class _Position(msgspec.Struct):
    coin: str
    szi: str


class _Delta(msgspec.Struct, rename="camel"):
    type: str
    liquidated_ntl_pos: str = ""
    leverage_type: str = ""
    liquidated_positions: list[_Position] = []


class _Entry(msgspec.Struct):
    time: int
    hash: str
    delta: _Delta


def _parse_file(payload: Payload, window: Window, _instruments: Instruments) -> pl.DataFrame:
    """A whole file in memory; `sources.hyperliquid_fills.read_files` reads large ones in batches."""
    return parse_bytes(payload.body, window, received=payload.received, evidence=payload.evidence)


def _daily_requests(_window: Window, _quantity: Quantity) -> Sequence[Request]:
    return [Request(_STATISTICS, note="daily notional liquidated, all days")]


def _parse_daily(payload: Payload, window: Window, _instruments: Instruments) -> pl.DataFrame:
    """One bar per coin and UTC day, both sides together; markets of other builders are left out."""
    rows = build.decode(_Days, payload.body, _DAILY).chart_data
    wire = build.columns(rows, "time", "coin")
    days = pl.Series("time", wire["time"], dtype=pl.String).str.to_datetime("%Y-%m-%dT%H:%M:%S", strict=False)
    if days.null_count() or (days.dt.truncate("1d") != days).any():
        raise SchemaChanged("time is no start of a day", source=_DAILY, field="time")
    names = {coin: asset_of(coin) for coin in set(wire["coin"])}
    frame = pl.DataFrame(
        {
            "start": days.dt.replace_time_zone("UTC"),
            "end": days.dt.replace_time_zone("UTC") + _DAY,
            "coin": pl.Series(wire["coin"], dtype=pl.String),
            "notional_usd": build.amounts(
                build.floats(rows, "daily_notional_liquidated"),
                field="daily_notional_liquidated",
                source=_DAILY,
                zero=True,
            ),
        }
    ).filter(~pl.col("coin").str.contains(r"[:@/]"))
    frame = frame.with_columns(asset=pl.col("coin").replace_strict(names, return_dtype=pl.String), side=pl.lit("both"))
    unknown = Completeness.UNKNOWN
    return build.bars(frame, venue="hyperliquid", source=_DAILY, completeness=unknown, window=window)


def account_requests(user: str, window: Window) -> Sequence[Request]:
    """The fills of one account (an address) in the window, oldest first, and its ledger."""
    return [_ask("userFillsByTime", user, window), _ask("userNonFundingLedgerUpdates", user, window)]


def _ask(kind: str, user: str, window: Window) -> Request:
    """Both ends belong to the answer."""
    times = {"startTime": int(milliseconds(window.start)), "endTime": int(milliseconds(window.end)) - 1}
    body = json.dumps({"type": kind, "user": user, **times}, separators=(",", ":")).encode()
    return Request(_INFO, method="POST", body=body, content_type="application/json", note=f"{kind} of {user}")


def follow_account(payload: Payload) -> Sequence[Request]:
    """The next page of fills starts with the last millisecond of a full one, so that rows come twice."""
    asked = json.loads(payload.request.body or b"{}")
    rows = build.decode(list[msgspec.Raw], payload.body, "hyperliquid/account")
    if asked.get("type") != "userFillsByTime" or len(rows) < _PAGE:
        return []
    last = build.decode(Fill, bytes(rows[-1]), "hyperliquid/account").time
    if last == asked["startTime"]:
        raise Suspect("a page of fills in one millisecond", source="hyperliquid/account")
    end = datetime.fromtimestamp((asked["endTime"] + 1) / 1000, UTC)
    return [_ask("userFillsByTime", asked["user"], Window(datetime.fromtimestamp(last / 1000, UTC), end))]


def parse_account(payload: Payload, window: Window) -> pl.DataFrame:
    """The account's own liquidations as events; fills in which it traded against another's are left out."""
    user = str(json.loads(payload.request.body or b"{}").get("user", ""))
    rows = build.decode(list[Fill], payload.body, "hyperliquid/account")
    legs = legs_of([(user, fill) for fill in rows], window)
    return events(legs, window, builders=True, received=payload.received, evidence=payload.evidence)


def parse_ledger(payload: Payload, window: Window) -> pl.DataFrame:
    """The positions that were liquidated according to the ledger (`ledger_columns()`); `szi` is signed."""
    source = "hyperliquid/ledger"
    user = str(json.loads(payload.request.body or b"{}").get("user", "")).lower()
    entries = [row for row in build.decode(list[_Entry], payload.body, source) if row.delta.type == "liquidation"]
    pairs = [(entry, position) for entry in entries for position in entry.delta.liquidated_positions]
    if len({id(entry) for entry, _ in pairs}) != len(entries):
        raise SchemaChanged("a liquidation without positions", source=source, field="liquidatedPositions")
    signed = build.numbers([position.szi for _, position in pairs], field="szi", source=source)
    total = [entry.delta.liquidated_ntl_pos for entry, _ in pairs]
    frame = pl.DataFrame(
        {
            "time": build.times([entry.time for entry, _ in pairs], unit="ms", field="time", source=source),
            "user": pl.Series([user] * len(pairs), dtype=pl.String),
            "coin": pl.Series([position.coin for _, position in pairs], dtype=pl.String),
            "asset": pl.Series([asset_of(position.coin.split(":")[-1]) for _, position in pairs], dtype=pl.String),
            "side": build.side_of_sign(signed, positive="long", field="szi", source=source).cast(pl.String),
            "quantity": signed.abs(),
            "positions": pl.Series([len(entry.delta.liquidated_positions) for entry, _ in pairs], dtype=pl.Int64),
            "position_usd": build.amounts(total, field="liquidatedNtlPos", source=source),
            "leverage": pl.Series([entry.delta.leverage_type for entry, _ in pairs], dtype=pl.String),
            "hash": pl.Series([entry.hash for entry, _ in pairs], dtype=pl.String),
        },
    )
    return frame.select(list(ledger_columns())).filter(pl.col("time") >= window.start, pl.col("time") < window.end)


SOURCE = Source(
    SPEC,
    {
        "node_fills": Channel(parse=_parse_file),
        "daily": Channel(_daily_requests, _parse_daily),
        "account": Channel(
            hyperliquid_state.requests,
            hyperliquid_state.parse,
            control=hyperliquid_state.control,
            control_alive=hyperliquid_state.alive,
        ),
    },
    notes={"node_fills": "is read from files: --source hyperliquid:DIR, or hyperliquid:s3 with an AWS account"},
)
