"""Going through an evidence file: its records in order, and whether every byte is as it was written."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from sources import _warc
from verify.model.errors import EvidenceError


@dataclass(frozen=True, slots=True)
class Entry:
    """One record as `show` lists it."""

    number: int
    offset: int
    kind: str
    id: str
    uri: str
    date: str
    size: int
    sha256: str
    status: int = 0
    parser: str = ""
    use: str = ""

    @property
    def name(self) -> str:
        """`record 5 (response gate/liq_orders/2, at byte 1234)`."""
        what = f"{self.kind} {self.id}".strip()
        return f"record {self.number} ({what + ', ' if what else ''}at byte {self.offset})"


@dataclass(frozen=True, slots=True)
class Problem:
    """What `check` found: which record and, in words, what is wrong with it. `ending`: only the file's end is gone."""

    record: Entry | None
    text: str
    ending: bool = False

    def __str__(self) -> str:
        return f"{self.record.name} {self.text}" if self.record else self.text


@dataclass(frozen=True, slots=True)
class Check:
    """The result of `check`. `truncated`: the end is missing, everything before it is as it was written.

    `complete` is False where the run was interrupted or its end is missing.
    """

    entries: tuple[Entry, ...]
    problems: tuple[Problem, ...]
    truncated: bool
    complete: bool

    @property
    def intact(self) -> bool:
        return not self.problems

    @property
    def damaged(self) -> tuple[Problem, ...]:
        """The problems that are more than a missing end."""
        return tuple(problem for problem in self.problems if not problem.ending)


def show(path: Path) -> tuple[Entry, ...]:
    """Every record of the file in order; damaged ones as far as they can be read. Raises `EvidenceError`."""
    return check(path).entries


def check(path: Path) -> Check:
    """Verify every byte of the file. Raises `EvidenceError` where there is nothing to read."""
    return examine(path)[1]


def examine(path: Path) -> tuple[list[_warc.Record], Check]:
    """The whole records of a file and what is wrong with the others."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise EvidenceError(f"cannot read {path}: {error.strerror}") from None
    if not data:
        raise EvidenceError(f"{path} is empty")
    records: list[_warc.Record] = []
    entries: list[Entry] = []
    problems: list[Problem] = []
    previous, sound, cut, ended = "none", True, False, False
    complete = False
    for number, piece in enumerate(_warc.pieces(data), start=1):
        record = None if piece.problem else _warc.parse(piece.content)
        entry = _entry(number, piece, record)
        if piece.cut:
            cut = True
            whole = f"it is lost, the {number - 1} before it are whole"
            problems.append(Problem(entry, f"is cut off: {whole if not problems else 'it is lost'}", ending=True))
            break
        entries.append(entry)
        if record is None:
            problems.append(Problem(entry, piece.problem or "cannot be read"))
        else:
            if sound and record.headers.get("x-verify-previous") != previous:
                blamed = entries[-2] if len(entries) > 1 else entry
                problems.append(Problem(blamed, "was changed, or a record that came after it was removed or moved"))
            if ended:
                problems.append(Problem(entry, "comes after the end record"))
            records.append(record)
            if record.uri == _warc.END:
                ended, complete = True, bool(json.loads(record.body).get("complete"))
                if piece.raw not in (piece.content, _warc.stored_member(piece.content)):
                    problems.append(Problem(entry, "was changed after it was written: its frame differs"))
        previous, sound = piece.digest, record is not None
    if not records:
        raise EvidenceError(f"{path}: is no evidence file of verify, or nothing of it can be read")
    if not ended and not cut:
        text = f"the end record is missing: the run was killed, or the file is cut off after record {len(entries)}"
        problems.append(Problem(None, text, ending=True))
    return records, Check(tuple(entries), tuple(problems), truncated=not ended, complete=complete)


def _entry(number: int, piece: _warc.Piece, record: _warc.Record | None) -> Entry:
    def header(name: str) -> str:
        return record.headers.get(name, "") if record else _warc.header_in(piece.content, name)

    return Entry(
        number=number,
        offset=piece.offset,
        kind=record.kind if record else header("warc-type"),
        id=header("x-verify-id"),
        uri=header("warc-target-uri"),
        date=header("warc-date"),
        size=len(record.body) if record else 0,
        sha256=header("x-verify-sha256"),
        status=record.status if record else 0,
        parser=header("x-verify-parser"),
        use=header("x-verify-use"),
    )
