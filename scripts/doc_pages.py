"""Pages that are made from the command line and from the catalogue of slips; `generate-docs` writes them."""

from __future__ import annotations

from collections.abc import Iterator

import click

from verify.cli import cli
from verify.reconcile.slips import CATALOGUE

_WIDTH = 100


def cli_page() -> str:
    """Every command with its help, as the program prints it."""
    lines = [
        "# Command line",
        "",
        "Made from the program by `scripts/generate-docs`; do not edit. Exit codes: [exit-codes.md](exit-codes.md).",
    ]
    for path, command, context in _commands(cli, "verify", None):
        lines += ["", f"## `{path}`", "", "```", command.get_help(context).rstrip(), "```"]
    return "\n".join(lines) + "\n"


def _commands(
    command: click.Command, path: str, parent: click.Context | None
) -> Iterator[tuple[str, click.Command, click.Context]]:
    context = click.Context(command, info_name=path.rsplit(" ", 1)[-1], parent=parent, terminal_width=_WIDTH)
    yield path, command, context
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            if found is not None:
                yield from _commands(found, f"{path} {name}", context)


def slips_page() -> str:
    """The catalogue: what each slip does, how it ranks, and where it was seen in print."""
    lines = [
        "# Slips",
        "",
        "Made from `verify/reconcile/slips.py` by `scripts/generate-docs`; do not edit.",
        "",
        "How a true figure becomes a wrong one on its way into print. A claim that does not fit is compared with every",
        "known figure as each slip would print it. Explanations are ranked: those that give exactly the claim within",
        "its own rounding first, then by the cost of the slip (0 is no slip, small is common), then by distance. One",
        "that also needs coarser rounding is offered up to a distance of 6 %, with the coarseness it needs.",
        "",
        "A number whose origin is unknown, or that was set aside as impossible, explains nothing by merely being",
        "printed: of those only true slips are offered.",
        "",
        "| slip | what happened | cost | seen in print in the event of |",
        "|---|---|---:|---|",
    ]
    for slip in CATALOGUE:
        title = "the same quantity over another length of window" if slip.id == "window_changed" else slip.title
        lines.append(f"| `{slip.id}` | {title} | {slip.cost:g} | {slip.seen} |")
    return "\n".join(lines) + "\n"
