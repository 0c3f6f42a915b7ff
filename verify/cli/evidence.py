"""`verify evidence`: what an evidence file holds, and whether it is as it was written."""

from __future__ import annotations

from pathlib import Path

import click


@click.group("evidence")
def command() -> int:
    """Look into the file that keeps every answer of a run."""
    return 0


@command.command("show")
@click.argument("file", type=click.Path(path_type=Path))
def show(file: Path) -> int:
    """List the records: number, kind, time, size, SHA-256 and address."""
    from reports.text import plain
    from sources import evidence

    for entry in evidence.show(file):
        status = f" {entry.status}" if entry.status else ""
        click.echo(
            f"{entry.number:>4}  {entry.kind:<9}{status:<4} {entry.date}  {entry.size:>9,} B  {entry.sha256[:16]}"
        )
        if entry.uri:
            click.echo(f"      {plain(entry.uri)}")
    return 0


@command.command("check")
@click.argument("file", type=click.Path(path_type=Path))
def check(file: Path) -> int:
    """Verify every byte. Exits with 1 and names the record where one was changed or is missing."""
    from sources import evidence

    result = evidence.check(file)
    for problem in result.problems:
        click.echo(f"{file}: {problem}")
    if result.problems:
        return 1
    interrupted = "" if result.complete else " (the run was interrupted)"
    click.echo(f"{file}: {len(result.entries)} records, all as they were written{interrupted}")
    return 0
