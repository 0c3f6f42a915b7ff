"""`verify mcp`."""

from __future__ import annotations

import click


@click.command("mcp")
@click.option("--online", is_flag=True, help="Let check_claim ask the sources; without, published figures only.")
def command(online: bool) -> int:
    """Serve check_claim, check_text and list_sources to an assistant (Model Context Protocol over stdio).

    Needs the extra mcp: pip install 'verify-figures[mcp]'.
    """
    from verify.server import serve

    serve(online=online)
    return 0
