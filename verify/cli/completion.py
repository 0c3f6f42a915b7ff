"""`verify completion`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(context: click.Context, shell: str) -> int:
    """Print the completion script of a shell.

    \b
    bash: eval "$(verify completion bash)" in ~/.bashrc
    zsh:  eval "$(verify completion zsh)" in ~/.zshrc
    fish: verify completion fish > ~/.config/fish/completions/verify.fish
    """
    made = get_completion_class(shell)
    assert made is not None, "click knows the three"
    click.echo(made(context.find_root().command, {}, "verify", "_VERIFY_COMPLETE").source_template % _names())
    return 0


def _names() -> dict[str, str]:
    return {"complete_func": "_verify_completion", "complete_var": "_VERIFY_COMPLETE", "prog_name": "verify"}
