"""Where the reports of a run go: one on stdout, any number into files."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from verify.cli import output
from verify.model.checks import RunReport
from verify.model.errors import InputError


def _junit(report: RunReport) -> str:
    from reports import junit

    return junit.render(report)


def _sarif(report: RunReport) -> str:
    from reports import sarif

    return sarif.render(report)


def _github(report: RunReport) -> str:
    from reports import github

    return github.render(report)


def _run(name: str) -> Callable[[RunReport], str]:
    def rendered(report: RunReport) -> str:
        from reports import run

        made: str = getattr(run, name)(report)
        return made

    return rendered


#: How a run is written, by the kind that `--report` and `--format` name.
KINDS: dict[str, Callable[[RunReport], str]] = {
    "json": _run("as_json"),
    "jsonl": _run("json_lines"),
    "junit": _junit,
    "sarif": _sarif,
    "github": _github,
    "summary": _run("summary"),
    "md": _run("markdown_report"),
}
_SUMMARY = "GITHUB_STEP_SUMMARY"


def targets(written: Sequence[str]) -> list[tuple[str, str]]:
    """Kind and file of each `--report`. Raises `InputError`, before anything is asked."""
    found = []
    for text in written:
        kind, sign, file = text.partition("=")
        if kind not in KINDS:
            raise InputError(f"--report {text}: write KIND=FILE, the kind one of {', '.join(KINDS)}")
        if kind == "summary" and not sign:
            file = os.environ.get(_SUMMARY, "")
            if not file:
                raise InputError(f"--report summary: needs =FILE, as {_SUMMARY} is not set")
        elif not file:
            raise InputError(f"--report {text}: needs a file: {kind}=FILE")
        if file != "-" and not Path(file).resolve().parent.is_dir():
            raise InputError(f"--report {text}: there is no folder {Path(file).parent}")
        found.append((kind, file))
    return found


def write(report: RunReport, form: str, wanted: Sequence[tuple[str, str]]) -> None:
    """Every file first, then stdout, so that a reader that went away costs no report."""
    for kind, file in wanted:
        rendered = KINDS[kind](report)
        if file == "-":
            click.echo(rendered, nl=False)
        elif kind == "summary" and file == os.environ.get(_SUMMARY):
            output.append(file, rendered)  # earlier parts of the step have written into it too
        else:
            output.write_file(file, rendered)
    if form in KINDS:
        output.echo(KINDS[form](report))
    else:
        from reports import run

        output.echo(run.table(report, width=shutil.get_terminal_size((80, 24)).columns))
