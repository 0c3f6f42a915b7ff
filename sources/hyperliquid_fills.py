"""Hyperliquid node fills: every fill of the chain from LZ4 JSON lines, read in constant memory.

Both legs of a trade carry the `liquidation` object, so that adding up rows counts twice: only the leg of the
liquidated user is kept. Files are cut by the time of arrival, so that the hour after a window is read too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import lz4.frame
import msgspec

from sources import build
from sources.lazy import pl
from verify.model.errors import SchemaChanged, Suspect, Unavailable
from verify.model.figure import Basis
from verify.model.window import Window

SOURCE_KEY = "hyperliquid/node_fills"
#: `dir` of an auto-deleveraged leg, as readers of the files report it; no document lists the words.
ADL = "Auto-Deleveraging"
#: `tid` is a hash of the two orders; with time and coin it is unique, and each user has one leg of a trade.
#: https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/websocket/subscriptions
_IDENTITY = ("time", "coin", "tid", "user")
_NEEDLES = (b"liquidatedUser", ADL.encode())
_MAGIC = b"\x04\x22\x4d\x18"
_CHUNK = 256 * 1024  # compressed; LZ4 packs at most 255 to 1
_LONGEST_LINE = 256 * 1024 * 1024
_HOUR = timedelta(hours=1)


@cache
def leg_columns() -> dict[str, pl.DataType]:
    """One row per liquidated leg (`kind` "market" or "backstop") or auto-deleveraged trade ("adl").

    `dex` is empty for Hyperliquid's own perpetuals and the builder's name for HIP-3 ones.
    """
    return {
        "time": pl.Datetime("us", "UTC"),
        "user": pl.String(),
        "coin": pl.String(),
        "dex": pl.String(),
        "asset": pl.String(),
        "side": pl.String(),
        "kind": pl.String(),
        "quantity": pl.Float64(),
        "price": pl.Float64(),
        "notional_usd": pl.Float64(),
        "tid": pl.Int64(),
        "hash": pl.String(),
    }


class _Liquidation(msgspec.Struct, gc=False):
    liquidatedUser: str
    method: str


class Fill(msgspec.Struct, gc=False):
    coin: str
    px: str
    sz: str
    side: str
    time: int
    dir: str
    hash: str
    tid: int
    liquidation: _Liquidation | None = None


class _Block(msgspec.Struct, gc=False):
    events: list[tuple[str, Fill]]


class _BlockTime(msgspec.Struct):
    block_time: datetime | None = None


def hour_names(window: Window) -> list[str]:
    """The files that hold `window`, e.g. `20260119/0.lz4`: its hours (UTC, not padded) and the one after."""
    hour = window.start.replace(minute=0, second=0, microsecond=0)
    names = []
    while hour < window.end + _HOUR:
        names.append(f"{hour:%Y%m%d}/{hour.hour}.lz4")
        hour += _HOUR
    return names


def hour_files(folder: Path, window: Window) -> list[Path]:
    """The files of `window` in a copy of `node_fills_by_block/hourly`. Raises `Unavailable` naming missing ones."""
    found = [folder / name for name in hour_names(window)]
    if missing := [str(path.relative_to(folder)) for path in found if not path.is_file()]:
        raise Unavailable(f"{folder} lacks {', '.join(missing)}", source=SOURCE_KEY)
    return found


def read_files(paths: Iterable[Path], window: Window, *, batch: int = 50_000) -> Iterator[pl.DataFrame]:
    """The legs (schema `leg_columns()`) inside the window, file by file in batches, each leg once.

    Memory is bounded by the batch and by one number per liquidated leg. Raises `SchemaChanged` for what is no such
    file, is cut off or has an unknown field value, `Suspect` where a row contradicts itself.
    """
    seen: set[int] = set()
    for path in paths:
        with path.open("rb") as file:
            chunks = iter(lambda: file.read(_CHUNK), b"")
            yield from read(chunks, window, batch=batch, seen=seen)


def read(
    chunks: Iterable[bytes],
    window: Window,
    *,
    batch: int = 50_000,
    seen: set[int],
    edges: list[bytes] | None = None,
) -> Iterator[pl.DataFrame]:
    """The legs in the bytes of one file, LZ4 or plain; `seen` remembers those that came before.

    `edges`, if given, is filled with the first and the last line, from which `edge_time` tells what the file spans.
    """
    rows: list[tuple[str, Fill]] = []
    line = b""
    for line in _lines(_plain(chunks)):
        if edges is not None and not edges:
            edges.append(line)
        if any(needle in line for needle in _NEEDLES):
            rows += [(user, fill) for user, fill in _pairs(line) if _counts(user, fill)]
            if len(rows) >= batch:
                yield _legs(rows, window, seen)
                rows = []
    if edges is not None and line:
        edges.append(line)
    yield _legs(rows, window, seen)


def edge_time(line: bytes) -> datetime | None:
    """When a line happened (UTC): the time of its block, else of its first fill; None for an old block without any."""
    if line.startswith(b"{"):
        block = build.decode(_BlockTime, line, SOURCE_KEY)
        if block.block_time is not None:
            moment = block.block_time
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    pairs = _pairs(line)
    return datetime.fromtimestamp(pairs[0][1].time / 1000, UTC) if pairs else None


def parse_bytes(body: bytes, window: Window, **came: Any) -> pl.DataFrame:
    """The liquidations of a whole file as events (schema `EVENTS`)."""
    frames = read((body[i : i + _CHUNK] for i in range(0, len(body), _CHUNK)), window, seen=set())
    return events(pl.concat(frames), window, **came)


def events(legs: pl.DataFrame, window: Window | None = None, *, builders: bool = False, **came: Any) -> pl.DataFrame:
    """Liquidations as events at the price of the fill; HIP-3 markets only with `builders`, auto-deleveraging never."""
    kept = legs.filter(pl.col("kind") != "adl", (pl.col("dex") == "") | builders)
    frame = kept.with_columns(instrument=pl.col("coin"), event_id=build.identities(kept, *_IDENTITY))
    return build.events(
        frame,
        venue="hyperliquid",
        source=SOURCE_KEY,
        price_basis=Basis.AVERAGE_FILL,
        window=window,
        **came,
    )


def counts(legs: pl.DataFrame, threshold_usd: float = 0.0) -> dict[str, int]:
    """How many liquidations above the threshold: fills, (user, coin, transaction), and positions (user, coin).

    "38 above $1M" counts positions: fills of one user in one coin over the window, added up.
    """
    kept = legs.filter(pl.col("kind") != "adl")
    keys = {"fills": [*_IDENTITY], "transactions": ["user", "coin", "hash"], "positions": ["user", "coin"]}
    return {
        name: kept.group_by(key).agg(pl.col("notional_usd").sum()).filter(pl.col("notional_usd") > threshold_usd).height
        for name, key in keys.items()
    }


def _plain(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Decompressed bytes; LZ4 frames may follow one another. Raises `SchemaChanged` where the last one is cut off."""
    source = iter(chunks)
    first = next(source, b"")
    if not first:
        raise SchemaChanged("the file is empty", source=SOURCE_KEY)
    if not first.startswith(_MAGIC):
        yield first
        yield from source
        return
    unpacker, fresh, data = lz4.frame.LZ4FrameDecompressor(), True, first
    while data:
        try:
            text = unpacker.decompress(data)
        except RuntimeError as error:
            raise SchemaChanged(f"the file is no LZ4: {error}", source=SOURCE_KEY) from None
        fresh = False
        yield text
        rest = b""
        if unpacker.eof:
            rest = unpacker.unused_data or b""
            unpacker, fresh = lz4.frame.LZ4FrameDecompressor(), True
        data = rest or next(source, b"")
    if not fresh:
        raise SchemaChanged("the file is cut off: its last LZ4 frame does not end", source=SOURCE_KEY)


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Whole lines that look like JSON. Raises `SchemaChanged` for others."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        if len(rest) > _LONGEST_LINE:
            raise SchemaChanged("a line does not end", source=SOURCE_KEY)
        for line in whole:
            if line:
                yield _json(line)
    if rest:
        yield _json(rest)


