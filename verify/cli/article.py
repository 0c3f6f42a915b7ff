"""`verify article`."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from verify.cli import output, say
from verify.cli.progress import reporter
from verify.model.errors import InputError
from verify.model.report import Verdict

if TYPE_CHECKING:
    from verify.claims.result import ArticleReport

_FORMATS = ("table", "json", "md", "html", "sarif", "github")
_MOST_PROBLEMS = 10


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
@click.option("--source", "sources", multiple=True, metavar="ID", help="Ask only this source (repeatable).")
@click.option("--offline", is_flag=True, help="Use no network.")
@click.option(
    "--deadline",
    type=click.FloatRange(1, 600),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="How long the sources have.",
)
@click.option("--evidence", metavar="FILE", help="Keep every answer in this file (WARC).")
@click.option("--replay", is_flag=True, help="Take the answers from the evidence file: the same report, no network.")
@click.option("--explain", is_flag=True, help="Also say where each slot came from and what was left alone.")
@click.option("--format", "form", type=click.Choice(_FORMATS), default="table", show_default=True)
@click.option("-o", "--output", "target", metavar="FILE", help="Write the report to a file.")
@click.option(
    "--fail-on",
    type=click.Choice(["differs", "inconclusive"]),
    default="inconclusive",
    show_default=True,
    help="From which verdict on the exit code is not 0.",
)
@click.option("-q", "--quiet", is_flag=True, help="No progress on stderr.")
@click.option("--strict", is_flag=True, help="A row of figures that cannot be read is an error.")
@click.option("--exit-zero", is_flag=True, help="Exit with 0 whatever the verdicts.")
def command(
    file: str,
    kind: str | None,
    published: str | None,
    figures: tuple[str, ...],
    sources: tuple[str, ...],
    offline: bool,
    deadline: float,
    evidence: str | None,
    replay: bool,
    explain: bool,
    form: str,
    target: str | None,
    fail_on: str,
    quiet: bool,
    strict: bool,
    exit_zero: bool,
) -> int:
    """Find every figure in FILE (- is stdin) and judge it.

    \b
    verify article draft.md --published 2026-01-19T02:30Z --offline
    """
    from verify.article import article

    report = article(
        read_text(file),
        name="stdin" if file == "-" else file,
        form=kind,
        published_at=published,
        figures=figures,
        sources=sources,
        offline=offline or None,
        deadline=deadline,
        evidence=evidence,
        replay=replay,
        strict=strict,
        now=datetime.now(UTC),
        progress=reporter(quiet=quiet),
    )
    if report.reading.published is None and report.rows and not quiet:
        say("verify: the text has no date: give --published, or relative times stay open")
    for problem in report.problems[:_MOST_PROBLEMS]:
        say(f"verify: not read: {problem}")
    if len(report.problems) > _MOST_PROBLEMS:
        say(f"verify: not read: {len(report.problems) - _MOST_PROBLEMS} more rows")
    rendered = render(report, form, explain=explain)
    if target is None or target == "-":
        output.echo(rendered)
    else:
        output.write_file(target, rendered)
    return 0 if exit_zero else report.exit_code(Verdict(fail_on))


def render(report: ArticleReport, form: str, *, explain: bool = False) -> str:
    """The report in one of the formats that the command offers."""
    if form in ("sarif", "github"):
        from reports import article_ci

        return article_ci.sarif(report) if form == "sarif" else article_ci.github(report)
    if form == "html":
        from reports import article_html

        return article_html.html(report)
    from reports import article as shown

    if form == "json":
        return shown.as_json(report)
    return shown.markdown(report, explain=explain) if form == "md" else shown.table(report, explain=explain)


def read_text(file: str) -> str:
    """The text of a file, or of stdin for "-"; UTF-8, every line end kept. Raises `InputError`."""
    try:
        raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{file} is not UTF-8 text") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise InputError(f"cannot read {file}: {reason}") from None
