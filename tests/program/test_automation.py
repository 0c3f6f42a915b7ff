"""The action, the pre-commit hook, the container file and the cron example: they say what the program understands."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from verify.cli import cli
from verify.cli.hook import hook

ROOT = Path(__file__).parents[2]
JOB = """[settings]
offline = true
[checks.a]
side = "long"
window = "2026-01-18T22:30Z/PT4H"
claim = "$750M"
tags = ["t"]
"""


def loaded(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def test_every_input_of_the_action_reaches_its_script() -> None:
    action = loaded("action.yml")
    steps = action["runs"]["steps"]
    run = steps[-1]
    assert set(run["env"].values()) == {f"${{{{ inputs.{name} }}}}" for name in action["inputs"]}
    script = (ROOT / "scripts" / "action").read_text(encoding="utf-8")
    assert all(name in script for name in run["env"])
    assert not any("${{" in step.get("run", "") for step in steps), "inputs in a script could be commands"


@pytest.mark.slow
def test_the_action_annotates_summarises_and_keeps_reports(tmp_path: Path) -> None:
    (tmp_path / "my checks.toml").write_text(JOB, encoding="utf-8")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("VERIFY_")},
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"), "GITHUB_OUTPUT": str(tmp_path / "output"),
        "INPUT_FILE": "my checks.toml", "INPUT_AS_OF": "2026-01-20", "INPUT_ONLY": "t $(touch evil)",
        "INPUT_BASELINE": "out/verify.json", "INPUT_REPORTS": "out",
    }  # fmt: skip

    def act(**more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", str(ROOT / "scripts" / "action")],
            cwd=tmp_path, env={**environment, **more}, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip

    refused = act()
    assert (refused.returncode, refused.stdout) == (2, "")
    assert not (tmp_path / "evil").exists()
    first, second = act(INPUT_ONLY="t"), act(INPUT_ONLY="t")
    assert first.returncode == 1
    assert first.stdout.startswith("::error file=my checks.toml,line=3,title=a::a: differs.")
    assert second.returncode == 0, "what is known is no alarm"
    assert json.loads((tmp_path / "out" / "verify.json").read_text())["checks"][0]["change"] == "known"
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "verify.json", "verify.xml", "verify.sarif", "verify.warc.gz",
    }  # fmt: skip
    assert (tmp_path / "output").read_text() == "exit-code=2\nexit-code=1\nexit-code=0\n"
    assert (tmp_path / "summary.md").read_text().count("## 1 check: 1 differs") == 2


def test_the_hook_refuses_a_text_whose_figure_differs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (declared,) = loaded(".pre-commit-hooks.yaml")
    assert declared["id"] == "verify-article"
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    assert scripts[declared["entry"]] == "verify.cli.hook:main"
    monkeypatch.chdir(tmp_path)
    text = "Published 2026-01-19T02:30Z.\n\nLong positions lost ${} million in about four hours, CoinGlass says.\n"
    (tmp_path / "good.md").write_text(text.format(730), encoding="utf-8")
    (tmp_path / "bad.md").write_text(text.format(850), encoding="utf-8")
    date = ["--published", "2026-01-19T02:30Z"]
    assert CliRunner().invoke(hook, ["good.md", *date], standalone_mode=False).return_value == 0
    done = CliRunner().invoke(hook, ["good.md", "bad.md", *date], standalone_mode=False)
    assert done.return_value == 1
    assert "bad.md" in done.output
    assert "good.md" not in done.output
    assert CliRunner().invoke(hook, [], standalone_mode=False).return_value == 0


def test_the_container_starts_the_program() -> None:
    lines = (ROOT / "Containerfile").read_text(encoding="utf-8").splitlines()
    assert 'ENTRYPOINT ["verify"]' in lines
    assert any(line.startswith("USER ") for line in lines)
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    (named,) = re.findall(r"/source\[([\w,]+)\]", "\n".join(lines))
    assert set(named.split(",")) <= set(extras)


def test_every_command_in_the_pages_about_jobs_is_one_of_the_program() -> None:
    """Their options exist: each is parsed, none is run."""
    found = []
    for page in ("jobs.md", "limits.md"):
        text = (ROOT / "docs" / page).read_text(encoding="utf-8")
        found += re.findall(r"(?m)^(?:\$ |[\d*/ ]+ cd \S+ && )?(verify (?:[a-z]+).*?)(?:\s+#.*)?$", text)
    assert len(found) > 8
    for line in found:
        words = shlex.split(line.partition(" && ")[0].partition(" || ")[0].partition(" > ")[0], comments=True)[1:]
        with cli.make_context("verify", words, resilient_parsing=False) as context:
            name, command, rest = cli.resolve_command(context, [*context._protected_args, *context.args])
            assert command is not None
            command.make_context(name, rest, parent=context, resilient_parsing=True)
