"""`verify market`."""

from __future__ import annotations

from typing import Any

import click

from verify.cli import options


@click.group("market", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Judge a claim about a price, a volatility or a correlation, venue by venue."""


def _run(kind: str, asset: str, venues: tuple[str, ...], asked: dict[str, Any]) -> int:
    from verify.pipeline.market import market

    report = market(
        asked["window"], asked["claim"], kind=kind, asset=asset, venues=venues, slack=asked["slack"],
        options=options.options(asked),
    )  # fmt: skip
    return options.tell(report, asked)


@command.command("price")
@click.option("--asset", required=True, metavar="A", help="The asset whose price it is.")
@click.option("--venue", "venues", multiple=True, metavar="V", help="Only this exchange (repeatable).")
@options.shared
def price(asset: str, venues: tuple[str, ...], **asked: Any) -> int:
    """Lowest, highest and closing prices and changes, by exchange and by where a day begins.

    \b
    verify market price --asset BTC --window 2026-01-19 --claim 'fell more than 3%'
    verify market price --asset BTC --window 2026-01-19 --claim 'broke $92,000'
    """
    return _run("price", asset, venues, asked)


@command.command("volatility")
@click.option("--asset", default="", metavar="A", help="BTC or ETH; without it both are told.")
@options.shared
def volatility(asset: str, **asked: Any) -> int:
    """Implied volatility (DVOL) in points.

    \b
    verify market volatility --asset BTC --window 2025-11-01/2026-01-19 --claim 'down 18-25 points'
    """
    return _run("volatility", asset, (), asked)


@command.command("correlation")
@click.option("--asset", required=True, metavar="A", help="The asset to hold against the S&P 500.")
@options.shared
def correlation(asset: str, **asked: Any) -> int:
    """Correlation of daily returns with the S&P 500, over 30, 60 and 90 days.

    \b
    verify market correlation --asset BTC --window 2026-01-19 --claim 'new high'
    """
    return _run("correlation", asset, (), asked)
