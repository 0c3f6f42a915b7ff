"""Articles to plain text: blocks and sentences, each with its exact place in the original.

Everything here takes time linear in the text. HTML is read by a scanner of its own, because `html.parser` gives
neither the places of character references nor linear time on hostile input in every supported Python.
"""

from __future__ import annotations

import html
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    HEADING = "heading"
    PARAGRAPH = "paragraph"
    ITEM = "item"
    CELL = "cell"


@dataclass(frozen=True, slots=True)
class Span:
    """Half-open: characters `start` to `end`."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of the plain text. `context` are the spans that head it: a table cell's row label and column title."""

    kind: Kind
    start: int
    end: int
    level: int = 0
    context: tuple[Span, ...] = ()
    marker: Span | None = None


@dataclass(frozen=True, slots=True)
class Sentence:
    start: int
    end: int
    block: int


@dataclass(frozen=True, slots=True)
class Document:
    """An article. `text` is what a reader sees; `place` leads from there back into `original`."""

    original: str
    text: str
    blocks: tuple[Block, ...]
    sentences: tuple[Sentence, ...]
    published: str = ""
    _plain: tuple[int, ...] = field(default=(0,), repr=False)
    _source: tuple[int, ...] = field(default=(0,), repr=False)

    def place(self, start: int, end: int) -> Span:
        """The characters of the original that `text[start:end]` was made of."""
        return Span(self._at(start), self._at(max(end - 1, start)) + (1 if end > start else 0))

    def _at(self, index: int) -> int:
        piece = bisect_right(self._plain, index) - 1
        return self._source[piece] + index - self._plain[piece]


class _Builder:
    """Collects pieces of the original and remembers where each came from."""

    def __init__(self, original: str) -> None:
        self.original = original
        self.parts: list[str] = []
        self.plain: list[int] = []
        self.source: list[int] = []
        self.length = 0
        self.blocks: list[Block] = []
        self.published = ""

    def take(self, start: int, end: int) -> None:
        if end > start:
            self.put(self.original[start:end], start)

    def put(self, shown: str, source: int) -> None:
        self.parts.append(shown)
        self.plain.append(self.length)
        self.source.append(source)
        self.length += len(shown)

    def close(
        self,
        kind: Kind,
        start: int,
        at: int,
        *,
        level: int = 0,
        context: tuple[Span, ...] = (),
        marker: Span | None = None,
    ) -> None:
        """End the block that began at `start` (of the plain text); `at` is the place in the original."""
        if self.length > start:
            self.blocks.append(Block(kind, start, self.length, level, context, marker))
        self.put("\n", min(at, max(len(self.original) - 1, 0)))

    def document(self) -> Document:
        text = "".join(self.parts)
        sentences = tuple(
            Sentence(start, end, number) for number, b in enumerate(self.blocks) for start, end in _split(text, b)
        )
        return Document(
            self.original,
            text,
            tuple(self.blocks),
            sentences,
            self.published,
            tuple(self.plain) or (0,),
            tuple(self.source) or (0,),
        )


_END = re.compile(r"[.!?。！？；…]")
_LONGEST_SENTENCE = 1_000
_CLOSERS = "\"'”’)]）」』】"
_ABBREVIATIONS = frozenset(
    {
        "u.s", "u.k", "e.u", "approx", "c", "ca", "vs", "no", "jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep",
        "sept", "oct", "nov", "dec", "mr", "ms", "mrs", "dr", "st", "inc", "ltd", "co", "corp", "e.g", "i.e", "a.m",
        "p.m", "est", "fig", "ref", "mon", "tue", "wed", "thu", "fri", "sat", "sun",
    }
)  # fmt: skip


def _split(text: str, block: Block) -> Iterator[tuple[int, int]]:
    """The sentences of a block, without the white space around them."""
    start = block.start
    for stop in _END.finditer(text, block.start, block.end):
        end = stop.end()
        if end <= start:
            continue
        while end < block.end and end - stop.end() < 4 and text[end] in _CLOSERS:
            end += 1
        char = stop[0]
        if char in ".!?…":
            if end < block.end and not text[end].isspace() and not "\u2e80" <= text[end] <= "\uffef":
                continue
            if char == "." and not _ends(text, start, stop.start(), end, block.end):
                continue
        yield from _trimmed(text, start, end)
        start = end
    yield from _trimmed(text, start, block.end)