def _json(line: bytes) -> bytes:
    if not (line.startswith(b"{") and line.rstrip().endswith(b"}")) and not (
        line.startswith(b"[") and line.rstrip().endswith(b"]")
    ):
        raise SchemaChanged(
            f"a line is not JSON; it starts {line[:60].decode('utf-8', 'replace')!r}", source=SOURCE_KEY
        )
    return line


def _pairs(line: bytes) -> Sequence[tuple[str, Fill]]:
    """A block holds many pairs of user and fill, a line of the older files one."""
    if line.startswith(b"["):
        return [build.decode(tuple[str, Fill], line, SOURCE_KEY)]
    return build.decode(_Block, line, SOURCE_KEY).events


def _counts(user: str, fill: Fill) -> bool:
    if fill.dir == ADL:
        return True
    return fill.liquidation is not None and fill.liquidation.liquidatedUser.lower() == user.lower()


def asset_of(coin: str) -> str:
    """The asset behind a coin as Hyperliquid writes it: `kPEPE` counts a thousand PEPE."""
    return build.asset_of(coin[1:] if coin[:1] == "k" and coin[1:].isupper() else coin)


def legs_of(rows: Sequence[tuple[str, Fill]], window: Window) -> pl.DataFrame:
    """The legs that count among pairs of user and fill (schema `leg_columns()`)."""
    return _legs([(user, fill) for user, fill in rows if _counts(user, fill)], window, set())


