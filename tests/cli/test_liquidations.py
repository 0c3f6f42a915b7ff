"""`verify liquidations` as a person or a script meets it."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from jsonschema import Draft202012Validator

import verify
from reports.json import schema
from sources.published import read_bundled
from verify.cli import cli, main
from verify.model.errors import VerifyError

CRASH = "2026-01-18T22:30Z/2026-01-19T02:30Z"
EVENTS = Path(__file__).parents[2] / "fixtures" / "events"
VALIDATOR = Draft202012Validator(schema())

#: Another event, of our own making: 412M in all, of which 391M long, within 455M long of twelve hours.
HEADER = "url,outlet,amount_usd,side,window_start_utc,window_end_utc,window_confidence,provider_attributed"
FOUR = "2026-03-05T08:00Z,2026-03-05T12:00Z,high,Coinalyze"
TWELVE = "2026-03-05T00:00Z,2026-03-05T12:00Z,high,Coinalyze"
ROWS = (
    f"https://a.example/1,Alpha,412000000,total,{FOUR}",
    f"https://b.example/1,Beta,391000000,long,{FOUR}",
    f"https://b.example/1,Beta,21000000,short,{FOUR}",
    f"https://c.example/1,Gamma,455000000,long,{TWELVE}",
)
INVENTED = "2026-03-05T08:00Z/2026-03-05T12:00Z"

Write = Callable[..., str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a file of figures and gives its path."""

    def written(*rows: str, header: str = HEADER, name: str = "mine.csv") -> str:
        path = tmp_path / name
        path.write_text("\n".join([header, *rows, ""]), encoding="utf-8")
        return str(path)

    return written


def run(*args: str) -> Result:
    """The command in this process; errors on purpose are left to the caller."""
    return CliRunner().invoke(cli, ["liquidations", "--offline", *args], standalone_mode=False)


def report(*args: str) -> dict[str, object]:
    """The JSON report, which must be valid and be all of stdout."""
    result = run(*args, "--format", "json")
    assert result.exception is None, result.exception
    read = json.loads(result.stdout)
    VALIDATOR.validate(read)
    assert result.return_value == read["exit_code"]
    return read  # type: ignore[no-any-return]  # JSON


def error(*args: str) -> str:
    """The one sentence that the command ends with when its input cannot be used."""
    result = run(*args)
    assert isinstance(result.exception, VerifyError | click.ClickException), result.exception
    assert result.exception.exit_code == 2
    assert result.stdout == ""
    said = str(result.exception)
    assert "\n" not in said
    return said


def program(*args: str, **env: str) -> subprocess.CompletedProcess[str]:
    """The installed program in a process of its own."""
    code = "import sys; from verify.cli import main; sys.exit(main())"
    return subprocess.run(
        [sys.executable, "-c", code, *args],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=os.environ | {"VERIFY_OFFLINE": "1", "COLUMNS": "80"} | env,
    )


