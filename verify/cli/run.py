"""`verify run`."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import click

from verify.cli import say
from verify.cli.progress import Bar, reporter

_MOST_PROBLEMS = 10
_FORMATS = ("table", "json", "md", "jsonl", "junit", "sarif", "github")


@click.command("run")
@click.argument("file", required=False, metavar="[FILE]")
@click.option("--as-of", metavar="TIME", help="What yesterday and last 4h count from; default: now.")
@click.option("--only", multiple=True, metavar="NAME", help="Only checks of this name or tag (repeatable).")
@click.option("--dry-run", is_flag=True, help="Show what would be asked: checks, sources, requests. Asks nothing.")
@click.option("--figures", multiple=True, metavar="FILE", help="CSV of published figures (repeatable).")
@click.option("--source", "sources", multiple=True, metavar="ID", help="Ask only this source (repeatable).")
@click.option("--offline", is_flag=True, help="Use no network.")
@click.option("--deadline", type=click.FloatRange(1, 600), metavar="SECONDS", help="How long the sources have.")
@click.option(
    "--jobs", type=click.IntRange(1, 64), metavar="N", help="How many checks to judge at a time.  [default: 2]"
)
@click.option("--evidence", metavar="FILE", help="Keep every answer and every file of the run in this file (WARC).")
@click.option("--replay", is_flag=True, help="Take the answers from the evidence file: the same report, no network.")
@click.option("--baseline", metavar="FILE", help="The JSON report of the run before: tells new, known and fixed apart.")
@click.option(
    "--fail-on",
    type=click.Choice(["any", "new"]),
    help="Which checks count in the exit code; with --baseline those that are new, else any.",
)
@click.option("--format", "form", type=click.Choice(_FORMATS), default="table", show_default=True)
@click.option(
    "--report",
    "reports",
    multiple=True,
    metavar="KIND=FILE",
    help="Also write a report: json, jsonl, junit, sarif, github, summary or md (repeatable).",
)
@click.option("-q", "--quiet", is_flag=True, help="No progress on stderr.")
@click.option("--strict", is_flag=True, help="A row of figures that cannot be read is an error.")
@click.option("--exit-zero", is_flag=True, help="Exit with 0 whatever the checks say.")
def command(
    file: str | None,
    as_of: str | None,
    only: tuple[str, ...],
    dry_run: bool,
    figures: tuple[str, ...],
    sources: tuple[str, ...],
    offline: bool,
    deadline: float | None,
    jobs: int | None,
    evidence: str | None,
    replay: bool,
    baseline: str | None,
    fail_on: str | None,
    form: str,
    reports: tuple[str, ...],
    quiet: bool,
    strict: bool,
    exit_zero: bool,
) -> int:
    """Run the checks of a job file: FILE, or verify.toml, or [tool.verify] of pyproject.toml.

    \b
    verify run nightly.toml --as-of 2026-01-20 --report junit=out.xml --baseline yesterday.json
    """
    from verify.cli import run_output
    from verify.jobs import config, layers, plan, runner, trend
    from verify.model.stages import stage
    from verify.model.window import parse_instant

    before = trend.read(baseline) if baseline else None
    found = file or config.found()
    bar = Bar(quiet=quiet)
    options = runner.Options(
        file=found,
        as_of=parse_instant(as_of) if as_of else None,
        only=only,
        figures=figures,
        sources=sources,
        offline=offline or None,
        deadline=deadline,
        strict=strict,
        jobs=jobs,
        fail_on=fail_on,
        compared=before is not None,
        evidence=evidence,
        replay=replay,
        now=datetime.now(UTC),
        progress=reporter(quiet=quiet or not sys.stderr.isatty()),
        judged=bar.update,
    )
    with stage("settings"):
        targets = run_output.targets(reports or layers.settle(config.read(found))["report"].value)
    if dry_run:
        click.echo(plan.words(options), nl=False)
        return 0
    with bar:
        report = trend.compared(runner.run(options), before)
    for problem in report.problems[:_MOST_PROBLEMS]:
        say(f"verify: not read: {problem}")
    for warning in report.warnings:
        say(f"verify: {warning}")
    with stage("write reports"):
        run_output.write(report, form, targets)
    return 0 if exit_zero else report.exit_code
