"""The venues' contracts for the recorder: what to subscribe to, and what a contract is worth."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from sources.adapter import Instrument, Source
from sources.recorder.log import Log
from verify.model.errors import SourceError
from verify.model.quantity import Quantity


async def fetch(
    sources: Sequence[Source], hosts: Mapping[str, str], *, deadline: float, log: Log
) -> dict[str, dict[str, Instrument]]:
    """The contracts of each source by its id, of those that answer within `deadline` seconds."""
    if not sources:
        return {}
    from sources.http import Fetcher
    from sources.jobs import Job, instruments_of

    jobs = [Job.for_instruments(source, Quantity()) for source in sources]
    async with Fetcher(now=datetime.now(UTC), deadline=deadline, host_map=hosts) as fetcher:
        outcomes = await fetcher.fetch(jobs)
    found: dict[str, dict[str, Instrument]] = {}
    for source, outcome in zip(sources, outcomes, strict=True):
        try:
            if outcome.failure is not None:
                raise outcome.failure
            found[source.spec.id] = await asyncio.to_thread(instruments_of, outcome)
        except SourceError as error:
            log.warning("no list of contracts", source=source.spec.id, why=error.message)
    return found


def encode(instruments: Mapping[str, Instrument]) -> str:
    """Contracts as the table `listings` keeps them."""
    from sources.recorder.digest import encode_instruments

    return encode_instruments(instruments)
