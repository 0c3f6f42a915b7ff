"""The options that several commands share, as one decorator, and what they say to the Python API."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click

from verify.cli import output, say
from verify.cli.progress import reporter

if TYPE_CHECKING:
    from verify.model.report import Report
    from verify.pipeline.observed import Options

F = TypeVar("F", bound=Callable[..., Any])
_MOST_PROBLEMS = 10


def filled(_context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """Refuse a text of nothing: a variable that a job forgot to set is no wish to leave the question out."""
    if value is not None and not value.strip():
        raise click.BadParameter("is empty: fill it or leave the option out", param=option)
    return value


_SHARED = (
    click.option("--window", required=True, metavar="W", help="START/END, START/PT4H, PT4H/END, 4h, 4h@END or a day."),
    click.option("--slack", metavar="D", help="How far the edges of the window may be off, e.g. 2h."),
    click.option("--claim", metavar="TEXT", callback=filled, help="The statement to judge, as it would be printed."),
    click.option(
        "--figures",
        multiple=True,
        metavar="FILE",
        help="A CSV of published figures, instead of the events that ship with verify (name those: bundled).",
    ),
    click.option(
        "--source",
        "sources",
        multiple=True,
        metavar="ID",
        help="Ask only this source, or what is at an address: 'file:desk.csv', 'hyperliquid:DIR', 'recorded:DIR',"
        " 'simulated:crash?seed=7' (repeatable).",
    ),
    click.option("--offline", is_flag=True, help="Use no network."),
    click.option(
        "--deadline",
        type=click.FloatRange(1, 600),
        default=60.0,
        show_default=True,
        metavar="SECONDS",
        help="How long the sources have.",
    ),
    click.option("--evidence", metavar="FILE", help="Keep every answer in this file (WARC)."),
    click.option(
        "--replay", is_flag=True, help="Take the answers from the evidence file: the same report, no network."
    ),
    click.option("--format", "form", type=click.Choice(output.FORMATS), default="table", show_default=True),
    click.option("-o", "--output", "target", metavar="FILE", help="Write the report to a file."),
    click.option(
        "--min-confidence",
        type=click.FloatRange(0, 1),
        default=0.0,
        metavar="X",
        help="A supported claim with less confidence is inconclusive.",
    ),
    click.option("-q", "--quiet", is_flag=True, help="No progress on stderr."),
    click.option("--strict", is_flag=True, help="A row that cannot be read is an error."),
    click.option("--exit-zero", is_flag=True, help="Exit with 0 whatever the verdict."),
)


def shared(command: F) -> F:
    """Add the shared options, in the order in which help shows them."""
    for option in reversed(_SHARED):
        command = option(command)
    return command


def taken(asked: dict[str, Any]) -> dict[str, Any]:
    """The part of the options that every function of the Python API takes, by its parameters."""
    return {
        "figures": asked["figures"],
        "sources": asked["sources"],
        "offline": asked["offline"] or None,
        "deadline": asked["deadline"],
        "evidence": asked["evidence"],
        "replay": asked["replay"],
        "min_confidence": asked["min_confidence"],
        "strict": asked["strict"],
        "now": datetime.now(UTC),
        "progress": reporter(quiet=asked["quiet"]),
    }


def options(asked: dict[str, Any]) -> Options:
    """The same as one object, which the commands for flows, markets and positions take."""
    from verify.pipeline.observed import Options

    return Options(**taken(asked))


def tell(report: Report, asked: dict[str, Any]) -> int:
    """Write the report, say what could not be read, and give the exit code."""
    for problem in report.problems[:_MOST_PROBLEMS]:
        say(f"verify: not read: {problem}")
    if len(report.problems) > _MOST_PROBLEMS:
        say(f"verify: not read: {len(report.problems) - _MOST_PROBLEMS} more rows, all named in the report")
    output.write(report, form=asked["form"], target=asked["target"])
    return 0 if asked["exit_zero"] else report.exit_code
