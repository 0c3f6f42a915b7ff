"""What a text says once for several figures, and what one figure does not lend another."""

from __future__ import annotations

from typing import Any

import pytest

from verify.claims.claim import Claim
from verify.claims.slots import extract
from verify.claims.text import read
from verify.claims.windows import dateline

PUBLISHED = dateline("2026-01-19T12:00Z")  # a Monday


def claims(text: str) -> tuple[Claim, ...]:
    return extract(read(text, "md"), PUBLISHED).claims


def told(claim: Claim, slot: str) -> Any:
    if slot == "window":
        return claim.when.label if claim.when else ""
    value = getattr(claim, slot)
    return " ".join(value) if isinstance(value, tuple) else str(value)


#: Text, slot, and its value for each figure in turn.
SAID = [
    # times
    ("Ether lost 3.2% and Solana 4.1% in 12 hours.", "window", ["12h", "12h"]),
    ("Ether sank 6% to $2,900 on Friday.", "window", ["2026-01-16", "2026-01-16"]),
    (
        "Last week $2bn was liquidated, against $1bn the week before.",
        "window",
        ["2026-01-12/2026-01-19", "2026-01-05/2026-01-12"],
    ),
    ("Bybit was down on Thursday. That day $90 million was liquidated there.", "window", ["2026-01-15"]),
    ("December was quiet. Traders had $3 billion liquidated over the month.", "window", ["2025-12-01/2026-01-01"]),
    (
        "上周全网爆仓 20 亿美元，高于前一周的 12 亿美元，其中多单 15 亿美元。",
        "window",
        ["2026-01-12/2026-01-19", "2026-01-05/2026-01-12", "2026-01-12/2026-01-19"],
    ),
    ("UTC 时间 1 月 18 日 21:00 至 22:00，全网爆仓 8,800 万美元。", "window", ["2026-01-18T21:00Z/2026-01-18T22:00Z"]),
    ("北京时间 1 月 18 日 21:00 至 22:00，全网爆仓 8,800 万美元。", "window", ["2026-01-18T13:00Z/2026-01-18T14:00Z"]),
    ("1 月 16 日至 17 日两天，全网爆仓 8 亿美元。", "window", ["2026-01-16/2026-01-18"]),
    ("ATHENS, January 18 - Some $80 million was liquidated in the past hour.", "window", ["1h"]),
    ("Funding on Binance perps (8h) is 0.02%.", "window", [""]),
    # sources
    (
        "Some $700 million was liquidated on Friday. About 80% of it was long, Coinalyze data show.",
        "attribution",
        ["Coinalyze", "Coinalyze"],
    ),
    (
        "Shorts lost $90 million on Friday.\n\nBitcoin traders lost $40 million.\n\nSource: CoinAnk",
        "attribution",
        ["CoinAnk", "CoinAnk"],
    ),
    (
        "CoinGlass counted $9m in liquidations, CoinAnk, which covers fewer venues, $7m.",
        "attribution",
        ["CoinGlass", "CoinAnk"],
    ),
    ("Coinglass 统计爆仓 4 亿美元，CoinAnk 则为 3.5 亿美元。", "attribution", ["CoinGlass", "CoinAnk"]),
    (
        "An earlier version said that $90m of shorts had been liquidated, citing Kaiko. The correct figure is $9m.",
        "attribution",
        ["", ""],
    ),
    ("“We liquidated $80 million on Friday,” said Jo Li, head of risk at Bitget.", "attribution", ["Bitget"]),
    (
        "Harbour Digital estimates that $80 million of longs were liquidated on Friday.",
        "attribution",
        ["Harbour Digital"],
    ),
    # sides
    ("过去 1 小时全网爆仓 1.2 亿美元，以多单为主。", "side", ["both"]),
    ("- BTC: $164M (longs: $151M)\n- ETH: $122M (longs: $110M)", "side", ["both", "long", "both", "long"]),
    (
        "An earlier version said that $90 million of shorts had been liquidated. The correct figure is $9 million.",
        "side",
        ["short", "short"],
    ),
    # venues and assets
    (
        "Binance and Bybit saw $88M and $54M in liquidations. Shorts bore 72% and 77% at the two exchanges.",
        "venues",
        ["binance", "bybit", "binance", "bybit"],
    ),
    (
        "Gate and HTX saw $88M and $54M liquidated, respectively. Longs were 90% of the former and 80% of the latter.",
        "venues",
        ["gate", "htx", "gate", "htx"],
    ),
    ("Bitcoin's slump wiped out $300 million in leveraged bets.", "assets", [""]),
    ("Ether led with $90 million of liquidations. In all, 90,000 traders were liquidated.", "assets", ["ETH", ""]),
    ("比特幣跌破 90,000 美元，以太幣報 2,740 美元。", "assets", ["BTC", "ETH"]),
    ("幣安與 OKX 爆倉 9,000 萬美元。", "venues", ["binance okx"]),
    # what is counted
    ("Liquidations rose 143% to $389 million.", "metric", ["", "liquidations"]),
    ("最大一筆爆倉單來自 OKX，金額為 2,260 萬美元。", "metric", ["largest_liquidation"]),
    ("Kaiko reckons that the true total of liquidations was $4 billion.", "metric", ["estimated_liquidations"]),
    (
        "Open interest fell to 118,400 BTC, down by 7,200 BTC since Friday.",
        "metric",
        ["open_interest", "open_interest_drop"],
    ),
    (
        "Bitcoin dropped $5,200 within an hour as $300 million was liquidated.",
        "metric",
        ["price_change", "liquidations"],
    ),
    ("The crypto market capitalisation shrank 4.2% on Friday.", "metric", ["market_value"]),
    (
        "Bitcoin funds led with $793 million of inflows, whereas XRP funds lost $14 million.",
        "direction",
        ["rise", "fall"],
    ),
    ("Liquidations added up to $11.7 billion.", "hedge", [""]),
    ("爆仓人数超过 38 万。", "unit", ["traders"]),
    ("Of 90 liquidated positions, 62 of those positions were above $1 million.", "unit", ["positions", "positions"]),
]


@pytest.mark.parametrize(("text", "slot", "values"), SAID, ids=lambda value: value if isinstance(value, str) else "")
def test_figures_take_what_is_said_of_them_and_nothing_else(text: str, slot: str, values: list[str]) -> None:
    assert [told(claim, slot) for claim in claims(text)] == values


@pytest.mark.parametrize("text", ["The broker, which employs 140 people, has closed.", "港股成交額 2,140 億港元。"])
def test_people_who_work_and_other_currencies_are_no_figures(text: str) -> None:
    assert claims(text) == ()


def test_that_day_is_looked_for_in_linear_time() -> None:
    text = "Exchanges liquidated $3 million that day. " * 3_000
    assert len(claims(text)) == 3_000
