"""Pages that are made from the command line, the catalogue of slips and the streams; `generate-docs` writes them."""

from __future__ import annotations

from collections.abc import Iterator

import click

from sources import registry
from sources.recorder.run import channels_of
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


def streams_page() -> str:
    """Every stream that `verify record` listens to, from its declaration in `sources/streams/`."""
    lines = [
        "# Streams",
        "",
        "Made from the declarations in `sources/streams/` by `scripts/generate-docs`; do not edit. What",
        "`verify record` listens to ([recorder.md](recorder.md)), and by what it tells a quiet stream from a dead one:",
        "the *control* is subscribed to beside the liquidations and is never quiet. *Usual* is the number of frames an",
        "hour that are taken for usual until the recorder has learned better, 0 where nothing is expected.",
    ]
    for chosen in channels_of(registry.load().values(), ()):
        speaks = chosen.speaks
        lines += ["", f"## `{chosen.key}`", ""]
        for feed in speaks.feeds:
            by = ", subscribed contract by contract" if feed.listed else ""
            lines.append(f"* **Feed** {feed.name}: `{feed.url}`{by}.")
        lines.append(
            f"* **Control** {speaks.control}; dead after {speaks.grace:g} s without it. Usual: {speaks.typical:g}."
        )
        if speaks.ping is not None:
            lines.append(f"* **Kept awake** with `{speaks.ping}` every {speaks.ping_every:g} s.")
        if speaks.answer is not None:
            lines.append("* **Answers** the venue's own pings.")
        if speaks.life is not None:
            lines.append(f"* **Lives** {speaks.life / 3600:g} hours at most; its successor begins before that.")
        lines.append(f"* **Documented** {', '.join(f'<{url}>' for url in speaks.docs)}.")
        lines += [f"* **Doubtful** {doubt[:1].upper()}{doubt[1:]}." for doubt in speaks.doubts]
    return "\n".join(lines) + "\n"
