"""A provider on this machine: serves fixtures or functions per host and path, and misbehaves on demand.

::

    with ProviderServer() as server:
        server.serve("api.gateio.ws", "/api/v4/futures/usdt/liq_orders", b"[]")
        Fetcher(..., host_map=server.host_map)        # or VERIFY_HOST_MAP=server.host_map_text

What is served is bytes, a path to a fixture, an `Answer`, or a function of the `Ask` that returns one of these. The
functions below make answers that are wrong in one particular way. Hosts are told apart by the `Host` header.
"""

from __future__ import annotations

import gzip
import socket
import struct
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Ask:
    """One request as it came in; `number` counts those for its host and path from 1."""

    method: str
    host: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    number: int


@dataclass(frozen=True)
class Answer:
    """What to send. An iterable body is streamed in chunks; `latency` is in seconds; `hang` never answers."""

    body: bytes | Iterable[bytes] = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    latency: float = 0.0
    hang: bool = False
    break_after: int | None = None


Served = bytes | Path | Answer | Callable[[Ask], Any]


class ProviderServer:
    """Threads on a free port of the loopback; `asked` keeps every request in the order of arrival."""

    def __init__(self) -> None:
        self.asked: list[Ask] = []
        self._routes: dict[tuple[str, str], Served] = {}
        self._counts: dict[tuple[str, str], int] = {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _handler_for(self))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def host_map(self) -> dict[str, str]:
        return {"*": self.url}

    @property
    def host_map_text(self) -> str:
        return f"*={self.url}"

    def serve(self, host: str, path: str, served: Served) -> None:
        """Answer requests for `path` at `host` with `served`; a later call replaces it. `*`, `*` is all the rest."""
        self._routes[host, path] = served

    def count(self, host: str) -> int:
        """How many requests have come for a host."""
        return sum(ask.host == host for ask in self.asked)

    def __enter__(self) -> ProviderServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._server.shutdown()
        self._server.cut_connections()
        self._server.server_close()
        self._thread.join()

    def wait(self, seconds: float | None) -> None:
        """Sleep, or wait for the end of the server, whichever is first."""
        self._stopping.wait(seconds)

    def answer(self, method: str, host: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        parts = urlsplit(target)
        with self._lock:
            number = self._counts[host, parts.path] = self._counts.get((host, parts.path), 0) + 1
            ask = Ask(method, host, parts.path, dict(parse_qsl(parts.query)), headers, body, number)
            self.asked.append(ask)
        rest = self._routes.get(("*", "*"), Answer(b'{"error":"no such path"}', status=404))
        served: Any = self._routes.get((host, parts.path), rest)
        while callable(served):
            served = served(ask)
        if isinstance(served, Path):
            served = served.read_bytes()
        return served if isinstance(served, Answer) else Answer(served)


def failing(status: int, body: bytes = b'{"error":"x"}', **headers: str) -> Answer:
    """An error; `Retry_After="1"` becomes a header."""
    return Answer(
        body, status, {"Content-Type": "application/json", **{k.replace("_", "-"): v for k, v in headers.items()}}
    )


def hang() -> Answer:
    return Answer(hang=True)


def late(body: bytes, seconds: float) -> Answer:
    return Answer(body, latency=seconds)


def broken_off(body: bytes, after: int) -> Answer:
    """The connection ends after so many bytes of the promised body."""
    return Answer(body, break_after=after)


def html(text: bytes = b"<!DOCTYPE html><html><title>Just a moment...</title></html>", status: int = 200) -> Answer:
    return Answer(text, status, {"Content-Type": "text/html"})


def gzipped(body: bytes, *, damaged: bool = False) -> Answer:
    packed = gzip.compress(body)
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    return Answer(b"\x1f\x8b\x08\xff" + packed[4:-9] if damaged else packed, headers=headers)


def in_charset(text: str, charset: str) -> Answer:
    """The body in `charset`, labelled as UTF-8."""
    return Answer(text.encode(charset), headers={"Content-Type": "application/json; charset=utf-8"})


def huge(size: int) -> Answer:
    """A body of `size` bytes, made while it is sent."""
    return Answer(_spaces(size), headers={"Content-Type": "application/json", "Content-Length": str(size)})


def bomb(size: int) -> Answer:
    """A small gzip body that is `size` bytes (whole megabytes) when decompressed, made of one repeated block."""
    block = b" " * 2**20
    deflater = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    repeated = deflater.compress(block) + deflater.flush(zlib.Z_FULL_FLUSH)  # after which a block stands alone
    check = 0
    for _ in range(size // len(block)):
        check = zlib.crc32(block, check)
    end = b"\x03\x00" + struct.pack("<II", check, size)
    body = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff" + repeated * (size // len(block)) + end
    return Answer(body, headers={"Content-Type": "application/json", "Content-Encoding": "gzip"})


def redirect(url: str, status: int = 302) -> Answer:
    return Answer(b"", status, {"Location": url})


def in_turn(*served: Served) -> Callable[[Ask], Served]:
    """The first request gets the first, the next the second, all later ones the last."""
    return lambda ask: served[min(ask.number, len(served)) - 1]


def _spaces(size: int) -> Iterator[bytes]:
    block = b" " * 65536
    for start in range(0, size, len(block)):
        yield block[: min(len(block), size - start)]


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # so that closing waits for every handler, and no socket is left open
    request_queue_size = 256

    def __init__(self, *args: Any) -> None:
        self.connections: set[socket.socket] = set()
        super().__init__(*args)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.connections.discard(request)
        super().shutdown_request(request)

    def cut_connections(self) -> None:
        for connection in list(self.connections):
            with suppress(OSError):  # the client has closed it already
                connection.shutdown(socket.SHUT_RDWR)


def _handler_for(provider: ProviderServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, *_: object) -> None:
            pass

        def handle(self) -> None:
            try:
                super().handle()
            except OSError:
                self.close_connection = True  # the client has gone, which is what many tests are about

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            host = self.headers.get("Host", "")
            answer = provider.answer(self.command, host, self.path, dict(self.headers.items()), body)
            if answer.hang:
                provider.wait(None)
                self.close_connection = True
                return
            if answer.latency:
                provider.wait(answer.latency)
            self._send(answer)

        do_POST = do_GET

        def _send(self, answer: Answer) -> None:
            self.send_response(answer.status)
            headers = dict(answer.headers)
            if isinstance(answer.body, bytes):
                headers["Content-Length"] = str(len(answer.body))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            if isinstance(answer.body, bytes):
                self.wfile.write(answer.body[: answer.break_after])
                self.close_connection = self.close_connection or answer.break_after is not None
                return
            for chunk in answer.body:
                self.wfile.write(chunk)

    return Handler
