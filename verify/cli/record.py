"""`verify record`: listen to the live streams, look after what was recorded, and tell how it is going."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import textwrap
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from verify.cli import say

if TYPE_CHECKING:
    from sources.adapter import Channel
    from sources.recorder.status import Status

_STORE = click.option(
    "--store", metavar="DIR", type=click.Path(file_okay=False, path_type=Path), help="Where frames are kept."
)
_FORMAT = click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
_MEGABYTE = 1024 * 1024


@click.group("record", invoke_without_command=True)
@_STORE
@click.option("--source", "only", multiple=True, metavar="ID", help="Only this source or channel (repeatable).")
@click.option("--metrics", "port", type=click.IntRange(1, 65535), metavar="PORT", help="Serve metrics on 127.0.0.1.")
@click.option(
    "--reserve", type=click.IntRange(16), default=64, show_default=True, metavar="MB", help="Stop when less is free."
)
@click.option(
    "--refresh", type=click.FloatRange(60), default=3600.0, show_default=True, metavar="SECONDS",
    help="How often lists of contracts are fetched.",
)  # fmt: skip
@click.option(
    "--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="info", show_default=True
)
@click.pass_context
def command(
    context: click.Context,
    store: Path | None,
    only: tuple[str, ...],
    port: int | None,
    reserve: int,
    refresh: float,
    log_level: str,
) -> int:
    """Listen to live streams of liquidations until stopped, and keep every frame.

    \b
    verify record --store /var/lib/verify
    verify record status --store /var/lib/verify
    verify liquidations --window 4h --source recorded:/var/lib/verify

    The log is JSON lines on stderr. SIGTERM ends it with 0 and Ctrl-C with
    130, everything committed; 4: it could not go on.
    """
    if context.invoked_subcommand is not None:
        return 0
    from sources.recorder.run import Options

    options = Options(
        refresh=refresh, metrics_port=port or 0, reserve=reserve * _MEGABYTE, hosts=_hosts(), version=_version()
    )
    return asyncio.run(_record(_required(store), only, options, log_level))


async def _record(store: Path, only: tuple[str, ...], options: Any, level: str) -> int:
    """Record until a signal; a second one is not waited out."""
    import time

    from sources import registry
    from sources.recorder.log import Log
    from sources.recorder.run import channels_of, record

    loaded = registry.load_all()
    for package, reason in loaded.broken.items():
        say(f"verify: cannot load {package}: {reason}")
    for name in only:
        registry.get(name.partition("/")[0])
    stop, caught = asyncio.Event(), []
    loop = asyncio.get_running_loop()

    def stopped(number: signal.Signals) -> None:
        caught.append(number)
        stop.set()
        loop.remove_signal_handler(number)  # the next one ends the process at once

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped, number)

    def clock() -> int:
        return time.time_ns() // 1000

    log = Log(clock, level=level)
    await record(store, channels_of(loaded, only), options, log=log, stop=stop, clock=clock)
    return 130 if caught[:1] == [signal.SIGINT] else 0


@command.command("status")
@_STORE
@_FORMAT
@click.pass_context
def status(context: click.Context, store: Path | None, form: str) -> int:
    """How every channel is doing: recording, quiet, SUSPECT_SILENT, partly or DEAD.

    Exits with 0 where all is well, 1 where a channel is silent and should not
    be, 4 where one is dead or partly heard or nobody records.
    """
    from sources.recorder import status as states

    found = states.read(_required(store, context))
    now = datetime.now(UTC)
    code = states.exit_code(found, now)
    if form == "json":
        from dataclasses import asdict

        click.echo(json.dumps({**asdict(found), "age_seconds": round(states.age(found, now), 1), "exit_code": code},
                              indent=2, ensure_ascii=False))  # fmt: skip
        return code
    _print_status(found, states.age(found, now), states.STALE)
    return code


def _print_status(found: Status, age: float, stale: float) -> None:
    state = found.state
    if state == "recording" and age > stale:
        state = f"NOT RECORDING: its last word is {age:.0f} s old (process {found.pid})"
    elif found.message:
        state = f"{state}: {found.message}"
    click.echo(f"{state}, since {found.started}, as of {found.at}")
    click.echo(
        f"{found.frames_stored} frames stored; {found.undigested} not read yet; {found.unread} unreadable;"
        f" lag p99 {found.lag_p99_ms:g} ms; {found.memory_mb:g} MB"
    )
    width = max((len(channel.channel) for channel in found.channels), default=7)
    click.echo(f"{'state':<14}  {'channel':<{width}}  {'heard':>8}  last heard (UTC)")
    for channel in found.channels:
        last = channel.last_data[:19].replace("T", " ") or "-"
        click.echo(f"{channel.health:<14}  {channel.channel:<{width}}  {channel.data:>8}  {last}")
        if channel.reason:
            columns = max(shutil.get_terminal_size((80, 24)).columns, 40)
            click.echo(textwrap.fill(channel.reason, columns, initial_indent="    ", subsequent_indent="    "))


@command.command("coverage")
@_STORE
@click.option("--window", required=True, metavar="W", help="START/END, START/PT4H, PT4H/END, 4h, 4h@END or a day.")
@_FORMAT
@click.pass_context
def coverage(context: click.Context, store: Path | None, window: str, form: str) -> int:
    """How much of a window each channel was heard, and what each minute was."""
    from sources.recorder import reading, report
    from verify.model.window import Window

    place = _required(store, context)
    reading.require(place)
    asked = Window.parse(window, now=datetime.now(UTC))
    rows = report.coverage(place, asked, _codes())
    if form == "json":
        click.echo(json.dumps(rows, indent=2))
        return 0
    for row in rows:
        states = ", ".join(f"{count} {state}" for state, count in row["minutes"].items())
        click.echo(f"{row['share']:>7.1%}  {row['channel']}  {row['events']} events; minutes: {states}")
    return 0


@command.command("reparse")
@_STORE
@click.option("--day", "chosen", multiple=True, metavar="DAY", help="Only this UTC day (repeatable).")
@click.pass_context
def reparse(context: click.Context, store: Path | None, chosen: tuple[str, ...]) -> int:
    """Read the events of recorded frames anew, after an adapter was corrected."""
    from sources.recorder import reading, upkeep

    place = _required(store, context)
    reading.require(place)
    for done in upkeep.reparse(place, [_day(text) for text in chosen] or None, _codes()):
        click.echo(f"{done.day}: {done.after} events ({done.after - done.before:+}), {done.unread} frames unreadable")
    return 0


@command.command("compact")
@_STORE
@click.option("--keep", metavar="DURATION", help="Remove compacted days that are older, e.g. 90d.")
@click.pass_context
def compact(context: click.Context, store: Path | None, keep: str | None) -> int:
    """Move days before today to Parquet, each only once the copy was read back and agrees."""
    from sources.recorder import reading, upkeep
    from verify.model.window import parse_duration

    place = _required(store, context)
    reading.require(place)
    limit = parse_duration(keep) if keep is not None else None
    today = datetime.now(UTC).date()

    def told(done: upkeep.Compacted) -> None:
        size = f"{done.bytes_before / _MEGABYTE:.1f} MB became {done.bytes_after / _MEGABYTE:.1f} MB"
        click.echo(f"{done.day}: {done.frames} frames and {done.events} events verified; {size}")

    if not upkeep.compact(place, today, _codes(), told):
        click.echo("no closed day to compact")
    for day in upkeep.prune(place, today, limit) if limit is not None else ():
        click.echo(f"{day}: removed, older than {keep}")
    return 0


@command.command("export")
@_STORE
@click.option("--window", required=True, metavar="W", help="START/END, START/PT4H, PT4H/END, 4h, 4h@END or a day.")
@click.option("--source", "only", multiple=True, metavar="ID", help="Only this source or channel (repeatable).")
@click.option("-o", "--output", "target", required=True, metavar="FILE", help="A .csv, .jsonl or .parquet file.")
@click.pass_context
def export(context: click.Context, store: Path | None, window: str, only: tuple[str, ...], target: str) -> int:
    """Write the events of a window to a file, each with the frame it comes from."""
    from sources.recorder import reading, report
    from verify.model.window import Window

    place = _required(store, context)
    reading.require(place)
    count = report.export(place, Window.parse(window, now=datetime.now(UTC)), only, _codes(), Path(target))
    say(f"verify: {count} events written to {target}")
    return 0


def _required(store: Path | None, context: click.Context | None = None) -> Path:
    """The store, named after `record` or after the subcommand."""
    found = store or (context.parent.params.get("store") if context is not None and context.parent else None)
    if found is None:
        raise click.UsageError("name the store: --store DIR")
    return Path(found)


def _codes() -> dict[str, Channel]:
    from sources import registry
    from sources.recorder.digest import codes

    return codes(registry.load_all())


def _hosts() -> dict[str, str]:
    """Where `VERIFY_HOST_MAP` leads; refuses where the network is forbidden."""
    from sources._hosts import host_map_of
    from verify.model.errors import InputError
    from verify.pipeline.run import OFFLINE_VARIABLE, offline_by_environment

    if offline_by_environment():
        raise InputError(f"{OFFLINE_VARIABLE} forbids the network: there is nothing to listen to")
    return host_map_of(os.environ.get("VERIFY_HOST_MAP", ""))


def _day(text: str) -> date:
    from verify.model.errors import WindowError

    try:
        return date.fromisoformat(text)
    except ValueError:
        raise WindowError(f"{text!r} is no day: write it as 2026-01-19") from None


def _version() -> str:
    import verify

    return verify.__version__
