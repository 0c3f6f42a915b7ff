"""Amounts as people write them, with the interval that their rounding leaves open.

Grammar (after Unicode NFKC, case-insensitive)::

    amount   = [hedge] quantity [hedge-suffix] | [hedge] quantity range-sign quantity
    quantity = [currency] number [magnitude] [number magnitude]... [currency] | words magnitude [currency]
    words    = "half a", "three quarters of a", "two", "seven hundred", ...; a range has digits
    number   = digits with optional groups of three (or `_`) and a decimal point

The rounding rule: the last digit that carries information is uncertain by half a unit. Digits after a
decimal point all carry information; trailing zeros before it do not. So `$750M` is [745M, 755M), `758M` is
[757.5M, 758.5M) and `75,040,000` is [75.035M, 75.045M).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum

from verify.model.errors import AmountError

#: How far "about" and "nearly" reach, as a share of the value. A convention of this project, stated in
#: docs/verdicts.md: wide enough for a number rounded to one and a half digits, too narrow to hide a slip.
HEDGE_SHARE = Decimal("0.05")

_LONGEST_TEXT = 200
_MOST_DIGITS = 22
_MOST_PLACES = 18
_HUGE = Decimal("1e18")
_WRITTEN_OUT = Decimal("1e7")


class Hedge(StrEnum):
    """How a number is qualified where it is printed."""

    NONE = ""
    ABOUT = "about"
    NEARLY = "nearly"
    AT_LEAST = "at least"
    OVER = "over"
    UP_TO = "up to"
    UNDER = "under"


#: The words that qualify a number, before or after it, in lower case.
HEDGE_WORDS: dict[Hedge, tuple[str, ...]] = {
    Hedge.ABOUT: (
        "about",
        "around",
        "approximately",
        "approx.",
        "approx",
        "roughly",
        "some",
        "circa",
        "ca.",
        "c.",
        "an estimated",
        "estimated",
        "in the region of",
        "in the neighbourhood of",
        "in the neighborhood of",
        "just about",
        "something like",
        "give or take",
        "or so",
        "-ish",
        "~",
        "≈",
        "约",
        "大约",
        "约为",
        "约有",
        "約有",
        "約為",
        "约达",
        "约合",
        "约占",
        "约计",
        "大概",
        "左右",
        "上下",
        "約",
        "大約",
    ),
    Hedge.NEARLY: (
        "nearly",
        "nearing",
        "almost",
        "close to",
        "just under",
        "just shy of",
        "shy of",
        "a little under",
        "slightly under",
        "a shade under",
        "just below",
        "slightly less than",
        "approaching",
        "逼近",
        "近乎",
        "几近",
        "近",
        "接近",
        "将近",
        "將近",
    ),
    Hedge.AT_LEAST: (
        "at least",
        "no less than",
        "not less than",
        "a minimum of",
        "no fewer than",
        "not fewer than",
        "不低于",
        "or more",
        "≥",
        ">=",
        "+",
        "至少",
        "不少于",
        "以上",
    ),
    Hedge.OVER: (
        "over",
        "just over",
        "well over",
        "slightly over",
        "a little over",
        "a shade over",
        "a touch over",
        "a bit over",
        "comfortably over",
        "a little more than",
        "just above",
        "well above",
        "slightly above",
        "beyond",
        "and change",
        "more than",
        "slightly more than",
        "above",
        "exceeding",
        "in excess of",
        "upwards of",
        "north of",
        "greater than",
        ">",
        "超",
        "超过",
        "超過",
        "逾",
        "高于",
        "多于",
        "余",
    ),
    Hedge.UP_TO: (
        "up to",
        "as much as",
        "as many as",
        "as high as",
        "at the most",
        "at most",
        "no more than",
        "a maximum of",
        "≤",
        "<=",
        "最多",
        "至多",
        "高达",
        "高達",
    ),
    Hedge.UNDER: (
        "under",
        "well under",
        "less than",
        "below",
        "well below",
        "fewer than",
        "<",
        "不到",
        "不足",
        "少于",
    ),
}
_WORDS_BY_LENGTH = sorted(
    ((word, hedge) for hedge, words in HEDGE_WORDS.items() for word in words),
    key=lambda pair: (-len(pair[0]), pair[0]),
)

#: How US dollars are written beside a number, in lower case.
CURRENCY_WORDS = (
    "us$",
    "u.s.$",
    "usd$",
    "$",
    "usdt",
    "usdc",
    "usd",
    "us dollars",
    "u.s. dollars",
    "dollars",
    "dollar",
    "美元",
    "美金",
)
_CURRENCIES_BY_LENGTH = sorted(CURRENCY_WORDS, key=lambda word: (-len(word), word))
_FOREIGN = re.compile(r"[€£¥₩₹]|\b(?:eur|gbp|jpy|cny|rmb|krw|euros?|yen|won|yuan)\b|人民币|(?<!美)元")
_QUOTES = "\"'“”„‘’«»「」『』"

#: What may follow a number, in lower case, and its power of ten.
MAGNITUDES: dict[str, int] = {
    "": 0,
    "k": 3,
    "thousand": 3,
    "m": 6,
    "mn": 6,
    "mm": 6,
    "mio": 6,
    "mil": 6,
    "mln": 6,
    "million": 6,
    "millions": 6,
    "b": 9,
    "bn": 9,
    "bln": 9,
    "billion": 9,
    "billions": 9,
    "t": 12,
    "tn": 12,
    "trn": 12,
    "trillion": 12,
    "百": 2,
    "千": 3,
    "万": 4,
    "萬": 4,
    "十万": 5,
    "百万": 6,
    "百萬": 6,
    "千万": 7,
    "千萬": 7,
    "亿": 8,
    "億": 8,
    "十亿": 9,
    "百亿": 10,
    "千亿": 11,
    "万亿": 12,
    "兆": 12,
}
_NUMBER = re.compile(r"(?P<whole>\d{1,3}(?:,\d{3})+|\d+(?:_\d+)*)(?:\.(?P<part>\d+))?|\.(?P<bare>\d+)")
_MAGNITUDE = re.compile("|".join(sorted((re.escape(m) for m in MAGNITUDES if m), key=lambda m: (-len(m), m))))
_HYPHEN = re.compile(r"(?<=\d)\s*-\s*(?=(?:thousand|million|billion|trillion)\b)")  # a $750-million loss
#: Numbers that are written out before a magnitude: "half a billion".
SPELLED = {
    "half a": Decimal("0.5"), "a quarter of a": Decimal("0.25"), "three quarters of a": Decimal("0.75"),
    "three-quarters of a": Decimal("0.75"), "a": Decimal(1), "one": Decimal(1), "two": Decimal(2), "three": Decimal(3),
    "four": Decimal(4), "five": Decimal(5), "six": Decimal(6), "seven": Decimal(7), "eight": Decimal(8),
    "nine": Decimal(9), "ten": Decimal(10), "eleven": Decimal(11), "twelve": Decimal(12), "twenty": Decimal(20),
    "thirty": Decimal(30), "forty": Decimal(40), "fifty": Decimal(50),
}  # fmt: skip
_WORDS = re.compile(
    rf"(?P<n>{'|'.join(sorted(map(re.escape, SPELLED), key=lambda word: (-len(word), word)))})"
    r"(?P<hundred> hundred)? (?P<rest>(?:million|billion|trillion)\b.*)",
    re.DOTALL,
)
_ODD = re.compile(r"(?<=\d)[余多](?=[十百千万亿])")  # 10余亿: a billion and some
_RANGE = re.compile(r"\s*(?:-|–|—|~|至|到|\bto\b|\band\b)\s*")
_FORMATS = (("tn", 12), ("bn", 9), ("M", 6), ("k", 3), ("", 0))


@dataclass(frozen=True, slots=True)
class Amount:
    """A non-negative number as written.

    `value` is the number, `low` and `high` the half-open interval [low, high) that its rounding leaves open, in
    units of `currency` ("USD", or "" for a bare number or count). For a range such as `$551-$554 million` the
    interval runs from the low end's to the high end's and `value` is the middle. `text` is what was read and does
    not take part in comparisons. `allowance` is how far off, on either side, somebody takes the statement to be true
    all the same (the tolerance of a check); nobody printed it.
    """

    value: Decimal
    low: Decimal
    high: Decimal
    hedge: Hedge = Hedge.NONE
    currency: str = ""
    ends: tuple[Decimal, Decimal] | None = None
    text: str = field(default="", compare=False)
    allowance: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        for number in (self.value, self.low, self.high):
            if not number.is_finite():
                raise AmountError(f"{self.text or number} is not a finite number")
        if not self.low <= self.value <= self.high:
            raise AmountError(f"{self.text or self.value}: the interval [{self.low}, {self.high}) misses the value")

    @classmethod
    def parse(cls, text: str) -> Amount:
        """Read an amount; raise `AmountError` with one sentence where the text is not one."""
        if len(text) > _LONGEST_TEXT:
            raise AmountError(f"cannot read an amount of {len(text):,} characters: {text[:30]!r}...")
        plain = unicodedata.normalize("NFKC", text).lower().replace("−", "-")
        plain = plain.strip().strip(_QUOTES).rstrip(".,;:!?。， ").strip(_QUOTES).strip()
        if not plain:
            raise AmountError("the amount is empty: write for example $750M")
        if _FOREIGN.search(plain):
            raise AmountError(f"{text.strip()!r} is not in US dollars: convert it first")
        hedge, body = _take_hedge(_HYPHEN.sub(" ", plain).removeprefix("+"))
        if odd := _ODD.search(body):
            hedge, body = hedge or Hedge.OVER, body[: odd.start()] + body[odd.end() :]
        if body.startswith("between "):
            body = body.removeprefix("between ")
        if body.startswith("-") or re.match(r"[^\d.]*-\s*[\d.]", body):
            raise AmountError(f"{text.strip()!r} is negative: state the size and the side apart")
        if body.strip("+-. ") in ("nan", "inf", "infinity", "∞") or re.search(r"\d\s*e[+-]?\d+$", body):
            raise AmountError(f"{text.strip()!r} is not a plain finite number: write for example $750M")
        body = _digits_of_words(body)
        ends = _RANGE.split(body)
        if len(ends) == 2 and all(any(c.isdigit() for c in end) for end in ends):
            return cls._range(text, hedge, ends[0], ends[1])
        value, unit, currency, _ = _quantity(body, text)
        return cls.rounded(value, unit, hedge=hedge, currency=currency, text=text)

    @classmethod
    def _range(cls, text: str, hedge: Hedge, first: str, second: str) -> Amount:
        high, high_unit, high_currency, high_exponent = _quantity(second, text)
        low, low_unit, low_currency, low_exponent = _quantity(first, text)
        if low_exponent == 0 and high_exponent and low.scaleb(high_exponent) <= high:
            low, low_unit = low.scaleb(high_exponent), low_unit.scaleb(high_exponent)
        if low > high:
            raise AmountError(f"the range {text.strip()!r} ends below its start")
        return cls(
            value=(low + high) / 2,
            low=max(low - low_unit / 2, Decimal(0)),
            high=high + high_unit / 2,
            hedge=hedge,
            currency=low_currency or high_currency,
            ends=(low, high),
            text=text,
        )

    @classmethod
    def rounded(
        cls, value: Decimal, unit: Decimal, *, hedge: Hedge = Hedge.NONE, currency: str = "USD", text: str = ""
    ) -> Amount:
        """The amount that was rounded to a multiple of `unit`."""
        if value > _HUGE:
            raise AmountError(f"{text.strip() or value} is more money than there is")
        return cls(value, max(value - unit / 2, Decimal(0)), value + unit / 2, hedge, currency, None, text.strip())

    @classmethod
    def from_decimal(cls, value: Decimal, *, currency: str = "USD", text: str = "") -> Amount:
        """The amount of a plain number, its trailing zeros taken as rounding."""
        if not value.is_finite() or value < 0:
            raise AmountError(f"{text or value} is not a finite, non-negative number")
        _check_digits(value, text or str(value))
        unit = rounding_unit(value)
        _check_digits(value + unit / 2, text or str(value))
        return cls.rounded(value, unit, currency=currency, text=text)

    @property
    def unit(self) -> Decimal:
        """What the number was rounded to."""
        return 2 * (self.high - self.value) if self.ends is None else 2 * (self.high - self.ends[1])

    @property
    def tolerated(self) -> tuple[Decimal, Decimal | None]:
        """The values under which the statement, hedge and allowance included, is true; None is no upper end."""
        low, high = self._hedged
        return max(low - self.allowance, Decimal(0)), None if high is None else high + self.allowance

    @property
    def _hedged(self) -> tuple[Decimal, Decimal | None]:
        below, above = self.value * (1 - HEDGE_SHARE), self.value * (1 + HEDGE_SHARE)
        match self.hedge:
            case Hedge.ABOUT:
                return min(self.low, below), max(self.high, above)
            case Hedge.NEARLY:
                return min(self.low, below), self.value
            case Hedge.AT_LEAST | Hedge.OVER:
                return (self.ends[0] if self.ends else self.value), None
            case Hedge.UP_TO | Hedge.UNDER:
                return Decimal(0), self.ends[1] if self.ends else self.value
            case _:
                return self.low, self.high

    @property
    def digits(self) -> str:
        """The digits that carry information, e.g. `197261` for 19.7261M; empty for a range."""
        if self.ends is not None:
            return ""
        steps = self.value / self.unit if self.unit else self.value
        return str(int(steps.to_integral_value())).lstrip("0")

    def scaled(self, factor: Decimal) -> Amount:
        ends = (self.ends[0] * factor, self.ends[1] * factor) if self.ends else None
        return Amount(self.value * factor, self.low * factor, self.high * factor, self.hedge, self.currency, ends)

    def allowing(self, allowance: Decimal) -> Amount:
        """The same statement with that allowance."""
        return replace(self, allowance=allowance)

    @property
    def leeway(self) -> str:
        """What makes the statement true besides its rounding, in words: its hedge, its allowance, or nothing."""
        words = [f"“{self.hedge}”"] if self.hedge else []
        if self.allowance:
            words.append(f"tolerance of {money(self.allowance, currency=self.currency)}")
        return " and ".join(words)

    def plain(self) -> Amount:
        """The same number without its hedge and allowance."""
        return Amount(self.value, self.low, self.high, Hedge.NONE, self.currency, self.ends, self.text)

    def __str__(self) -> str:
        sign = "$" if self.currency == "USD" else ""
        words = f"{self.hedge} " if self.hedge else ""
        if self.ends is not None:
            first = (self.ends[0], 2 * (self.ends[0] - self.low) or rounding_unit(self.ends[0]))
            second = (self.ends[1], self.unit)
            if not self.ends[0]:
                return f"{words}{sign}0-{sign}{_written(*second, self.currency)}"
            form = _scale_for(first, second)
            return f"{words}{sign}{_in_scale(*first, form)}-{sign}{_in_scale(*second, form)}"
        if self.unit.normalize().as_tuple().digits != (1,):  # measured, not written: no form gives the interval back
            return f"{words}{money(self.value, currency=self.currency)}"
        return f"{words}{sign}{_written(self.value, self.unit, self.currency)}"


def rounding_unit(value: Decimal) -> Decimal:
    """What a plain number is taken to be rounded to: the place of its last digit that carries information.

    Places after the point count as written (`27.630` is exact to a thousandth), trailing zeros before it do not.
    """
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int):
        raise AmountError(f"{value} is not a finite number")
    if exponent < 0:
        return Decimal(1).scaleb(exponent)
    if not value:
        return Decimal(1)
    last = value.normalize().as_tuple().exponent
    return Decimal(1).scaleb(last if isinstance(last, int) else 0)


def money(value: Decimal | float, *, digits: int = 4, currency: str = "USD") -> str:
    """A number for a reader: `$730.9M`. Rounded to `digits` significant digits; never used for computing."""
    number = value if isinstance(value, Decimal) else Decimal(repr(value))
    sign = "$" if currency == "USD" else ""
    if not number:
        return f"{sign}0"
    if not currency:
        return f"{number.normalize():,f}" if number == number.to_integral_value() else f"{number:,.6g}"
    magnitude = abs(number)
    half = 5 * Decimal(1).scaleb(-digits - 1)  # of the last digit shown: 999,999,999 is $1bn, not $1,000M
    for name, exponent in _FORMATS:
        if magnitude >= Decimal(1).scaleb(exponent) * (1 - half) or exponent == 0:
            mantissa = number.scaleb(-exponent)
            places = max(digits - len(str(int(abs(mantissa)))), 0)
            written = f"{mantissa:,.{places}f}"
            if "." in written:
                written = written.rstrip("0").rstrip(".")
            return f"{sign}{written}{name}"
    raise AssertionError("the last format has exponent 0")


def _digits_of_words(body: str) -> str:
    """`half a billion dollars` as `0.5 billion dollars`; anything else as it is."""
    if not (found := _WORDS.fullmatch(body)):
        return body
    return f"{SPELLED[found['n']] * (100 if found['hundred'] else 1)} {found['rest']}"


def _take_hedge(plain: str) -> tuple[Hedge, str]:
    """Split hedges off both ends. Where two stand ("nearly, at least"), the first wins."""
    found = Hedge.NONE
    body = plain
    again = True
    while again:
        again = False
        for word, hedge in _WORDS_BY_LENGTH:
            if body.startswith(word) and _word_ends(word, body, len(word)):
                body = body[len(word) :].lstrip(" ,:")
            elif len(body) > len(word) and body.endswith(word) and _word_starts(word, body, len(body) - len(word)):
                body = body[: -len(word)].rstrip(" ,")
            else:
                continue
            found = found or hedge
            again = True
            break
    return found, body


def _word_ends(word: str, body: str, at: int) -> bool:
    return not (word[-1].isascii() and word[-1].isalpha() and at < len(body) and body[at].isalpha())


def _word_starts(word: str, body: str, at: int) -> bool:
    return not (word[0].isascii() and word[0].isalpha() and body[at - 1].isalpha())


def _quantity(body: str, text: str) -> tuple[Decimal, Decimal, str, int]:
    """Read `[currency] number [magnitude]... [currency]`: value, rounding unit, currency, last exponent."""
    rest, currency = body.strip(), ""
    for word in _CURRENCIES_BY_LENGTH:
        if rest.startswith(word):
            rest, currency = rest[len(word) :].lstrip(), "USD"
            break
    for word in _CURRENCIES_BY_LENGTH:
        if rest.endswith(word) and len(rest) > len(word):
            rest, currency = rest[: -len(word)].rstrip(), "USD"
            break
    value, unit, exponent, previous = Decimal(0), Decimal(1), 0, 99
    while rest:
        number = _NUMBER.match(rest)
        if number is None:
            raise AmountError(f"cannot read {text.strip()!r} as an amount: write for example $750M or 7.5亿")
        rest = rest[number.end() :].lstrip()
        magnitude = _MAGNITUDE.match(rest)
        exponent = MAGNITUDES[magnitude[0]] if magnitude else 0
        rest = rest[magnitude.end() :].lstrip() if magnitude else rest
        if rest[:1] == "," or (rest and not magnitude and not rest[:1].isdigit()):
            raise AmountError(
                f"cannot read {text.strip()!r} as an amount: {rest[:20]!r} is not a magnitude"
                " (a decimal point is a point, groups have three digits)"
            )
        if exponent >= previous or (rest[:1].isdigit() and not exponent):
            raise AmountError(f"cannot read {text.strip()!r} as one amount")
        previous = exponent
        part = number["part"] or number["bare"] or ""
        whole = (number["whole"] or "0").replace(",", "").replace("_", "")
        if len(whole) > 1 and whole.startswith("0"):
            raise AmountError(
                f"cannot read {text.strip()!r}: no amount begins with {whole[:2]!r}"
                " (a shell takes $7 in double quotes for a variable: use single quotes)"
            )
        mantissa = Decimal(f"{whole}.{part}" if part else whole)
        unit = rounding_unit(mantissa).scaleb(exponent)
        value += mantissa.scaleb(exponent)
    if previous == 99:
        raise AmountError(f"cannot read {text.strip()!r} as an amount: it has no digits")
    _check_digits(value + unit / 2, text.strip())
    return value, unit, currency, exponent


def _check_digits(value: Decimal, text: str) -> None:
    """Keep sums exact (Decimal computes with 28 digits) and written forms short."""
    exponent = value.as_tuple().exponent
    places = max(-exponent, 0) if isinstance(exponent, int) else 0
    if places > _MOST_PLACES or max(value.adjusted(), 0) + places > _MOST_DIGITS:
        raise AmountError(f"cannot read {text!r}: no figure has so many digits")


def _written(value: Decimal, unit: Decimal, currency: str) -> str:
    """The shortest form whose reading gives back `value` and `unit`; a bare count is written out where it can be."""
    if not currency and value < _WRITTEN_OUT and (unit < 1 or rounding_unit(value) == unit):
        return _in_scale(value, unit, ("", 0))
    return _in_scale(value, unit, _scale_for((value, unit)))


def _scale_for(*numbers: tuple[Decimal, Decimal]) -> tuple[str, int]:
    """The magnitude in which every (value, unit) can be written exactly; large values prefer large ones."""
    largest = max(value for value, _ in numbers)
    natural = [form for form in _FORMATS if largest >= Decimal(1).scaleb(form[1]) or form[1] == 0]
    for form in (*natural, *reversed(_FORMATS)):
        scale = Decimal(1).scaleb(form[1])
        if all(unit < scale or rounding_unit((value / scale).normalize()) * scale == unit for value, unit in numbers):
            return form
    raise AmountError(f"{largest} rounded to {max(unit for _, unit in numbers)} has no written form")


def _in_scale(value: Decimal, unit: Decimal, form: tuple[str, int]) -> str:
    name, exponent = form
    mantissa = value.scaleb(-exponent).normalize()
    places = -int(mantissa.as_tuple().exponent)
    wanted = -int(unit.scaleb(-exponent).normalize().as_tuple().exponent)
    return f"{mantissa:,.{max(places, wanted, 0)}f}{name}"
