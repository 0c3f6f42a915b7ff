"""What a stretch of text says: names, sides, metrics, times and sources, read once and kept."""

from __future__ import annotations

from dataclasses import dataclass, replace

from verify.claims import sources, windows, words
from verify.claims.dates import Dateline, When
from verify.claims.text import Document
from verify.claims.words import Mention

_LOOK_BACK = 16


@dataclass(slots=True)
class Context:
    """What a stretch of text says, for those numbers of it that say nothing themselves."""

    side: list[Mention]
    assets: list[Mention]
    venues: list[Mention]
    metrics: list[Mention]
    whens: list[When]
    attributions: list[Mention]


class Contexts:
    """The contexts of one document; each stretch is read once."""

    def __init__(self, document: Document, low: str, published: Dateline | None) -> None:
        self._text = document.text
        self._low = low
        self._published = published
        self._read: dict[tuple[int, int], Context] = {}

    def of(self, start: int, end: int) -> Context:
        key = (start, end)
        if key not in self._read:
            self._read[key] = self._context(start, end)
        return self._read[key]

    def _context(self, start: int, end: int) -> Context:
        text, low = self._text, self._low
        said = sources.attributions(text, low, start, end)
        venues = [
            venue
            for venue in words.mentions("venues", text, low, start, end)
            if not any(source.start <= venue.start < source.end for source in said)
            or sources.OWN_VERB.match(low, venue.end, end)
            or sources.OF_ITSELF.search(low[venue.end : end])
            or sources.QUOTED.search(low, start, venue.start)
        ]
        return Context(
            words.sides(low, start, end),
            words.mentions("assets", text, low, start, end),
            [
                venue
                for venue in venues
                if not words.THAN.search(low, max(start, venue.start - _LOOK_BACK), venue.start)
                or low[venue.end : venue.end + 3].strip()[:1] in ("(", "（", "$")  # it has a number of its own
            ],
            words.metrics(low, start, end),
            [
                replace(when, text=" ".join(text[when.start : when.end].split()))
                for when in windows.find(low, start, end, self._published)
            ],
            said,
        )
