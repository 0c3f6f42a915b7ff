"""`verify flows`."""

from __future__ import annotations

from typing import Any

import click

from verify.cli import options


@click.command("flows")
@click.option("--kind", type=click.Choice(["etf", "dex"]), default="etf", show_default=True, help="What flows.")
@click.option("--asset", default="", metavar="A", help="What the funds hold.")
@click.option("--fund", default="", metavar="TICKER", help="Only this fund.")
@click.option("--protocol", default="", metavar="NAME", help="The exchange whose volume it is (with --kind dex).")
@options.shared
def command(kind: str, asset: str, fund: str, protocol: str, **asked: Any) -> int:
    """Judge a claim about the flow of funds or the volume of a decentralised exchange.

    \b
    verify flows --kind etf --asset SOL --window 2026-01-12/2026-01-17 --claim '$46.88M' --offline
    verify flows --kind dex --protocol byreal --window 2025-06-30/2026-01-20 --claim '$1.18bn'
    """
    from verify.model.errors import InputError
    from verify.pipeline.flows import flows

    if kind == "etf" and protocol:
        raise InputError("--protocol names a decentralised exchange: add --kind dex")
    if kind == "dex" and (fund or asset):
        raise InputError("--asset and --fund belong to --kind etf")
    report = flows(
        asked["window"], asked["claim"], kind=kind, asset=asset, subject=fund or protocol, slack=asked["slack"],
        options=options.options(asked),
    )  # fmt: skip
    return options.tell(report, asked)
