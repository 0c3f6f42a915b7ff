"""The smallest change of a text that the evidence demands, as replacements of stretches of the original.

A supported figure without an attribution gets one; a figure that every channel contradicts gets what the likeliest slip
got wrong (side, window, scope) or, where no slip is known, the number that the channel states. Nothing else is touched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from verify.claims import words
from verify.claims.spans import fold
from verify.model import names
from verify.model.amount import MAGNITUDES
from verify.model.quantity import Side
from verify.model.report import FigureRow, Report, Verdict
from verify.model.window import Window, duration_words

if TYPE_CHECKING:
    from verify.claims.claim import Claim, Reading
    from verify.claims.consistency import Finding
    from verify.claims.result import Row

_DIGITS = re.compile(r"[0-9][0-9,_]*+(?:\.[0-9]++)?+|\.[0-9]++")
_FAMILIES = (
    (("thousand", 3), ("million", 6), ("billion", 9), ("trillion", 12)),
    (("k", 3), ("mn", 6), ("bn", 9), ("tn", 12)),
    (("k", 3), ("m", 6), ("b", 9), ("t", 12)),
    (("千", 3), ("万", 4), ("亿", 8)),
    (("千", 3), ("萬", 4), ("億", 8)),
)
_MOST_DIGITS = 4
_ADJECTIVE = re.compile(r"(the )?[a-z0-9]+-(?:hour|minute|day)", re.IGNORECASE)
_HAN = re.compile(r"[\u4e00-\u9fff]")
_SIDES = {
    "long": {"long": "long", "short": "short"},
    "longs": {"long": "longs", "short": "shorts"},
    "short": {"long": "long", "short": "short"},
    "shorts": {"long": "longs", "short": "shorts"},
    "bullish": {"long": "bullish", "short": "bearish"},
    "bearish": {"long": "bullish", "short": "bearish"},
    "bulls": {"long": "bulls", "short": "bears"},
    "bears": {"long": "bulls", "short": "bears"},
    "多": {"long": "多", "short": "空"},
    "空": {"long": "多", "short": "空"},
}
_BOTH = {"longs": "positions", "shorts": "positions", "bulls": "traders", "bears": "traders", "多": "", "空": ""}


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace `old`, the characters `start` to `end` of the original, by `new`; an insertion where both are equal."""

    start: int
    end: int
    old: str
    new: str
    why: str

    def to_dict(self) -> dict[str, object]:
        return {"start": self.start, "end": self.end, "old": self.old, "new": self.new, "why": self.why}


def suggested(reading: Reading, rows: Sequence[Row], findings: Sequence[Finding]) -> list[Row]:
    """The rows, each with its edits. Rows that the text contradicts get none: which of its numbers is wrong is open."""
    lost = {f.claims[1]: f for f in findings if f.code == "repeated_without"}
    done = []
    for index, row in enumerate(rows):
        edits = tuple(_edits(reading, row))
        if not edits and index in lost:
            edits = tuple(_restored(row.claim, reading.claims[lost[index].claims[0]]))
        done.append(replace(row, edits=edits) if edits else row)
    return done


def applied(text: str, edits: Sequence[Edit], start: int, end: int) -> str:
    """`text[start:end]` with the edits that lie in it made."""
    parts, at = [], start
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        if at <= edit.start and edit.end <= end:
            parts += [text[at : edit.start], edit.new]
            at = edit.end
    return "".join([*parts, text[at:end]])


def _edits(reading: Reading, row: Row) -> Iterator[Edit]:
    report, claim = row.report, row.claim
    if report is not None and row.reasons == report.reasons:  # no contradiction within the text was added
        if report.verdict is Verdict.SUPPORTED and not claim.attribution:
            yes = [answer for answer in report.answers if answer.answer in ("yes", "through hedge")]
            if len({answer.lineage for answer in yes}) == 1:
                yield _attributed(reading, claim, yes[0].title)
        elif report.verdict is Verdict.DIFFERS:
            yield from _corrected(reading, claim, report)
    if len(row.windows) == 1 and claim.when is None and row.verdict is Verdict.INCONCLUSIVE:
        yield _windowed(claim, row.windows[0], "the only known window in which it holds")


