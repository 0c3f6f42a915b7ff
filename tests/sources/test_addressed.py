"""Sources given by address: they answer from this machine, offline too, and what they read is evidence."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import fake_source
import pytest

import verify
from sources import addressed
from sources.adapter import Request, Source
from verify.model.errors import InputError, Unavailable

ORDER = {"id": "1", "time": 1768780800000, "side": "long", "size": 2.0, "price": 100.0}


def opened(address: str) -> Sequence[Source]:
    """A source `note.<address>` that answers from memory; `note:gone` fails."""

    def read(_request: Request) -> bytes:
        if address == "gone":
            raise Unavailable("the note is gone")
        return json.dumps({"orders": [ORDER], "next": ""}).encode()

    fake = fake_source.source(f"note.{address}")
    return [replace(fake, channels={name: replace(code, reader=read) for name, code in fake.channels.items()})]


@pytest.fixture(autouse=True)
def note_scheme(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("note_sources")
    module.opened = opened  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "note_sources", module)
    monkeypatch.setitem(addressed.SCHEMES, "note", "note_sources")


def test_it_answers_offline_and_its_rows_stand_in_the_report() -> None:
    report = verify.liquidations(fake_source.WINDOW, sources=["note:desk"], offline=True, now=fake_source.NOW)
    assert [(row.source, row.status, row.long_usd) for row in report.sources] == [("note.desk/orders", "ok", 200.0)]


def test_what_was_read_is_kept_and_replayed_byte_for_byte(tmp_path: Path) -> None:
    file = tmp_path / "run.warc"
    asked = {"window": fake_source.WINDOW, "sources": ["note:desk"], "now": fake_source.NOW, "evidence": file}
    first = verify.liquidations(**asked)  # type: ignore[arg-type]
    again = verify.liquidations(**asked, replay=True)  # type: ignore[arg-type]
    assert again.to_dict() == first.to_dict()


def test_a_failure_to_read_is_a_row_of_the_report() -> None:
    report = verify.liquidations(fake_source.WINDOW, sources=["note:gone"], offline=True, now=fake_source.NOW)
    assert [(row.status, row.note) for row in report.sources] == [("failed", "the note is gone")]


@pytest.mark.parametrize(
    ("address", "says"), [("ftp:x", "unknown kind of source 'ftp:'"), ("note:", "needs an address")]
)
def test_an_address_that_leads_nowhere_is_one_clear_error(address: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        verify.liquidations(fake_source.WINDOW, sources=[address], offline=True)


def test_offline_still_forbids_sources_of_the_network() -> None:
    with pytest.raises(InputError, match="gate is asked over the network"):
        verify.liquidations(fake_source.WINDOW, sources=["note:desk", "gate"], offline=True)
