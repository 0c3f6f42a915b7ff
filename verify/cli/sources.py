"""`verify sources`: what can be asked, what it declares, and whether it is alive."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from verify.cli.progress import reporter

if TYPE_CHECKING:
    from sources.spec import ChannelSpec, SourceSpec


@click.group("sources", invoke_without_command=True)
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
@click.pass_context
def command(context: click.Context, form: str) -> int:
    """List the sources: what each can say, how far back, complete or capped, and which key it needs."""
    if context.invoked_subcommand is not None:
        return 0
    from sources import registry

    found = registry.load_all()
    for package, reason in found.broken.items():
        click.echo(f"verify: cannot load {package}: {reason}", err=True)
    if form == "json":
        click.echo(json.dumps([_described(source.spec) for source in found], indent=2, ensure_ascii=False))
        return 0
    for source in found:
        spec = source.spec
        key = f"  key: {_keys(spec)}" if spec.auth else ""
        click.echo(f"{spec.id}  {spec.title}{key}")
        for channel in spec.channels:
            rule = channel.completeness[-1]
            click.echo(f"  {channel.id}: {', '.join(channel.metrics)}; {channel.transport}, {_reach(channel)}")
            click.echo(f"    shows {rule.words()}; lineage {', '.join(channel.lineage)}")
    return 0


@command.command("show")
@click.argument("source")
def show(source: str) -> int:
    """Everything that one source declares."""
    from sources import registry

    spec = registry.get(source).spec
    click.echo(f"{spec.id}  {spec.title}\n{spec.homepage}\nas of {spec.as_of}; key: {_keys(spec)}")
    if spec.rate is not None:
        click.echo(f"asked at most {spec.rate.requests} times in {spec.rate.per.total_seconds():g} s")
    for limit in spec.limits:
        click.echo(f"limit: {limit}")
    for channel in spec.channels:
        click.echo(f"\n{spec.id}/{channel.id}  {channel.title}")
        click.echo(f"  {channel.transport}, {channel.form}, {_reach(channel)}; lineage {', '.join(channel.lineage)}")
        click.echo(f"  side: {channel.side_rule} <{channel.side_citation}>")
        click.echo(f"  quantity: {channel.quantity_unit} ({channel.quantity_basis}); price: {channel.price_basis}")
        for rule in channel.completeness:
            since = f"since {rule.since}: " if rule.since else ""
            note = f" ({rule.note})" if rule.note else ""
            click.echo(f"  shows {since}{rule.words()}{note} <{rule.citation}>")
        for doubt in channel.doubts:
            click.echo(f"  doubt: {doubt}")
        for page in channel.docs:
            click.echo(f"  documented: {page}")
    return 0


@command.command("doctor")
@click.option("--source", "only", multiple=True, metavar="ID", help="Only this source (repeatable).")
@click.option("--deadline", type=click.FloatRange(1, 600), default=60.0, show_default=True, metavar="SECONDS")
@click.option("-q", "--quiet", is_flag=True, help="No progress on stderr.")
def doctor(only: tuple[str, ...], deadline: float, quiet: bool) -> int:
    """Ask every source for its last hour, and say which are dead, silent, quiet or healthy.

    Exits with 4 where one is dead or silent.
    """
    from sources import doctor as medicine
    from sources import http, registry

    chosen = [registry.get(name) for name in only] or list(registry.load().values())
    now = datetime.now(UTC)
    jobs, found = medicine.jobs(chosen, now)
    outcomes = http.fetch_all(jobs, now=now, deadline=deadline, progress=reporter(quiet=quiet)) if jobs else []
    found = [*medicine.diagnose(outcomes, now), *found]
    for finding in sorted(found, key=lambda finding: finding.channel):
        click.echo(f"{finding.health:<9}  {finding.channel}: {finding.text}")
    ill = [f for f in found if f.health in (medicine.Health.DEAD, medicine.Health.SILENT)]
    return 4 if ill else 0


def _reach(channel: ChannelSpec) -> str:
    from verify.model.window import duration_words

    if channel.history is None:
        return "as far back as there is data"
    return f"{duration_words(channel.history)} back" if channel.history > timedelta(0) else "live only"


def _keys(spec: SourceSpec) -> str:
    """The names of the keys and whether each is set; never a key."""
    import os

    return ", ".join(f"{name} ({'set' if os.environ.get(name) else 'not set'})" for name in spec.auth) or "none needed"


def _described(spec: SourceSpec) -> dict[str, Any]:
    return {
        "id": spec.id,
        "title": spec.title,
        "homepage": spec.homepage,
        "kind": spec.kind,
        "keys": list(spec.auth),
        "as_of": str(spec.as_of),
        "channels": [
            {
                "id": channel.id,
                "metrics": list(channel.metrics),
                "venues": list(channel.venues),
                "transport": str(channel.transport),
                "reach": _reach(channel),
                "shows": [
                    {"since": str(rule.since) if rule.since else None, "rule": rule.words(), "citation": rule.citation}
                    for rule in channel.completeness
                ],
                "lineage": list(channel.lineage),
                "doubts": list(channel.doubts),
            }
            for channel in spec.channels
        ],
    }