def _corrected(reading: Reading, claim: Claim, report: Report) -> Iterator[Edit]:
    slip = next((e for e in report.explanations if e.slip != "rounded"), None)
    known = next((f for f in report.figures if slip and f.url == slip.url and f.value == slip.value), None)
    if slip is not None and known is not None:
        edit = _of_slip(reading, claim, slip.slip, known, slip.title)
        if edit is not None:
            yield edit
            return
    answer = next((a for a in report.answers if a.nearest is not None and a.nearest.value), None)
    if answer is not None and answer.nearest is not None and answer.nearest.value:
        nearest = answer.nearest
        value = Decimal(repr(answer.nearest.value))
        new = restyled(claim.text, value)
        if new and new != claim.text:
            least = nearest.stated.startswith("at least") or "at least" in nearest.stated
            lead = ("至少" if _han(claim.sentence) else "at least ") if least and not claim.hedge else ""
            yield Edit(claim.start, claim.end, claim.text, lead + new, f"{answer.title} states {nearest.stated}")


def _of_slip(reading: Reading, claim: Claim, slip: str, known: FigureRow, title: str) -> Edit | None:
    if slip in ("total_as_side", "side_as_total", "sides_swapped"):
        return _sided(reading, claim, known.side, title)
    if slip in ("window_changed", "stale_window", "date_shifted") and known.start and known.end:
        window = Window(known.start, known.end)
        sentence = reading.document.sentences[claim.position]
        when = claim.when
        if when is None or not sentence.start <= when.start < sentence.end or "when" in claim.carried:
            return None
        place = reading.document.place(when.start, when.end)
        old = reading.document.original[place.start : place.end]
        return Edit(place.start, place.end, old, _window_like(old, window), title)
    if slip in ("venue_as_market", "assets_as_market"):
        scope = known.venues if slip == "venue_as_market" else known.assets
        new = (
            f"（{scope}）" if _han(claim.sentence) else f" on {scope}" if slip == "venue_as_market" else f" of {scope}"
        )
        return Edit(claim.end, claim.end, "", new, title)
    return None


def _sided(reading: Reading, claim: Claim, side: str, why: str) -> Edit | None:
    """The word for the side that stands nearest to the number, changed to the side that was counted."""
    document = reading.document
    sentence = document.sentences[claim.position]
    low = fold(document.text[sentence.start : sentence.end])
    found = [
        (sentence.start + m.start, sentence.start + m.end)
        for m in words.sides(low, 0, len(low))
        if m.values[0] == str(claim.side)
    ]
    if not found:
        if side in (Side.LONG, Side.SHORT):
            new = ("多单" if side == "long" else "空单") if _han(claim.sentence) else f" of {side}s"
            return Edit(claim.end, claim.end, "", new, why)
        return None
    nearest = min(found, key=lambda span: abs(document.place(*span).start - claim.start))
    middle = document.place(*nearest)
    written = document.original[middle.start : middle.end]
    word = re.search(r"longs|shorts|long|short|bullish|bearish|bulls|bears|[多空]", written.lower())
    if word is None:
        return None
    start, end = middle.start + word.start(), middle.start + word.end()
    if side in (Side.LONG, Side.SHORT):
        new = _SIDES[word[0]][side]
    elif word[0] in _BOTH:
        new = _BOTH[word[0]]
        end += 1 if word[0] in "多空" and len(written) > 1 else 0
    else:
        new, end = "", end + (1 if document.original[end : end + 1] == " " else 0)
    old = document.original[start:end]
    return Edit(start, end, old, new.capitalize() if old[:1].isupper() else new, why)


def _attributed(reading: Reading, claim: Claim, who: str) -> Edit:
    at = _sentence_end(reading, claim)
    new = f"（据 {who}）" if _han(claim.sentence) else f", according to {who}"
    return Edit(at, at, "", new, f"{who} is the only one that is known to have counted it")


