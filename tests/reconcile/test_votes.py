"""Votes are measurements: lineages that share a feed are one, per venue where a venue is asked about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources import registry
from verify.pipeline.run import origins
from verify.reconcile.lineage import Lineage, Reason
from verify.reconcile.votes import UNKNOWN, Origin, votes, with_origins, words

KNOWN = origins(registry.load_all().sources)
TITLES = {"coinglass": "CoinGlass", "coinalyze": "Coinalyze", "binance": "Binance", "hyperliquid": "Hyperliquid"}


def lineage(identity: str, reason: Reason = Reason.ATTRIBUTED, *, counts: bool = True) -> Lineage:
    return Lineage(identity, identity, reason, "", votes=counts)


def lineages(*ids: str) -> list[Lineage]:
    return [lineage(identity) for identity in ids]


def fetched(identity: str) -> Lineage:
    return lineage(identity, Reason.DECLARED)


def test_two_aggregators_a_news_figure_and_the_stream_are_one_vote_for_the_venue() -> None:
    news = lineage("coinglass", Reason.SAME_DIGITS)
    (vote,) = votes([fetched("coinglass"), fetched("coinalyze"), news, fetched("binance")], KNOWN, {"binance"})
    assert vote.members == ("binance", "coinglass", "coinalyze")
    assert vote.shared["binance/usdm"] == ("binance", "coinglass", "coinalyze")
    text = words(vote, TITLES)
    assert "Binance, CoinGlass and Coinalyze share binance/coinm, binance/usdm" in text
    assert "Which feeds CoinGlass and Coinalyze are made from is not documented" in text


def test_two_aggregators_over_the_same_feeds_are_one_vote_for_the_market() -> None:
    assert len(votes(lineages("coinglass", "coinalyze"), KNOWN)) == 1


def test_a_replay_of_the_chain_and_the_aggregators_row_are_one_vote_with_the_doubt_named() -> None:
    (vote,) = votes([fetched("hyperliquid"), fetched("coinglass")], KNOWN, {"hyperliquid"})
    assert vote.assumed == ("coinglass",)
    assert "Which feeds CoinGlass is made from is not documented" in words(vote, TITLES)


def test_they_are_two_where_the_aggregators_method_is_documented() -> None:
    own_node = frozenset(KNOWN["coinglass"].feeds - {"hyperliquid/node_fills"} | {"hyperliquid/coinglass_node"})
    documented = {**KNOWN, "coinglass": Origin(own_node)}
    found = votes([fetched("hyperliquid"), fetched("coinglass")], documented, {"hyperliquid"})
    assert [vote.members for vote in found] == [("coinglass",), ("hyperliquid",)]
    assert len(votes([fetched("hyperliquid"), fetched("coinglass"), fetched("binance")], documented)) == 2


@pytest.mark.parametrize("identity", ["hyperliquid-chain", "hyperliquid"])
def test_the_chain_by_either_name_has_one_origin(identity: str) -> None:
    assert "hyperliquid/node_fills" in KNOWN[identity].feeds


def test_what_an_exchange_says_of_itself_is_its_own_count_until_its_feed_is_read() -> None:
    internal = lineage("bybit", Reason.OWN_MEASUREMENT)
    assert len(votes([internal, lineage("coinglass")], KNOWN)) == 2
    assert len(votes([internal, fetched("bybit"), lineage("coinglass")], KNOWN)) == 1


def test_an_aggregators_own_measurement_still_descends_from_the_feeds() -> None:
    assert len(votes([lineage("coinglass", Reason.OWN_MEASUREMENT), fetched("binance")], KNOWN)) == 1


def test_of_a_venue_only_its_feeds_count() -> None:
    found = {"a": Origin(frozenset({"x/feed", "y/one"})), "b": Origin(frozenset({"x/feed", "y/two"}))}
    assert len(votes(lineages("a", "b"), found)) == 1
    assert len(votes(lineages("a", "b"), found, {"y"})) == 2
    assert len(votes(lineages("a", "b"), found, {"x"})) == 1


def test_who_declares_nothing_is_a_lineage_of_its_own_and_who_declares_unknown_has_no_vote() -> None:
    assert len(votes(lineages("zorbia", "quux"), {})) == 2
    stated = {"f1": lineage("desk"), "f2": lineage("other")}
    found = with_origins(stated, {"desk": Origin(frozenset({UNKNOWN})), "other": Origin(frozenset({"x/y"}))})
    assert (found["f1"].votes, found["f2"].votes) == (False, True)


def test_lineages_without_a_vote_are_one_at_most() -> None:
    none = [lineage("zorbia", counts=False), lineage("quux", counts=False)]
    assert [vote.members for vote in votes(none, {})] == [("quux",)]
    assert [vote.members for vote in votes([*none, lineage("coinglass")], KNOWN)] == [("coinglass",)]
    assert votes([], KNOWN) == []
    unknown = replace(none[0], id=UNKNOWN, known=False)
    assert [vote.members for vote in votes([unknown], {})] == [(UNKNOWN,)]


FEEDS = st.dictionaries(
    st.sampled_from("abcdefgh"),
    st.frozensets(st.sampled_from(["u/1", "v/2", "w/3", "x/4", "y/5"]), min_size=1, max_size=3),
)


@given(FEEDS, st.randoms())
def test_votes_are_the_connected_parts_whatever_the_order(feeds: dict[str, frozenset[str]], random: object) -> None:
    present: Sequence[Lineage] = [lineage(identity) for identity in feeds]
    known = {identity: Origin(beneath) for identity, beneath in feeds.items()}
    found = votes(present, known)
    shuffled = list(present)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert votes(shuffled, known) == found
    assert sorted(member for vote in found for member in vote.members) == sorted(feeds)
    for vote in found:
        beneath = [set(feeds[member]) for member in vote.members]
        others = {feed for other in found if other is not vote for member in other.members for feed in feeds[member]}
        assert not set().union(*beneath) & others
