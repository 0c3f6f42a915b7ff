"""Evidence: every answer of a run in one WARC file, and the same run again from that file.

Write it::

    with Recorder(path, now=now, info={"command": "...", "window": str(window)}) as recorder:
        recorder.resource("figures.csv", data)          # what else the run rested on
        async with Fetcher(now=now, recorder=recorder) as fetcher: ...

Read it::

    archive = Archive(path)                              # EvidenceError where a record was changed
    archive.now, archive.info, archive.resource(name), archive.warnings
    async with Fetcher(now=archive.now, archive=archive) as fetcher: ...   # the same outcomes, no network

`show(path)` lists the records, `check(path)` verifies every byte and names the damaged records. A file is a sequence
of sealed WARC 1.1 records (`sources._warc`): a warcinfo record with the run's clock and info, a request and a
response record for each exchange, resource records, a metadata record for each job's outcome, and an end record.
Bodies are kept as they were handed on: decompressed, and with keys replaced by their names. A name that ends in .gz
is compressed record by record.
"""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import msgspec

from sources import _warc
from sources._answers import Answer
from sources._audit import Check, Entry, Problem, check, examine, show
from sources.adapter import Payload, Request
from sources.jobs import Job, Outcome, fingerprint, full_url
from verify.model import errors
from verify.model.errors import EvidenceError, SourceError, Unavailable
from verify.model.window import Window

__all__ = ["Archive", "Check", "Entry", "Exchange", "Problem", "Recorded", "Recorder", "check", "show"]

