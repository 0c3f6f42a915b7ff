"""Is a source alive? Tells dead, silent, quiet and healthy apart.

An endpoint that answers OK and nothing is the field's worst trap: Binance's old stream addresses went on accepting
subscriptions after 2026-04-23 and sent nothing. So every channel is asked together with a control that is never
empty, and an empty channel is compared with the others in the same hour.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sources.adapter import Source, channel_key
from sources.collect import deliver
from sources.jobs import Job, Outcome, Purpose, contained, served
from sources.spec import Transport
from verify.model.errors import SourceError, WindowUnsupported
from verify.model.quantity import Quantity
from verify.model.window import Window

#: What is asked of each channel.
LOOKED_AT = timedelta(hours=1)
#: An empty channel is called silent while at least so many others saw something in the same hour.
BUSY_OTHERS = 2


class Health(StrEnum):
    """`not asked`: a stream, or an archive that holds no recent hour."""

    HEALTHY = "healthy"
    QUIET = "quiet"
    SILENT = "silent"
    DEAD = "dead"
    NOT_ASKED = "not asked"


@dataclass(frozen=True, slots=True)
class Finding:
    """One channel's health and why."""

    channel: str
    health: Health
    text: str


def jobs(sources: Iterable[Source], now: datetime) -> tuple[list[Job], list[Finding]]:
    """What to ask of every channel at `now` (UTC), and the channels that cannot be asked."""
    window = Window(now - LOOKED_AT, now)
    quantity = Quantity()
    wanted: list[Job] = []
    left_out: list[Finding] = []
    for source in sources:
        before = len(wanted)
        for channel, code in source.pairs():
            key = channel_key(source.spec, channel)
            if channel.transport is not Transport.REST:
                text = (
                    "a stream is judged by listening to it" if channel.transport is Transport.STREAM else "an archive"
                )
                left_out.append(Finding(key, Health.NOT_ASKED, text))
                continue
            try:
                served(source.spec, channel, window, now)
            except WindowUnsupported as reason:
                left_out.append(Finding(key, Health.NOT_ASKED, reason.message))
                continue
            wanted.append(Job.for_channel(source, channel.id, window, quantity))
            if code.control is not None:
                wanted.append(Job.for_control(source, channel.id, quantity))
        if len(wanted) > before and source.instrument_requests is not None:
            wanted.append(Job.for_instruments(source, quantity))
    return wanted, left_out


def diagnose(outcomes: Sequence[Outcome], now: datetime) -> list[Finding]:
    """The health of every channel asked, from the outcomes of `jobs`."""
    window = Window(now - LOOKED_AT, now)
    controls = {(o.job.spec.id, o.job.channel): o for o in outcomes if o.job.purpose is Purpose.CONTROL}
    delivered = {d.label: d for d in deliver(outcomes, window, Quantity())}
    seen = {label: _rows(delivery.frame) for label, delivery in delivered.items() if delivery.failure is None}
    found = []
    for label, delivery in delivered.items():
        control = controls.get((delivery.source.id, delivery.channel.id))
        alive, doubt = _alive(control)
        others = sum(1 for other, rows in seen.items() if rows and other.partition("/")[0] != delivery.source.id)
        if delivery.failure is not None:
            found.append(Finding(label, Health.DEAD, delivery.failure.message))
        elif seen[label]:
            found.append(Finding(label, Health.HEALTHY, f"{seen[label]} rows in the last hour"))
        elif not alive:
            found.append(
                Finding(label, Health.SILENT, f"answers OK and empty, and its control does not answer: {doubt}")
            )
        elif others >= BUSY_OTHERS:
            found.append(
                Finding(label, Health.SILENT, f"answers OK and empty while {others} other channels saw liquidations")
            )
        else:
            found.append(Finding(label, Health.QUIET, f"nothing in the last hour; {doubt}"))
    return found


def _rows(frame: object) -> int:
    return int(getattr(frame, "height", 0))


def _alive(control: Outcome | None) -> tuple[bool, str]:
    """Whether the control shows life, and in words."""
    if control is None:
        return True, "it has no control request"
    if control.failure is not None:
        return False, control.failure.message
    check = control.job.source.channels[control.job.channel].control_alive
    try:
        with contained(control.job.label):
            lives = bool(control.payloads) and all(check(payload) if check else True for payload in control.payloads)
    except SourceError as error:
        return False, error.message
    return lives, "the control answers" if lives else "the control's answer is empty"
