"""How a report leaves the program: format, file, colours."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

import click

from verify.model.errors import InputError
from verify.model.report import Report

FORMATS = ("table", "json", "md")


def write(report: Report, *, form: str, target: str | None) -> None:
    """Render to stdout, or to a file that is either written whole or left as it was."""
    rendered = render(report, form, color=target is None and _color())
    if target is None or target == "-":
        click.echo(rendered, nl=False, color=True if _color() else None)
        return
    path = Path(target)
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
                file.write(rendered)
            Path(temporary).chmod(0o644)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise InputError(f"cannot write {target}: {error.strerror or error}") from None


def render(report: Report, form: str, *, color: bool = False) -> str:
    """The report in one of `FORMATS`."""
    if form == "json":
        from reports import json

        return json.render(report)
    if form == "md":
        from reports import markdown

        return markdown.render(report)
    from reports import terminal

    width = shutil.get_terminal_size((80, 24)).columns
    return terminal.render(report, width=width, color=color)


def _color() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
