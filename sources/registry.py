"""The sources there are: entry points of the group `verify.sources`, this project's and anybody else's.

A third-party package adds a source by naming its `Source` in its own metadata::

    [project.entry-points."verify.sources"]
    myvenue = "my_package.myvenue:SOURCE"
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points

from sources.adapter import Source
from verify.model.errors import NameUnknown, Unavailable

GROUP = "verify.sources"
#: From here on (0 to 100) a registered id is near enough to a typed one to be suggested.
SUGGESTION_SCORE = 60.0


@dataclass(frozen=True, slots=True)
class Registry:
    """Sources by id, sorted, and in words what is wrong with those that could not be loaded, by entry point."""

    sources: dict[str, Source]
    broken: dict[str, str] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Source]:
        return iter(self.sources.values())


def load_all() -> Registry:
    """Every source whose module can be imported; a broken package is reported and does not stop the rest."""
    found: dict[str, Source] = {}
    broken: dict[str, str] = {}
    for point in _points():
        label = _label(point)
        try:
            source = _loaded(point)
        except Exception as error:  # whatever a stranger's module raises at import
            broken[label] = f"{type(error).__name__}: {error}"
            continue
        if source.spec.id in found:
            broken[label] = f"another package has the source id {source.spec.id!r} already"
        else:
            found[source.spec.id] = source
    return Registry(dict(sorted(found.items())), broken)


def load() -> dict[str, Source]:
    """Every source that works, by id, sorted."""
    return load_all().sources


def get(identity: str) -> Source:
    """The source of that id, importing no other.

    Raises `NameUnknown` with the nearest ids where there is none, `Unavailable` where its package is broken.
    """
    for point in _points():
        if point.name == identity:
            try:
                return _loaded(point)
            except Exception as error:  # as in load_all
                reason = f"{_label(point)} cannot be loaded: {type(error).__name__}: {error}"
                raise Unavailable(reason, source=identity) from error
    raise NameUnknown("source", identity[:60], _nearest(identity, ids()))


def ids() -> list[str]:
    """The ids of all sources, without importing any of them."""
    return sorted({point.name for point in _points()})


def feeds(identity: str) -> list[str]:
    """The measuring feeds that a source shows, sorted; none where there is no such source or its package is broken."""
    try:
        spec = get(identity).spec
    except (NameUnknown, Unavailable):
        return []
    return sorted({feed for channel in spec.channels for feed in channel.lineage})


def misspelt(feed: str) -> str:
    """What is wrong with the feed of a known source, in words; nothing where it has it, or where nobody knows it."""
    identity, _, _ = feed.partition("/")
    if not (known := feeds(identity)) or feed in known:
        return ""
    own = [name for name in known if name.startswith(f"{identity}/")] or known
    return f"{identity} has no feed {feed[:60]!r}; it has {', '.join(own[:6])}"


def _points() -> list[EntryPoint]:
    """This project's own first, so that a stranger cannot take over one of its ids."""
    return sorted(entry_points(group=GROUP), key=lambda point: (not point.value.startswith("sources."), point.name))


def _loaded(point: EntryPoint) -> Source:
    source = point.load()
    if not isinstance(source, Source):
        raise TypeError(f"{point.value} is a {type(source).__name__}, not a sources.adapter.Source")
    if source.spec.id != point.name:
        raise ValueError(f"the entry point {point.name!r} names the source {source.spec.id!r}: they must be equal")
    return source


def _label(point: EntryPoint) -> str:
    package = point.dist.name if point.dist else "unknown package"
    return f"{point.name} ({package})"


def _nearest(identity: str, known: Iterable[str]) -> list[str]:
    from rapidfuzz import fuzz

    wanted = re.sub(r"[^a-z0-9]", "", identity.lower())[:60]
    scored = [(fuzz.ratio(wanted, re.sub(r"[^a-z0-9]", "", name)), name) for name in known]
    return [name for score, name in sorted(scored, key=lambda pair: (-pair[0], pair[1])) if score >= SUGGESTION_SCORE][
        :2
    ]
