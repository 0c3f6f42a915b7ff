"""`verify config`."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click


@click.group("config")
def command() -> int:
    """Look into the settings."""
    return 0


@command.command("show")
@click.argument("file", required=False, metavar="[FILE]")
@click.option("--origin", is_flag=True, help="Also say where each is from.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def show(file: str | None, origin: bool, form: str) -> int:
    """The settings in force: flags > environment > FILE or the job file here > your own file > default.

    Of keys it is told whether they are set, never what they are.
    """
    from reports.text import plain
    from sources import registry
    from verify.jobs import config, layers

    path = file or config.find(Path())
    settings = layers.settle(config.read(path) if path else None)
    names = sorted({name for source in registry.load_all() for name in source.spec.auth})
    keys = {name: bool(os.environ.get(name, "").strip()) for name in names}
    if form == "json":
        told = {s.name: {"value": s.value, **({"origin": s.origin} if origin else {})} for s in settings.values()}
        click.echo(json.dumps({"settings": told, "keys": keys}, indent=2))
        return 0
    for setting in settings.values():
        value = plain(json.dumps(setting.value, ensure_ascii=False))
        click.echo(f"{setting.name} = {value}{f'  # {plain(setting.origin)}' if origin else ''}")
    for name, there in keys.items():
        where = "  # environment" if origin and there else ""
        click.echo(f"{name}: {'set' if there else 'not set'}{where}")
    if origin:
        click.echo(f"# your own file: {plain(str(layers.user_file()))}")
    return 0