def _legs(rows: Sequence[tuple[str, Fill]], window: Window, seen: set[int]) -> pl.DataFrame:
    if not rows:
        return pl.DataFrame(schema=leg_columns())
    fills = [fill for _, fill in rows]
    wire = build.columns(fills, "coin", "px", "sz", "side", "time", "dir", "hash", "tid")
    methods = [ADL if fill.dir == ADL or fill.liquidation is None else fill.liquidation.method for fill in fills]
    meaning = {"market": "market", "backstop": "backstop", ADL: "adl"}
    frame = pl.DataFrame(
        {
            "time": build.times(wire["time"], unit="ms", field="time", source=SOURCE_KEY),
            "user": pl.Series([user.lower() for user, _ in rows], dtype=pl.String),
            "coin": pl.Series(wire["coin"], dtype=pl.String),
            "ordered": build.sides(wire["side"], "A", "B", field="side", source=SOURCE_KEY),
            "dir": pl.Series(wire["dir"], dtype=pl.String),
            "kind": build.mapped(methods, meaning, field="method", source=SOURCE_KEY),
            "quantity": build.amounts(wire["sz"], field="sz", source=SOURCE_KEY),
            "price": build.amounts(wire["px"], field="px", source=SOURCE_KEY),
            "tid": pl.Series(wire["tid"], dtype=pl.Int64),
            "hash": pl.Series(wire["hash"], dtype=pl.String),
        }
    )
    # Spot coins (`@107`, `PURR/USDC`) are sold with an account that is liquidated, but are no position.
    frame = frame.filter(
        pl.col("time") >= window.start,
        pl.col("time") < window.end,
        ~pl.col("coin").str.starts_with("@") & ~pl.col("coin").str.contains("/", literal=True),
    )
    frame = frame.with_columns(
        stated=pl.col("dir").str.extract(r"^(?:Close|Liquidated)\b.*\b(Long|Short)$").str.to_lowercase(),
        dex=pl.when(pl.col("coin").str.contains(":", literal=True))
        .then(pl.col("coin").str.split(":").list.first())
        .otherwise(pl.lit("")),
        base=pl.col("coin").str.split(":").list.last(),
        notional_usd=pl.col("quantity") * pl.col("price"),
    )
    wrong = frame.filter(pl.col("dir").str.starts_with("Close") & (pl.col("stated") != pl.col("ordered")))
    if wrong.height:
        raise Suspect(f"trade {wrong['tid'][0]}: {wrong['dir'][0]!r} on the other side", source=SOURCE_KEY)
    names = {base: asset_of(base) for base in frame["base"].unique()}
    frame = frame.with_columns(
        side=pl.coalesce("stated", "ordered"), asset=pl.col("base").replace_strict(names, return_dtype=pl.String)
    )
    # An auto-deleveraged trade has two such legs, a liquidated one a leg per liquidated user.
    who = pl.when(pl.col("kind") == "adl").then(pl.lit("adl")).otherwise(pl.col("user"))
    frame = frame.with_columns(who=who).unique(["time", "coin", "tid", "who"], keep="first", maintain_order=True)
    marks = [hash(row) for row in zip(*(frame[name] for name in ("time", "coin", "tid", "who")), strict=True)]
    fresh = [mark not in seen for mark in marks]
    seen.update(marks)
    return frame.filter(pl.Series(fresh, dtype=pl.Boolean)).select(list(leg_columns()))
