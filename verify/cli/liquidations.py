"""`verify liquidations`."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from verify.cli import output, say
from verify.cli.progress import reporter

_MOST_PROBLEMS = 10


@click.command("liquidations")
@click.option("--window", required=True, metavar="W", help="START/END, START/PT4H, PT4H/END, 4h, 4h@END or a day.")
@click.option("--slack", metavar="D", help="How far the edges of the window may be off, e.g. 2h.")
@click.option(
    "--side",
    type=click.Choice(["long", "short", "both"]),
    default="both",
    show_default=True,
    help="The side of the positions that were liquidated.",
)
@click.option("--asset", "assets", multiple=True, metavar="A", help="Only this asset (repeatable).")
@click.option("--venue", "venues", multiple=True, metavar="V", help="Only this venue (repeatable).")
@click.option(
    "--count-over",
    metavar="USD",
    help="Count liquidations above this size instead of adding them up; a claim may say of what: '38 positions'.",
)
@click.option("--claim", metavar="TEXT", help="The number to judge as it would be printed: 'about $750M'.")
@click.option("--channel", metavar="NAME", help="Ask only what this provider says.")
@click.option(
    "--figures",
    multiple=True,
    metavar="FILE",
    help="A CSV of published figures, instead of the events that ship with verify (name those: bundled).",
)
@click.option(
    "--source",
    "sources",
    multiple=True,
    metavar="ID",
    help="Ask only this source, files at 'hyperliquid:DIR' or 'file:desk.csv', or the simulated market at"
    " 'simulated:crash?seed=7' (repeatable).",
)
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
@click.option("--format", "form", type=click.Choice(output.FORMATS), default="table", show_default=True)
@click.option("-o", "--output", "target", metavar="FILE", help="Write the report to a file.")
@click.option(
    "--min-confidence",
    type=click.FloatRange(0, 1),
    default=0.0,
    metavar="X",
    help="A supported claim with less confidence is inconclusive.",
)
@click.option("-q", "--quiet", is_flag=True, help="No progress on stderr.")
@click.option("--strict", is_flag=True, help="A row that cannot be read is an error.")
@click.option("--exit-zero", is_flag=True, help="Exit with 0 whatever the verdict.")
def command(
    window: str,
    slack: str | None,
    side: str,
    assets: tuple[str, ...],
    venues: tuple[str, ...],
    count_over: str | None,
    claim: str | None,
    channel: str | None,
    figures: tuple[str, ...],
    sources: tuple[str, ...],
    offline: bool,
    deadline: float,
    evidence: str | None,
    replay: bool,
    quiet: bool,
    form: str,
    target: str | None,
    min_confidence: float,
    strict: bool,
    exit_zero: bool,
) -> int:
    """Judge a claim about liquidations, or show what is known for a window.

    \b
    verify liquidations --window 2026-01-18T22:30Z/2026-01-19T02:30Z --side long --claim '$750M' --offline
    """
    from verify import pipeline
    from verify.model.amount import Amount

    report = pipeline.liquidations(
        window,
        claim,
        slack=slack,
        side=side,
        assets=assets,
        venues=venues,
        count_over=count_over,
        channel=channel,
        figures=figures,
        sources=sources,
        offline=offline or None,
        deadline=deadline,
        evidence=evidence,
        replay=replay,
        progress=reporter(quiet=quiet),
        min_confidence=min_confidence,
        strict=strict,
        now=datetime.now(UTC),
    )
    if claim and count_over is None and not quiet and not Amount.parse(claim).currency:
        say(
            f"verify: the claim {claim.strip()!r} names no currency and is taken as US dollars; if you wrote one, use"
            " single quotes: a shell takes $7 in double quotes for a variable"
        )
    for problem in report.problems[:_MOST_PROBLEMS]:
        say(f"verify: not read: {problem}")
    if len(report.problems) > _MOST_PROBLEMS:
        say(f"verify: not read: {len(report.problems) - _MOST_PROBLEMS} more rows, all named in the report")
    output.write(report, form=form, target=target)
    return 0 if exit_zero else report.exit_code
