"""Websocket connections: the only module that imports `websockets`.

`VERIFY_HOST_MAP` leads a connection to a server on this machine, as it does requests (`sources.http`).
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI

__all__ = ["Ended", "Socket", "opened"]

OPEN_TIMEOUT, CLOSE_TIMEOUT = 15.0, 2.0
#: Seconds between protocol pings, and for their answers.
PING_EVERY, PING_TIMEOUT = 20.0, 20.0
MOST_BYTES = 16 * 1024 * 1024
_AGENT = "verify-figures"
_TRANSPORT_PINGS = {"ping_interval": PING_EVERY, "ping_timeout": PING_TIMEOUT}


class Ended(Exception):
    """A connection could not be made or is over: in words, with the close code or the HTTP status where there is one.

    1006 is a connection that broke without a close.
    """

    def __init__(self, why: str, code: int = 1006, status: int = 0) -> None:
        super().__init__(why)
        self.why, self.code, self.status = why, code, status


class Socket:
    """An open connection."""

    def __init__(self, inner: ClientConnection) -> None:
        self._inner = inner

    async def receive(self) -> bytes:
        """The next frame, whole, text as UTF-8; raises `Ended`."""
        try:
            return await self._inner.recv(decode=False)
        except ConnectionClosed as closed:
            raise _ended(closed) from None

    async def send(self, message: str) -> None:
        try:
            await self._inner.send(message)
        except ConnectionClosed as closed:
            raise _ended(closed) from None

    async def close(self) -> None:
        await self._inner.close()

    def abort(self) -> None:
        """End it at once, without a closing handshake: for a server that does not answer any more."""
        self._inner.transport.abort()


def _ended(closed: ConnectionClosed) -> Ended:
    frame = closed.rcvd
    if frame is None:
        sent = f" ({closed.sent.reason})" if closed.sent is not None and closed.sent.reason else ""
        return Ended(f"the connection broke without a close{sent}")
    reason = f": {frame.reason}" if frame.reason else ""
    return Ended(f"closed by the venue with {frame.code}{reason}", frame.code)


@asynccontextmanager
async def opened(url: str, headers: Mapping[str, str], hosts: Mapping[str, str]) -> AsyncIterator[Socket]:
    """A connection to `url` for the time of the context; raises `Ended` where it cannot be made.

    `hosts` is a checked map of hosts to servers on this machine (`sources._hosts`).
    """
    logging.getLogger("websockets").setLevel(logging.CRITICAL)  # what it would say is said by the recorder's own log
    parts = urlsplit(url)
    target = hosts.get(parts.hostname or "") or hosts.get("*")
    options: dict[str, object] = {}
    if target is not None:
        here = urlsplit(target)
        url = urlunsplit(("ws", parts.netloc, parts.path, parts.query, ""))
        options = {"host": here.hostname, "port": here.port, "proxy": None}
    try:
        inner = await connect(
            url,
            additional_headers=dict(headers),
            user_agent_header=_AGENT,
            compression=None,  # liquidations are few bytes: what deflate saves is not worth its memory
            open_timeout=OPEN_TIMEOUT,
            close_timeout=CLOSE_TIMEOUT,
            max_size=MOST_BYTES,
            max_queue=512,
            **_TRANSPORT_PINGS,  # type: ignore[arg-type]
            **options,  # type: ignore[arg-type]
        )
    except InvalidStatus as error:
        status = error.response.status_code
        raise Ended(f"refused with HTTP {status}", status=status) from None
    except (InvalidHandshake, InvalidURI) as error:
        raise Ended(f"is no websocket there: {error}") from None
    except ssl.SSLError as error:
        raise Ended(f"the certificate is not accepted: {error.reason or error}") from None
    except TimeoutError:
        raise Ended(f"did not answer within {OPEN_TIMEOUT:g} s") from None
    except OSError as error:
        raise Ended(f"cannot be reached: {error.strerror or error}") from None
    try:
        yield Socket(inner)
    finally:
        await inner.close()