_OUTCOME, _RESOURCE = "urn:verify:outcome:", "urn:verify:resource:"
_PRIVATE = {"authorization", "cookie", "set-cookie", "set-cookie2", "proxy-authorization", "proxy-authenticate"}
_FRAMING = {"content-length", "transfer-encoding", "connection", "keep-alive"}


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request as sent and its answer, neither with a key. `use`: "answer", "retried", "redirect" or "refused"."""

    id: str
    job: Job
    parser: str
    request: Request
    answer: Answer
    use: str


class Recorder:
    """Writes an evidence file: to `<name>.<process>.part` first, renamed when the run ends, also by Ctrl-C.

    A file that is there already is kept (`EvidenceError`) unless `overwrite` is set. `now` is the run's clock (UTC)
    and `info` whatever a replay must be given back; neither may hold a key.
    """

    def __init__(
        self,
        path: Path,
        *,
        now: datetime,
        info: Mapping[str, str] | None = None,
        software: str = "verify",
        overwrite: bool = False,
    ) -> None:
        self.path = path
        if path.exists() and not overwrite:
            raise EvidenceError(f"{path} is there already: give another name, or remove it")
        self._part = path.with_name(f"{path.name}.{os.getpid()}.part")
        self._compressed = path.suffix == ".gz"
        self._now = now
        self._previous = "none"
        self._count = 0
        try:
            self._file = self._part.open("wb")
        except OSError as error:
            raise EvidenceError(f"cannot write {path}: {error.strerror}") from None
        lines = {
            "software": software,
            "format": "WARC File Format 1.1",
            "description": "answers that a run of verify rests on",
            "verify-run": json.dumps({"now": _warc.timestamp(now), "info": dict(info or {})}),
        }
        text = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        self._write("warcinfo", "", now, text.encode(), content_type="application/warc-fields")

    def __enter__(self) -> Recorder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(complete=kind is None)

    def exchange(self, exchange: Exchange) -> None:
        """Keep a request and its answer."""
        request, answer, job = exchange.request, exchange.answer, exchange.job
        response = f"<urn:uuid:{uuid.uuid4()}>"
        common = {
            "X-Verify-Id": exchange.id,
            "X-Verify-Source": job.spec.id,
            "X-Verify-Channel": job.channel or str(job.purpose),
        }
        parts = urlsplit(answer.url)
        target = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        self._write(
            "request",
            answer.url,
            answer.received,
            request.body or b"",
            first_line=f"{request.method} {target} HTTP/1.1",
            http=[(name, value) for name, value in answer.sent if name.lower() not in _PRIVATE],
            headers={"WARC-Concurrent-To": response, **common},
        )
        self._write(
            "response",
            answer.url,
            answer.received,
            answer.body,
            first_line=f"{answer.status} {answer.reason}".rstrip(),
            http=_kept_headers(answer.headers, len(answer.body)),
            headers={
                "WARC-Record-ID": response,
                **({"WARC-Truncated": "length"} if answer.cut else {}),
                **common,
                "X-Verify-Use": exchange.use,
                "X-Verify-Job": _short(job.key),
                "X-Verify-Request": msgspec.json.encode(request).decode(),
                "X-Verify-Parser": exchange.parser,
                "X-Verify-Sha256": hashlib.sha256(answer.body).hexdigest(),
            },
        )

    def outcome(self, outcome: Outcome) -> None:
        """Keep what came of a job, so that a failure is replayed as it was."""
        failure = outcome.failure
        body = {
            "job": outcome.job.key,
            "parser": outcome.parser,
            "covered": str(outcome.covered) if outcome.covered else None,
            "diverted": outcome.diverted,
            "answers": [payload.evidence for payload in outcome.payloads],
            "failure": None if failure is None else {"kind": type(failure).__name__, **vars(failure)},
        }
        uri = _OUTCOME + quote(outcome.job.label)
        self._json(uri, body, {"X-Verify-Id": f"{outcome.job.label}.outcome", "X-Verify-Parser": outcome.parser})

    def resource(self, name: str, data: bytes, content_type: str = "text/csv") -> None:
        """Keep a file that the run rested on, under a name (not a path of this machine)."""
        headers = {"X-Verify-Id": name, "X-Verify-Sha256": hashlib.sha256(data).hexdigest()}
        uri = _RESOURCE + quote(name)
        self._write("resource", uri, self._now, data, content_type=content_type, headers=headers)

    def close(self, *, complete: bool = True) -> None:
        """Write the end record and give the file its name. A second call does nothing."""
        if self._file.closed:
            return
        self._json(_warc.END, {"records": self._count, "complete": complete}, {"X-Verify-Id": "end"})
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._part.replace(self.path)

    def _json(self, uri: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> None:
        text = json.dumps(body, indent=1).encode()
        self._write("metadata", uri, self._now, text, content_type="application/json", headers=headers)

    def _write(self, kind: str, uri: str, date: datetime, body: bytes, **more: Any) -> None:
        headers = more.pop("headers", {})
        content = _warc.build(kind, uri, date, body, headers=headers, previous=self._previous, **more)
        pack = _warc.stored_member if uri == _warc.END else _warc.member
        raw = pack(content) if self._compressed else content
        try:
            self._file.write(raw)
            self._file.flush()  # a run that is killed leaves every whole record behind
        except OSError as error:
            raise EvidenceError(f"cannot write {self.path}: {error.strerror}") from None
        self._previous = f"sha256:{hashlib.sha256(raw).hexdigest()}"
        self._count += 1


@dataclass(frozen=True, slots=True)
class Recorded:
    """A job's outcome as the file has it."""

    failure: SourceError | None
    answers: tuple[str, ...]
    covered: Window | None
    parser: str
    diverted: bool


