"""The network: every request of a run, all sources at once, within a deadline. The only module that imports httpx.

::

    jobs = [Job.for_channel(source, channel, window, quantity), Job.for_instruments(source, quantity), ...]
    async with Fetcher(now=now, deadline=60, recorder=recorder, progress=print) as fetcher:
        outcomes = await fetcher.fetch(jobs)          # one Outcome per job, in the order of the jobs

`fetch_all(jobs, ...)` does the same without asyncio. A job never raises: its failure is in its outcome, and no job
stops another. What has not come by the deadline fails with `Unavailable` and says what it waited for. A channel with
`requests_for` waits for its source's INSTRUMENTS job about the same quantity if that is among the jobs. A request that
several jobs of one source make is sent once, and its answer is evidence of each.

Failures: no connection, time-out, 5xx, refused (403 and 451 too) -> `Unavailable`; 429 and 418 -> `RateLimited`; no
key, or 401 -> `AuthMissing`; HTML, broken compression, more than `Limits.body` bytes, or an answer the adapter cannot
read -> `SchemaChanged`; paging that goes round in a circle or finds no end -> `Suspect`.

With `archive` nothing is sent: the answers and failures are those of the evidence file.

`VERIFY_HOST_MAP` (or `host_map`) sends requests for a host to a server on this machine instead, for trials of the
whole program: `api.gateio.ws=http://127.0.0.1:8080,*=http://127.0.0.1:8081`. Only loopback addresses are taken, so
that it cannot lead keys astray; `Outcome.diverted` tells a report that it rests on a trial.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import TracebackType
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
import stamina

from sources._answers import Answer, Retry, judge
from sources._hosts import allowed_host, host_map_of, loopback
from sources._limits import HostLimit, Limits, TooLate
from sources._secrets import Secrets
from sources._unawaited import Unawaited
from sources.adapter import Instruments, Payload, ReadFn, Request
from sources.evidence import Archive, Exchange, Recorder
from sources.jobs import Job, Outcome, Progress, Purpose, contained, fingerprint, full_url, instruments_of, served
from verify.model.errors import (
    EvidenceError,
    RateLimited,
    SchemaChanged,
    SourceError,
    Suspect,
    Unavailable,
)
from verify.model.quantity import Quantity
from verify.model.window import Window

__all__ = ["Fetcher", "Limits", "Progress", "fetch_all", "host_map_of"]

_AGENT = "verify-figures"
#: Of an answer that is too long, this much is kept as evidence.
_KEPT_OF_LONG = 64 * 1024


class _Keys(httpx.Auth):
    """Puts keys into the headers at the last moment, so that no frame of ours holds them."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers

    def auth_flow(self, request: httpx.Request):  # type: ignore[no-untyped-def]
        request.headers.update(self._headers)
        yield request


@dataclass(slots=True)
class _Run:
    """The state of one job under way."""

    job: Job
    parser: str
    keys: _Keys | None = None
    covered: Window | None = None
    waiting: str = "its turn"
    seen: set[str] = field(default_factory=set)
    pages_left: int = 0
    payloads: list[Payload] = field(default_factory=list)


