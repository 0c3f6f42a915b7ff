"""A list of claims and the sources that could verify each; "none known" is said with its reason."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from sources import checklist, registry
from verify.cli import cli
from verify.model.errors import FigureFileError
from verify.model.quantity import METRICS


def test_every_claim_of_the_first_article_has_a_source_or_a_reason() -> None:
    items = checklist.items()
    assert len({item.id for item in items}) == len(items) == 10
    for item in items:
        found = checklist.verifiers(item, registry.load().values())
        assert set(item.metrics) <= set(METRICS)
        assert any(found.values()) or item.needs, item.says
        for metric, group in found.items():
            assert all(metric in one.channel.metrics for one in group)


def test_what_keeps_the_past_stands_before_what_only_listens() -> None:
    item = next(item for item in checklist.items() if item.id == "longs")
    reaches = [one.reach for one in checklist.verifiers(item, registry.load().values())["liquidations"]]
    assert reaches[0] == "any past window"
    assert reaches[-1] == "only what is recorded while it happens"
    assert reaches == sorted(reaches, key=lambda reach: ("any", "the", "only").index(reach.split()[0]))


def test_another_list_can_be_named(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        '[[claim]]\nid = "x"\nsays = "ETH fell"\nask = ["market", "price"]\nmetrics = ["wallet_losses"]\n', "utf-8"
    )
    done = CliRunner().invoke(cli, ["sources", "claims", "--claims", str(path)], standalone_mode=False)
    assert done.exit_code == 0
    assert "ETH fell" in done.output
    assert "wallet losses: none known" in done.output


@pytest.mark.parametrize("text", ["claim = 3", '[[claim]]\nid = "x"\n', '[[claim]]\nidd = "x"', "not toml ["])
def test_what_is_no_list_of_claims_is_one_clear_error(text: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(FigureFileError, match=r"mine\.toml is no list of claims"):
        checklist.items(path)
    with pytest.raises(FigureFileError, match="cannot read"):
        checklist.items(tmp_path / "none.toml")


def test_the_command_names_a_source_for_each_claim() -> None:
    done = CliRunner().invoke(cli, ["sources", "claims"], standalone_mode=False)
    assert "binance_spot/candles, any past window" in done.output
    assert "not without the account's address" in done.output
