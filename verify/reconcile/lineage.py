"""Which measurement a published figure descends from, and how many independent measurements there are.

One lineage is one vote. The reasons, strongest first: the file declares it; the provider measured it itself; a
provider is named (also misspelt, above a stated score); pages repeat one impossible set of numbers; the digits equal
those of an attributed figure for the same quantity; a sibling on the same page with the same attribution is known.
What is left is unknown, and unknown lineages never count as independent of anything.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from itertools import product

from verify.model import names
from verify.model.amount import Amount
from verify.model.figure import Figure
from verify.model.quantity import LIQUIDATION_COUNT, LIQUIDATIONS, Quantity, Side
from verify.model.stages import stage
from verify.reconcile.statements import interval

#: So many equal digits make it likelier that one figure was copied from the other than that both hit them by chance.
LEAST_EQUAL_DIGITS = 3
#: The same where one of the two states no window.
LEAST_EQUAL_DIGITS_WITHOUT_WINDOW = 4

UNKNOWN = "unknown"
_COUNTED = (LIQUIDATIONS, LIQUIDATION_COUNT)

_OWN = re.compile(
    r"\b(?:own (?:data|measurement|count|calculation|feed)|primary|internal|replay(?:ed)?|node data)\b", re.I
)
_NOBODY = re.compile(
    r"\W*(?:(?:unattributed|not attributed|unknown|not stated|anonymous)\b.*|none|n/?a|)\W*", re.I | re.S
)
#: A name has a capital, a digit or a character of a script without capitals; "exchange data" has none.
_NAME = re.compile(r"[A-Z0-9\u0400-\uffff]")
_SEVERAL = re.compile(r"\b(?:multiple|several|various|many|different)\b", re.I)
_HINTS = (
    re.compile(
        r"\b(?:digits|numbers|layout)\b[^;()]*?\b(?:match(?:es)?|identical to|equal(?:s|ling)?)\s+(?P<name>[\w. ]+)",
        re.I,
    ),
    re.compile(r"(?P<name>\b[A-Z][\w.]*(?: [A-Z][\w.]*)?) (?:digits|table layout|layout)\b"),
)


class Reason(StrEnum):
    """Why a figure is taken to descend from its lineage."""

    DECLARED = "declared"
    OWN_MEASUREMENT = "own_measurement"
    ATTRIBUTED = "attributed"
    SHARED_ERROR = "shared_error"
    SAME_DIGITS = "same_digits"
    SAME_PAGE = "same_page"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Lineage:
    """The lineage of one figure.

    `known` is False where nobody says who measured it. `votes` is False also for a provider that is named and of which
    no measurement is known: it can be quoted rightly or wrongly, but counts as independent of nobody.
    """

    id: str
    title: str
    reason: Reason
    detail: str
    known: bool = True
    votes: bool = True


@dataclass(frozen=True, slots=True)
class SharedError:
    """One impossible set of numbers and the pages that repeat it."""

    members: tuple[Figure, ...]  # one figure each: total, long, short
    outlets: tuple[str, ...]


@stage("assign lineages")
def assign(figures: Sequence[Figure]) -> dict[str, Lineage]:
    """The lineage of every figure, by figure id. The order of the figures changes nothing."""
    figures = sorted(figures, key=_page)
    found = {figure.id: _from_text(figure) for figure in figures}
    _spread_shared_errors(figures, found)
    _spread_equal_digits(figures, found)
    _spread_over_pages(figures, found)
    return found


def shared_errors(figures: Iterable[Figure]) -> list[SharedError]:
    """Impossible sets total / long / short that stand on more than one page."""
    families: dict[tuple[object, ...], list[tuple[Figure, ...]]] = defaultdict(list)
    for triple in _impossible_triples(sorted(figures, key=_page)):
        families[_signature(triple)].append(triple)
    return [
        SharedError(family[0], tuple(sorted({triple[0].outlet for triple in family})))
        for _, family in sorted(families.items(), key=lambda pair: str(pair[0]))
        if len({triple[0].url for triple in family}) > 1
    ]


def _from_text(figure: Figure) -> Lineage:
    """What the attribution alone says."""
    if figure.declared_lineage:
        named = names.find("providers", figure.declared_lineage)
        identity = named.id if named else names.key(figure.declared_lineage) or UNKNOWN
        return Lineage(
            identity, named.title if named else figure.declared_lineage, Reason.DECLARED, "the file declares it"
        )
    text = figure.attribution
    lead = re.split(r"[(;]", text, maxsplit=1)[0].strip().strip("\"'“”‘’ ")
    if not _NOBODY.fullmatch(lead):
        if _SEVERAL.search(lead):
            return _hinted(figure) or _unknown(f"names several sources at once: “{lead}”")
        if lineage := _named(lead, text):
            return lineage if lineage.votes else _hinted(figure) or lineage
    return _hinted(figure) or _unknown("names no provider")


def _named(lead: str, text: str) -> Lineage | None:
    matches = [names.Match(name, 100.0) for name in _mentioned(lead)]
    if not matches and (near := names.nearest("providers", lead)):
        matches = [near]
    measurers = {match.name.id: match for match in matches if match.name.kind == "measurer"}
    own = bool(_OWN.search(text))
    if len(measurers) > 1:
        return _unknown("names several providers: " + ", ".join(m.name.title for m in measurers.values()))
    if measurers:
        match = next(iter(measurers.values()))
        if match.score < 100:
            detail = f"“{lead}” is taken for {match.name.title} (spelling {match.score:.0f} of 100)"
        else:
            detail = f"the text names {match.name.title}"
        if own:
            return Lineage(
                match.name.id,
                match.name.title,
                Reason.OWN_MEASUREMENT,
                f"{match.name.title} says it measured this itself",
            )
        return Lineage(match.name.id, match.name.title, Reason.ATTRIBUTED, detail)
    if matches:
        return _unknown(f"names {matches[0].name.title}, which repeats what others measured")
    if own:
        return Lineage(names.key(lead), lead, Reason.OWN_MEASUREMENT, f"{lead} says it measured this itself")
    if not _NAME.search(lead):
        return _unknown(f"names nobody: “{lead}”")
    detail = f"names {lead}, of which no measurement is known"
    return Lineage(names.key(lead), lead, Reason.ATTRIBUTED, detail, votes=False)


def _mentioned(text: str) -> list[names.Name]:
    """Registered providers whose name stands in the text as whole words, longest names first."""
    rest = " ".join(re.findall(r"[\w.]+", text.casefold()))
    found: dict[str, names.Name] = {}
    for written, name in _spellings():
        if written not in rest:
            continue
        pattern = rf"(?<!\w){re.escape(written)}(?!\w)"
        if re.search(pattern, rest):
            rest = re.sub(pattern, " ", rest)
            found.setdefault(name.id, name)
    return list(found.values())


@cache
def _spellings() -> list[tuple[str, names.Name]]:
    pairs = names.spellings("providers")
    return sorted(pairs, key=lambda pair: (-len(pair[0]), pair[0]))


def _hinted(figure: Figure) -> Lineage | None:
    """A remark in the file that the digits or the layout are a provider's."""
    for text in (figure.attribution, figure.note):
        for pattern in _HINTS:
            for hint in pattern.finditer(text):
                for name in _mentioned(hint["name"]):
                    if name.kind == "measurer":
                        return Lineage(name.id, name.title, Reason.SAME_DIGITS, f"the file notes “{hint[0].strip()}”")
    return None


