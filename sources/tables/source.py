"""A table as a source: `file:desk.csv`, `file:desk.parquet?mapping=desk.toml`.

The mapping is `?mapping=`, else `<file>.toml` or `verify.source.toml` beside the table, else what the headings say.
`?venue=`, `?asset=` and `?zone=` stand above it, and `?name=` tells two tables of one name apart. What was read, and
with which mapping, is evidence: a replay needs neither file.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, unquote

from sources.adapter import Channel, Instruments, Payload, Request, Source
from sources.spec import BarLabel, Cap, ChannelSpec, CompletenessRule, Form, Keep, SourceSpec, Transport
from sources.tables.mapping import TableMapping
from sources.tables.reading import Reading, lines_of, reading
from verify.model.errors import InputError, SchemaChanged, SourceError, Suspect, Unavailable, VerifyError
from verify.model.figure import Basis, Completeness, QuantityBasis
from verify.model.quantity import Quantity
from verify.model.window import Window, iso

if TYPE_CHECKING:
    import polars as pl

    from sources.evidence import Archive

#: The lineage of rows of which nobody says where they come from; it has no vote.
UNKNOWN = "unknown"
_BESIDE = "verify.source.toml"
_OPTIONS = ("mapping", "name", "venue", "asset", "zone")
_LARGEST_MAPPING = 1 << 20


@dataclass(frozen=True, slots=True)
class Given:
    """A table as given: `url` names it everywhere (no secret in it), `read` fetches its bytes, `mapping` is TOML."""

    url: str
    name: str
    identity: str
    read: Callable[[], bytes]
    mapping: str


def opened(address: str) -> Sequence[Source]:
    """The source of a file. Raises `InputError` where file or mapping cannot be used."""
    path_text, options = split(address)
    path = Path(path_text).expanduser()
    if not path.is_file():
        raise InputError(f"--source file:{path_text}: {'is a directory' if path.is_dir() else 'there is no such file'}")
    text = mapping_text([path.with_name(path.name + ".toml"), path.with_name(_BESIDE)], options, f"file:{path_text}")
    url = f"file:{quote(address, safe='/:?&=~.,@+')}"
    return [
        source(Given(url, path.name, identity("file", options.get("name") or path.name), lambda: _bytes(path), text))
    ]


def replayed(address: str, archive: Archive) -> Sequence[Source]:
    """The same source from what an evidence file kept of it."""
    path_text, options = split(address)
    url = f"file:{quote(address, safe='/:?&=~.,@+')}"
    name = Path(path_text).name
    return from_archive(archive, url, name, identity("file", options.get("name") or name))


def from_archive(archive: Archive, url: str, name: str, known_as: str) -> Sequence[Source]:
    """The source whose answer stands at `url` in the archive. Raises `InputError` where there is none."""
    kept = archive.answers_at(url)
    if not kept:
        raise InputError(f"{archive.path} holds nothing of {url}: it was not asked in that run")
    payload = kept[0]
    return [source(Given(url, name, known_as, lambda: payload.body, (payload.request.body or b"").decode()))]


def split(address: str) -> tuple[str, dict[str, str]]:
    """Path and options of an address; an unknown option is an error."""
    path, _, query = address.partition("?")
    options = dict(parse_qsl(query, keep_blank_values=True))
    for key in options:
        if key not in _OPTIONS:
            raise InputError(f"--source {address[:80]}: unknown option {key!r}; known are {', '.join(_OPTIONS)}")
    return unquote(path), options


def identity(scheme: str, name: str) -> str:
    """The id of a source: `file.desk` for desk.csv.gz. A name without letters gets a number."""
    stem = re.sub(r"[^a-z0-9_-]+", "-", name.lower().partition(".")[0]).strip("-")
    return f"{scheme}.{stem or hashlib.sha256(name.encode()).hexdigest()[:6]}"


def overridden(text: str, options: Mapping[str, str]) -> str:
    """The mapping with what the address says in place of what it says itself."""
    lines = text.splitlines()
    top = next((place for place, line in enumerate(lines) if line.lstrip().startswith("[")), len(lines))
    named = [key for key in ("venue", "asset") if key in options]
    head = [line for line in lines[:top] if not any(re.match(rf"\s*{key}\s*=", line) for key in named)]
    lines = [*(f"{key} = {_quoted(options[key])}" for key in named), *head, *lines[top:]]
    if "zone" in options:
        zone = f"zone = {_quoted(options['zone'])}"
        at = next((place for place, line in enumerate(lines) if line.strip() == "[time]"), None)
        if at is None:
            lines += ["[time]", zone]
        else:
            lines = [*lines[: at + 1], zone, *(line for line in lines[at + 1 :] if not re.match(r"\s*zone\s*=", line))]
    return "\n".join(lines) + "\n" if lines else ""


def _quoted(text: str) -> str:
    import json

    return json.dumps(text)


def mapping_text(beside: Sequence[Path], options: Mapping[str, str], what: str) -> str:
    """The mapping that the options name, else the first of `beside` that is there, with the options in front of it."""
    named = options.get("mapping")
    places = [Path(named).expanduser()] if named else beside
    found = next((place for place in places if place.is_file()), None)
    if named and found is None:
        raise InputError(f"--source {what}: there is no mapping {named}")
    text = ""
    if found is not None:
        try:
            raw = found.read_bytes()
            if len(raw) > _LARGEST_MAPPING:
                raise InputError(f"{found}: is too large for a mapping")
            text = raw.decode("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{found}: cannot be read: {error}") from None
    return overridden(text, options)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Unavailable(f"{path.name} cannot be read: {error.strerror}") from None


def source(given: Given) -> Source:
    """The table as a source. It is read here, for what it declares depends on what it holds."""
    channel = f"{given.identity}/table"
    try:
        found = reading(given.read(), given.mapping, given.name, channel)
    except SourceError as error:
        raise InputError(f"{given.name}: {error.message}") from None
    if not found.venues or (found.problems and not found.frame.height):
        raise InputError(f"{given.name}: no row could be read ({lines_of(found.problems) or 'it has none'})")
    spec = _spec(given, found)
    request = Request(given.url, body=given.mapping.encode() or None, note=given.name)

    def parse(payload: Payload, window: Window, _instruments: Instruments) -> pl.DataFrame:
        text = (payload.request.body or b"").decode()
        try:
            whole = reading(payload.body, text, given.name, channel)
        except SourceError:
            raise
        except VerifyError as error:
            raise SchemaChanged(error.message, source=channel) from None
        return _inside(whole, window, channel, payload)

    def requests(_window: Window, _quantity: Quantity) -> Sequence[Request]:
        return (request,)

    code = Channel(requests=requests, parse=parse, reader=lambda _request: given.read())
    return Source(spec, {"table": code}, notes={"mapping": given.mapping, "name": given.name})


def of_payload(source_: Source, payload: Payload) -> Reading:
    """All that a table says, whatever the window."""
    text = (payload.request.body or b"").decode()
    return reading(payload.body, text, source_.notes["name"], f"{source_.spec.id}/table")


def _inside(whole: Reading, window: Window, channel: str, payload: Payload) -> pl.DataFrame:
    import polars as pl

    frame = whole.frame
    start, end = ("start", "end") if whole.bars else ("time", "time")
    if whole.bars:
        inside = frame.filter(pl.col("end") > window.start, pl.col("start") < window.end)
    else:
        inside = frame.filter(pl.col("time") >= window.start, pl.col("time") < window.end)
        inside = inside.with_columns(evidence=pl.lit(payload.evidence or None, dtype=pl.String))
    if not frame.height and not whole.mapping.covers:
        raise Suspect("it has no row, and no `covers` of its mapping says of which time", source=channel)
    if not inside.height and not whole.mapping.covers:
        micros = pl.concat([frame[start].dt.epoch("us"), frame[end].dt.epoch("us")])
        span = " to ".join(dict.fromkeys((_said(int(micros.min())), _said(int(micros.max())))))  # type: ignore[arg-type]
        raise Suspect(f"none of its {frame.height} rows lies in the window: they are of {span}", source=channel)
    return inside


def _said(micros: int) -> str:
    """A time as people write it, also one that no calendar here holds."""
    year = 1970 + micros / 31_556_952e6
    if not 1900 < year < 9000:
        return f"the year {year:.0f}"
    return iso(datetime.fromtimestamp(micros // 1_000_000, UTC))


def gaps(found: Reading, window: Window) -> tuple[str, ...]:
    """Why a table is a part of what it speaks of: rows that were not read, a threshold, an end before the window's."""
    import polars as pl

    said = []
    if found.problems:
        count = len(found.problems)
        said.append(f"{count} row{'s' if count > 1 else ''} could not be read: {lines_of(found.problems, 3)}")
    if found.mapping.threshold_usd:
        said.append(f"rows below ${found.mapping.threshold_usd:,.0f} are not in it")
    if found.mapping.covers:
        if not Window.parse(found.mapping.covers).contains(Window(window.start, window.end)):
            said.append(f"it covers {found.mapping.covers} only")
    elif found.frame.height:
        start, end = ("start", "end") if found.bars else ("time", "time")
        first, last = found.frame.select(
            pl.col(start).dt.epoch("us").min(), pl.col(end).dt.epoch("us").max().alias("last")
        ).row(0)
        allowed = max(window.length * 0.1, timedelta(minutes=1)).total_seconds()
        if first / 1e6 - window.start.timestamp() > allowed:
            said.append(f"its rows begin at {_said(first)}")
        if window.end.timestamp() - last / 1e6 > allowed:
            said.append(f"its rows end at {_said(last)}")
    return tuple(said)


