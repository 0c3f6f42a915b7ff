"""`verify liquidations`."""

from __future__ import annotations

from typing import Any

import click

from verify.cli import options, say


@click.command("liquidations")
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
@click.option("--channel", metavar="NAME", help="Ask only what this provider says.")
@options.shared
def command(
    side: str,
    assets: tuple[str, ...],
    venues: tuple[str, ...],
    count_over: str | None,
    channel: str | None,
    **asked: Any,
) -> int:
    """Judge a claim about liquidations, or show what is known for a window.

    \b
    verify liquidations --window 2026-01-18T22:30Z/2026-01-19T02:30Z --side long --claim '$750M' --offline
    """
    from verify import pipeline
    from verify.model.amount import Amount

    claim = asked["claim"]
    report = pipeline.liquidations(
        asked["window"],
        claim,
        slack=asked["slack"],
        side=side,
        assets=assets,
        venues=venues,
        count_over=count_over,
        channel=channel,
        **options.taken(asked),
    )
    if claim and count_over is None and not asked["quiet"] and not Amount.parse(claim).currency:
        say(
            f"verify: the claim {claim.strip()!r} names no currency and is taken as US dollars; if you wrote one, use"
            " single quotes: a shell takes $7 in double quotes for a variable"
        )
    return options.tell(report, asked)
