"""What does not depend on the claim is worked out once for all claims that are judged on the same material."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from verify.model.quantity import Side
from verify.reconcile.channels import Channel

if TYPE_CHECKING:
    from verify.pipeline.judging import Measured, Question

Found = TypeVar("Found")
_LOCK = Lock()  # one at a time: two that want the same are to work it out once


def once(measured: Measured, key: Hashable, work: Callable[[], Found]) -> Found:
    """What `work` gives, of that material remembered under `key`."""
    with _LOCK:
        if key not in measured.remembered:
            measured.remembered[key] = work()
        found: Found = measured.remembered[key]  # type: ignore[assignment]  # by the key it is what `work` gave
        return found


def asked(question: Question, channels: Sequence[Channel]) -> Hashable:
    """All of a question that an estimate depends on: not the claim, and not the side, as both are estimated."""
    said = tuple((c.lineage, c.votes, tuple(s.id for s in c.kept), tuple(s.id for s in c.matched)) for c in channels)
    return question.quantity.with_side(Side.BOTH), question.window, question.channel, said
