"""Settings from flags, environment, job file and the user's own file; completion; what `--debug` says."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from verify.cli import main
from verify.model.stages import LOGGER

Verify = Callable[..., tuple[int, str, str]]


@pytest.fixture
def verify(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Verify:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    for name in ("VERIFY_OFFLINE", "VERIFY_DEADLINE"):
        monkeypatch.delenv(name, raising=False)

    def started(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["verify", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return started


def settings(verify: Verify) -> dict[str, tuple[object, str]]:
    code, out, _ = verify("config", "show", "--origin", "--format", "json")
    assert code == 0
    return {name: (told["value"], told["origin"]) for name, told in json.loads(out)["settings"].items()}


def test_the_nearest_place_wins_and_is_named(verify: Verify, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings(verify)["deadline"] == (60.0, "default")
    own = tmp_path / "home" / "verify" / "verify.toml"
    own.parent.mkdir(parents=True)
    own.write_text("[settings]\ndeadline = 20\nstrict = true\n")
    assert settings(verify)["deadline"] == (20, f"{own}:2")
    Path("verify.toml").write_text("\n[settings]\ndeadline = 30\n")
    assert settings(verify)["deadline"] == (30, "verify.toml:3")
    assert settings(verify)["strict"] == (True, f"{own}:3")
    monkeypatch.setenv("VERIFY_DEADLINE", "40")
    assert settings(verify)["deadline"] == (40.0, "VERIFY_DEADLINE")


def test_settings_are_the_defaults_of_other_commands_and_flags_win(verify: Verify, tmp_path: Path) -> None:
    head = "url,outlet,amount_usd,side,window_start_utc,window_end_utc,lineage\n"
    for name, amount in (("a.csv", "110000000"), ("b.csv", "230000000")):
        row = f"https://a.example/,A,{amount},long,2026-01-19T00:00Z,2026-01-20T00:00Z,Alpha\n"
        (tmp_path / name).write_text(head + row)
    Path("verify.toml").write_text("[settings]\noffline = true\nfigures = ['a.csv']\n")
    asked = ("liquidations", "--window", "2026-01-19", "--side", "long", "-q")
    assert verify(*asked, "--claim", "$110M")[0] == 0
    assert verify(*asked, "--claim", "$230M")[0] == 1
    assert verify(*asked, "--claim", "$230M", "--figures", "b.csv")[0] == 0


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("VERIFY_DEADLINE", "soon", "VERIFY_DEADLINE='soon': "),
        ("VERIFY_JOBS", "0", "VERIFY_JOBS='0': Expected int >= 1"),
        ("VERIFY_FAIL_ON", "never", "VERIFY_FAIL_ON='never': "),
    ],
)
def test_a_variable_that_cannot_be_used_is_named(
    verify: Verify, monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    monkeypatch.setenv(name, value)
    code, out, err = verify("config", "show")
    assert (code, out) == (2, "")
    assert words in err


def test_lists_in_variables_are_separated(verify: Verify, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VERIFY_SOURCES", "gate, okx")
    assert settings(verify)["sources"] == (["gate", "okx"], "VERIFY_SOURCES")


def test_keys_are_told_to_be_set_and_never_shown(verify: Verify, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VERIFY_COINGLASS_API_KEY", "CANARY-123456789")
    code, out, err = verify("config", "show", "--origin")
    assert code == 0
    assert "VERIFY_COINGLASS_API_KEY: set  # environment\n" in out
    assert "VERIFY_COINALYZE_API_KEY: not set\n" in out
    assert "CANARY" not in out + err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_printed_for_each_shell(verify: Verify, shell: str) -> None:
    code, out, _ = verify("completion", shell)
    assert code == 0
    assert "_VERIFY_COMPLETE" in out
    assert "%(" not in out


def test_completion_completes(verify: Verify, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_VERIFY_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "verify comp")
    monkeypatch.setenv("COMP_CWORD", "1")
    assert verify()[1] == "plain,completion\n"


def test_debug_tells_stages_and_nothing_else(verify: Verify, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LOGGER, "handlers", [])
    monkeypatch.setattr(LOGGER, "propagate", True)
    level = LOGGER.level
    try:
        code, out, err = verify(
            "liquidations", "--offline", "--window", "2026-01-19", "--debug", "--format", "json", "-q"
        )
        assert code == 0
        json.loads(out)
        stages = [line.split()[1:-2] for line in err.splitlines() if line.startswith("verify: ")]
        assert ["judge"] in stages
        assert stages[-1] == ["the", "whole", "command"]
    finally:
        LOGGER.setLevel(level)
