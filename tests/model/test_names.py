"""Names as they are written, and what they are taken for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.model import names
from verify.model.errors import NameUnknown

KINDS = ("venues", "assets", "providers")


@pytest.mark.parametrize(
    ("kind", "written", "identity"),
    [
        ("venues", "Binance", "binance"),
        ("venues", " GATE.IO ", "gate"),
        ("venues", "gate io", "gate"),
        ("venues", "币安", "binance"),
        ("venues", "ＯＫＸ", "okx"),
        ("venues", "Crypto.com", "cryptocom"),
        ("assets", "bitcoin", "BTC"),
        ("assets", "xbt", "BTC"),
        ("assets", "以太坊", "ETH"),
        ("providers", "coin glass", "coinglass"),
        ("providers", "CoinGlass.com", "coinglass"),
    ],
)
def test_case_spaces_and_punctuation_do_not_matter(kind: str, written: str, identity: str) -> None:
    assert names.resolve(kind, written).id == identity


@pytest.mark.parametrize(
    ("kind", "written", "hint"),
    [
        ("venues", "binnance", "Binance"),
        ("venues", "Bybitt", "Bybit"),
        ("venues", "hyperliqid", "Hyperliquid"),
        ("providers", "CryptoGlass", "CoinGlass"),
    ],
)
def test_a_misspelt_name_is_suggested_never_taken(kind: str, written: str, hint: str) -> None:
    with pytest.raises(NameUnknown, match="did you mean") as caught:
        names.resolve(kind, written)
    assert hint in caught.value.suggestions


@pytest.mark.parametrize("written", ["", "??", "zzzzzz", "x" * 10_000, "\x1b[31mbin\x1b[0m\n"])
def test_an_unknown_name_is_one_short_printable_sentence(written: str) -> None:
    with pytest.raises(NameUnknown) as caught:
        names.resolve("venues", written)
    assert str(caught.value).startswith("unknown venue ")
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 200


def test_a_misspelling_is_near_one_name_only() -> None:
    near = names.nearest("providers", "CryptoGlass")
    assert near is not None
    assert near.name.id == "coinglass"
    assert names.MISSPELLING_SCORE <= near.score < 100
    assert names.nearest("providers", "CryptoSlate") == names.Match(names.resolve("providers", "CryptoSlate"), 100.0)
    assert names.nearest("providers", "Some Other Paper") is None


def test_similarity_does_not_count_the_words_that_half_of_the_field_begins_with() -> None:
    assert names.similarity("cryptoglass", "coinglass") >= names.MISSPELLING_SCORE
    assert names.similarity("cryptoglass", "cryptoslate") < names.MISSPELLING_SCORE
    assert names.similarity("coinglass", "coinglass") == 100


@given(st.sampled_from(KINDS), st.text(max_size=30))
def test_any_text_is_a_name_or_none(kind: str, text: str) -> None:
    found = names.find(kind, text)
    assert (found is None) or names.key(text)
    near = names.nearest(kind, text)
    assert near is None or names.MISSPELLING_SCORE <= near.score <= 100


@pytest.mark.parametrize("kind", KINDS)
def test_every_spelling_leads_to_its_own_name(kind: str) -> None:
    for written, name in names.spellings(kind):
        assert names.find(kind, written) == name, f"{written} is claimed by two names"
        assert names.title(kind, name.id) == name.title


def test_providers_say_whether_they_measure_or_repeat() -> None:
    assert {name.kind for name in names.register("providers").values()} == {"measurer", "relay"}


def test_a_name_that_nobody_registered_is_its_own_title() -> None:
    assert names.title("venues", "backpack") == "backpack"
