"""Sources are found by entry points, so that another package can add one."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from sources import registry
from verify.model.errors import NameUnknown

ROOT = Path(__file__).parents[2]
ADAPTER = """
from datetime import date, timedelta
from sources.adapter import Channel, Request, Source
from sources.build import no_events
from sources.spec import ChannelSpec, CompletenessRule, Form, Rate, SourceSpec, Transport
from verify.model.figure import Basis, Completeness, QuantityBasis

DOCS = "https://tiny.example/docs"
SPEC = SourceSpec(
    id="tiny", title="Tiny", homepage="https://tiny.example", hosts=("tiny.example",),
    rate=Rate(1, timedelta(seconds=1)), as_of=date(2026, 11, 22),
    channels=(ChannelSpec(
        id="orders", title="Orders", transport=Transport.REST, form=Form.EVENTS, docs=(DOCS,),
        metrics=("liquidations",), venues=("tiny",), lineage=("tiny/orders",),
        completeness=(CompletenessRule(Completeness.COMPLETE, DOCS),), side_rule="side is long or short",
        side_citation=DOCS, quantity_unit="coins", price_basis=Basis.ORDER, quantity_basis=QuantityBasis.FILLED,
    ),),
)
SOURCE = Source(SPEC, {"orders": Channel(
    requests=lambda window, quantity: [Request("https://tiny.example/orders")],
    parse=lambda payload, window, instruments: no_events(),
)})
"""


def package(folder: Path, name: str, points: str, **modules: str) -> None:
    """A package as an installer leaves it behind: modules and metadata."""
    for module, code in modules.items():
        (folder / f"{module}.py").write_text(code, encoding="utf-8")
    metadata = folder / f"{name}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
    (metadata / "entry_points.txt").write_text(f"[verify.sources]\n{points}\n", encoding="utf-8")


def run(folder: Path, code: str) -> str:
    path = f"import sys; sys.path.append({str(folder)!r})\n"
    done = subprocess.run([sys.executable, "-c", path + code], capture_output=True, text=True, check=False, cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_source_is_loaded_and_sorted_by_id() -> None:
    loaded = registry.load_all()
    assert not loaded.broken
    assert list(loaded.sources) == sorted(loaded.sources) == registry.ids()
    assert all(source.spec.id == identity for identity, source in loaded.sources.items())


def test_the_installed_metadata_is_that_of_the_checkout() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = project["entry-points"]["verify.sources"]
    assert sorted(declared) == registry.ids(), "install the package again: pip install --no-deps -e ."


def test_every_adapter_module_is_an_entry_point() -> None:
    modules = {path.stem for path in (ROOT / "sources").glob("*.py") if "\nSOURCE = Source(" in path.read_text("utf-8")}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = {
        value.split(":")[0].removeprefix("sources.") for value in project["entry-points"]["verify.sources"].values()
    }
    assert modules == named


def test_one_source_is_found_by_its_id() -> None:
    assert registry.get("gate").spec.title == "Gate"


def test_asking_for_one_source_imports_no_other(tmp_path: Path) -> None:
    code = "from sources import registry; registry.get('gate'); print('sources.okx' in sys.modules)"
    assert run(tmp_path, code).strip() == "False"


@pytest.mark.parametrize(("typed", "meant"), [("gatee", "gate"), ("OKX", "okx"), ("gate.io", "gate")])
def test_a_misspelt_id_is_refused_with_the_one_that_was_meant(typed: str, meant: str) -> None:
    with pytest.raises(NameUnknown) as raised:
        registry.get(typed)
    assert meant in raised.value.suggestions


def test_an_unlike_id_gets_no_suggestion() -> None:
    with pytest.raises(NameUnknown) as raised:
        registry.get("zzzzqqqq")
    assert raised.value.suggestions == ()


def test_a_third_party_package_adds_a_source(tmp_path: Path) -> None:
    package(tmp_path, "tiny-venue", "tiny = tiny_venue:SOURCE", tiny_venue=ADAPTER)
    code = "from sources import registry; print(registry.get('tiny').spec.title, 'tiny' in registry.load())"
    assert run(tmp_path, code).split() == ["Tiny", "True"]


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        ("raise RuntimeError('no luck')", "RuntimeError: no luck"),
        ("import a_module_that_is_not_there", "ModuleNotFoundError"),
        ("SOURCE = 17", "not a sources.adapter.Source"),
        (ADAPTER.replace('id="tiny"', 'id="other"'), "they must be equal"),
        (ADAPTER.replace("rate=Rate(1, timedelta(seconds=1))", "rate=None"), "REST needs hosts and a rate"),
        ("", "AttributeError"),
    ],
)
def test_a_broken_package_is_reported_and_stops_nobody(tmp_path: Path, module: str, reason: str) -> None:
    package(tmp_path, "tiny-venue", "tiny = tiny_venue:SOURCE", tiny_venue=module)
    code = "from sources import registry; r = registry.load_all(); print('gate' in r.sources, r.broken)"
    printed = run(tmp_path, code)
    assert printed.startswith("True")
    assert "tiny (tiny-venue)" in printed
    assert reason in printed


def test_asking_for_a_broken_source_says_what_is_wrong_with_it(tmp_path: Path) -> None:
    package(tmp_path, "tiny-venue", "tiny = tiny_venue:SOURCE", tiny_venue="raise RuntimeError('no luck')")
    code = """
from sources import registry
from verify.model.errors import Unavailable
try:
    registry.get('tiny')
except Unavailable as error:
    print(error)
"""
    assert "tiny: tiny (tiny-venue) cannot be loaded: RuntimeError: no luck" in run(tmp_path, code)


def test_a_third_party_package_cannot_replace_a_source_of_this_project(tmp_path: Path) -> None:
    package(tmp_path, "tiny-venue", "gate = tiny_venue:SOURCE", tiny_venue=ADAPTER.replace('id="tiny"', 'id="gate"'))
    code = "from sources import registry; r = registry.load_all(); print(r.sources['gate'].spec.title, r.broken)"
    printed = run(tmp_path, code)
    assert printed.startswith("Gate")
    assert "gate (tiny-venue)" in printed
