"""The table of errors in docs/exit-codes.md, walked: every command exits as the table says, with one line of words."""

from __future__ import annotations

import re
import shlex
import signal
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from program import cascade
from program.conftest import Done, Run
from provider_server import ProviderServer, hang

PAGE = Path(__file__).parents[2] / "docs" / "exit-codes.md"
ROW = re.compile(
    r"^\| (?P<error>[^|]+) \| (?P<code>\d+) \| `(?P<command>verify[^`]*)` \| (?P<says>[^|]+) \|$", re.MULTILINE
)
ROWS = [(m["error"], int(m["code"]), m["command"], m["says"].strip()) for m in ROW.finditer(PAGE.read_text("utf-8"))]
FIGURES = """url,outlet,amount_usd,side,window_start_utc,window_end_utc,lineage
https://a.example/1,A,731000000,long,2026-01-19T00:00Z,2026-01-20T00:00Z,Alpha
"""
CHECK = """[settings]
offline = true
figures = ["figures.csv"]
[checks.a]
side = "long"
window = "2026-01-19"
claim = "{}"
"""


@pytest.fixture
def files(tmp_path: Path) -> None:
    """The files that the page speaks of."""
    texts = {
        "bad.toml": "[checks.a]\nwindow = '2026-01-19'\nclaim = '$5M'\ntolerence = 1\n",
        "good.toml": CHECK.format("$731M"),
        "wrong.toml": CHECK.format("$9M"),
        "figures.csv": FIGURES,
        "no-url.csv": "outlet,amount_usd\nA,5\n",
        "empty.csv": "",
        "draft.md": "On January 19 2026 longs lost $731 million.\n",
        "other.json": "{}",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "latin.csv").write_bytes("url,amount_usd\nhttps://a.example/é,5\n".encode("latin-1"))
    (tmp_path / "binary.md").write_bytes(b"\xff\xfe\x00")


def evidence(run: Run, server: ProviderServer, tmp_path: Path) -> None:
    """`kept.warc` of a run over four hours, and `damaged.warc`, in which a byte of an answer is another."""
    cascade.serve(server, cascade.Market(datetime.now(UTC)))
    assert run("liquidations", "--window", "4h", "--source", "gate", "--evidence", "kept.warc", "-q").code == 0
    data = bytearray((tmp_path / "kept.warc").read_bytes())
    data[data.index(b'"fill_price": "99000"') + 16] ^= 1
    (tmp_path / "damaged.warc").write_bytes(data)


def test_the_table_is_there() -> None:
    assert len(ROWS) == PAGE.read_text("utf-8").count("| `verify")
    assert {code for _, code, _, _ in ROWS} == {1, 2, 3, 4, 130}


@pytest.mark.usefixtures("files")
def test_every_error_of_the_table_is_what_the_table_says(run: Run, server: ProviderServer, tmp_path: Path) -> None:
    evidence(run, server, tmp_path)
    before = sorted(path.name for path in tmp_path.iterdir())
    wrong = {}
    for error, code, command, says in ROWS:
        if code == 130:
            continue
        environment = {"VERIFY_HOST_MAP": "*=http://127.0.0.1:9"} if error == "a source that cannot be reached" else {}
        done = run(*shlex.split(command)[1:], **environment)
        told = " ".join((done.err + done.out).split())
        one_line = code != 2 or error == "no command" or (done.err.count("\n") == 1 and not done.out)
        if done.code != code or says not in told or not one_line:
            wrong[error] = (done.code, told[:300])
    assert wrong == {}
    assert sorted(path.name for path in tmp_path.iterdir()) == before, "nothing half-written is left"


@pytest.mark.slow
def test_ctrl_c_is_what_the_table_says(interrupted: Callable[..., Done], server: ProviderServer) -> None:
    server.serve("api.gateio.ws", "/api/v4/futures/usdt/liq_orders", hang())
    ((_, code, command, says),) = [row for row in ROWS if row[1] == 128 + signal.SIGINT]
    done = interrupted(lambda: bool(server.asked), *shlex.split(command)[1:])
    assert (done.code, done.out) == (code, "")
    assert says in done.err