def _spec(given: Given, found: Reading) -> SourceSpec:
    docs = found.mapping.docs or given.url
    mapping = found.mapping
    doubts = [f"{words[:1].upper()}{words[1:]}." for words in found.assumed]
    if not mapping.lineage:
        doubts.insert(0, "From which measurement its rows descend is not declared (lineage), so that it has no vote.")
    if found.sums:
        lines = ", ".join(str(problem.line) for problem in found.sums[:5])
        doubts.append(f"Lines that add up others are left out: {lines}{' ...' if len(found.sums) > 5 else ''}.")
    metrics = ("liquidations",) if found.bars or mapping.threshold_usd else ("liquidations", "liquidation_count")
    channel = ChannelSpec(
        id="table",
        title=mapping.title or given.name,
        transport=Transport.FILE,
        form=Form.BARS if found.bars else Form.EVENTS,
        docs=(docs,),
        metrics=metrics,
        venues=found.venues,
        lineage=mapping.lineage or (UNKNOWN,),
        completeness=(_rule(mapping, docs),),
        side_rule=_side_words(mapping),
        side_citation=docs,
        quantity_unit="dollars" if mapping.columns.notional or mapping.columns.long else mapping.units.quantity,
        price_basis=Basis(mapping.price_basis),
        quantity_basis=QuantityBasis.FILLED,
        bar_label=BarLabel.START,
        bar_length=_bar_length(found),
        doubts=tuple(doubts),
    )
    return SourceSpec(
        id=given.identity,
        title=mapping.title or given.name,
        homepage=docs,
        channels=(channel,),
        hosts=(),
        rate=None,
        as_of=date(1970, 1, 1),
        kind="file",
    )


def _rule(mapping: TableMapping, docs: str) -> CompletenessRule:
    cap = None
    if mapping.cap is not None:
        cap = Cap(
            timedelta(seconds=mapping.cap.seconds), Keep(mapping.cap.keep), tuple(mapping.cap.per), mapping.cap.most
        )
    return CompletenessRule(Completeness(mapping.completeness or "unknown"), docs, cap=cap)


def _side_words(mapping: TableMapping) -> str:
    rule = mapping.side
    if mapping.columns.long:
        return f"columns of their own: {mapping.columns.long}, {mapping.columns.short}"
    if rule.of == "order":
        return "the side of the order: a sell closed a long"
    said = f"the words {', '.join(rule.long)} for a long" if rule.long else "the words of the column"
    return f"the side of the position by {said}"


def _bar_length(found: Reading) -> timedelta | None:
    if not found.bars or not found.frame.height:
        return None
    return min((found.frame["end"] - found.frame["start"]).to_list()) or None
