"""`verify run` on published figures and the desk's files: verdicts, values, thresholds, exit codes, what is written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from verify.cli import main
from verify.jobs import runner, trend
from verify.model.checks import RunReport
from verify.model.errors import InputError

WINDOW = "window = '2026-01-18T22:30Z/2026-01-19T02:30Z'\n"
FIGURES = """url,outlet,amount_usd,side,asset,window_start_utc,window_end_utc,window_confidence,lineage
https://a.example/1,A,731000000,long,all,2026-01-18T22:30Z,2026-01-19T02:30Z,high,Alpha
https://b.example/2,B,726000000,long,all,2026-01-18T22:30Z,2026-01-19T02:30Z,high,Beta
https://a.example/3,A,100000000,long,BTC,2026-01-18T22:30Z,2026-01-19T02:30Z,high,Alpha
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "f.csv").write_text(FIGURES, encoding="utf-8")
    return tmp_path


def write(text: str, name: str = "verify.toml") -> str:
    Path(name).write_text(f"[settings]\nfigures = ['f.csv']\n{text}", encoding="utf-8")
    return name


def run(text: str, **options: Any) -> RunReport:
    return runner.run(runner.Options(file=write(text), offline=True, **options))


def told(report: RunReport) -> dict[str, tuple[str, str]]:
    return {row.id: (str(row.status), row.reasons[0].code) for row in report.checks}


