"""`verify article`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from verify.cli import say
from verify.model.errors import InputError
from verify.model.report import Verdict

_FORMATS = ("table", "json", "md", "html", "sarif", "github")


@click.command("article")
@click.argument("file", metavar="FILE")
@click.option("--type", "kind", type=click.Choice(["md", "txt", "html"]), help="How to read it; default by its name.")
@click.option(
    "--published", metavar="TIME", help="The dateline, e.g. 2026-01-19T08:00+08:00; default: as the text says."
)
@click.option(
    "--figures",
    multiple=True,
    metavar="FILE",
    help="A CSV of published figures, instead of the events that ship with verify (name those: bundled).",
)
@click.option("--offline", is_flag=True, help="Use no network. An article is judged by published figures in any case.")
@click.option("--explain", is_flag=True, help="Also say where each slot came from and what was left alone.")
@click.option("--format", "form", type=click.Choice(_FORMATS), default="table", show_default=True)
@click.option(
    "--fail-on",
    type=click.Choice(["differs", "inconclusive"]),
    default="inconclusive",
    show_default=True,
    help="From which verdict on the exit code is not 0.",
)
@click.option("--strict", is_flag=True, help="A row of figures that cannot be read is an error.")
def command(
    file: str,
    kind: str | None,
    published: str | None,
    figures: tuple[str, ...],
    offline: bool,  # noqa: ARG001  # no source is asked for an article
    explain: bool,
    form: str,
    fail_on: str,
    strict: bool,
) -> int:
    """Find every figure in FILE (- is stdin) and judge it.

    \b
    verify article draft.md --published 2026-01-19T02:30Z --offline
    """
    from reports import article as rendered
    from verify.article import article

    text = _read(file)
    report = article(
        text,
        name="stdin" if file == "-" else file,
        form=kind,
        published_at=published,
        figures=figures,
        strict=strict,
    )
    if report.reading.published is None and report.rows:
        say("verify: the text has no date: give --published, or relative times stay open")
    for problem in report.problems[:10]:
        say(f"verify: not read: {problem}")
    if form == "table":
        shown = rendered.table(report, explain=explain)
    elif form == "md":
        shown = rendered.markdown(report, explain=explain)
    else:
        shown = rendered.FORMATS[form](report)
    click.echo(shown, nl=False)
    return report.exit_code(Verdict(fail_on))


def _read(file: str) -> str:
    """The text of a file or of stdin; UTF-8, every line end kept."""
    try:
        raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{file} is not UTF-8 text") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise InputError(f"cannot read {file}: {reason}") from None
