"""The mapping of a table: what may stand in it, and what is said of what may not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.tables.mapping import Columns, TableMapping, load
from sources.tables.source import overridden
from verify.model.errors import InputError

WHOLE = """\
title = "The desk"
venue = "okx"
asset = "BTC"
docs = "https://desk.example/liquidations"
lineage = ["okx/liquidation_orders"]
completeness = "capped"
cap = { seconds = 1, most = 1, per = ["symbol", "side"], keep = "latest" }
threshold_usd = 1000
price_basis = "bankruptcy"
covers = "2026-01-18/2026-01-20"
[columns]
time = "ts"
[units]
quantity = "contracts"
notional = "thousand_usd"
[contracts]
"BTC-USDT-SWAP" = 0.01
BTCUSD = { size = 100, unit = "usd" }
[side]
of = "order"
buy = ["B"]
sell = ["S"]
[time]
zone = "Asia/Shanghai"
unit = "ms"
label = "end"
length = "1h"
[numbers]
decimal = ","
"""


def test_everything_that_may_stand_in_it_is_read() -> None:
    found = load(WHOLE, "m.toml")
    assert (found.venue, found.lineage, found.columns.time) == ("okx", ("okx/liquidation_orders",), "ts")
    assert (found.cap.keep if found.cap else "", found.side.sell, found.time.zone) == (
        "latest",
        ("S",),
        "Asia/Shanghai",
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('vneue = "okx"\n', r"m\.toml:1: unknown key 'vneue'; did you mean venue\?"),
        ('[columns]\ntime = "t"\nqantity = "q"\n', r"m\.toml:3: unknown key 'qantity' in \[columns\]; did you mean q"),
        ('[columns]\nxyzzy = "t"\n', r"m\.toml:2: unknown key 'xyzzy' in \[columns\]; known are time, start"),
        ("[colums]\n", r"m\.toml:1: unknown key 'colums'; did you mean columns"),
        ('[contracts]\nX = { siz = 1 }\n', r"m\.toml:2: unknown key 'siz' in \[contracts\]; did you mean size"),
        ("[columns]\ntime = 3\n", r"m\.toml:2: columns\.time: expected `str \| null`, got `int`"),
        ('[units]\nquantity = "pounds"\n', r"m\.toml:2: units\.quantity: invalid enum value 'pounds'"),
        ('completeness = "capped"\n', r"m\.toml:1: a capped table needs its rule"),
        ("cap = { seconds = 1 }\n", r"m\.toml:1: a cap is only read where"),
        ('completeness = "capped"\ncap = { seconds = 0 }\n', r"m\.toml:2: a cap needs"),
        ("\n[contracts]\nX = -1\n", r"m\.toml:3: the contract 'X' has no size above zero"),
        ('[side]\nof = "order"\nlong = ["x"]\n', r"m\.toml:3: sides of the order are told by"),
        ('[side]\nof = "position"\nbuy = ["x"]\n', r"m\.toml:3: sides of the position are told by"),
        ('[side]\nlong = ["x"]\nshort = ["X"]\n', r"m\.toml:2: one word cannot mean both"),
        ('[time]\nzone = "Mars"\n', r"m\.toml:2: unknown time zone 'Mars'"),
        ('[time]\nlength = "long"\n', r"m\.toml:2: cannot read the duration"),
        ('covers = "always"\n', r"m\.toml:1: "),
        ('lineage = ["a b"]\n', r"m\.toml:1: 'a b' is no feed"),
        ('[columns]\nlong = "l"\n', r"m\.toml:2: `long` and `short` stand side by side"),
        ("threshold_usd = -1\n", r"m\.toml:1: a threshold is an amount"),
        ("= 1\n", r"m\.toml: is no TOML: .*line 1"),
    ],
)  # fmt: skip
def test_what_may_not_stand_in_it_is_named_with_its_line(text: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        load(text, "m.toml")


@given(st.sampled_from(sorted(Columns.__struct_fields__)), st.characters(categories=["Ll"]), st.integers(0, 8))
@settings(max_examples=60, deadline=None)
def test_a_key_with_one_letter_too_many_is_named_with_its_line(key: str, letter: str, at: int) -> None:
    wrong = key[:at] + letter + key[at:]
    if wrong in Columns.__struct_fields__ or not wrong.isascii():
        return
    with pytest.raises(InputError, match=rf"m:3: unknown key '{wrong}'"):
        load(f"\n[columns]\n{wrong} = 'x'\n", "m")


@pytest.mark.parametrize("text", ["", WHOLE, '[columns]\nvenue = "exchange"\n', '[time]\nzone = "UTC"\nunit = "s"\n'])
def test_what_the_address_says_stands_above_the_mapping(text: str) -> None:
    found = load(overridden(text, {"venue": 'a"b', "asset": "ETH", "zone": "UTC+8"}), "m")
    before = load(text, "m") if text else TableMapping()
    assert (found.venue, found.asset, found.time.zone) == ('a"b', "ETH", "UTC+8")
    assert (found.columns, found.time.unit, found.lineage) == (before.columns, before.time.unit, before.lineage)