def _windowed(claim: Claim, window: Window, why: str) -> Edit:
    han = _han(claim.sentence)
    words_ = _window_words(window, han=han)
    at = claim.end
    return Edit(at, at, "", f"（{words_}）" if han else f" ({words_})", why)


def _restored(claim: Claim, first: Claim) -> Iterator[Edit]:
    """What a figure was stated with before, in brackets behind it where it comes back without."""
    said = []
    if first.side is not Side.BOTH and claim.side is Side.BOTH:
        said.append(str(first.side))
    if first.venues and not claim.venues:
        said.append(", ".join(names.title("venues", venue) for venue in first.venues))
    if first.when is not None and claim.when is None:
        said.append(first.when.text.strip(" ,"))
    if first.threshold is not None and claim.threshold is None:
        said.append(f"above ${first.threshold:,.0f}")
    if first.attribution and not claim.attribution:
        said.append(f"according to {first.attribution}")
    if said:
        inside = ", ".join(said)
        new = f"（{inside}）" if _han(claim.sentence) else f" ({inside})"
        yield Edit(claim.end, claim.end, "", new, f"as it was stated before ({first.text})")


def _sentence_end(reading: Reading, claim: Claim) -> int:
    """Before the full stop of the claim's sentence, in the original."""
    document = reading.document
    sentence = document.sentences[claim.position]
    last = sentence.end
    while last > sentence.start and document.text[last - 1] in ".!?。！？…\"'”’)）":
        last -= 1
    return max(document.place(sentence.start, last).end, claim.end)


def _window_words(window: Window, *, han: bool) -> str:
    end = window.end
    if han:
        length = duration_words(window.length).replace(" hours", " 小时").replace(" hour", " 小时")
        return f"截至 {end.month} 月 {end.day} 日 {end:%H:%M} UTC 的 {length}"
    return f"in the {duration_words(window.length)} to {end:%H:%M} UTC on {end.day} {end:%B} {end.year}"


def _window_like(old: str, window: Window) -> str:
    """A window in the place of the words for another: an adjective for an adjective, a capital for a capital."""
    if adjective := _ADJECTIVE.fullmatch(old):
        length = duration_words(window.length)
        for unit in ("hour", "minute", "day"):
            length = length.replace(f" {unit}s", f"-{unit}").replace(f" {unit}", f"-{unit}")
        return f"{adjective[1] or ''}{length}"
    new = _window_words(window, han=_han(old))
    return new[:1].upper() + new[1:] if old[:1].isupper() else new


def _han(text: str) -> bool:
    return _HAN.search(text) is not None


def restyled(written: str, value: Decimal) -> str:
    """`value` in the style of a written number (currency, kind of magnitude, commas); "" where it has no digits."""
    found = list(_DIGITS.finditer(written))
    if not found:
        return ""
    lead, tail = written[: found[0].start()], written[found[-1].end() :]
    low = fold(tail)
    gap = len(low) - len(low.lstrip(" -"))
    magnitude = max((m for m in MAGNITUDES if m and low.startswith(m, gap)), key=len, default="")
    shown, rest, exponent = tail[gap : gap + len(magnitude)], tail[gap + len(magnitude) :], MAGNITUDES[magnitude]
    family = next((f for f in _FAMILIES if magnitude in (name for name, _ in f)), ())
    if family:
        fitting = [(name, power) for name, power in family if value >= Decimal(10) ** power] or [family[0]]
        name, power = fitting[-1]
        if power != exponent:
            shown, exponent = _cased(name, shown), power
    mantissa = value.scaleb(-exponent)
    places = max(_MOST_DIGITS - 1 - mantissa.adjusted(), 0) if mantissa else 0
    digits = f"{round(mantissa, places):,f}"
    digits = digits.rstrip("0").rstrip(".") if "." in digits else digits
    if "," not in written:
        digits = digits.replace(",", "")
    return f"{lead}{digits}{tail[:gap]}{shown}{rest}"


def _cased(name: str, like: str) -> str:
    return name.upper() if like.isupper() else name.capitalize() if like[:1].isupper() else name
