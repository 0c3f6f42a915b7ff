"""Metrics for Prometheus on the loopback: `GET /metrics`, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from verify.model.errors import InputError

_TIMEOUT = 5.0


async def serve(port: int, told: Callable[[], str]) -> asyncio.Server | None:
    """A server on 127.0.0.1 at `port`, none where that is 0. Raises `InputError` where the port is taken."""
    if not port:
        return None

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _TIMEOUT)
            path = head.split(b" ", 2)[1:2]
            found = head.startswith(b"GET ") and path == [b"/metrics"]
            body = told().encode() if found else b"only /metrics is here\n"
            status = "200 OK" if found else "404 Not Found"
            writer.write(
                f"HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
                f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
                + body
            )
            await writer.drain()
        writer.close()

    try:
        return await asyncio.start_server(answer, "127.0.0.1", port)
    except OSError as error:
        raise InputError(f"cannot serve metrics on 127.0.0.1:{port}: {error.strerror}") from None