class Archive:
    """An evidence file to replay. Raises `EvidenceError` naming the record where one was changed.

    A file whose end is missing is read as far as it goes; `warnings` says so, and where the run was interrupted.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        records, checked = examine(path)
        if checked.damaged:
            raise EvidenceError(f"{path}: {checked.damaged[0]}")
        interrupted = () if checked.complete or checked.truncated else ("the run was interrupted before its end",)
        self.warnings = tuple(f"{path}: {problem}" for problem in (*checked.problems, *interrupted))
        self._payloads: dict[str, Payload] = {}
        self._answers: dict[tuple[str, str], str] = {}
        self._shared: dict[tuple[str, str], str] = {}
        self._outcomes: dict[str, Recorded] = {}
        self._resources: dict[str, bytes] = {}
        if not records or records[0].kind != "warcinfo":
            raise EvidenceError(f"{path}: is no evidence file of verify")
        try:
            run = _run_of(records[0])
            for record in records[1:]:
                self._add(record)
        except (KeyError, ValueError, TypeError, msgspec.MsgspecError) as error:
            raise EvidenceError(f"{path}: is no evidence file that this version reads ({error})") from None
        self.now = datetime.fromisoformat(run["now"]).astimezone(UTC)
        self.info: Mapping[str, str] = run["info"]

    @property
    def jobs(self) -> tuple[str, ...]:
        """The keys of the jobs that the file has outcomes of."""
        return tuple(self._outcomes)

    @property
    def resources(self) -> tuple[str, ...]:
        return tuple(self._resources)

    def resource(self, name: str) -> bytes:
        """A file that the run rested on; raises `EvidenceError` where it was not kept."""
        if name not in self._resources:
            raise EvidenceError(f"{self.path} holds no file {name!r}")
        return self._resources[name]

    def outcome(self, job: Job) -> Recorded | None:
        return self._outcomes.get(job.key)

    def answers_at(self, url: str) -> list[Payload]:
        """Every kept answer to a request for that address, in the order of the file."""
        return [payload for payload in self._payloads.values() if full_url(payload.request) == url]

    def payload(self, identity: str) -> Payload:
        if identity not in self._payloads:
            raise EvidenceError(f"{self.path} holds no answer {identity}")
        return self._payloads[identity]

    def answer(self, job: Job, request: Request) -> Payload:
        """The kept answer to that request, matched on method, host, path, query and body; else `EvidenceError`.

        It may have been asked by another job of the same source, as a request is sent once in a run.
        """
        mark = fingerprint(request)
        identity = self._answers.get((_short(job.key), mark)) or self._shared.get((job.spec.id, mark))
        if identity is None:
            raise EvidenceError(f"{self.path} holds no answer to {request.method} {full_url(request)} ({job.label})")
        return replace(self._payloads[identity], request=request)

    def _add(self, record: _warc.Record) -> None:
        if record.kind == "response" and record.headers["x-verify-use"] == "answer":
            payload = _payload_of(record)
            self._payloads[payload.evidence] = payload
            mark = fingerprint(payload.request)
            self._answers[record.headers["x-verify-job"], mark] = payload.evidence
            self._shared[record.headers["x-verify-source"], mark] = payload.evidence
        elif record.uri.startswith(_OUTCOME):
            body = json.loads(record.body)
            self._outcomes[body["job"]] = Recorded(
                failure=_failure_of(body["failure"]),
                answers=tuple(body["answers"]),
                covered=Window.parse(body["covered"]) if body["covered"] else None,
                parser=body["parser"],
                diverted=body["diverted"],
            )
        elif record.uri.startswith(_RESOURCE):
            self._resources[unquote(record.uri.removeprefix(_RESOURCE))] = record.body


def _kept_headers(headers: Mapping[str, str], length: int) -> list[tuple[str, str]]:
    """The headers of an answer as kept: framing fits the kept body, and nothing private is left."""
    kept = [
        (f"X-Archive-Orig-{name}" if name.lower() == "content-encoding" else name, value)
        for name, value in headers.items()
        if name.lower() not in _PRIVATE | _FRAMING
    ]
    return [*kept, ("Content-Length", str(length))]


def _short(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:16]


def _run_of(record: _warc.Record) -> dict[str, Any]:
    lines = dict(line.split(": ", 1) for line in record.body.decode().splitlines())
    run: dict[str, Any] = json.loads(lines["verify-run"])
    return run


def _payload_of(record: _warc.Record) -> Payload:
    request = msgspec.json.decode(record.headers["x-verify-request"], type=Request)
    types = [value for name, value in record.http if name.lower() == "content-type"]
    return Payload(
        request=request,
        body=record.body,
        received=record.date,
        status=record.status,
        content_type=types[0] if types else "",
        evidence=record.headers["x-verify-id"],
    )


def _failure_of(kept: Mapping[str, Any] | None) -> SourceError | None:
    """The failure as it was; a kind that a third party added comes back as `Unavailable`."""
    if kept is None:
        return None
    kind = getattr(errors, kept["kind"], Unavailable)
    known = {name: kept[name] for name in ("source", "field", "retry_after") if name in kept}
    failure: SourceError = kind(kept["message"], **known)
    return failure
