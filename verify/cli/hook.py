"""`verify-article`: the pre-commit hook, which is given every changed text at once."""

from __future__ import annotations

import sys

import click

from verify.cli import INTERRUPTED, say
from verify.cli.article import read_text


@click.command("verify-article", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("files", nargs=-1, metavar="[FILE]...")
@click.option("--figures", multiple=True, metavar="FILE", help="A CSV of published figures (repeatable).")
@click.option("--published", metavar="TIME", help="The dateline of texts that have none.")
@click.option(
    "--fail-on",
    type=click.Choice(["differs", "inconclusive"]),
    default="differs",
    show_default=True,
    help="From which verdict on a text is refused.",
)
def hook(files: tuple[str, ...], figures: tuple[str, ...], published: str | None, fail_on: str) -> int:
    """Judge every figure of the FILEs by published figures, offline; tell only of texts that are refused."""
    from reports.article import table
    from verify.article import article
    from verify.claims.result import PRECEDENCE
    from verify.model.report import EXIT_CODES, Verdict

    worst = len(PRECEDENCE) - 1
    for file in files:
        report = article(read_text(file), name=file, published_at=published, figures=figures, offline=True)
        if report.exit_code(Verdict(fail_on)):
            click.echo(table(report), nl=False)
            worst = min(worst, PRECEDENCE.index(report.verdict))
    return EXIT_CODES[PRECEDENCE[worst]]


def main() -> None:
    """The entry point of the hook."""
    from verify.model.errors import VerifyError

    try:
        code = hook.main(prog_name="verify-article", standalone_mode=False)
    except VerifyError as error:
        say(f"verify-article: {error}")
        sys.exit(error.exit_code)
    except click.ClickException as error:
        say(f"verify-article: {error.format_message()}")
        sys.exit(2)
    except (KeyboardInterrupt, click.Abort):
        sys.exit(INTERRUPTED)
    sys.exit(code if isinstance(code, int) else 0)
