"""`verify calibrate`."""

from __future__ import annotations

import sys

import click


@click.command("calibrate")
@click.option(
    "--windows", type=click.IntRange(1), default=150, show_default=True, metavar="N", help="How many windows in all."
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, metavar="S", help="Which windows.")
@click.option(
    "--scenario",
    "scenarios",
    multiple=True,
    metavar="NAME",
    help="Only this scenario (repeatable), e.g. nominal, faults, wrong_rule.",
)
@click.option("--format", "form", type=click.Choice(["table", "json", "html"]), default="table", show_default=True)
@click.option("--processes", type=click.IntRange(1, 64), default=2, show_default=True, metavar="N")
def command(windows: int, seed: int, scenarios: tuple[str, ...], form: str, processes: int) -> int:
    """Try the estimate on simulated markets whose truth is known.

    The windows are spread evenly over the scenarios (all, where none is named) and over quiet, crash and extreme
    markets. The same seed gives the same windows.

    \b
    verify calibrate --windows 60 --scenario nominal --scenario faults
    """
    from reports import calibration
    from verify.calibrate import calibrate

    with click.progressbar(length=windows, label="windows", file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
        result = calibrate(
            windows, seed, scenarios, processes=processes, progress=lambda done, _: bar.update(done - bar.pos)
        )
    click.echo(calibration.render(result, form), nl=False)
    return 0
