"""`verify init`."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import click

from verify.cli import output, say
from verify.model.errors import InputError


@click.command("init")
@click.argument("file", required=False, default="verify.toml", metavar="[FILE]")
@click.option("--force", is_flag=True, help="Overwrite a file that is there.")
@click.option("--schema", is_flag=True, help="Print the JSON Schema of a job file instead.")
def command(file: str, force: bool, schema: bool) -> int:
    """Write a commented job file to start from: FILE, or verify.toml.

    \b
    verify init && verify run
    """
    if schema:
        from verify.jobs.schema import schema_text

        click.echo(schema_text(), nl=False)
        return 0
    if Path(file).exists() and not force:
        raise InputError(f"{file} is there already: give another name, or --force")
    output.write_file(file, files("verify.jobs").joinpath("starter.toml").read_text(encoding="utf-8"))
    say(f"verify: wrote {file}; try: verify run {file} --dry-run")
    return 0