class TestTheClaimOf19January:
    """The case that this project started from, on what outlets really printed."""

    def test_longs_of_750_million_differ(self) -> None:
        found = report("--window", CRASH, "--side", "long", "--claim", "$750M")
        assert (found["verdict"], found["exit_code"]) == ("differs", 1)
        assert found["reasons"][0]["code"] == "out_of_range"  # type: ignore[index]
        (answer,) = (a for a in found["answers"] if a["lineage"] == "coinglass")  # type: ignore[attr-defined]
        assert answer["nearest"]["value"] == 730_000_000
        assert answer["nearest"]["url"].startswith("https://")
        assert answer["distance"] == pytest.approx(-0.0267, abs=1e-4)
        assert 729_000_000 < answer["derived"]["low"] < answer["derived"]["high"] < 732_000_000
        assert "no reading of CoinGlass prints $750M" in answer["text"]
        assert found["independent"] == 1
        assert found["outlets"] > 25  # type: ignore[operator]
        assert "Single channel" in found["caveat"]  # type: ignore[operator]

    def test_the_explanations_are_listed_with_distance_rounding_and_page(self) -> None:
        found = report("--window", CRASH, "--side", "long", "--claim", "$750M")
        rows = {round(row["value"] / 1e6): row for row in found["explanations"]}  # type: ignore[attr-defined]
        assert {730, 758, 763} <= set(rows)
        assert rows[758]["distance"] == pytest.approx(8 / 750)
        assert rows[763]["distance"] == pytest.approx(13 / 750)
        assert all(row["rounding"] > 0 and row["url"].startswith("http") for row in rows.values())
        assert "12 hours printed as 4 hours" in rows[763]["text"]
        assert "a total printed as one side" in rows[758]["text"]

    def test_a_hedge_supports_it_and_is_named_as_the_reason(self) -> None:
        found = report("--window", CRASH, "--side", "long", "--claim", "about $750M")
        assert (found["verdict"], found["exit_code"]) == ("supported", 0)
        assert found["reasons"][0]["code"] == "quoted_through_hedge"  # type: ignore[index]
        assert "only through" in found["reasons"][0]["text"]  # type: ignore[index]

    def test_without_the_reading_the_same_range_is_derived(self, tmp_path: Path) -> None:
        table = (EVENTS / "2026-01-19" / "figures.csv").read_text(encoding="utf-8")
        path = tmp_path / "without.csv"
        path.write_text("".join(line for line in table.splitlines(True) if "730000000" not in line), encoding="utf-8")
        whole = report("--window", CRASH, "--side", "long", "--claim", "$750M")
        less = report("--window", CRASH, "--side", "long", "--claim", "$750M", "--figures", str(path))
        (before,), (after,) = (
            [a for a in found["answers"] if a["lineage"] == "coinglass"]  # type: ignore[attr-defined]
            for found in (whole, less)
        )
        assert after["nearest"] is None
        assert after["derived"] == before["derived"]
        assert any("$758M" in words for words in after["derived_from"])
        assert any("$27.63M" in words for words in after["derived_from"])
        assert less["verdict"] == "differs"

    def test_the_total_is_quoted_right_and_not_corroborated(self) -> None:
        found = report("--window", CRASH, "--side", "both", "--claim", "$758M")
        assert found["verdict"] == "supported"
        quoted, corroborated, market = found["questions"]  # type: ignore[misc]
        assert quoted["answer"] == "yes"
        assert corroborated["text"] == "not corroborated: one lineage"
        assert market["answer"] == "not answerable"
        assert "at least $758M" in found["sentence"].lower().replace("m", "M")  # type: ignore[attr-defined]
        assert "CoinGlass" in found["sentence"]  # type: ignore[operator]

    def test_the_channel_alone_can_be_asked(self) -> None:
        found = report("--window", CRASH, "--side", "long", "--claim", "$730M", "--channel", "coin glass")
        assert (found["channel"], found["verdict"]) == ("CoinGlass", "supported")

    def test_slack_makes_the_window_uncertain(self) -> None:
        found = report("--window", CRASH, "--slack", "2h", "--side", "long", "--claim", "$730M")
        assert found["slack_seconds"] == 7200


def test_the_impossible_set_of_20_january_is_named_with_its_repeaters() -> None:
    found = report("--window", "2026-01-20T04:00Z/2026-01-21T04:00Z")
    (conflict,) = found["conflicts"]  # type: ignore[misc]
    assert all(number in conflict["text"] for number in ("$1.08bn total", "$1.08bn long", "$79.67M", "$1.16bn"))
    assert "long" in conflict["set_aside"]
    noticed = {finding["code"]: finding["text"] for finding in found["findings"]}  # type: ignore[attr-defined]
    assert "descend from one text" in noticed["shared_error"]
    assert "2,729" in noticed["digits_truncated"]
    assert "182,729" in noticed["digits_truncated"]


def test_october_2025_has_several_lineages_and_no_average() -> None:
    found = report("--window", "2025-10-10T04:00Z/2025-10-11T04:00Z", "--claim", "$19.13B")
    assert found["independent"] >= 3  # type: ignore[operator]
    assert len(found["comparisons"]) >= 2  # type: ignore[arg-type]
    assert all(row["ratio"] >= 1 for row in found["comparisons"])  # type: ignore[attr-defined]
    assert "no meaningful average" in found["sentence"]  # type: ignore[operator]
    assert found["verdict"] == "inconclusive"
    assert found["exit_code"] == 3


