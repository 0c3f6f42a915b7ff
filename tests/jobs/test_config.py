"""Job files: every mistake names file and line, and the key that was probably meant."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.jobs import config, expand, layers
from verify.jobs.places import Document
from verify.jobs.schema import json_schema
from verify.model.errors import InputError
from verify.model.quantity import Side

AS_OF = datetime(2026, 1, 20, tzinfo=UTC)
CHECK = "[checks.a]\nwindow = 'yesterday'\nclaim = '$1M'\n"


class Write(Protocol):
    def __call__(self, text: str, name: str = "verify.toml") -> str: ...


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    monkeypatch.chdir(tmp_path)

    def written(text: str, name: str = "verify.toml") -> str:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text, encoding="utf-8")
        return name

    return written


def checks(name: str) -> list[expand.Asked]:
    tree = config.read(name)
    zone = layers.settle(tree, {})["timezone"].value
    return expand.checks(tree, AS_OF, zone=zone)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (CHECK + "tolerence = 1", 4, "unknown key 'tolerence'; did you mean tolerance?"),
        (CHECK + "tolerance = { relativ = '2%' }", 4, "unknown key 'relativ'; did you mean relative?"),
        (CHECK + "\n\n[setings]\n", 6, "unknown key 'setings'; did you mean settings?"),
        ("window = 'yesterday'\n" + CHECK, 1, "did you mean window in [checks.NAME]?"),
        (CHECK + "side = 'log'", 4, "side: 'log' is not one of long, short or both"),
        (CHECK + "tags = [\n 'x',\n 3,\n]", 4, "tags: expected str, got int"),
        (CHECK + "venues = ['Binanse']", 4, "unknown venue 'Binanse'; did you mean Binance"),
        (CHECK + "metric = 'open_interest'", 4, "is not judged yet"),
        (CHECK + "metric = 'liqudations'", 4, "is unknown; judged are"),
        (CHECK + "min_confidence = 2", 4, "min_confidence: expected float <= 1.0"),
        (CHECK + "value = { file = 'x.csv', column = 'y' }", 4, "give claim or value, not both"),
        (CHECK + "tolerance = { relative = '200%' }", 4, "is not from 0 to 1"),
        ("[checks.a]\nwindow = 'yesterday'\nclaim = 'lots'\n", 3, "cannot read"),
        ("[checks.a]\nwindow = 'someday'\nclaim = '$1M'\n", 2, "someday"),
        ("[checks.a]\nclaim = '$1M'\n", 1, "a has no window"),
        ("[defaults]\nwindow = 'someday'\n[checks.a]\nclaim = '$1M'\n", 2, "someday"),
        ("[checks.a]\nwindow = 'yesterday'\nvalue = { file = 'x' }\n", 3, "give either file with column"),
        ("[checks.'a b']\nwindow = 'yesterday'\n", 1, "has other signs than letters"),
        ("[settings]\ntimezone = 'Mars/Base'\n" + CHECK, 2, "unknown time zone 'Mars/Base'"),
        ("[settings]\nbinance_api_key = 'x'\n" + CHECK, 2, "keys are not read from files"),
        ("[settings]\ndeadline = 0\n" + CHECK, 2, "deadline: expected float >= 1.0"),
        ("[checks.a\n", 1, "is not TOML"),
        ("[checks]\na = 3\n", 2, "is a table of keys"),
        ("checks = 3\n", 1, "write [checks.NAME] for each check"),
        ("", 1, "has no checks"),
        (CHECK + "matrix = { sides = ['long', 'long'] }", 1, "twice"),
        (CHECK + "assets = ['BTC']\nmatrix = { assets = ['ETH'] }", 5, "leave one"),
        (CHECK + "count_over = 'many'", 4, "count_over: cannot read"),
        ("extends = 'verify.toml'\n" + CHECK, 1, "goes round in a circle"),
        ("extends = 3\n" + CHECK, 1, "write the name of a file"),
    ],
)
def test_a_mistake_names_its_line(write: Write, text: str, line: int, words: str) -> None:
    name = write(text)
    with pytest.raises(InputError) as refused:
        checks(name)
    assert str(refused.value).startswith(f"verify.toml:{line}: ")
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def test_several_mistakes_are_counted(write: Write) -> None:
    with pytest.raises(config.ConfigError, match=r"unknown key 'b'.*\(and 1 more\)"):
        config.read(write(CHECK + "b = 1\nc = 1\n"))


@pytest.mark.usefixtures("write")
def test_a_file_that_is_missing_or_no_text_is_said(tmp_path: Path) -> None:
    with pytest.raises(config.ConfigError, match=r"nowhere.toml: cannot be read: No such file"):
        config.read("nowhere.toml")
    (tmp_path / "bytes.toml").write_bytes(b"a = 1\n\xff")
    with pytest.raises(config.ConfigError, match=r"bytes.toml:2: is not UTF-8"):
        config.read("bytes.toml")
    with pytest.raises(config.ConfigError, match=r"there is no verify.toml here"):
        config.found()


def test_defaults_are_filled_in_and_a_check_has_the_last_word(write: Write) -> None:
    name = write(
        "[defaults]\nside = 'long'\nclaim = '$1M'\nwindow = 'yesterday'\n[checks.a]\n[checks.b]\nside = 'short'\n"
    )
    assert [(c.id, c.quantity.side) for c in checks(name)] == [("a", Side.LONG), ("b", Side.SHORT)]


def test_a_value_of_a_check_replaces_the_claim_of_the_defaults(write: Write) -> None:
    name = write("[defaults]\nclaim = '$1M'\n[checks.a]\nwindow = 'yesterday'\nvalue = { source = 'gate' }\n")
    (check,) = checks(name)
    assert check.claim is None
    assert check.value is not None


def test_a_matrix_is_multiplied_out_in_order(write: Write) -> None:
    name = write(CHECK + "[checks.a.matrix]\nassets = ['BTC', 'ether']\nsides = ['long', 'short']\nvenues = ['OKX']\n")
    found = checks(name)
    assert [check.id for check in found] == [
        "a[asset=BTC,venue=OKX,side=long]",
        "a[asset=BTC,venue=OKX,side=short]",
        "a[asset=ether,venue=OKX,side=long]",
        "a[asset=ether,venue=OKX,side=short]",
    ]
    assert found[2].quantity.assets.names == frozenset({"ETH"})
    assert {str(check.place) for check in found} == {"verify.toml:1"}


def test_extending_adds_and_overrides_key_by_key(write: Write) -> None:
    write("[defaults]\nside = 'long'\n[checks.a]\nwindow = 'yesterday'\nclaim = '$1M'\n", "base/one.toml")
    name = write("extends = 'base/one.toml'\n[checks.a]\nclaim = '$2M'\n[checks.b]\nwindow = 'last 4h'\n")
    a, b = checks(name)
    assert (str(a.claim), a.quantity.side, str(a.window)) == ("$2M", Side.LONG, "2026-01-19T00:00Z/2026-01-20T00:00Z")
    assert b.quantity.side is Side.LONG
    assert str(a.place) == "verify.toml:2"


def test_a_mistake_in_an_extended_file_names_that_file(write: Write) -> None:
    write("\n[checks.a]\nwindow = 'someday'\n", "base/one.toml")
    name = write("extends = ['base/one.toml']\n[checks.a]\nclaim = '$2M'\n")
    with pytest.raises(config.ConfigError, match=r"^base/one.toml:3: "):
        checks(name)


def test_names_of_files_are_relative_to_the_file_that_names_them(write: Write) -> None:
    value = "value = { file = 'desk.csv', column = 'usd' }"
    write(f"[settings]\nfigures = ['bundled', 'f.csv']\n[checks.a]\nwindow = 'yesterday'\n{value}\n", "base/one.toml")
    tree = config.read(write("extends = 'base/one.toml'\n"))
    assert tree.data["settings"]["figures"] == ["bundled", "base/f.csv"]
    assert tree.data["checks"]["a"]["value"]["file"] == "base/desk.csv"


def test_pyproject_holds_a_job_file(write: Write) -> None:
    text = "[project]\nname = 'x'\n\n[tool.verify.checks.a]\nwindow = 'yesterday'\nclaim = '$1M'\n"
    write(text, "pyproject.toml")
    assert config.found() == "pyproject.toml"
    assert str(checks("pyproject.toml")[0].place) == "pyproject.toml:4"
    write(text + "tolerence = 1\n", "pyproject.toml")
    with pytest.raises(config.ConfigError, match=r"^pyproject.toml:7: unknown key 'tolerence'"):
        config.read("pyproject.toml")
    write("[project]\nname = 'x'\n", "pyproject.toml")
    with pytest.raises(config.ConfigError, match="has no table"):
        config.read("pyproject.toml")


def test_tolerances_are_per_side_and_the_wider_counts(write: Write) -> None:
    given_ = "tolerance = { absolute = '$1M', relative = 0.02, long = { relative = '10%' } }\n"
    name = write(CHECK + given_ + "matrix = { sides = ['long', 'short'] }\n")
    long, short = checks(name)
    assert [long.allowed.of(v) for v in (10**6, 10**9)] == [10**5, 10**8]
    assert [short.allowed.of(v) for v in (10**6, 10**9)] == [10**6, 2 * 10**7]


def test_dates_and_numbers_of_toml_are_taken(write: Write) -> None:
    (check,) = checks(write("[checks.a]\nwindow = 2026-01-19\nclaim = 750_000_000\n"))
    assert str(check.window) == "2026-01-19T00:00Z/2026-01-20T00:00Z"
    assert str(check.claim) == "$750M"


def test_only_takes_names_ids_and_tags(write: Write) -> None:
    found = checks(write(CHECK + "tags = ['t']\nmatrix = { sides = ['long', 'short'] }\n[checks.b]\nwindow = '4h'\n"))
    assert [c.id for c in expand.chosen(found, ["t"])] == ["a[side=long]", "a[side=short]"]
    assert [c.id for c in expand.chosen(found, ["a[side=short]", "b"])] == ["a[side=short]", "b"]
    with pytest.raises(InputError, match="--only bb: no check"):
        expand.chosen(found, ["bb"])


def test_the_starter_file_is_a_job_file_and_fits_the_schema() -> None:
    path = Path(config.__file__).with_name("starter.toml")
    assert [check.name for check in checks(str(path))] == ["long-liquidations", "day-totals", "bitcoin-low"]
    jsonschema.Draft202012Validator.check_schema(json_schema())
    jsonschema.validate(tomllib.loads(path.read_text(encoding="utf-8")), json_schema())


def test_the_published_schema_refuses_unknown_keys() -> None:
    with pytest.raises(jsonschema.ValidationError, match="tolerence"):
        jsonschema.validate({"checks": {"a": {"tolerence": 1}}}, json_schema())


KEYS = st.text("abc", min_size=1, max_size=3)
VALUES = st.one_of(
    st.integers(0, 9).map(str),
    st.just('"""\nx = 1\n[y]\n"""'),
    st.just("[\n1,\n# x = 2\n2,\n]"),
    st.just("{ k = 1 }"),
)


@given(st.lists(st.tuples(KEYS, st.lists(st.tuples(KEYS, VALUES), max_size=4, unique_by=lambda p: p[0])), max_size=4,
                unique_by=lambda p: p[0]))  # fmt: skip
def test_every_key_is_found_on_its_line(tables: list[tuple[str, list[tuple[str, str]]]]) -> None:
    lines: list[str] = []
    where: dict[tuple[str, ...], int] = {}
    for table, keys in tables:
        lines += ["# [x]", f"[{table}]"]
        where[table,] = len(lines)
        for key, value in keys:
            lines += ["", *f"{key} = {value}".split("\n")]
            where[table, key] = len(lines) - value.count("\n")
    document = Document("x", "\n".join(lines))
    assert {path: document.line(path) for path in where} == where
