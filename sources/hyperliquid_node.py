"""Hyperliquid's node files by address: `hyperliquid:DIR`, `hyperliquid:FILE`, `hyperliquid:s3`, `hyperliquid:s3://...`.

The files of the window and of the hour after it are read once, in constant memory. They are gigabytes, so that what is
kept as evidence is a list of them with their SHA-256 and the legs that were used: a replay needs no file.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, unquote

import msgspec

from sources import hyperliquid, hyperliquid_s3
from sources import hyperliquid_fills as fills
from sources.adapter import Channel, Instruments, Payload, Request, Source, Told
from sources.lazy import pl
from verify.model.errors import InputError, SchemaChanged, SourceError, Unavailable, WindowUnsupported
from verify.model.quantity import CountUnit, Quantity, Side
from verify.model.window import Window, iso

if TYPE_CHECKING:
    from sources.evidence import Archive

SCHEME = "hyperliquid"
_OPTIONS = ("name", "builders", "region")
_HOUR = timedelta(hours=1)
#: `20260119/5.lz4`, as Hyperliquid names its files, or with the day in the name of the file itself.
_NAMED = re.compile(r"(?<!\d)(20\d{6})[/_-](\d{1,2})(?:\.[A-Za-z0-9.]+)?$")
_SUFFIXES = ("", ".lz4", ".json", ".jsonl", ".ndjson")
#: Where the bucket has the files: the form of before `_CHANGE`, and that of after it; of that day both.
#: https://hyperliquid.gitbook.io/hyperliquid-docs/historical-data
_OLDER, _BY_BLOCK = "node_fills/hourly", "node_fills_by_block/hourly"
_CHANGE = date(2025, 7, 27)
#: What one liquidation is in `fills.counts`. An order may be filled many times in its transaction.
_UNITS = {"fills": CountUnit.FILLS, "transactions": CountUnit.ORDERS, "positions": CountUnit.POSITIONS}


class _File(msgspec.Struct):
    """A file that was read: `start` and `end` are what it spans by its name, or by its first and last line."""

    name: str
    bytes: int
    sha256: str
    start: datetime | None
    end: datetime | None


class _Head(msgspec.Struct):
    """The first line of an answer: what was read, and which hours (UTC) there were no files of."""

    files: list[_File]
    missing: list[datetime]
    place: str = ""


@dataclass(slots=True)
class _Opened:
    """A file to read, chunk by chunk, and what is counted of it on the way."""

    name: str
    chunks: Iterable[bytes]
    hour: datetime | None
    size: int = 0
    digest: hashlib._Hash = field(default_factory=hashlib.sha256)

    def read(self) -> Iterator[bytes]:
        for chunk in self.chunks:
            self.size += len(chunk)
            self.digest.update(chunk)
            yield chunk


def opened(address: str) -> Sequence[Source]:
    """The source at an address. Raises `InputError` where there is no such file, or the extra for S3 is missing."""
    place, _ = _split(address)
    if _in_s3(place):
        hyperliquid_s3.require()
        hyperliquid_s3.endpoint()
    elif not Path(place).expanduser().exists():
        raise InputError(f"--source {SCHEME}:{place}: there is no such file or directory")
    return [_source(address)]


def replayed(address: str, _archive: Archive) -> Sequence[Source]:
    """The same source where the files need not be there any more."""
    _split(address)
    return [_source(address)]


def _split(address: str) -> tuple[str, dict[str, str]]:
    place, _, query = address.partition("?")
    options = dict(parse_qsl(query, keep_blank_values=True))
    for key in options:
        if key not in _OPTIONS:
            raise InputError(f"--source {SCHEME}:{place}: unknown option {key!r}; known are {', '.join(_OPTIONS)}")
    if options.get("builders", "no") not in ("yes", "no"):
        raise InputError(f"--source {SCHEME}:{place}: builders is yes or no")
    if not re.fullmatch(r"[a-z0-9-]*", options.get("region", "")):
        raise InputError(f"--source {SCHEME}:{place}: region is the name of one, e.g. {hyperliquid_s3.REGION}")
    return unquote(place), options


def _in_s3(place: str) -> bool:
    return place.lower() == "s3" or place.lower().startswith("s3://")


def _source(address: str) -> Source:
    place, options = _split(address)
    remote = _in_s3(place)
    name = re.sub(r"[^a-z0-9_-]+", "-", options.get("name", "").lower()).strip("-") or ("s3" if remote else "node")
    own = hyperliquid.SPEC.channel("node_fills")
    doubts = [*own.doubts]
    if remote:
        doubts.append(f"That the bucket is in the region {hyperliquid_s3.REGION} is seen by others, not documented.")
    channel = replace(own, title=f"{own.title}, {'from S3' if remote else 'local'}", doubts=tuple(doubts))
    if not remote:
        channel = replace(channel, first_day=None)
    spec = replace(
        hyperliquid.SPEC,
        id=f"{SCHEME}.{name}",
        title="Hyperliquid node data",
        channels=(channel,),
        hosts=(),
        rate=None,
        limits=("what was read is kept as names and SHA-256 of the files, with the rows that were used",),
    )
    code = Channel(
        requests=partial(_requests, place, options),
        parse=partial(_parse, f"{spec.id}/{channel.id}"),
        reader=partial(_read, place, options),
        told=_told,
        counts=_counts,
        remote=remote,
    )
    return Source(spec, {channel.id: code})


def _requests(place: str, options: Mapping[str, str], window: Window, _quantity: Quantity) -> Sequence[Request]:
    edges = (("start", window.start.isoformat()), ("end", window.end.isoformat()))
    builders = (("builders", "yes"),) if options.get("builders") == "yes" else ()
    return [Request(f"{SCHEME}:{quote(place, safe='/:~.,@+')}", (*edges, *builders), note="hourly files of a node")]


def _read(place: str, options: Mapping[str, str], request: Request) -> bytes:
    """Head and legs of the window as JSON lines. Raises `SourceError` where there is no file of the window."""
    asked = dict(request.params)
    start, end = (datetime.fromisoformat(asked[edge]).astimezone(UTC) for edge in ("start", "end"))
    window = Window(start, end)
    found = _from_s3(place, options, window) if _in_s3(place) else _from_disk(Path(place).expanduser(), window)
    head, rows, seen = _Head([], [], _elsewhere() if _in_s3(place) else ""), io.BytesIO(), set[int]()
    for file in found:
        edges: list[bytes] = []
        try:
            for legs in fills.read(file.read(), window, seen=seen, edges=edges):
                legs.with_columns(pl.col("time").dt.epoch("us")).write_ndjson(rows)
            first, last = (file.hour, file.hour + _HOUR) if file.hour is not None else _spanned(edges)
        except SourceError as error:
            error.message = f"{file.name}: {error.message}"
            error.args = (error.message,)
            raise
        except OSError as error:
            raise Unavailable(f"{file.name} cannot be read: {error.strerror}") from None
        head.files.append(_File(file.name, file.size, file.digest.hexdigest(), first, last))
    head.missing = [hour for hour in _hours(window) if not any(_holds(file, hour) for file in head.files)]
    if not _covered(head, window):
        has = "; ".join(f"{file.name} is of {_span_words(file)}" for file in head.files[:3])
        raise WindowUnsupported(f"has no file of the window{f': {has}' if has else ''}")
    return msgspec.json.encode(head) + b"\n" + rows.getvalue()


def _elsewhere() -> str:
    """Said where something else than AWS stands in its place."""
    return "read from an S3 of your own (AWS_ENDPOINT_URL), not from AWS" if hyperliquid_s3.endpoint() else ""


def _spanned(edges: Sequence[bytes]) -> tuple[datetime | None, datetime | None]:
    if not edges:
        return None, None
    return fills.edge_time(edges[0]), fills.edge_time(edges[-1])


def _span_words(file: _File) -> str:
    if file.start is None or file.end is None:
        return "an unknown time"
    return f"{iso(file.start)} to {iso(file.end)}"


def _hours(window: Window) -> list[datetime]:
    """The hours that hold the window, and the one after, whose file has the rows that came late."""
    first = window.start.replace(minute=0, second=0, microsecond=0)
    return [first + place * _HOUR for place in range(len(fills.hour_names(window)))]


def _holds(file: _File, hour: datetime) -> bool:
    return file.start is not None and file.end is not None and file.start < hour + _HOUR and file.end > hour


def _from_disk(place: Path, window: Window) -> Iterator[_Opened]:
    """The files of the window in order of time, and those whose names tell no hour."""
    wanted = set(_hours(window))
    paths = [place] if place.is_file() else sorted(path for path in place.rglob("*") if path.is_file())
    once: dict[tuple[Path, datetime | None, str], tuple[datetime | None, Path]] = {}
    for path in paths:
        hour = _hour_of(path)
        if place.is_dir() and (path.suffix.lower() not in _SUFFIXES or (hour is None and not path.suffix)):
            continue
        if hour is None or hour in wanted:
            # A packed file and the same unpacked are one.
            key = (path.parent, hour, path.name if hour is None else "")
            once.setdefault(key, (hour, path))
    for hour, path in sorted(once.values(), key=lambda pair: (pair[0] is None, pair[0] or window.start, str(pair[1]))):
        name = path.name if path == place else str(path.relative_to(place))
        yield _Opened(name, _chunks(path), hour)


def _hour_of(path: Path) -> datetime | None:
    """Which hour (UTC) a file is of by its name and that of its directory."""
    found = _NAMED.search(f"{path.absolute().parent.name}/{path.name}") or _NAMED.search(path.name)
    if not found or int(found[2]) > 23:
        return None
    try:
        return datetime.strptime(found[1], "%Y%m%d").replace(hour=int(found[2]), tzinfo=UTC)
    except ValueError:
        return None


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from iter(lambda: file.read(1 << 18), b"")


def _from_s3(place: str, options: Mapping[str, str], window: Window) -> Iterator[_Opened]:
    """The same from a bucket, where hours have names: a file is asked for when its turn has come."""
    _, _, rest = place.partition("://")
    bucket, _, prefix = rest.strip("/").partition("/")
    bucket = bucket or hyperliquid_s3.BUCKET
    store = hyperliquid_s3.opened(bucket, options.get("region", ""))
    if named := _NAMED.search(prefix):
        hour = _hour_of(Path(prefix))
        if (found := hyperliquid_s3.chunks(store, bucket, prefix)) is None:
            raise Unavailable(f"s3://{bucket}/{prefix}: there is no such file")
        yield _Opened(named[0], found, hour)
        return
    for hour, name in zip(_hours(window), fills.hour_names(window), strict=True):
        for base in _bases(prefix.rstrip("/"), hour.date()):
            found = hyperliquid_s3.chunks(store, bucket, f"{base}/{name}")
            if found is not None:
                yield _Opened(f"{base}/{name}", found, hour)
                if hour.date() != _CHANGE:
                    break


def _bases(inside: str, day: date) -> Sequence[str]:
    """Where in a bucket the hours of a day may be; `inside` is what the address names."""
    if inside:
        return (inside,) if inside.endswith("hourly") else (f"{inside}/hourly", inside)
    if day == _CHANGE:
        return (_BY_BLOCK, _OLDER)
    return (_OLDER,) if day < _CHANGE else (_BY_BLOCK,)


def _parsed(payload: Payload) -> tuple[_Head, pl.DataFrame]:
    """What was read, and the legs that count: those of other builders' markets only where they were asked for."""
    first, _, rest = payload.body.partition(b"\n")
    columns = {**fills.leg_columns(), "time": pl.Int64()}
    try:
        head = msgspec.json.decode(first, type=_Head)
        legs = pl.read_ndjson(io.BytesIO(rest), schema=columns) if rest.strip() else pl.DataFrame(schema=columns)
    except (msgspec.MsgspecError, pl.exceptions.PolarsError) as error:
        raise SchemaChanged(f"is no list of legs: {error}", source=fills.SOURCE_KEY) from None
    return head, legs.with_columns(pl.from_epoch("time", time_unit="us").dt.replace_time_zone("UTC"))