def _ends(text: str, start: int, dot: int, end: int, limit: int) -> bool:
    """Whether the full stop at `dot` ends a sentence: not after an abbreviation, not before a small letter."""
    word = text[max(start, dot - 8) : dot].rpartition(" ")[2].lstrip("(\"'“").lower()
    following = text[end : min(end + 3, limit)].lstrip()
    if following[:1].islower():
        return False
    if word in ("a.m", "p.m", "u.s"):
        return following[:1].isupper() and word != "u.s"
    return word not in _ABBREVIATIONS and not (len(word) == 1 and word.isalpha())


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The stretch without white space around it, in pieces where it is longer than any sentence."""
    while end - start > _LONGEST_SENTENCE:
        space = text.rfind(" ", start + 1, start + _LONGEST_SENTENCE)
        cut = space if space > 0 else start + _LONGEST_SENTENCE
        yield start, cut
        start = cut
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if end > start:
        yield start, end


def read(text: str, form: str = "md") -> Document:
    """Read an article; `form` is "md", "txt" or "html"."""
    builder = _Builder(text)
    if form == "html":
        _Html(builder).read()
    else:
        _Lines(builder, markdown=form == "md").read()
    return builder.document()


#: How a page, or a piece of one, begins.
_MARKUP = re.compile(r"\s{0,200}<(?:!doctype html|html|head|body|article|main|div|p|table|h[1-6])\b", re.IGNORECASE)


def guess_form(name: str, text: str) -> str:
    """The form of a file from its name, or from how it begins."""
    suffix = name.lower().rpartition(".")[2]
    if suffix in ("html", "htm", "xhtml"):
        return "html"
    if suffix in ("txt", "text"):
        return "txt"
    return "html" if _MARKUP.match(text) else "md"


_BULLETS = "-*+•●◆▪‣·"
_NUMBERED = re.compile(r"\d{1,3}[.)、](?=\s)")
#: A line of the form "BTC: $71,312", which begins a stretch of its own however the lines around it are set.
_LABELLED = re.compile(r"[*_]{0,3}\w[\w /()&.%-]{0,30}[:：][*_]{0,3}\s{0,2}[~≈+-]?(?:us)?\$?[0-9]", re.IGNORECASE)
_TERMINAL = '.!?。！？:：;；…"”’)）'
_HEADLINE = 140


class _Lines:
    """Markdown and plain text, line by line."""

    def __init__(self, builder: _Builder, *, markdown: bool) -> None:
        self.out = builder
        self.text = builder.original
        self.markdown = markdown
        self.open: int | None = None  # where the paragraph that is being read began
        self.titles: list[Span] = []
        self.in_table = False

    def read(self) -> None:
        at, fenced = self._front_matter(), False
        while at < len(self.text):
            newline = self.text.find("\n", at)
            end = len(self.text) if newline < 0 else newline
            line = self.text[at:end]
            bare = line.strip()
            if self.markdown and bare.startswith(("```", "~~~")):
                self._close(at)
                fenced = not fenced
            elif not fenced:
                self._line(at, end, line, bare)
            at = end + 1
        self._close(len(self.text))

    def _front_matter(self) -> int:
        if not self.markdown or not self.text.startswith("---\n"):
            return 0
        end = self.text.find("\n---", 3)
        if end < 0:
            return 0
        for line in self.text[4:end].splitlines():
            name, _, value = line.partition(":")
            if name.strip().lower() in ("date", "published", "dateline"):
                self.out.published = value.strip().strip("\"'")
        following = self.text.find("\n", end + 1)
        return len(self.text) if following < 0 else following + 1

    def _line(self, at: int, end: int, line: str, bare: str) -> None:
        if not bare:
            self._close(at)
            self.in_table = False
            return
        indent = at + len(line) - len(line.lstrip())
        while self.markdown and indent < end and self.text[indent] == ">":
            indent += 1
            while indent < end and self.text[indent] == " ":
                indent += 1
        hashes = indent
        while hashes < end and self.text[hashes] == "#" and hashes - indent < 6:
            hashes += 1
        if hashes > indent and hashes < end and self.text[hashes] == " ":
            self._close(at)
            self._block(Kind.HEADING, hashes + 1, end, level=hashes - indent)
        elif bare.startswith("|") and bare.count("|") > 1:
            self._close(at)
            self._row(indent, end)
        elif marker := self._marker(indent, end):
            self._close(at)
            self._block(Kind.ITEM, marker, end, marker=Span(indent, marker))
        else:
            if _LABELLED.match(self.text, indent, end):
                self._close(at)
            self._paragraph(indent, end, bare)

    def _marker(self, at: int, end: int) -> int:
        if at < end and self.text[at] in _BULLETS and at + 1 < end and self.text[at + 1].isspace():
            return at + 2
        if at < end and unicodedata.category(self.text[at]) == "So":  # emoji serve as bullets in posts
            space = at + 1 + (self.text[at + 1 : at + 2] == "\ufe0f")
            if self.text[space : space + 1].isspace() and space < end:
                return space + 1
        numbered = _NUMBERED.match(self.text, at, end)
        return numbered.end() + 1 if numbered else 0

    def _block(self, kind: Kind, start: int, end: int, *, level: int = 0, marker: Span | None = None) -> None:
        begin = self.out.length
        self._inline(start, end)
        self.out.close(kind, begin, end, level=level, marker=marker)

    def _paragraph(self, start: int, end: int, bare: str) -> None:
        if self.open is not None and not self.markdown and not self._goes_on(bare):
            self._close(start)
        if self.open is None:
            self.open = self.out.length
        else:
            self.out.put("\n", start - 1)
        self._inline(start, end)

    def _goes_on(self, bare: str) -> bool:
        """Whether a line of plain text continues the paragraph: wrapped text begins small and follows no full stop."""
        return self._tail() not in _TERMINAL and (bare[0].islower() or bare[0].isdigit() or bare[0] in "$(")

    def _tail(self) -> str:
        return self.out.parts[-1].rstrip()[-1:] if self.out.parts else ""

    def _close(self, at: int) -> None:
        if self.open is None:
            return
        shown = self.out.length - self.open
        tail = self._tail()
        head = shown <= _HEADLINE and tail not in _TERMINAL and not self.markdown
        self.out.close(Kind.HEADING if head else Kind.PARAGRAPH, self.open, at, level=2 if head else 0)
        self.open = None

    def _row(self, start: int, end: int) -> None:
        """A row of a Markdown table: the first row holds the titles, the first cell of each other row its label."""
        row = self.text[start:end]
        if not row.strip("|:- \t"):
            return
        heads = not self.in_table
        if heads:
            self.in_table, self.titles = True, []
        label, ranked = None, False
        at = start + 1
        for number, cell in enumerate(row.strip().strip("|").split("|")):
            begin = self.out.length
            self._inline(at, at + len(cell))
            here = Span(begin, self.out.length)
            context = [] if heads else [s for s in (label, *self.titles[number : number + 1]) if s is not None]
            self.out.close(Kind.CELL, begin, at + len(cell), context=tuple(context))
            if heads:
                self.titles.append(here)
            elif number == 0 or (number == 1 and ranked):  # a rank or an empty cell names nothing
                label, ranked = here, not any(char.isalpha() for char in cell)
            at += len(cell) + 1

    def _inline(self, start: int, end: int) -> None:
        """The text of a line without emphasis marks, and links without their addresses."""
        if not self.markdown:
            self.out.take(start, end)
            return
        text, begin, at = self.text, start, start
        while at < end:
            char = text[at]
            if char in "*`" or (char == "_" and text[at : at + 2] == "__"):
                self.out.take(begin, at)
                at = begin = at + (2 if char == "_" else 1)
            elif char == "\\" and at + 1 < end and not text[at + 1].isalnum():
                self.out.take(begin, at)
                begin = at + 1
                at += 2
            elif char == "]" and text[at + 1 : at + 2] == "(":
                close = text.find(")", at, min(end, at + 2000))
                self.out.take(begin, at)
                at = begin = at + 1 if close < 0 else close + 1
            elif char == "[" and not text[at + 1 : at + 2].isdigit():
                self.out.take(begin, at)
                at = begin = at + 1
            else:
                at += 1
        self.out.take(begin, end)


_SILENT = frozenset(
    {"script", "style", "nav", "aside", "footer", "form", "noscript", "template", "svg", "head", "button", "select"}
)
_BLOCKS = frozenset(
    {"p", "div", "section", "article", "main", "ul", "ol", "table", "tr", "blockquote", "figure", "figcaption",
     "header", "body", "br", "hr", "pre", "dl", "dt", "dd"}
)  # fmt: skip
_TAG = re.compile(r"/?([a-zA-Z][a-zA-Z0-9-]{0,20})")
_REFERENCE = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,30});?")
#: Where pages say when they were published: Open Graph, schema.org (as an attribute or as JSON-LD).
_PUBLISHED = re.compile(
    r"(?:article:published_time|datePublished)[\"']\s{0,3}(?:content\s{0,3}=|:)\s{0,3}[\"']([^\"']{4,40})[\"']",
    re.IGNORECASE,
)
_HEAD = 200_000
_TIME = re.compile(r"datetime\s{0,5}=\s{0,5}[\"']([^\"']{1,40})", re.IGNORECASE)


class _Html:
    """The main text of a web page: what stands in `<article>` or `<main>` where there is one, else the body."""

    def __init__(self, builder: _Builder) -> None:
        self.out = builder
        self.text = builder.original
        self.start = 0
        self.kind, self.level = Kind.PARAGRAPH, 0
        self.row: list[Span] = []
        self.ranked = False  # whether the row's first cell is a rank, and the second its label
        self.titles: list[Span] = []

    def read(self) -> None:
        low = self.text.lower() if len(self.text.lower()) == len(self.text) else self.text
        if stated := _PUBLISHED.search(self.text, 0, _HEAD):
            self.out.published = stated[1]
        main = next((tag for tag in ("<article", "<main") if tag in low), "")
        at = low.find(main) if main else 0
        limit = low.rfind("</" + main[1:]) if main else len(low)
        limit = limit if limit > at else len(low)
        no_close = False
        while at < limit:
            opening = self.text.find("<", at, limit)
            stop = limit if opening < 0 else opening
            self._characters(at, stop)
            if opening < 0:
                break
            if self.text.startswith("<!--", opening):
                close = self.text.find("-->", opening + 4)
                at = limit if close < 0 else close + 3
                continue
            close = -1 if no_close else self.text.find(">", opening)
            tag = _TAG.match(self.text, opening + 1)
            if close < 0 or (tag is None and self.text[opening + 1 : opening + 2] not in ("!", "?")):
                no_close = no_close or close < 0
                self.out.take(opening, opening + 1)
                at = opening + 1
                continue
            at = close + 1
            if tag is None:
                continue
            name, closing = tag[1].lower(), self.text[opening + 1] == "/"
            if name == "time" and not closing and not self.out.published:
                found = _TIME.search(self.text, opening, min(close, opening + 500))
                self.out.published = found[1] if found else ""
            if name in _SILENT and not closing:
                ends = low.find("</" + name, at)
                at = limit if ends < 0 else ends
                continue
            self._tag(name, closing, opening)
        self._close(limit)

    def _characters(self, start: int, end: int) -> None:
        begin = start
        for reference in _REFERENCE.finditer(self.text, start, end):
            shown = html.unescape(reference[0])
            if shown != reference[0]:
                self.out.take(begin, reference.start())
                self.out.put(shown, reference.start())
                begin = reference.end()
        self.out.take(begin, end)

    def _tag(self, name: str, closing: bool, at: int) -> None:
        heading = len(name) == 2 and name[0] == "h" and name[1] in "123456"
        if heading or name in ("li", "td", "th") or name in _BLOCKS:
            self._close(at)
            if closing:
                self.kind, self.level = Kind.PARAGRAPH, 0
            elif heading:
                self.kind, self.level = Kind.HEADING, int(name[1])
            elif name == "li":
                self.kind = Kind.ITEM
            elif name in ("td", "th"):
                self.kind = Kind.CELL
        if name == "table":
            self.titles = []
        if name == "tr":
            if closing and not self.titles:
                self.titles = self.row
            self.row = []

    def _close(self, at: int) -> None:
        begin, self.start = self.start, self.out.length
        while begin < self.out.length and self.kind is not Kind.CELL and not self._shown(begin):
            begin = self.out.length
        if self.kind is Kind.CELL and begin < self.out.length:
            column = len(self.row)
            self.ranked = self.ranked if column else not self._shown(begin, str.isalpha)
            self.row.append(Span(begin, self.out.length))
            label = 1 if column > 1 and self.ranked else 0
            context = (
                [*self.row[label : label + 1], *self.titles[column : column + 1]] if self.titles and column else []
            )
            self.out.close(self.kind, begin, at, context=tuple(context))
        elif begin < self.out.length:
            self.out.close(self.kind, begin, at, level=self.level)
        else:
            self.out.put("\n", min(at, max(len(self.text) - 1, 0)))
        self.start = self.out.length

    def _shown(self, begin: int, wanted: Callable[[str], bool] = lambda char: not char.isspace()) -> bool:
        """Whether a character of some kind was put since `begin`; looks at the pieces of this block only."""
        index = bisect_right(self.out.plain, begin) - 1
        return any(wanted(char) for part in self.out.parts[max(index, 0) :] for char in part)