def _unknown(detail: str) -> Lineage:
    return Lineage(UNKNOWN, "unknown", Reason.UNKNOWN, detail, known=False, votes=False)


def _spread_shared_errors(figures: Sequence[Figure], found: dict[str, Lineage]) -> None:
    families: dict[tuple[object, ...], list[Figure]] = defaultdict(list)
    for triple in _impossible_triples(figures):
        families[_signature(triple)] += triple
    for family in families.values():
        parent = _origin(family, found)
        if parent is None:
            continue
        for figure in family:
            lineage = found[figure.id]
            if lineage.id != parent.id and lineage.reason is not Reason.DECLARED:
                named = f"names {lineage.title}, but " if lineage.known else ""
                detail = f"{named}repeats the impossible set that other pages print after {parent.title}"
                found[figure.id] = Lineage(parent.id, parent.title, Reason.SHARED_ERROR, detail, votes=parent.votes)


def _origin(family: Sequence[Figure], found: Mapping[str, Lineage]) -> Lineage | None:
    """Whose an error is that several lineages share: who measured it, else whom most outlets name."""
    outlets: dict[str, set[str]] = defaultdict(set)
    lineages: dict[str, Lineage] = {}
    for figure in family:
        lineage = found[figure.id]
        if lineage.known:
            outlets[lineage.id].add(figure.outlet)
            if lineage.id not in lineages or lineage.reason is Reason.OWN_MEASUREMENT:
                lineages[lineage.id] = lineage

    def rank(identity: str) -> tuple[bool, bool, int, str]:
        lineage = lineages[identity]
        measured = lineage.reason is Reason.OWN_MEASUREMENT
        return not measured, not lineage.votes, -len(outlets[identity]), identity

    return lineages[min(lineages, key=rank)] if lineages else None