def _builders(payload: Payload) -> bool:
    return dict(payload.request.params).get("builders") == "yes"


def _parse(_source_key: str, payload: Payload, window: Window, _instruments: Instruments) -> pl.DataFrame:
    _, legs = _parsed(payload)
    return fills.events(legs, window, builders=_builders(payload), received=payload.received, evidence=payload.evidence)


def _counts(payloads: Sequence[Payload], window: Window, quantity: Quantity) -> Mapping[CountUnit, int]:
    """Liquidations above the threshold: fills, orders (user, coin, transaction), positions (user, coin)."""
    legs = pl.concat([pl.DataFrame(schema=fills.leg_columns()), *(_counted(payload) for payload in payloads)])
    legs = legs.filter(pl.col("time") >= window.start, pl.col("time") < window.end)
    if quantity.side is not Side.BOTH:
        legs = legs.filter(pl.col("side") == str(quantity.side))
    if quantity.assets.names is not None:
        legs = legs.filter(pl.col("asset").is_in(sorted(quantity.assets.names)))
    found = fills.counts(legs, float(quantity.threshold_usd or 0))
    return {unit: found[name] for name, unit in _UNITS.items()}


def _counted(payload: Payload) -> pl.DataFrame:
    _, legs = _parsed(payload)
    return legs.filter((pl.col("dex") == "") | _builders(payload))


