"""`verify reconcile`."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import UTC, datetime

import click

from verify.cli import output

_FORMS = ("table", "json", "md")


@click.command("reconcile")
@click.argument("tables", nargs=-1, required=True, metavar="A B [C]...")
@click.option("--key", "keys", multiple=True, metavar="COLUMN", help="A column that tells rows apart (repeatable).")
@click.option("--value", "values", multiple=True, metavar="COLUMN", help="A column to compare (repeatable).")
@click.option("--abs", "absolute", type=click.FloatRange(0), default=0.0, metavar="X", help="Match within X.")
@click.option(
    "--rel",
    "relative",
    default="1e-9",
    show_default=True,
    metavar="X",
    help="Match within this share (or 1%) of the larger.",
)
@click.option(
    "--tolerance",
    "columns",
    multiple=True,
    metavar="COLUMN=X",
    help="The same for one column: price=0.01, usd=1%.",
)
@click.option("--name", "names", multiple=True, metavar="NAME", help="What the tables are called, in their order.")
@click.option("--rename", "renamed", multiple=True, metavar="TABLE:OLD=NEW", help="Give a column the common name.")
@click.option("--lineage", "lineages", multiple=True, metavar="TABLE=FEED", help="A feed that a table descends from.")
@click.option("--every", default="", metavar="D", help="Add values up to intervals of the time first, e.g. 1h.")
@click.option("--zone", default="", metavar="Z", help="The zone of times that name none.  [default: UTC]")
@click.option("--decimal", type=click.Choice([".", ","]), help="The sign before decimals.  [default: as shown]")
@click.option("--window", metavar="W", help="For which time sources are asked.")
@click.option("--asset", "assets", multiple=True, metavar="A", help="Ask sources for this asset only (repeatable).")
@click.option("--format", "form", type=click.Choice(_FORMS), default="table", show_default=True)
@click.option("-o", "--output", "target", metavar="FILE", help="Write the result to a file.")
@click.option("--exit-zero", is_flag=True, help="Exit with 0 whatever differs.")
def command(
    tables: tuple[str, ...],
    keys: tuple[str, ...],
    values: tuple[str, ...],
    absolute: float,
    relative: str,
    columns: tuple[str, ...],
    names: tuple[str, ...],
    renamed: tuple[str, ...],
    lineages: tuple[str, ...],
    every: str,
    zone: str,
    decimal: str | None,
    window: str | None,
    assets: tuple[str, ...],
    form: str,
    target: str | None,
    exit_zero: bool,
) -> int:
    """Compare two or more numeric tables: files, sql: addresses, or sources for a window.

    Exits with 0 where all match, 1 where they differ, 3 where nothing is
    comparable, 4 where a source does not answer.

    \b
    verify reconcile ours.csv theirs.parquet --key time --key asset --value usd --rel 1%
    """
    from reports import reconciliation
    from verify.pipeline.tables import reconcile_tables

    share = _share(relative)
    found = reconcile_tables(
        *tables,
        keys=keys,
        values=values,
        absolute=absolute,
        relative=share,
        tolerances=_tolerances(columns),
        names=names,
        rename=_renames(renamed),
        lineage=_lineages(lineages),
        every=every,
        zone=zone,
        decimal=decimal or "",
        window=window,
        assets=assets,
        now=datetime.now(UTC),
    )
    width = shutil.get_terminal_size((80, 24)).columns
    output.write_text(reconciliation.render(found, form, width=width), target=target)
    return 0 if exit_zero else found.exit_code


def _share(text: str) -> float:
    """`0.01` or `1%`."""
    from verify.model.errors import InputError

    try:
        value = float(text.strip().removesuffix("%")) / (100 if text.strip().endswith("%") else 1)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1e6:
        raise InputError(f"{text!r} is no tolerance: write 0.01 or 1%")
    return value


def _tolerances(given: Sequence[str]) -> dict[str, tuple[float, float]]:
    """`price=0.01` is absolute, `usd=1%` relative."""
    found = {}
    for text in given:
        column, amount = _split(text, "--tolerance", "COLUMN=X")
        found[column] = (0.0, _share(amount)) if amount.strip().endswith("%") else (_share(amount), 0.0)
    return found


def _renames(given: Sequence[str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for text in given:
        where, new = _split(text, "--rename", "TABLE:OLD=NEW")
        table, colon, old = where.rpartition(":")
        if not colon or not table or not old:
            raise click.BadParameter(f"{text!r} is not TABLE:OLD=NEW", param_hint="--rename")
        found.setdefault(table, {})[old] = new
    return found


def _lineages(given: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for text in given:
        table, feed = _split(text, "--lineage", "TABLE=FEED")
        found.setdefault(table, []).append(feed)
    return found


def _split(text: str, option: str, form: str) -> tuple[str, str]:
    left, equals, right = text.rpartition("=")
    if not equals or not left or not right:
        raise click.BadParameter(f"{text!r} is not {form}", param_hint=option)
    return left, right
