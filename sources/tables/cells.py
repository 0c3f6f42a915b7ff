"""What the cells of a column say: numbers in whatever way they are written, times in whatever zone and unit.

Nothing is guessed in silence: each reader returns the values, a mask of the cells that it could not read, and in words
what it assumed. Empty cells and words for "nothing" are null, which is not zero.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sources.lazy import pl

NOTHING = ("", "-", "--", "–", "—", "n/a", "na", "nan", "null", "none", "nil", "\\n", "#n/a", "#value!", "?")
_JUNK = r"[$€£¥₿\s'’_\u00a0\u202f\u2009\u200b]"
_MONEY = r"(?i)^(?:usd[tc]?|eur|gbp|us)|(?:usd[tc]?|eur|gbp)$"
_SUFFIX: Mapping[str, float] = {
    "": 1.0, "%": 1.0, "k": 1e3, "m": 1e6, "mn": 1e6, "mm": 1e6, "mio": 1e6, "b": 1e9, "bn": 1e9, "mrd": 1e9,
    "万": 1e4, "亿": 1e8,
}  # fmt: skip
_PARTS = r"^([+-]?)([\d.,]+)(?:(e[+-]?\d+)|([a-z%万亿]*))?$"
_WORDS = (r"(?i)\s?mio\.?$", "mn"), (r"(?i)\s?mrd\.?$", "bn")
_COIN = r"([\d.,]) ?[A-Z]{3,6}$"


@dataclass(frozen=True, slots=True)
class Read:
    """A column that was read: `values` (null where empty or unread), `unread` (a mask), `note` on what was assumed."""

    values: pl.Series
    unread: pl.Series
    note: str = ""


def blank(series: pl.Series) -> pl.Series:
    """Which cells are empty or say "nothing"."""
    if series.dtype != pl.String:
        return series.is_null()
    return series.str.strip_chars().str.to_lowercase().is_in(list(NOTHING)).fill_null(True)


def numbers(series: pl.Series, decimal: str) -> Read:
    """Numbers; `decimal` is the sign before decimals ("." or ","; see `decimal_sign`), the other one groups digits.

    Takes $ € and spaces, (1.50) and 1.50- for negative numbers, 1.2k, 3M, 4bn, 5万, and a coin's ticker at the end.
    """
    if series.dtype.is_numeric() or series.dtype == pl.Boolean or series.dtype.is_decimal():
        values = series.cast(pl.Float64)
        nan = values.is_nan().fill_null(False)
        infinite = values.is_infinite().fill_null(False)
        return Read(pl.select(pl.when(~(nan | infinite)).then(values))[values.name], infinite)
    text = series.cast(pl.String)
    empty = blank(text)
    core, negative = _core(text)
    parts = pl.DataFrame(
        {
            "sign": core.str.extract(_PARTS, 1),
            "digits": core.str.extract(_PARTS, 2),
            "power": core.str.extract(_PARTS, 3),
            "suffix": core.str.extract(_PARTS, 4).fill_null(""),
        }
    )
    group = re.escape("." if decimal == "," else ",")
    point = re.escape(decimal)
    whole = rf"(?:\d+|\d{{1,3}}(?:{group}\d{{3}})+|\d{{1,2}}(?:{group}\d{{2}})+{group}\d{{3}})"
    wellformed = parts["digits"].str.contains(rf"^(?:{whole}(?:{point}\d*)?|{point}\d+)$")
    plain = parts["digits"].str.replace_all(group, "").str.replace(decimal, ".", literal=True)
    factor = parts["suffix"].replace_strict(dict(_SUFFIX), default=None, return_dtype=pl.Float64)
    value = (parts["sign"].fill_null("") + plain + parts["power"].fill_null("")).cast(pl.Float64, strict=False)
    value = value * factor * pl.select(pl.when(negative).then(-1.0).otherwise(1.0)).to_series()
    good = (wellformed & value.is_finite()).fill_null(False) & ~empty
    kept = pl.select(pl.when(good).then(value)).to_series().alias(series.name)
    return Read(kept, ~good & ~empty)


def _core(text: pl.Series) -> tuple[pl.Series, pl.Series]:
    """The cells without money signs, spaces and brackets, in lower case; and which are negative by brackets or a minus
    at the end."""
    stripped = text.str.strip_chars().str.replace_all("[−‒–]", "-")
    bracketed = stripped.str.contains(r"^\(.*\)$")
    trailing = stripped.str.contains(r"[\d.,]\s*-$")
    core = stripped.str.strip_chars("()").str.strip_suffix("-")
    for word, short in _WORDS:
        core = core.str.replace(word, short)
    core = core.str.replace(_COIN, "${1}")
    core = core.str.replace_all(_JUNK, "").str.replace_all(_MONEY, "").str.to_lowercase()
    return core, (bracketed | trailing).fill_null(False)


@dataclass(frozen=True, slots=True)
class Sign:
    """How decimals are written; `note` where that was assumed, `clash` two cells that cannot both be meant so."""

    sign: str
    note: str = ""
    clash: tuple[str, str] | None = None


def decimal_sign(columns: Iterable[pl.Series], delimiter: str = "") -> Sign:
    """Whether the point or the comma stands before decimals, by all columns of numbers of a table together."""
    comma = point = unclear = ""
    for series in columns:
        if series.dtype != pl.String:
            continue
        core = _core(series.drop_nulls().unique(maintain_order=True))[0].str.extract(r"^[+-]?([\d.,]+)", 1).drop_nulls()
        by_comma = core.filter(core.str.contains(r"^\d*,\d{1,2}$|^\d*,\d{4,}$|^0\d*,\d*$|^\d{4,},\d+$|\..*,|\..*\..*"))
        by_point = core.filter(
            core.str.contains(r"^\d*\.\d{1,2}$|^\d*\.\d{4,}$|^0\d*\.\d*$|^\d{4,}\.\d+$|^\d+\.$|,.*\.|,.*,.*")
        )
        comma = comma or (by_comma[0] if len(by_comma) else "")
        point = point or (by_point[0] if len(by_point) else "")
        either = core.filter(core.str.contains(r"^[1-9]\d{0,2}[.,]\d{3}$"))
        unclear = unclear or (either[0] if len(either) else "")
    if comma and point:
        return Sign(".", clash=(comma, point))
    if comma or point:
        return Sign("," if comma else ".")
    if unclear:
        sign = "," if delimiter == ";" else "."
        meaning = "decimals" if sign in unclear else "thousands"
        return Sign(sign, f"{unclear!r} is read with {meaning} after its {'comma' if ',' in unclear else 'point'}")
    return Sign(".")