class Fetcher:
    """Runs jobs; an async context manager for one run. `deadline` (seconds) counts from its beginning.

    `now` is the run's clock, UTC: what history is counted from. `clock` stamps answers. `environment` is where keys
    are looked up, by the names that specs declare.
    """

    def __init__(
        self,
        *,
        now: datetime,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        deadline: float = 60.0,
        environment: Mapping[str, str] | None = None,
        recorder: Recorder | None = None,
        archive: Archive | None = None,
        progress: Callable[[Progress], None] | None = None,
        host_map: Mapping[str, str] | None = None,
        limits: Limits | None = None,
    ) -> None:
        environment = os.environ if environment is None else environment
        self._now, self._clock, self._deadline = archive.now if archive else now, clock, deadline
        self._recorder, self._archive = recorder, archive
        self._progress = progress or (lambda _: None)
        self._limits = limits or Limits()
        self._secrets = Secrets(environment)
        named = host_map_of(environment.get("VERIFY_HOST_MAP", "")) if host_map is None else loopback(host_map)
        self._hosts = {} if archive else named
        self._host_limits: dict[str, HostLimit] = {}
        self._client: httpx.AsyncClient | None = None
        self._until = 0.0
        self._numbers: Counter[str] = Counter()
        self._shared: dict[tuple[str, str], asyncio.Task[Payload]] = {}

    async def __aenter__(self) -> Fetcher:
        self._until = asyncio.get_running_loop().time() + self._deadline
        if self._archive is None:
            # httpcore prints the headers of answers at DEBUG, in which a provider may echo a key; what stamina
            # says about retries is told by `progress`.
            for name in ("httpcore", "stamina"):
                logging.getLogger(name).setLevel(logging.ERROR)
            self._client = httpx.AsyncClient(
                timeout=httpx.Timeout(self._limits.read, connect=self._limits.connect, pool=None),
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
                headers={"User-Agent": _AGENT, "Accept": "*/*", "Accept-Encoding": "gzip"},
                trust_env=not self._hosts,
            )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._client is not None:
            await self._client.aclose()

    async def fetch(self, jobs: Iterable[Job]) -> list[Outcome]:
        """Run all jobs at the same time and give their outcomes in the same order.

        Raises `EvidenceError` only where an archive holds none of the channels and windows.
        """
        runs = [_Run(job, job.parser()) for job in jobs]
        windowed = [run for run in runs if run.job.purpose is Purpose.CHANNEL] or runs
        if self._archive and runs and not any(self._archive.outcome(run.job) for run in windowed):
            asked, kept = windowed[0].job.key, ", ".join(_telling(self._archive.jobs)) or "nothing"
            raise EvidenceError(f"{self._archive.path} is of another run: it holds {kept}; asked for is {asked}")
        tasks: dict[int, asyncio.Task[Outcome]] = {}
        contracts: dict[tuple[str, Quantity], asyncio.Task[Outcome]] = {}
        for index, run in sorted(enumerate(runs), key=lambda item: item[1].job.purpose is not Purpose.INSTRUMENTS):
            listing = (run.job.spec.id, run.job.quantity)
            tasks[index] = asyncio.create_task(self._outcome(run, contracts.get(listing)))
            if run.job.purpose is Purpose.INSTRUMENTS:
                contracts[listing] = tasks[index]
        try:
            if tasks:
                left = max(self._until - _time(), 0.0)
                await asyncio.wait(tasks.values(), timeout=left if self._archive is None else None)
        finally:
            begun: list[asyncio.Task[Any]] = [*tasks.values(), *self._shared.values()]
            for task in begun:
                task.cancel()
            await asyncio.gather(*begun, return_exceptions=True)
        return [
            self._late(run) if tasks[index].cancelled() else tasks[index].result() for index, run in enumerate(runs)
        ]

    async def _outcome(self, run: _Run, contracts: asyncio.Task[Outcome] | None) -> Outcome:
        """Run one job; whatever goes wrong is in the outcome."""
        label = run.job.label
        try:
            with contained(label):
                if self._archive is not None:
                    return await self._replayed(run, self._archive, contracts)
                payloads = await self._asked(run, contracts)
        except SourceError as error:
            return self._failed(run, error)
        diverted = bool(self._hosts)
        return self._finished(Outcome(run.job, payloads, None, run.covered, run.parser, diverted))

    def _failed(self, run: _Run, failure: SourceError) -> Outcome:
        failure.message = self._secrets.scrub(failure.message)
        failure.args = (failure.message,)
        diverted = bool(self._hosts)
        return self._finished(Outcome(run.job, tuple(run.payloads), failure, None, run.parser, diverted))

    def _finished(self, outcome: Outcome) -> Outcome:
        failure = outcome.failure
        if self._recorder is not None:
            self._recorder.outcome(outcome)
        count = len(outcome.payloads)
        text = f"{count} answer{'' if count == 1 else 's'}" if failure is None else failure.message
        self._progress(Progress(outcome.job.label, "done" if failure is None else "failed", text))
        return outcome

    def _late(self, run: _Run) -> Outcome:
        text = f"did not finish within {self._deadline:g} s: it was waiting for {run.waiting}"
        return self._failed(run, Unavailable(text, source=run.job.label))

    async def _replayed(self, run: _Run, archive: Archive, contracts: asyncio.Task[Outcome] | None) -> Outcome:
        kept = archive.outcome(run.job)
        if kept is None:
            raise Unavailable(f"{archive.path} holds nothing of it", source=run.job.label)
        if kept.parser != run.parser:
            self._waits(run, "its adapter, which has changed since: the report may differ")
        if kept.failure is not None:
            payloads = tuple(archive.payload(identity) for identity in kept.answers)
            return Outcome(run.job, payloads, kept.failure, None, kept.parser, kept.diverted)
        try:
            payloads = await self._asked(run, contracts)
        except EvidenceError as error:
            raise Unavailable(error.message, source=run.job.label) from None
        return Outcome(run.job, payloads, None, run.covered, kept.parser, kept.diverted)

    async def _asked(self, run: _Run, contracts: asyncio.Task[Outcome] | None) -> tuple[Payload, ...]:
        """All answers to a job, each page after the one it follows, in the order of the requests."""
        job = run.job
        if job.window is not None and job.channel_spec is not None:
            run.covered = served(job.spec, job.channel_spec, job.window, self._now)
        if self._archive is None:
            run.keys = _Keys(self._secrets.headers(job.spec, job.label))
        instruments: Instruments | None = None
        if contracts is not None and job.needs_instruments:
            self._waits(run, "the contracts of the venue")
            await asyncio.wait([contracts])  # which, unlike awaiting it, leaves it alone when this job is stopped
            listed = contracts.result()
            instruments = instruments_of(listed) if listed.failure is None else None
        requests = job.first(run.covered, instruments)
        if not requests and job.purpose is Purpose.CHANNEL:
            raise Unavailable(f"has nothing to ask for {job.quantity.words()}", source=job.label)
        run.pages_left = len(requests) + self._limits.pages
        return tuple(await self._walk(run, requests))

    async def _walk(self, run: _Run, requests: Sequence[Request]) -> list[Payload]:
        found: list[Payload] = []
        while len(requests) == 1:
            payload = await self._answer(run, requests[0])
            found.append(payload)
            requests = run.job.then(payload, run.covered)
        if not requests:
            return found
        try:
            async with asyncio.TaskGroup() as group:
                branches = [group.create_task(self._walk(run, [request])) for request in requests]
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None
        for branch in branches:
            found += branch.result()
        return found

    async def _answer(self, run: _Run, request: Request) -> Payload:
        """One usable answer, after as many attempts as it takes."""
        job, what = run.job, f"{request.method} {full_url(request)}"
        mark = fingerprint(request)
        if mark in run.seen:
            raise Suspect(f"its paging goes round in a circle: it led to {what} a second time", source=job.label)
        run.seen.add(mark)
        run.pages_left -= 1
        if run.pages_left < 0:
            raise Suspect(f"its paging finds no end: {self._limits.pages} pages led to {what}", source=job.label)
        if self._archive is not None:
            return self._archive.answer(job, request)
        key = (job.spec.id, mark)
        first = key not in self._shared
        if first:
            self._shared[key] = asyncio.create_task(self._fetched(run, request))
            self._shared[key].add_done_callback(_looked_at)
        else:
            self._waits(run, "an answer that another job of this run has asked for")
        task = self._shared[key]
        await asyncio.wait([task])  # which, unlike awaiting it, leaves it to the others when this job is stopped
        payload = task.result()
        if not first:
            run.payloads.append(payload)
        return payload

    async def _fetched(self, run: _Run, request: Request) -> Payload:
        """The answer to a request that no job of this run has asked before."""
        job = run.job
        if job.reader is not None:
            return await self._read_here(run, request, job.reader)
        try:
            async for attempt in stamina.retry_context(
                on=self._worth_another,
                attempts=self._limits.attempts,
                timeout=None,
                wait_initial=self._limits.first_wait,
                wait_max=self._limits.longest_wait,
                wait_jitter=self._limits.jitter,
            ):
                with attempt:
                    return await self._attempt(run, request)
        except Retry as error:
            raise error.failure from None
        raise AssertionError("stamina ends with a result or an error")

    async def _read_here(self, run: _Run, request: Request, reader: ReadFn) -> Payload:
        """The answer of a channel on this machine, kept like any other."""
        self._waits(run, f"what is on this machine{f' ({request.note})' if request.note else ''}")
        body = await asyncio.to_thread(reader, request)
        url = self._secrets.scrub(full_url(request))
        here = Answer(url, (), 200, "OK", {}, self._secrets.scrub_bytes(body), False, self._clock())
        return self._keep(run, request, here, "answer")

    def _worth_another(self, error: Exception) -> bool | float:
        if not isinstance(error, Retry):
            return False
        if error.wait is None:
            return True
        return error.wait if _time() + error.wait < self._until else False

    async def _attempt(self, run: _Run, request: Request) -> Payload:
        """Send a request and follow its redirects. Raises `Retry` or a `SourceError`."""
        url, label = full_url(request), run.job.label
        for _ in range(self._limits.redirects + 1):
            host = allowed_host(url, run.job)
            limit = self._host_limits.setdefault(host, HostLimit(run.job.spec.rate, self._limits.parallel))
            run.waiting = f"its turn at {host}"
            if (delay := limit.delay()) >= 1.0:
                self._waits(run, f"{run.waiting}, in {delay:.0f} s")
            try:
                async with limit.slot(self._until):
                    self._waits(run, f"an answer from {host}{f' ({request.note})' if request.note else ''}")
                    answer = await self._send(run, request, url)
            except TooLate as late:
                text = f"the rate limit of {host} lets the next request through in {late.seconds:.0f} s, too late"
                raise RateLimited(text, source=label, retry_after=late.seconds) from None
            if answer.location:
                self._keep(run, request, answer, "redirect")
                url = urljoin(url, answer.location)
                continue
            try:
                judge(answer, run.job, self._limits.body)
            except Retry as error:
                self._keep(run, request, answer, "retried")
                if error.wait is not None:
                    limit.hold(error.wait)
                self._waits(run, f"another attempt after: {error.failure.message}")
                raise
            except SourceError:
                self._keep(run, request, answer, "refused")
                raise
            return self._keep(run, request, answer, "answer")
        raise Unavailable(f"redirects more than {self._limits.redirects} times, last to {url}", source=label)

    async def _send(self, run: _Run, request: Request, url: str) -> Answer:
        assert self._client is not None, "a Fetcher is entered before it is used"
        parts = urlsplit(url)
        host, label = parts.hostname or "", run.job.label
        target = self._hosts.get(host) or self._hosts.get("*")
        sent = [("Host", host), ("User-Agent", _AGENT), ("Accept-Encoding", "gzip")]
        if request.content_type:
            sent.append(("Content-Type", request.content_type))
        where = url if target is None else target + url.partition(parts.netloc)[2]
        if target is None and host == run.job.spec.own_node:
            where = self._secrets.node(run.job.spec)
            sent = sent[1:]  # httpx names the host, so that no record does
        try:
            async with self._client.stream(
                request.method, where, headers=sent, content=request.body, auth=run.keys
            ) as response:
                body, cut = await self._read(response)
                scrub = self._secrets.scrub
                return Answer(
                    url=scrub(url),
                    sent=tuple(sent),
                    status=response.status_code,
                    reason=scrub(response.reason_phrase),
                    headers={name.lower(): scrub(value) for name, value in response.headers.items()},
                    body=self._secrets.scrub_bytes(body),
                    cut=cut,
                    received=self._clock(),
                )
        except httpx.TimeoutException as error:
            kind = "no connection" if isinstance(error, httpx.ConnectTimeout) else "no answer"
            limit = self._limits.connect if isinstance(error, httpx.ConnectTimeout) else self._limits.read
            late = Unavailable(f"{kind} from {host} within {limit:g} s", source=label)
            self._waits(run, f"another attempt after: {late.message}")
            raise Retry(late) from None
        except httpx.DecodingError:
            raise SchemaChanged("the answer cannot be decompressed", source=label) from None
        except httpx.TransportError as error:
            broken = isinstance(error, httpx.RemoteProtocolError | httpx.ReadError)
            what = "the connection broke off" if broken else "cannot be reached"
            raise Unavailable(f"{host}: {what} ({self._secrets.scrub(str(error))})", source=label) from None

    async def _read(self, response: httpx.Response) -> tuple[bytes, bool]:
        """The body, decompressed, or the beginning of one that is too long."""
        parts: list[bytes] = []
        size = 0
        async for chunk in response.aiter_bytes():
            parts.append(chunk)
            size += len(chunk)
            if size > self._limits.body:
                return b"".join(parts)[:_KEPT_OF_LONG], True
        return b"".join(parts), False

    def _keep(self, run: _Run, request: Request, answer: Answer, use: str) -> Payload:
        label = run.job.label
        self._numbers[label] += 1
        identity = f"{label}/{self._numbers[label]}"
        if self._recorder is not None:
            self._recorder.exchange(Exchange(identity, run.job, run.parser, request, answer, use))
        kind = answer.headers.get("content-type", "")
        payload = Payload(request, answer.body, answer.received, answer.status, kind, identity)
        if use == "answer":
            run.payloads.append(payload)
        return payload

    def _waits(self, run: _Run, text: str) -> None:
        run.waiting = text
        self._progress(Progress(run.job.label, "waiting", text))


def fetch_all(jobs: Iterable[Job], **options: Any) -> list[Outcome]:
    """Run jobs with a `Fetcher(**options)` of their own, for callers without an event loop."""

    async def run() -> list[Outcome]:
        asyncio.get_running_loop().set_default_executor(Unawaited())
        async with Fetcher(**options) as fetcher:
            return await fetcher.fetch(jobs)

    return asyncio.run(run())


def _telling(keys: Sequence[str]) -> Sequence[str]:
    """The first keys of jobs, of those that name a window if any does."""
    return [key for key in keys if key.split(" | ")[1]][:3] or keys[:3]


def _looked_at(task: asyncio.Task[Payload]) -> None:
    """Tell asyncio that a failure was seen, also where everybody who waited for it was stopped."""
    if not task.cancelled():
        task.exception()


def _time() -> float:
    return asyncio.get_running_loop().time()
