"""What an HTTP answer means before any adapter reads it: usable, worth another attempt, or a failure with a name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sources._limits import retry_after
from sources.jobs import Job
from verify.model.errors import AuthMissing, RateLimited, SchemaChanged, SourceError, Unavailable

REDIRECTS = {301, 302, 303, 307, 308}
_SHOWN = 160


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it came, decompressed and without keys. `headers` are by lower-case name; `cut`: it was too long."""

    url: str
    sent: tuple[tuple[str, str], ...]
    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    cut: bool
    received: datetime

    @property
    def location(self) -> str:
        return self.headers.get("location", "") if self.status in REDIRECTS else ""


class Retry(Exception):
    """An attempt that may be repeated, after `wait` seconds where the host said so; else `failure` is what it means."""

    def __init__(self, failure: SourceError, wait: float | None = None) -> None:
        super().__init__(failure.message)
        self.failure = failure
        self.wait = wait


def judge(answer: Answer, job: Job, longest: int) -> None:
    """Return if an adapter can be given the answer; else raise `Retry` or a `SourceError`."""
    label, status = job.label, answer.status
    if status in (418, 429):  # 418 is what Binance sends to an address that went on after 429
        _rate_limited(answer, label)
    if status >= 500:
        wait = retry_after(answer.headers.get("retry-after"), answer.received)
        raise Retry(Unavailable(f"the server failed (HTTP {status})", source=label), wait)
    if status == 401:
        names = " or ".join(job.spec.auth)
        raise AuthMissing(
            f"refused the key (HTTP 401): check {names}" if names else "asks for a key now (HTTP 401)", source=label
        )
    if status in (403, 451):
        text = f"refuses this network or country (HTTP {status}): ask from elsewhere, or leave the source out"
        raise Unavailable(text, source=label)
    if status == 404 and job.passes_missing:
        return
    if status >= 400:
        raise Unavailable(f"refused the request (HTTP {status}): {_beginning(answer.body)}", source=label)
    if status >= 300 or status < 200:
        raise Unavailable(f"answered with HTTP {status}, which is no answer", source=label)
    if answer.cut:
        raise SchemaChanged(f"the answer was cut: it is longer than {longest / 2**20:g} MB", source=label)
    if _is_page(answer):
        raise SchemaChanged(f"answered with a web page instead of data: {_beginning(answer.body)}", source=label)


def _rate_limited(answer: Answer, label: str) -> None:
    wait = retry_after(answer.headers.get("retry-after"), answer.received)
    when = "" if wait is None else f": it asks to wait {wait:g} s"
    failure = RateLimited(f"too many requests (HTTP {answer.status}){when}", source=label, retry_after=wait)
    if answer.status == 418:
        raise failure
    raise Retry(failure, wait)


def _is_page(answer: Answer) -> bool:
    start = answer.body[:200].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return start.startswith((b"<!doctype html", b"<html")) or answer.headers.get("content-type", "").startswith(
        "text/html"
    )


def _beginning(body: bytes) -> str:
    text = " ".join(body[: 4 * _SHOWN].decode("utf-8", "replace").split())
    shown = "".join(char if char.isprintable() else "?" for char in text)
    return shown if len(shown) <= _SHOWN else shown[: _SHOWN - 3] + "..."