class TestFiguresOfOnesOwn:
    """Nothing about the events that ship with the program is special."""

    @pytest.mark.parametrize(
        ("side", "claim", "verdict", "slip"),
        [
            ("long", "$391M", "supported", None),
            ("both", "$412M", "supported", None),
            ("short", "$21M", "supported", None),
            ("long", "$412M", "differs", "total printed as one side"),
            ("both", "$391M", "differs", "one side printed as the total"),
            ("long", "$455M", "differs", "12 hours printed as 4 hours"),
            ("long", "$39.1M", "differs", "ten"),
            ("long", "$3.91bn", "differs", "ten"),
            ("short", "$391M", "differs", "long and short swapped"),
            ("long", "$666M", "differs", None),
        ],
    )
    def test_a_planted_slip_is_found(self, write: Write, side: str, claim: str, verdict: str, slip: str | None) -> None:
        found = report("--figures", write(*ROWS), "--window", INVENTED, "--side", side, "--claim", claim)
        assert found["verdict"] == verdict
        slips = [reason["text"] for reason in found["reasons"] if reason["code"] == "slip_found"]  # type: ignore[attr-defined]
        assert bool(slips) == (slip is not None), slips
        assert not slips or slip in slips[0]  # type: ignore[operator]
        assert list(found["files"]) == [str(Path(write(*ROWS)))]  # type: ignore[call-overload]

    def test_the_same_numbers_on_another_day_get_the_same_answer(self, write: Write) -> None:
        moved = [row.replace("2026-03-05", "2031-11-09") for row in ROWS]
        args = ("--side", "long", "--claim", "$412M")
        first = report("--figures", write(*ROWS), "--window", INVENTED, *args)
        second = report("--figures", write(*moved), "--window", INVENTED.replace("2026-03-05", "2031-11-09"), *args)
        assert first["verdict"] == second["verdict"]
        assert [r["code"] for r in first["reasons"]] == [r["code"] for r in second["reasons"]]  # type: ignore[attr-defined]

    def test_bundled_names_the_events_that_ship(self, write: Write) -> None:
        found = report("--figures", write(*ROWS), "--figures", "bundled", "--window", INVENTED)
        assert len(found["files"]) == 1 + len(read_bundled())  # type: ignore[arg-type]

    def test_a_file_given_twice_counts_once(self, write: Write) -> None:
        args = ("--window", INVENTED, "--side", "long", "--claim", "$391M")
        once = report("--figures", write(*ROWS), *args)
        twice = report("--figures", write(*ROWS), "--figures", write(*ROWS, name="copy.csv"), *args)
        for part in ("verdict", "independent", "outlets", "confidence"):
            assert once[part] == twice[part]

    def test_a_row_that_cannot_be_read_is_reported_and_strict_makes_it_fatal(self, write: Write) -> None:
        path = write(*ROWS, f"https://d.example/1,Delta,-5,long,{FOUR}")
        result = run("--figures", path, "--window", INVENTED)
        assert f"verify: not read: {path}:6: the amount -5 is negative" in result.stderr
        assert "the amount -5 is negative" in " ".join(result.stdout.split())
        assert "mine.csv:6: the amount -5 is negative (1 unreadable row, --strict)" in error(
            "--figures", path, "--window", INVENTED, "--strict"
        )

    def test_many_rows_that_cannot_be_read_do_not_flood_the_terminal(self, write: Write) -> None:
        path = write(*ROWS, *["not-a-page,,,,,,,"] * 500)
        result = run("--figures", path, "--window", INVENTED, "--format", "json")
        assert len(result.stderr.splitlines()) == 11
        assert "490 more rows" in result.stderr
        assert len(json.loads(result.stdout)["problems"]) == 500


