"""WARC records as bytes: building them with `warcio`, sealing each against change, walking damaged files.

A sealed record carries two headers more than the WARC standard asks for: `X-Verify-Previous`, the SHA-256 of the
record before it as stored, and, last, `X-Verify-Record-Digest`, the SHA-256 of the record without that line. Together
they make every flipped byte, removed or moved record visible, also where no WARC digest looks.
"""

from __future__ import annotations

import hashlib
import re
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO

from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed
from warcio.statusandheaders import StatusAndHeaders, StatusAndHeadersParser
from warcio.utils import Digester
from warcio.warcwriter import WARCWriter

END = "urn:verify:end"  #: The target of the last record of a whole file.

_SEAL = "X-Verify-Record-Digest"
_SEAL_LINE = re.compile(rb"\r\nX-Verify-Record-Digest: sha256:([0-9a-f]{64})(?=\r\n\r\n)")
_LENGTH = re.compile(rb"^content-length:\s*(\d{1,15})\s*$", re.IGNORECASE | re.MULTILINE)
_HTTP = StatusAndHeadersParser(["HTTP/1.1", "HTTP/1.0"])
_GZIP = 31  # zlib's window bits for one gzip member, as each record of a .warc.gz is
_MEMBER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00"
_RECORD = b"WARC/1.1\r\n"
_STEP = 64 * 1024
_LONGEST = 512 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Record:
    """One readable record. `headers` are the WARC headers by lower-case name; `body` is the payload without HTTP."""

    kind: str
    headers: Mapping[str, str]
    body: bytes
    status: int = 0
    http: Sequence[tuple[str, str]] = ()

    @property
    def uri(self) -> str:
        return self.headers.get("warc-target-uri", "")

    @property
    def date(self) -> datetime:
        return datetime.fromisoformat(self.headers["warc-date"]).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Piece:
    """What lies at one place of a file: a record, or what is left of one with the reason in `problem`."""

    offset: int
    raw: bytes = field(repr=False)
    content: bytes = field(repr=False)
    problem: str = ""
    cut: bool = False

    @property
    def digest(self) -> str:
        return f"sha256:{hashlib.sha256(self.raw).hexdigest()}"


class _Builder(WARCWriter):  # type: ignore[misc]
    """WARC 1.1 (times with microseconds), uncompressed, SHA-256 digests."""

    def __init__(self, out: BytesIO) -> None:
        super().__init__(out, gzip=False, warc_version="1.1")

    @staticmethod
    def _create_digester() -> Digester:
        return Digester("sha256")


