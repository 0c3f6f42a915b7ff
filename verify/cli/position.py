"""`verify position`."""

from __future__ import annotations

from typing import Any

import click

from verify.cli import options


@click.command("position")
@click.option("--holding", default="", metavar="COINS", help="So many coins, e.g. '626,700 ETH'.")
@click.option("--account", default="", metavar="0x...", help="The address that holds them, instead of --holding.")
@click.option("--asset", default="ETH", show_default=True, metavar="A", help="What to look for at the address.")
@click.option("--cost", metavar="USD", callback=options.filled, help="What one coin has cost, e.g. '$3,105.5'.")
@click.option(
    "--price",
    metavar="USD",
    callback=options.filled,
    help="The price to value it at (default: those of exchanges over the window).",
)
@click.option("--short", is_flag=True, help="The coins were sold short.")
@options.shared
def command(
    holding: str, account: str, asset: str, cost: str | None, price: str | None, short: bool, **asked: Any
) -> int:
    """Judge a claim about the gain of a holding: coins x (price - cost).

    \b
    verify position --holding '626,700 ETH' --cost '$3,105.5' --price '$3,204' \\
        --window 2026-01-19 --claim '$61.7M' --offline
    """
    from verify.pipeline.position import position

    report = position(
        asked["window"], asked["claim"], holding=holding, account=account, asset=asset, cost=cost, price=price,
        short=short, slack=asked["slack"], options=options.options(asked),
    )  # fmt: skip
    return options.tell(report, asked)
