"""`verify mcp` with the official client over stdio: the same JSON as the commands, errors as errors, no traces."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from program.conftest import PROGRAM

mcp = pytest.importorskip("mcp", reason="the extra mcp is not installed: pip install 'verify-figures[mcp]'")
WINDOW = "2026-01-18T22:30Z/2026-01-19T02:30Z"


def talk(conversation: Callable[[Any], Awaitable[Any]], folder: Path) -> Any:
    """Start the server as an assistant does, and end it."""
    from mcp import Client, StdioServerParameters

    async def run() -> Any:
        started = StdioServerParameters(
            command=PROGRAM,
            args=["mcp"],
            cwd=str(folder),
            env={"VERIFY_OFFLINE": "1", "VERIFY_COINGLASS_API_KEY": "CANARY-12345"},
        )
        async with Client(started, read_timeout_seconds=120) as client:
            return await conversation(client)

    return asyncio.run(run())


@pytest.mark.slow
def test_the_tools_answer_as_the_commands_do(tmp_path: Path) -> None:
    async def conversation(client: Any) -> dict[str, Any]:
        listed = await client.list_tools()
        claim = {"window": WINDOW, "claim": "$750M", "side": "long"}
        text = "On January 19 2026 traders lost $750 million in long liquidations within four hours."
        calls = {
            "claim": ("check_claim", claim),
            "known": ("check_claim", {"window": WINDOW}),
            "text": ("check_text", {"text": text, "published": "2026-01-19T02:30Z"}),
            "sources": ("list_sources", {}),
            "bad window": ("check_claim", {"window": "someday"}),
            "bad side": ("check_claim", {"window": WINDOW, "side": "buy"}),
            "bad date": ("check_text", {"text": "x", "published": "someday"}),
        }
        answers = {}
        for name, (tool, arguments) in calls.items():
            answers[name] = await client.call_tool(tool, arguments)
        return {"listed": listed, **answers}

    told = talk(conversation, tmp_path)
    tools = {tool.name: tool for tool in told["listed"].tools}
    assert set(tools) == {"check_claim", "check_text", "list_sources"}
    assert all(tool.annotations.read_only_hint for tool in tools.values())
    answers = {name: answer.content[0].text for name, answer in told.items() if name != "listed"}
    assert {name for name in answers if told[name].is_error} == {"bad window", "bad side", "bad date"}
    claim = json.loads(answers["claim"])
    assert (claim["command"], claim["verdict"], claim["exit_code"]) == ("liquidations", "differs", 1)
    assert claim["explanations"]
    assert json.loads(answers["known"])["verdict"] is None
    assert json.loads(answers["text"])["claims"][0]["verdict"] == "differs"
    assert "gate" in {source["id"] for source in json.loads(answers["sources"])["sources"]}
    assert "cannot read the window 'someday'" in answers["bad window"]
    assert "CANARY" not in "".join(answers.values())
    assert list(tmp_path.iterdir()) == []


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    from verify.model.errors import InputError
    from verify.server import serve

    monkeypatch.setitem(sys.modules, "mcp.server", None)
    with pytest.raises(InputError, match=r"pip install 'verify-figures\[mcp\]'"):
        serve()
