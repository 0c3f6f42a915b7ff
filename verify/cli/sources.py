"""`verify sources`: what can be asked, what it declares, and whether it is alive."""

from __future__ import annotations

import json
import shlex
import shutil
import textwrap
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from verify.cli import say
from verify.cli.progress import reporter

if TYPE_CHECKING:
    from sources.spec import ChannelSpec, CompletenessRule, SourceSpec


#: Of so many venues or feeds each is named in the list, of more their number.
_FEW = 3


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
        say(f"verify: cannot load {package}: {reason}")
    if form == "json":
        click.echo(json.dumps([_described(source.spec) for source in found], indent=2, ensure_ascii=False))
        return 0
    for source in found:
        spec = source.spec
        _say(f"{spec.id}  {spec.title}{f'  key: {_keys(spec)}' if spec.auth else ''}")
        for channel in spec.channels:
            told = f"{channel.id}: {', '.join(channel.metrics)}; {_few(_venues(channel), 'venues')}"
            _say(f"{told}; {channel.transport}, {_reach(channel)}", 2)
            _say(
                f"shows {_part(channel)}{_shown(channel.completeness[-1])}; lineage {_few(channel.lineage, 'feeds')}", 4
            )
    return 0


@command.command("show")
@click.argument("source")
def show(source: str) -> int:
    """Everything that one source declares."""
    from sources import registry

    spec = registry.get(source).spec
    _say(f"{spec.id}  {spec.title}")
    _say(spec.homepage)
    _say(f"as of {spec.as_of}; key: {_keys(spec)}")
    if spec.rate is not None:
        _say(f"asked at most {spec.rate.requests} times in {spec.rate.per.total_seconds():g} s")
    for limit in spec.limits:
        _say(f"limit: {limit}")
    for channel in spec.channels:
        click.echo()
        _say(f"{spec.id}/{channel.id}  {channel.title}")
        _say(f"{channel.transport}, {channel.form}, {_reach(channel)}; lineage {', '.join(channel.lineage)}", 2)
        _say(f"venues: {', '.join(_venues(channel))}", 2)
        if channel.selected:
            _say(f"where no asset is named, {channel.selected}", 2)
        if channel.side_rule:
            _say(f"side: {channel.side_rule} <{channel.side_citation}>", 2)
            price = str(channel.price_basis).replace("_", " ")
            _say(f"quantity: {channel.quantity_unit} ({channel.quantity_basis}); price: {price}", 2)
        else:
            rounded = f"; in steps of {channel.step:,.10g}" if channel.step else ""
            _say(f"unit: {channel.quantity_unit}{rounded}", 2)
        for rule in channel.completeness:
            since = f"since {rule.since}: " if rule.since else ""
            note = f" ({rule.note})" if rule.note else ""
            _say(f"shows {since}{_shown(rule)}{note} <{rule.citation}>", 2)
        for doubt in channel.doubts:
            _say(f"doubt: {doubt}", 2)
        for page in channel.docs:
            _say(f"documented: {page}", 2)
    return 0


@command.command("claims")
@click.option("--claims", "path", metavar="FILE", help="A list of claims (TOML) instead of the one that ships.")
def claims(path: str | None) -> int:
    """For each numeric claim of an article the sources that could verify it.

    Without a file: the claims of the article that started the project.
    """
    from sources import checklist, registry

    sources = registry.load()
    for item in checklist.items(path):
        _say(item.says)
        _say(f"verify {shlex.join(item.ask)}", 2)
        for metric, found in checklist.verifiers(item, sources.values()).items():
            if not found:
                _say(f"{metric.replace('_', ' ')}: none known", 2)
            for one in found:
                key = f", key {one.keys}" if one.keys else ""
                _say(f"{metric.replace('_', ' ')}: {one.key}, {one.reach}{key}", 2)
        if item.needs:
            _say(f"not without {item.needs}", 2)
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

    loaded = registry.load_all()
    chosen = [registry.get(name) for name in only] or list(loaded.sources.values())
    now = datetime.now(UTC)
    jobs, found = medicine.jobs(chosen, now)
    outcomes = http.fetch_all(jobs, now=now, deadline=deadline, progress=reporter(quiet=quiet)) if jobs else []
    found = [*medicine.diagnose(outcomes, now), *found]
    broken = {} if only else loaded.broken
    found += [medicine.Finding(name, medicine.Health.DEAD, reason) for name, reason in broken.items()]
    for finding in sorted(found, key=lambda finding: finding.channel):
        _say(f"{finding.health:<9}  {finding.channel}: {finding.text}")
    ill = [f for f in found if f.health in (medicine.Health.DEAD, medicine.Health.SILENT)]
    return 4 if ill else 0


def _say(text: str, indent: int = 0) -> None:
    """One line, or several as wide as the terminal; addresses stay whole."""
    width = max(shutil.get_terminal_size((80, 24)).columns, 40)
    lines = textwrap.wrap(
        text, width, initial_indent=" " * indent, subsequent_indent=" " * (indent + 4),
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip
    click.echo("\n".join(lines))


def _few(items: Sequence[str], what: str) -> str:
    """The items, or how many there are."""
    return ", ".join(items) if len(items) <= _FEW else f"{len(items)} {what}"


def _venues(channel: ChannelSpec) -> list[str]:
    from verify.model import names

    return [names.title("venues", venue) for venue in channel.venues]


def _shown(rule: CompletenessRule) -> str:
    return "it is not known how much" if rule.completeness == "unknown" else rule.words()


def _part(channel: ChannelSpec) -> str:
    return "a part of the venue, of that part: " if channel.selected else ""


def _reach(channel: ChannelSpec) -> str:
    from verify.model.window import duration_words

    if channel.first_day or channel.last_day:
        return f"{channel.first_day or 'the beginning'} to {channel.last_day or 'now'}"
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
