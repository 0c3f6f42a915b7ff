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

#: The formats that a report has in common with a run of checks.
_OF_RUNS = ("jsonl", "junit", "sarif", "github")
FORMATS = ("table", "json", "md", "html", *_OF_RUNS)


def write(report: Report, *, form: str, target: str | None) -> None:
    """Render to stdout, or to a file that is either written whole or left as it was."""
    write_text(render(report, form, color=target is None and _color()), target=target)


def write_text(rendered: str, *, target: str | None) -> None:
    """What was rendered to stdout, or to a file that is either written whole or left as it was."""
    if target is None or target == "-":
        echo(rendered)
    else:
        write_file(target, rendered)


def write_file(target: str, rendered: str) -> None:
    """To a file that is either written whole or left as it was. Raises `InputError`."""
    path = Path(target)
    try:
        if path.exists() and not path.is_file():  # /dev/stdout, a named pipe: nothing to replace
            path.write_text(rendered, encoding="utf-8", newline="\n")
        else:
            _replace(path.resolve(), rendered)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise InputError(f"cannot write {target}: {reason}") from None


def append(target: str, rendered: str) -> None:
    """To the end of a file. Raises `InputError`."""
    try:
        with Path(target).open("a", encoding="utf-8", newline="\n") as file:
            file.write(rendered)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise InputError(f"cannot write {target}: {reason}") from None


def echo(rendered: str) -> None:
    """To stdout. Where the reader has gone (`verify ... | head`), the verdict still stands in the exit code."""
    try:
        click.echo(rendered, nl=False, color=True if _color() else None)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _replace(path: Path, rendered: str) -> None:
    """Write a file whole or leave it as it was, with the rights that it has or that new files get."""
    umask = os.umask(0)
    os.umask(umask)
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~umask
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".verify-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(rendered)
        Path(temporary).chmod(mode)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def render(report: Report, form: str, *, color: bool = False) -> str:
    """The report in one of `FORMATS`."""
    if form == "json":
        from reports import json

        return json.render(report)
    if form == "md":
        from reports import markdown

        return markdown.render(report)
    if form == "html":
        from reports import html

        return html.render(report)
    if form in _OF_RUNS:
        from verify.cli.run_output import KINDS
        from verify.jobs.verdicts import as_run

        end = report.window.partition("/")[2]
        return KINDS[form](as_run(report, end))
    from reports import terminal

    width = shutil.get_terminal_size((80, 24)).columns
    return terminal.render(report, width=width, color=color)


def _color() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