def test_a_claim_that_lost_its_dollars_to_the_shell_is_noticed() -> None:
    args = ("--window", CRASH, "--side", "long", "--claim")
    noted = run(*args, "50M")  # what a shell makes of "$750M" in double quotes
    assert "the claim '50M' names no currency" in noted.stderr
    assert "single quotes" in noted.stderr
    assert run(*args, "50M", "--quiet").stderr == ""
    assert run(*args, "$50M").stderr == ""
    assert run("--window", CRASH, "--count-over", "$1M", "--claim", "38").stderr == ""
    assert "use single quotes" in error(*args, "over 00M")


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("--window", "yesterday"), "cannot read the window"),
        (("--window", ""), "cannot read the window"),
        (("--window", "2026-01-19T02:30Z/2026-01-18T22:30Z"), "before it starts"),
        (("--window", "2026-01-19T02:30/PT4H"), "no time zone"),
        (("--window", CRASH, "--slack", "a bit"), "cannot read the duration"),
        (("--window", CRASH, "--claim", ""), "is empty: fill it or leave the option out"),
        (("--window", CRASH, "--claim", "a lot"), "cannot read 'a lot'"),
        (("--window", CRASH, "--claim", "NaN"), "not a plain finite number"),
        (("--window", CRASH, "--claim", "-$5M"), "negative"),
        (("--window", CRASH, "--claim", "inf"), "not a plain finite number"),
        (("--window", CRASH, "--claim", "x" * 100_000), "100,000 characters"),
        (("--window", CRASH, "--venue", "binnance"), "did you mean Binance?"),
        (("--window", CRASH, "--venue", "\x1b[31m"), "unknown venue"),
        (("--window", CRASH, "--channel", "coinglas"), "did you mean CoinGlass?"),
        (("--window", CRASH, "--channel", ""), "unknown channel"),
        (("--window", CRASH, "--asset", "B$C"), "unknown asset"),
        (("--window", CRASH, "--count-over", "some"), "cannot read 'some'"),
        (("--window", CRASH, "--count-over", "$1M", "--claim", "$5M"), "is money"),
        (("--window", CRASH, "--figures", "absent.csv"), "absent.csv: cannot be read"),
        (("--window", CRASH, "--figures", "."), ".: cannot be read"),
    ],
)
def test_input_that_cannot_be_used_is_one_sentence(args: tuple[str, ...], says: str) -> None:
    assert says in error(*args)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "the file is empty"),
        (b"a,b\n1,2\n", "needs the column url"),
        (b"url,amount_usd\n", "no rows below the header"),
        (b"url,amount_usd\nhttps://a.example," + b"9" * 50_000_000 + b"\n", "no row of figures is that long"),
        (b"url,amount_usd\nhttps://a.example,nan\n", "not finite"),
        (b"\x7fELF\x00\x01", "not a CSV"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_sentence(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "figures.csv"
    path.write_bytes(content)
    said = error("--figures", str(path), "--window", CRASH)
    assert says in said
    assert said.startswith(str(path))


class TestExitCodes:
    def test_inconclusive_is_three(self) -> None:
        found = report("--window", "2019-01-01", "--claim", "$5M")
        assert (found["verdict"], found["exit_code"]) == ("inconclusive", 3)

    def test_without_a_claim_anything_known_is_zero_and_nothing_is_three(self) -> None:
        assert report("--window", CRASH)["exit_code"] == 0
        assert report("--window", "2019-01-01")["exit_code"] == 3

    def test_too_little_confidence_is_inconclusive(self) -> None:
        args = ("--window", CRASH, "--side", "both", "--claim", "$758M", "--min-confidence")
        assert report(*args, "0.01")["verdict"] == "supported"
        found = report(*args, "0.99")
        assert (found["verdict"], found["exit_code"]) == ("inconclusive", 3)
        assert found["reasons"][0]["code"] == "low_confidence"  # type: ignore[index]

    def test_exit_zero_is_zero_whatever_the_verdict(self) -> None:
        for claim in ("$750M", "about $750M", "$1"):
            result = run("--window", CRASH, "--side", "long", "--claim", claim, "--exit-zero")
            assert result.return_value == 0


class TestOutput:
    def test_markdown_is_one_of_the_formats(self) -> None:
        result = run("--window", CRASH, "--side", "long", "--claim", "$750M", "--format", "md")
        assert result.stdout.startswith("## DIFFERS")

    def test_a_file_holds_what_stdout_would(self, tmp_path: Path) -> None:
        target = tmp_path / "report.json"
        args = ("--window", CRASH, "--side", "long", "--claim", "$750M", "--format", "json")
        result = run(*args, "-o", str(target))
        assert (result.stdout, result.return_value) == ("", 1)
        assert target.read_text(encoding="utf-8") == run(*args).stdout
        assert [path.name for path in tmp_path.iterdir()] == ["report.json"]

    def test_the_rights_of_a_file_are_kept_and_links_are_followed(self, tmp_path: Path) -> None:
        target, link = tmp_path / "report.md", tmp_path / "link.md"
        target.write_text("old")
        target.chmod(0o600)
        link.symlink_to(target)
        run("--window", CRASH, "--format", "md", "-o", str(link))
        assert link.is_symlink()
        assert "CoinGlass" in target.read_text(encoding="utf-8")
        assert stat.S_IMODE(target.stat().st_mode) == 0o600

    @pytest.mark.parametrize("where", ["absent/report.md", "."])
    def test_a_place_that_cannot_be_written_is_one_sentence(self, tmp_path: Path, where: str) -> None:
        assert "cannot write" in error("--window", CRASH, "-o", str(tmp_path / where))
        assert list(tmp_path.iterdir()) == []

    def test_a_failed_write_leaves_the_old_file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        target = tmp_path / "report.md"
        target.write_text("old")

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(Path, "replace", full)
        assert "No space left on device" in error("--window", CRASH, "-o", str(target))
        assert target.read_text() == "old"
        assert [path.name for path in tmp_path.iterdir()] == ["report.md"]

    def test_a_device_is_written_to_and_not_replaced(self, tmp_path: Path) -> None:
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        with subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE, text=True) as reader:
            run("--window", CRASH, "--format", "md", "-o", str(pipe))
            assert reader.stdout is not None
            assert "CoinGlass" in reader.stdout.read()
        assert stat.S_ISFIFO(pipe.stat().st_mode)

    def test_vendor_strings_do_not_act(self, write: Write) -> None:
        evil = "\x1b[31m::error::x [a](https://evil.example) <b>@all</b> \u202e##[error]"
        path = write(f'https://a.example/1,"{evil}",412000000,total,{FOUR}', f"{evil},x,1,total,{FOUR}")
        for form in ("table", "md", "json"):
            result = run("--figures", path, "--window", INVENTED, "--claim", "$412M", "--format", form)
            for shown in (result.stdout, result.stderr):
                assert "\x1b" not in shown
                assert "\u202e" not in shown
                assert "##[" not in shown
                assert not any(line.strip().startswith("::") for line in shown.splitlines())


def test_python_gives_the_same_report_as_the_command() -> None:
    found = verify.liquidations(window=CRASH, claim="$750M", side="long", offline=True)
    printed = report("--window", CRASH, "--side", "long", "--claim", "$750M")
    assert found.verdict is not None
    assert (found.verdict.value, found.exit_code) == (printed["verdict"], printed["exit_code"])
    assert json.loads(json.dumps(found.to_dict()))["figures"] == printed["figures"]
    assert found.to_polars().height == len(found.figures)


class TestTheProgram:
    """In a process of its own: exit codes, streams, and never a traceback."""

    @pytest.mark.parametrize(
        ("args", "code", "says"),
        [
            (("liquidations", "--window", "x"), 2, "verify: cannot read the window 'x'"),
            (("liquidations",), 2, "verify: Missing option '--window'."),
            (("liquidations", "--window", CRASH, "--clam", "5"), 2, "--claim"),
            (("liquidations", "--window", CRASH, "--side", "lng"), 2, "'long', 'short', 'both'"),
            (("liquidations", "--window", CRASH, "--min-confidence", "2"), 2, "0<=x<=1"),
            (("liquidations", "--window", CRASH, "--figures", "a\nb\x1b[31m.csv"), 2, "verify: a b[31m.csv: cannot"),
            (("liquidation",), 2, "did you mean liquidations?"),
            (("frobnicate",), 2, "no such command 'frobnicate'"),
        ],
    )
    def test_wrong_usage_is_one_line_on_stderr_and_two(self, args: tuple[str, ...], code: int, says: str) -> None:
        done = program(*args)
        assert done.returncode == code
        assert done.stdout == ""
        assert says in done.stderr
        assert len(done.stderr.splitlines()) == 1

    @pytest.mark.parametrize(
        ("claim", "code"), [("$750M", 1), ("about $750M", 0), ("$730.1234M", 3)], ids=["differs", "supported", "fine"]
    )
    def test_the_verdict_is_the_exit_code(self, claim: str, code: int) -> None:
        done = program("liquidations", "--offline", "--window", CRASH, "--side", "long", "--claim", claim)
        assert (done.returncode, done.stderr) == (code, "")
        assert "\x1b" not in done.stdout

    def test_a_closed_pipe_keeps_the_verdict_and_says_nothing(self) -> None:
        code = "import sys; from verify.cli import main; sys.exit(main())"
        args = [
            "liquidations",
            "--offline",
            "--window",
            CRASH,
            "--format",
            "json",
            "--side",
            "long",
            "--claim",
            "$750M",
        ]
        with subprocess.Popen(
            [sys.executable, "-c", code, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.close()
            assert process.stderr.read() == b""
            assert process.wait(120) == 1

    def test_a_terminal_that_cannot_show_everything_shows_what_it_can(self) -> None:
        done = program(
            "liquidations",
            "--offline",
            "--window",
            CRASH,
            "--claim",
            "$750M",
            "--side",
            "long",
            PYTHONIOENCODING="ascii",
        )
        assert (done.returncode, done.stderr) == (1, "")
        assert "$730M" in done.stdout

    def test_no_arguments_show_the_help(self) -> None:
        done = program()
        assert done.returncode == 2
        assert done.stderr.startswith("Usage: verify")

    def test_help_and_version_are_answers(self) -> None:
        assert program("--help").returncode == 0
        assert program("liquidations", "--help").stdout.startswith("Usage: verify liquidations")
        assert verify.__version__ in program("--version").stdout


@pytest.mark.parametrize(("env", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_colours_are_for_terminals_that_want_them(
    env: dict[str, str], coloured: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["verify", "liquidations", "--offline", "--window", CRASH, "--claim", "$758M"])
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    assert ("\x1b[" in capsys.readouterr().out) is coloured
