"""How many independent measurements lineages amount to: those that share a measuring feed are one vote.

A lineage is who published a number; beneath it are the feeds that it was added up from (`sources.spec.ChannelSpec`
declares them). Votes are the connected components of lineages over shared feeds. Of one venue, its feeds only count:
two aggregators may share Binance's stream and each have its own way to Hyperliquid. What is not documented is assumed
to be the public feed, so that nobody becomes independent by silence.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from verify.reconcile.lineage import Lineage, Reason

#: What stands where nobody declares which measurement rows descend from.
UNKNOWN = "unknown"
_MOST_NAMED = 4


@dataclass(frozen=True, slots=True)
class Origin:
    """What a provider's numbers descend from. `assumed`: no document says so. `venue`: it is an exchange, whose own
    figures need not come from its public feed."""

    feeds: frozenset[str]
    assumed: bool = False
    venue: bool = False

    @property
    def known(self) -> bool:
        """Whether anybody declares where the numbers come from."""
        return self.feeds != {UNKNOWN}


Origins = Mapping[str, Origin]


@dataclass(frozen=True, slots=True)
class Vote:
    """Lineages that are one measurement: their ids, the one nearest to it first, and who shares which feed.

    `assumed` are those of which no document says that they descend from the shared feeds.
    """

    members: tuple[str, ...]
    shared: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    assumed: tuple[str, ...] = ()


def with_origins(lineages: Mapping[str, Lineage], origins: Origins) -> dict[str, Lineage]:
    """The lineages of figures, by figure id; one that nobody says the origin of has no vote."""
    from dataclasses import replace

    return {
        figure: replace(one, votes=False) if one.id in origins and not origins[one.id].known else one
        for figure, one in lineages.items()
    }


def votes(lineages: Iterable[Lineage], origins: Origins, venues: Collection[str] | None = None) -> list[Vote]:
    """The votes among lineages, sorted; `venues` restricts to the feeds of those (None: the whole market).

    The lineages without a vote add nothing to the others, and are together one vote at most.
    """
    present = list(lineages)
    voting = [one for one in present if one.votes]
    if not voting:
        others = sorted({one.id for one in present if one.known}) or ([UNKNOWN] if present else [])
        return [Vote((others[0],))] if others else []
    feeds = _feeds(voting, origins, venues)
    return sorted((_vote(group, feeds, origins) for group in _components(feeds)), key=lambda vote: vote.members)


def _feeds(voting: Sequence[Lineage], origins: Origins, venues: Collection[str] | None) -> dict[str, frozenset[str]]:
    """The measuring feeds beneath each lineage; one of its own where nothing is declared."""
    internal = {one.id for one in voting if one.reason is Reason.OWN_MEASUREMENT}
    fetched = {one.id for one in voting if one.reason is Reason.DECLARED}
    found = {}
    for identity in {one.id for one in voting}:
        origin = origins.get(identity)
        if origin is None or not origin.known:
            found[identity] = frozenset({f"{identity}/own"})
            continue
        feeds = origin.feeds
        if origin.venue and identity in internal:
            # What an exchange says of itself is its own count, unless its public feed was read as well.
            feeds = frozenset({f"{identity}/internal"}) | (feeds if identity in fetched else frozenset())
        if venues is not None:
            feeds = frozenset(feed for feed in feeds if feed.partition("/")[0] in venues) or feeds
        found[identity] = feeds
    return found


def _components(feeds: Mapping[str, frozenset[str]]) -> list[set[str]]:
    groups: list[tuple[set[str], set[str]]] = []
    for identity in sorted(feeds):
        members, beneath = {identity}, set(feeds[identity])
        rest = []
        for group in groups:
            if group[1] & beneath:
                members |= group[0]
                beneath |= group[1]
            else:
                rest.append(group)
        groups = [*rest, (members, beneath)]
    return [members for members, _ in groups]


def _vote(group: set[str], feeds: Mapping[str, frozenset[str]], origins: Origins) -> Vote:
    def breadth(identity: str) -> tuple[int, str]:
        return len(origins[identity].feeds) if identity in origins else 1, identity

    members = sorted(group, key=breadth)
    every = sorted({feed for identity in group for feed in feeds[identity]})
    shared = {feed: tuple(m for m in members if feed in feeds[m]) for feed in every}
    shared = {feed: who for feed, who in shared.items() if len(who) > 1}
    involved = {member for who in shared.values() for member in who}
    assumed = tuple(m for m in members if m in involved and m in origins and origins[m].assumed)
    return Vote(tuple(members), shared, assumed)


def words(vote: Vote, titles: Mapping[str, str]) -> str:
    """Who shares which feed, in a sentence; empty where a vote has one member."""
    if len(vote.members) < 2:
        return ""

    def named(members: Sequence[str]) -> str:
        shown = [titles.get(member, member) for member in members]
        return ", ".join(shown[:-1]) + f" and {shown[-1]}" if len(shown) > 1 else shown[0]

    by_members: dict[tuple[str, ...], list[str]] = {}
    for feed, who in vote.shared.items():
        by_members.setdefault(who, []).append(feed)
    said = []
    for who, shared in sorted(by_members.items(), key=lambda pair: (-len(pair[0]), pair[0])):
        more = f" and {len(shared) - _MOST_NAMED} more" if len(shared) > _MOST_NAMED else ""
        said.append(f"{named(who)} share {', '.join(shared[:_MOST_NAMED])}{more}")
    text = f"{named(vote.members)} are one vote: {'; '.join(said)}"
    if vote.assumed:
        several = len(vote.assumed) > 1
        text += (
            f". Which feeds {named(vote.assumed)} {'are' if several else 'is'} made from is not documented: the"
            f" venues' public feeds are assumed, so that {'they are' if several else 'it is'} not counted as"
            " independent of them"
        )
    return text