def _spread_equal_digits(figures: Sequence[Figure], found: dict[str, Lineage]) -> None:
    parents: dict[tuple[Quantity, str], list[Figure]] = defaultdict(list)
    for figure in figures:
        if figure.amount is not None and found[figure.id].votes and figure.as_printed:
            parents[figure.quantity, _digits(figure.amount)].append(figure)
    for figure in figures:
        if figure.amount is None or found[figure.id].votes or not figure.as_printed:
            continue
        digits = _digits(figure.amount)
        same = [parent for parent in parents[figure.quantity, digits] if _copied(figure, parent, digits)]
        if len({found[parent.id].id for parent in same}) == 1:
            parent = found[same[0].id]
            detail = f"its digits {figure.amount} equal those that {same[0].outlet} takes from {parent.title}"
            found[figure.id] = Lineage(parent.id, parent.title, Reason.SAME_DIGITS, detail)


def _digits(amount: Amount) -> str:
    return f"{amount.digits}@{amount.value.normalize()}"


def _copied(child: Figure, parent: Figure, digits: str) -> bool:
    equal = len(digits.split("@", 1)[0])
    if child.window is None or parent.window is None:
        return equal >= LEAST_EQUAL_DIGITS_WITHOUT_WINDOW
    return equal >= LEAST_EQUAL_DIGITS and child.window.overlaps(parent.window)


def _spread_over_pages(figures: Sequence[Figure], found: dict[str, Lineage]) -> None:
    pages: dict[tuple[str, str], list[Figure]] = defaultdict(list)
    for figure in figures:
        pages[figure.url, figure.attribution].append(figure)
    for page in pages.values():
        known = {found[figure.id].id: found[figure.id] for figure in page if found[figure.id].known}
        if len(known) != 1:
            continue
        parent = next(iter(known.values()))
        seen = {(figure.window, figure.quantity.metric in _COUNTED) for figure in page if found[figure.id].known}
        for figure in page:
            alike = (figure.window, True) in seen and figure.quantity.metric in _COUNTED
            if not found[figure.id].known and alike and figure.amount is not None:
                detail = f"stands beside a figure of {parent.title} for the same window on the same page"
                found[figure.id] = Lineage(parent.id, parent.title, Reason.SAME_PAGE, detail, votes=parent.votes)


def _impossible_triples(figures: Iterable[Figure]) -> list[tuple[Figure, Figure, Figure]]:
    """Sets (total, long, short) on one page for one window that cannot all be true."""
    pages: dict[tuple[object, ...], dict[Side, list[Figure]]] = defaultdict(lambda: defaultdict(list))
    for figure in figures:
        if figure.quantity.metric == LIQUIDATIONS and figure.amount is not None and figure.as_printed:
            scope = (figure.url, figure.window, figure.quantity.with_side(Side.BOTH))
            pages[scope][figure.quantity.side].append(figure)
    triples = []
    for sides in pages.values():
        readings = list(product(sides[Side.BOTH], sides[Side.LONG], sides[Side.SHORT]))
        if readings and not any(_adds_up(*triple) for triple in readings):
            triples.append(min(readings, key=lambda triple: [str(figure.amount) for figure in triple]))
    return triples


def _adds_up(total: Figure, long: Figure, short: Figure) -> bool:
    """Whether the three can all be true within their rounding and their hedges."""
    (low, high), (least_long, most_long), (least_short, most_short) = map(interval, (total, long, short))
    return least_long + least_short <= high and low <= most_long + most_short


def _page(figure: Figure) -> tuple[str, str, str]:
    return figure.outlet, figure.url, figure.id


def _signature(triple: Sequence[Figure]) -> tuple[object, ...]:
    return tuple((f.quantity.words(), f.amount.value.normalize() if f.amount else None) for f in triple)


def by_lineage(figures: Iterable[Figure], lineages: Mapping[str, Lineage]) -> dict[str, list[Figure]]:
    """The figures of each known lineage, by lineage id."""
    groups: dict[str, list[Figure]] = defaultdict(list)
    for figure in figures:
        if lineages[figure.id].known:
            groups[lineages[figure.id].id].append(figure)
    return dict(sorted(groups.items()))
