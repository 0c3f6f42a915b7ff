"""Threads that nobody waits for: a resolver that hangs holds up neither the deadline nor the end of the program."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any


class Unawaited(ThreadPoolExecutor):
    """An executor for an event loop whose tasks may never end, as those of `getaddrinfo` without a network.

    asyncio wants a `ThreadPoolExecutor`; what that class does at shutdown and at exit, waiting, is what is left out.
    """

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()

        def run() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = fn(*args, **kwargs)
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(result)

        threading.Thread(target=run, daemon=True).start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Nothing is waited for."""
