"""The command line: one file per command, loaded when it is called."""

from __future__ import annotations

import io
import os
import sys
from importlib import import_module
from pathlib import Path

import click

_COMMANDS = {
    "article": ("verify.cli.article", "Find every figure in a text and judge it."),
    "calibrate": ("verify.cli.calibrate", "Try the estimate on simulated markets whose truth is known."),
    "completion": ("verify.cli.completion", "Print the completion script of a shell."),
    "config": ("verify.cli.config", "Look into the settings."),
    "evidence": ("verify.cli.evidence", "Look into the file that keeps every answer of a run."),
    "flows": ("verify.cli.flows", "Judge a claim about flows of funds or volumes of decentralised exchanges."),
    "liquidations": (
        "verify.cli.liquidations",
        "Judge a claim about liquidations, or show what is known for a window.",
    ),
    "market": ("verify.cli.market", "Judge a claim about a price, a volatility or a correlation."),
    "mcp": ("verify.cli.mcp", "Serve three read-only tools to an assistant."),
    "position": ("verify.cli.position", "Judge a claim about the gain of a holding."),
    "init": ("verify.cli.init", "Write a job file to start from."),
    "run": ("verify.cli.run", "Run the checks of a job file."),
    "record": ("verify.cli.record", "Listen to live streams of liquidations, and look after what was heard."),
    "reconcile": ("verify.cli.reconcile", "Compare any numeric tables: what matches, is missing, differs, and why."),
    "sources": ("verify.cli.sources", "List the sources, show one, or ask which are alive."),
}
#: The commands whose options take their defaults from the settings; `run` settles its own.
_SETTLED = frozenset({"article", "flows", "liquidations", "position"})
INTERRUPTED = 130
FAULT = 4


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called, so that `--help` is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # click's signature
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = import_module(_COMMANDS[cmd_name][0]).command
        _with_debug(command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, _COMMANDS[name][1]) for name in self.list_commands(ctx)])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0] if args else ""
        if name and not name.startswith("-") and name not in _COMMANDS:
            from verify.model.names import similarity

            near = max(_COMMANDS, key=lambda known: similarity(name.lower(), known))
            hint = f"; did you mean {near}?" if similarity(name.lower(), near) >= 60 else ""
            ctx.fail(f"no such command {name!r}{hint}")
        if name in _SETTLED:
            from verify.jobs.layers import defaults_of_commands

            ctx.default_map = {name: defaults_of_commands()}
        return super().resolve_command(ctx, args)


def _with_debug(command: click.Command) -> None:
    """Give a command and those below it the option `--debug`."""
    if any(option.name == "debug" for option in command.params):
        return
    command.params.append(
        click.Option(
            ["--debug"], is_flag=True, expose_value=False, is_eager=True, callback=_debug,
            help="Say on stderr how long each stage takes.",
        )
    )  # fmt: skip
    if isinstance(command, click.Group):
        for below in command.commands.values():
            _with_debug(below)


def _debug(_context: click.Context, _option: click.Parameter, wanted: bool) -> None:
    """Show what the stages log, and nothing of what libraries do: they print headers, in which a key may stand."""
    if not wanted:
        return
    import logging

    from verify.model.stages import LOGGER

    if not LOGGER.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("verify: %(message)s"))
        LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.DEBUG)
    LOGGER.propagate = False


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="verify-figures", prog_name="verify")
def cli() -> None:
    """Is that figure true, and how sure can you be?

    Exit codes: 0 supported, 1 differs, 2 usage, 3 inconclusive, 4 a source
    failure prevented a verdict, 130 interrupted.
    """


def say(text: str) -> None:
    """One line on stderr, whatever the strings from outside in it hold."""
    from reports.text import plain

    click.echo(plain(text), err=True)


def main() -> None:
    """The entry point: every expected failure is one line on stderr and a documented exit code."""
    from verify.model.errors import VerifyError

    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the caller: the verdict still stands in the exit code
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115  # for the whole run
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a latin-1 terminal shows ? for what it cannot, not a traceback
    from verify.model.stages import stage

    output = sys.stdout
    try:
        with stage("the whole command", since_start=True):
            code = cli.main(prog_name="verify", standalone_mode=False)
        sys.stdout.flush()
    except VerifyError as error:
        say(f"verify: {error}")
        sys.exit(error.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        sys.exit(2)
    except click.ClickException as error:
        say(f"verify: {error.format_message()}")
        sys.exit(2)
    except (KeyboardInterrupt, click.Abort):
        say("verify: interrupted")
        sys.exit(INTERRUPTED)
    except SystemExit as end:
        gone = sys.stdout is not output  # click lays a silent one over it where nobody reads: `verify sources | head`
        sys.exit(0 if gone else end.code)
    except OSError as error:
        _give_up_stdout()
        say(f"verify: cannot use {error.filename or 'the standard output'}: {error.strerror or error}")
        sys.exit(2)
    except Exception:  # whatever was not foreseen: Python's own exit code would say that a claim differs
        import traceback

        for line in traceback.format_exc().splitlines():
            say(line)
        say("verify: this is a fault of verify itself and no verdict: please report the lines above")
        sys.exit(FAULT)
    sys.exit(code if isinstance(code, int) else 0)


def _give_up_stdout() -> None:
    """Let what is still waiting to be written go nowhere, so that the end of the program does not try again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