@pytest.fixture
def verify(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def started(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["verify", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return started


@pytest.mark.parametrize(
    ("keys", "means"),
    [
        ("claim = '$730M'", ("passed", "quoted_right")),
        ("claim = '$900M'", ("differs", "out_of_range")),
        ("claim = '$735M'", ("differs", "out_of_range")),
        ("claim = '$735M'\ntolerance = { relative = '2%' }", ("passed", "quoted_through_hedge")),
        ("claim = '$735M'\ntolerance = { absolute = '$20M' }", ("passed", "quoted_through_hedge")),
        ("claim = '$735M'\ntolerance = { absolute = '$20M', long = { absolute = 1 } }", ("differs", "out_of_range")),
        ("claim = '$730M'\nmin_lineages = 2", ("passed", "quoted_right")),
        ("claim = '$730M'\nmin_lineages = 3", ("inconclusive", "too_few_lineages")),
        ("claim = '$730M'\nmin_confidence = 0.99", ("inconclusive", "low_confidence")),
        ("claim = '$730M'\nchannel = 'Alpha'", ("passed", "quoted_right")),
        ("claim = '$730M'\nchannel = 'Alfa'", ("failed", "unknown_channel")),
        ("claim = '$1M'\nassets = ['SOL']", ("inconclusive", "no_reading_for_window")),
        ("", ("passed", "known")),
        ("min_lineages = 9", ("inconclusive", "too_few_lineages")),
        ("value = { source = 'Alpha' }\ntolerance = { relative = 0.02 }", ("passed", "quoted_through_hedge")),
        ("value = { source = 'Alpha' }\ntolerance = { relative = 0.001 }", ("differs", "out_of_range")),
        ("value = { source = 'Gamma' }", ("failed", "unknown_channel")),
        ("value = { source = 'Beta' }\nassets = ['BTC']", ("inconclusive", "no_value")),
        (
            "value = { file = 'desk.csv', column = 'usd' }\ntolerance = { relative = 0.01 }",
            ("passed", "quoted_through_hedge"),
        ),
        ("value = { file = 'desk.csv', column = 'usd', where = { side = '{side}' } }", ("inconclusive", "no_value")),
        ("value = { file = 'nowhere.csv', column = 'usd' }", ("failed", "value_unreadable")),
    ],
)  # fmt: skip
def test_a_check_is_held_against_what_it_asks(keys: str, means: tuple[str, str]) -> None:
    Path("desk.csv").write_text("usd,side\n731234567.89,short\n", encoding="utf-8")
    assert told(run(f"[checks.a]\nside = 'long'\n{WINDOW}{keys}\n")) == {"a": means}


def test_a_tolerance_does_not_put_the_claim_into_the_mouth_of_the_channel() -> None:
    (row,) = run(f"[checks.a]\nside = 'long'\n{WINDOW}claim = '$735M'\ntolerance = {{ relative = '2%' }}\n").checks
    assert row.claim == "$735M ± $14.7M"
    assert "$735M" not in row.sentence
    assert "tolerance of $14.7M" in row.reasons[0].text


def test_where_a_value_is_from_is_told() -> None:
    Path("desk.csv").write_text("usd\n5\n6\n", encoding="utf-8")
    value = "value = { file = 'desk.csv', column = 'usd', take = 'sum' }\n"
    (row,) = run(f"[checks.a]\n{WINDOW}{value}").checks
    assert (row.claim, row.origin) == ("$11", "desk.csv: sum of usd over 2 rows")


def test_a_broken_file_of_the_desk_stops_no_other_check() -> None:
    broken = f"[checks.a]\n{WINDOW}value = {{ file = 'nowhere.csv', column = 'usd' }}\n"
    report = run(f"{broken}[checks.b]\nside = 'long'\n{WINDOW}claim = '$730M'\n")
    assert [str(row.status) for row in report.checks] == ["failed", "passed"]
    assert report.exit_code == 4


@pytest.mark.parametrize(
    ("severity", "code"), [("error", 1), ("warning", 0), ("note", 0)],
)  # fmt: skip
def test_only_errors_count_in_the_exit_code(severity: str, code: int) -> None:
    assert run(f"[checks.a]\n{WINDOW}side = 'long'\nclaim = '$9M'\nseverity = '{severity}'\n").exit_code == code


def test_the_worst_check_makes_the_exit_code() -> None:
    nothing = f"[checks.n]\n{WINDOW}claim = '$1M'\nassets = ['SOL']\n"
    wrong = f"[checks.w]\n{WINDOW}side = 'long'\nclaim = '$9M'\n"
    failed = f"[checks.f]\n{WINDOW}value = {{ file = 'nowhere.csv', column = 'usd' }}\n"
    assert [run(text).exit_code for text in (nothing, nothing + failed, nothing + failed + wrong)] == [3, 4, 1]


def test_threads_change_nothing() -> None:
    cells = "matrix = { sides = ['long', 'short', 'both'], assets = ['BTC', 'ETH'] }"
    text = f"[checks.a]\n{WINDOW}claim = '$730M'\n{cells}\n"
    one, many = (run(text, jobs=jobs, as_of=None) for jobs in (1, 8))
    assert one.checks == many.checks


def test_a_replay_says_the_same_without_the_files(folder: Path) -> None:
    Path("desk.csv").write_text("usd\n730000000\n", encoding="utf-8")
    text = f"[checks.a]\nside = 'long'\n{WINDOW}value = {{ file = 'desk.csv', column = 'usd' }}\n"
    first = run(text, evidence="run.warc")
    for name in ("desk.csv", "f.csv"):
        (folder / name).unlink()
    again = runner.run(runner.Options(file="verify.toml", evidence="run.warc", replay=True))
    assert trend.compared(again, None) == trend.compared(first, None)
    (folder / "verify.toml").write_text(Path("verify.toml").read_text() + "# changed\n", encoding="utf-8")
    changed = runner.run(runner.Options(file="verify.toml", evidence="run.warc", replay=True))
    assert changed.warnings == ("verify.toml is not as it was when run.warc was written",)


def test_the_command_line_has_the_last_word(verify: Callable[..., tuple[int, str, str]]) -> None:
    Path("g.csv").write_text(FIGURES.replace("731000000", "800000000").replace("726000000", "800000000"))
    write(f"[checks.a]\nside = 'long'\n{WINDOW}claim = '$800M'\n")
    assert verify("run", "--offline")[0] == 1
    assert verify("run", "--offline", "--figures", "g.csv")[0] == 0


def test_reports_are_written_side_by_side(verify: Callable[..., tuple[int, str, str]], folder: Path) -> None:
    write(f"[checks.a]\nside = 'long'\n{WINDOW}claim = '$9M'\n")
    kinds = ("json", "jsonl", "junit", "sarif", "github", "summary", "md")
    code, out, err = verify("run", "--offline", *(f"--report={kind}=out.{kind}" for kind in kinds))
    assert (code, err) == (1, "")
    assert out.startswith("1 check: 1 differs\n")
    assert all((folder / f"out.{kind}").stat().st_size for kind in kinds)
    assert json.loads((folder / "out.json").read_text())["exit_code"] == 1


def test_reports_of_the_job_file_are_written_too(verify: Callable[..., tuple[int, str, str]], folder: Path) -> None:
    write(f"report = ['json=x.json']\n[checks.a]\nside = 'long'\n{WINDOW}claim = '$730M'\n")
    assert verify("run", "--offline", "-q")[0] == 0
    assert json.loads((folder / "x.json").read_text())["counts"]["passed"] == 1


def test_the_summary_of_a_step_is_appended(
    verify: Callable[..., tuple[int, str, str]], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(f"[checks.a]\nside = 'long'\n{WINDOW}claim = '$730M'\n")
    (folder / "step.md").write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(folder / "step.md"))
    assert verify("run", "--offline", "--report", "summary")[0] == 0
    assert (folder / "step.md").read_text().startswith("before\n## 1 check: 1 passed\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--report", "pdf=x"), "--report pdf=x: write KIND=FILE"),
        (("--report", "junit"), "needs a file: junit=FILE"),
        (("--report", "summary"), "GITHUB_STEP_SUMMARY is not set"),
        (("--report", "junit=nowhere/x.xml"), "there is no folder nowhere"),
        (("--baseline", "nowhere.json"), "--baseline nowhere.json: No such file"),
        (("--only", "b"), "--only b: no check has this name or tag"),
        (("--as-of", "someday"), "cannot read the time 'someday'"),
        (("nowhere.toml",), "nowhere.toml: cannot be read"),
        (("--source", "gate", "--offline"), "--offline forbids it"),
        (("--replay",), "--replay needs --evidence FILE"),
        (("--evidence", "nowhere/run.warc"), "cannot write nowhere/run.warc"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_said_before_anything_is(
    verify: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], words: str
) -> None:
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    write(f"[checks.a]\n{WINDOW}claim = '$730M'\n")
    code, out, err = verify("run", *arguments)
    assert (code, out) == (2, "")
    assert words in err
    assert err.count("\n") == 1


def test_a_dry_run_asks_nothing_and_tells_what_would_be(verify: Callable[..., tuple[int, str, str]]) -> None:
    write(f"[checks.a]\n{WINDOW}claim = '$730M'\n[checks.b]\n{WINDOW}side = 'long'\nsources = ['gate']\n")
    code, out, _ = verify("run", "--offline", "--dry-run", "--as-of", "2026-01-20", "--only", "a")
    assert code == 0
    assert out.splitlines()[0] == "verify.toml, as of 2026-01-20T00:00Z: 1 checks, 1 to collect for"
    assert "asks no source" in out


def test_init_writes_a_file_that_runs_and_overwrites_none(
    verify: Callable[..., tuple[int, str, str]], folder: Path
) -> None:
    assert verify("init", "new.toml")[0] == 0
    code, _, err = verify("init", "new.toml")
    assert (code, err) == (2, "verify: new.toml is there already: give another name, or --force\n")
    assert verify("run", "new.toml", "-q")[0] == 0
    code, out, _ = verify("init", "--schema")
    assert (code, json.loads(out)["title"]) == (0, "verify.toml")
    assert sorted(path.name for path in folder.iterdir()) == ["f.csv", "new.toml"]


def test_strict_makes_unreadable_rows_fatal() -> None:
    Path("f.csv").write_text(FIGURES + "nonsense,,1,,,,,,\n", encoding="utf-8")
    text = f"[checks.a]\nside = 'long'\n{WINDOW}claim = '$730M'\n"
    assert len(run(text).problems) == 1
    with pytest.raises(InputError, match="--strict"):
        run(text, strict=True)