def timestamp(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def build(
    kind: str,
    uri: str,
    date: datetime,
    body: bytes,
    *,
    content_type: str = "",
    first_line: str = "",
    http: Sequence[tuple[str, str]] = (),
    headers: Mapping[str, str],
    previous: str,
) -> bytes:
    """The bytes of one sealed record; `first_line` and `http` are those of a request or response."""
    out = BytesIO()
    writer = _Builder(out)
    message = None
    if kind == "response":
        message = StatusAndHeaders(first_line, list(http), protocol="HTTP/1.1")
    elif kind == "request":
        message = StatusAndHeaders(first_line, list(http), is_http_request=True)
    record = writer.create_warc_record(
        uri,
        kind,
        payload=BytesIO(body),
        length=len(body),
        http_headers=message,
        warc_content_type=content_type,
        warc_headers_dict={"WARC-Date": timestamp(date), **headers, "X-Verify-Previous": previous},
    )
    writer.write_record(record)
    return _sealed(out.getvalue())


def member(content: bytes) -> bytes:
    """A record as its own gzip member, as .warc.gz files hold it."""
    deflater = zlib.compressobj(9, zlib.DEFLATED, _GZIP)
    return deflater.compress(content) + deflater.flush()


def stored_member(content: bytes) -> bytes:
    """A short record as a gzip member whose every byte follows from `content`, so that a reader can compare.

    The last record is written so: no later record seals it, and gzip has header bytes and padding that mean nothing.
    """
    length = len(content)
    block = b"\x01" + struct.pack("<HH", length, length ^ 0xFFFF) + content
    return _MEMBER + b"\x00\xff" + block + struct.pack("<II", zlib.crc32(content), length)


def pieces(data: bytes) -> Iterator[Piece]:
    """Everything in a file, damaged or not, in order; after damage it goes on at the next record that begins."""
    alike = sum(here == there for here, there in zip(data, _RECORD, strict=False))
    compressed = alike < len(_RECORD) // 2  # one of the first bytes may be the damaged one
    offset = 0
    while offset < len(data):
        piece = _member_at(data, offset) if compressed else _plain_at(data, offset)
        if not piece.problem:
            piece = _checked(piece)
        yield piece
        offset += len(piece.raw)


def parse(content: bytes) -> Record | None:
    """The record in `content`, or None where it cannot be read."""
    try:
        record = next(iter(ArchiveIterator(BytesIO(content))))
        body = record.raw_stream.read()
    except (ArchiveLoadFailed, StopIteration, EOFError, ValueError, UnicodeDecodeError):
        return None
    message = record.http_headers
    if message is None and record.rec_type == "response":  # warcio reads HTTP only below http: and https: addresses
        stream = BytesIO(body)
        message = _HTTP.parse(stream)
        body = stream.read()
    status = 0
    if record.rec_type == "response" and message is not None:
        status = int(message.get_statuscode() or 0) if (message.get_statuscode() or "").isdigit() else 0
    return Record(
        kind=record.rec_type,
        headers={name.lower(): value for name, value in record.rec_headers.headers},
        body=body,
        status=status,
        http=tuple(message.headers) if message is not None else (),
    )


def header_in(content: bytes, name: str) -> str:
    """A header out of what may be the mere beginning of a record; empty where it is not there."""
    found = re.search(rb"^" + re.escape(name.encode()) + rb": *([^\r\n]+)\r\n", content, re.IGNORECASE | re.MULTILINE)
    return found[1].decode("utf-8", "replace") if found else ""


def _sealed(content: bytes) -> bytes:
    digest = hashlib.sha256(content).hexdigest()
    head = content.index(b"\r\n\r\n")
    return content[:head] + f"\r\n{_SEAL}: sha256:{digest}".encode() + content[head:]


def _checked(piece: Piece) -> Piece:
    """The piece, with the problem named where its seal does not fit."""
    head = piece.content.find(b"\r\n\r\n") + 4
    found = _SEAL_LINE.search(piece.content[:head])
    if found is None:
        problem = "carries no digest of itself"
    else:
        plain = piece.content[: found.start()] + piece.content[found.end() :]
        fits = hashlib.sha256(plain).hexdigest().encode() == found[1]
        problem = "" if fits else "was changed after it was written: its SHA-256 does not fit"
    return Piece(piece.offset, piece.raw, piece.content, problem) if problem else piece


def _member_at(data: bytes, offset: int) -> Piece:
    inflater = zlib.decompressobj(_GZIP)
    parts: list[bytes] = []
    position, size = offset, 0
    problem = ""
    while position < len(data) and not inflater.eof and not problem:
        chunk = data[position : position + _STEP]
        try:
            parts.append(inflater.decompress(chunk))
        except zlib.error as error:
            problem = f"cannot be decompressed ({error})"
        size += len(parts[-1]) if parts else 0
        if size > _LONGEST:
            problem = "is longer than any record should be"
        position += len(chunk)
    content = b"".join(parts)
    if inflater.eof and not problem:
        return Piece(offset, data[offset : position - len(inflater.unused_data)], content)
    following = data.find(_MEMBER, offset + 1)
    if problem or following != -1:
        end = following if following != -1 else len(data)
        return Piece(offset, data[offset:end], content or _inflated(data[offset:end]), problem or "is cut off")
    return Piece(offset, data[offset:], content, "is cut off", cut=True)


def _inflated(raw: bytes) -> bytes:
    """As much as can be had of a damaged member, for its name."""
    inflater = zlib.decompressobj(_GZIP)
    content = b""
    try:
        for position in range(0, min(len(raw), _STEP), 64):
            content += inflater.decompress(raw[position : position + 64])
    except zlib.error:
        pass
    return content


def _plain_at(data: bytes, offset: int) -> Piece:
    head = data.find(b"\r\n\r\n", offset)
    if data.startswith(_RECORD, offset) and head != -1:
        length = _LENGTH.search(data[offset:head].replace(b"\r\n", b"\n"))
        end = head + 4 + int(length[1]) + 4 if length else len(data) + 1
        if length and end <= len(data) and data[end - 4 : end] == b"\r\n\r\n":
            return Piece(offset, data[offset:end], data[offset:end])
    following = data.find(b"\r\n\r\n" + _RECORD, offset + 1)
    if following != -1:
        end = following + 4
        return Piece(offset, data[offset:end], data[offset:end], "does not have the length it states")
    whole_start = data.startswith(_RECORD, offset) or _RECORD.startswith(data[offset:])
    return Piece(offset, data[offset:], data[offset:], "is cut off", cut=whole_start)