def _covered(head: _Head, window: Window) -> list[Window]:
    """The parts of the window that files span, in order, overlaps merged."""
    found: list[Window] = []
    spans = sorted((file.start, file.end) for file in head.files if file.start is not None and file.end is not None)
    for first, last in spans:
        start, end = max(first, window.start), min(last, window.end)
        if end <= start:
            continue
        if found and start <= found[-1].end:
            found[-1] = Window(found[-1].start, max(end, found[-1].end))
        else:
            found.append(Window(start, end))
    return found


def _told(payload: Payload, window: Window) -> Told:
    """How much of the window the files span, and what is left out of the sums."""
    head, legs = _parsed(payload)
    parts = _covered(head, window)
    share = min(1.0, sum((part.length for part in parts), timedelta(0)) / window.length)
    notes = [head.place] if head.place else []
    gone = [hour for hour in head.missing if hour < window.end]
    if gone:
        named = ", ".join(f"{hour:%Y%m%d}/{hour.hour}" for hour in gone[:4]) + (" ..." if len(gone) > 4 else "")
        notes.append(f"no file of {named}: nothing is known of it, which is not zero")
    elif share < 1.0:
        notes.append(f"the files span {share:.1%} of the window")
    late = any(hour >= window.end for hour in head.missing)
    if late:
        notes.append("the file of the hour after the window is not there: rows that came late may be missing")
    adl = legs.filter(pl.col("kind") == "adl")
    if adl.height:
        notes.append(f"auto-deleveraging is not counted: {_sum_words(adl)}")
    others = legs.filter(pl.col("kind") != "adl", pl.col("dex") != "")
    if others.height and not _builders(payload):
        notes.append(f"markets of other builders (HIP-3) are not counted: {_sum_words(others)} (add ?builders=yes)")
    return Told(share, tuple(notes), share >= 1.0 and not late, tuple(parts))


def _sum_words(legs: pl.DataFrame) -> str:
    trades = "1 trade" if legs.height == 1 else f"{legs.height:,} trades"
    return f"{trades} of ${float(legs['notional_usd'].sum()):,.0f}"
