"""A small made-up cascade, and the venues that tell it: each in its own format over REST, with ranges and pages.

`CASCADE` is the truth, written once. `serve(server, market)` puts up every venue; a test may then replace one path by
a fault. Nothing here is shared with the adapters: the formats are written from the documents that the specs cite.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from provider_server import Ask, ProviderServer


class Event(NamedTuple):
    """`ago`: minutes before the market's `now`. `usd` is the notional; an inverse contract counts dollars."""

    venue: str
    coin: str
    side: str
    coins: float
    price: float
    usd: float
    ago: float
    inverse: bool = False


#: Dollars are written out, not computed: they are what the table is held against.
CASCADE = (
    Event("gate", "BTC", "long", 1.5, 100_000, 150_000, 200),
    Event("gate", "BTC", "long", 2.0, 99_000, 198_000, 100),
    Event("gate", "ETH", "short", 10.0, 4_000, 40_000, 45),
    Event("gate", "BTC", "long", 0.1, 100_000, 10_000, 40, inverse=True),
    Event("okx", "BTC", "long", 3.0, 98_000, 294_000, 150),
    Event("okx", "ETH", "short", 5.0, 4_100, 20_500, 60),
    Event("okx", "BTC", "long", 0.5, 100_000, 50_000, 55, inverse=True),
    Event("htx", "BTC", "long", 0.8, 97_500, 78_000, 130),
    Event("htx", "ETH", "short", 2.0, 4_200, 8_400, 35),
    Event("htx", "BTC", "long", 0.2, 100_000, 20_000, 50, inverse=True),
    Event("bitget", "BTC", "long", 1.0, 98_500, 98_500, 140),
    Event("bitget", "ETH", "short", 3.0, 4_000, 12_000, 70),
    Event("bitfinex", "BTC", "long", 0.4, 99_500, 39_800, 110),
    Event("bitfinex", "ETH", "short", 1.0, 4_050, 4_050, 90),
    Event("deribit", "BTC", "long", 0.6, 100_000, 60_000, 120, inverse=True),
    Event("deribit", "ETH", "short", 2.0, 4_000, 8_000, 65, inverse=True),
    Event("kraken", "BTC", "long", 0.25, 96_000, 24_000, 80),
    Event("kraken", "ETH", "short", 1.5, 4_000, 6_000, 75),
    Event("coinex", "BTC", "long", 0.05, 98_000, 4_900, 95),
    Event("coinex", "ETH", "short", 0.5, 4_100, 2_050, 42),
    Event("poloniex", "BTC", "long", 0.02, 97_000, 1_940, 85),
    Event("poloniex", "ETH", "short", 0.3, 4_000, 1_200, 38),
)


@dataclass(frozen=True)
class Market:
    """What happened, and when now is (UTC)."""

    now: datetime
    events: tuple[Event, ...] = CASCADE

    def of(self, venue: str, *, coin: str = "", inverse: bool | None = None) -> list[Event]:
        """The events of a venue, the oldest first."""
        found = [
            event
            for event in self.events
            if event.venue == venue
            and (not coin or event.coin == coin)
            and (inverse is None or event.inverse == inverse)
        ]
        return sorted(found, key=lambda event: -event.ago)

    def ms(self, event: Event) -> int:
        return int((self.now - timedelta(minutes=event.ago)).timestamp() * 1000)

    def seconds(self, event: Event) -> int:
        return self.ms(event) // 1000


def truth(venue: str, side: str, events: Iterable[Event] = CASCADE) -> float:
    return sum(event.usd for event in events if event.venue == venue and event.side == side)


def serve(server: ProviderServer, market: Market) -> None:
    """Put up every venue that has a history over REST."""
    for put_up in (gate, okx, htx, bitget, bitfinex, deribit, kraken, coinex, poloniex, quiet):
        put_up(server, market)


def quiet(server: ProviderServer, _market: Market) -> None:
    """Chains on which nothing happened."""
    for coin in ("BTC", "ETH", "SOL"):
        server.serve("indexer.dydx.trade", f"/v4/trades/perpetualMarket/{coin}-USD", body({"trades": []}))
    server.serve("arbitrum-api.gmxinfra.io", "/markets/info", body({"markets": []}))
    index = "/gmx-synthetics-arbitrum:prod/api/graphql"
    server.serve("gmx.squids.live", index, body({"data": {"tradeActions": []}}))
    server.serve("api.prod.paradex.trade", "/v1/trades", body({"results": [], "next": None}))


def body(value: Any) -> bytes:
    return json.dumps(value).encode()


def gate(server: ProviderServer, market: Market) -> None:
    """`liq_orders` per coin of settlement in a range of seconds, both ends included; sizes in contracts, signed."""
    host, api = "api.gateio.ws", "/api/v4/futures"
    sizes = {"BTC_USDT": "0.0001", "ETH_USDT": "0.01"}
    rows = [{"name": n, "quanto_multiplier": q, "mark_price": "1", "position_size": 1} for n, q in sizes.items()]
    server.serve(host, f"{api}/usdt/contracts", body(rows))
    inverse = {"name": "BTC_USD", "quanto_multiplier": "0", "mark_price": "1", "position_size": 1}
    server.serve(host, f"{api}/btc/contracts", body([inverse]))
    server.serve(host, f"{api}/usdt/tickers", body([{"contract": "BTC_USDT", "volume_24h_quote": "5"}]))

    def orders(settled: str) -> Callable[[Ask], bytes]:
        def answer(ask: Ask) -> bytes:
            found = []
            for event in market.of("gate", inverse=settled == "btc"):
                if not int(ask.query["from"]) <= market.seconds(event) <= int(ask.query["to"]):
                    continue
                name = f"{event.coin}_{'USD' if event.inverse else 'USDT'}"
                count = event.usd if event.inverse else event.coins / float(sizes[name])
                size = round(count) if event.side == "long" else -round(count)
                found.append(
                    {
                        "contract": name,
                        "time": market.seconds(event),
                        "size": size,
                        "left": 0,
                        "order_size": -size,
                        "fill_price": str(event.price),
                        "order_price": str(event.price * 0.99),
                    }
                )
            return body(found)

        return answer

    for settled in ("usdt", "btc"):
        server.serve(host, f"{api}/{settled}/liq_orders", orders(settled))

    def statistics(ask: Ask) -> bytes:
        """Bars of five minutes, labelled by their start, of the linear contract."""
        start, count = int(ask.query["from"]), int(ask.query["limit"])
        coin = ask.query["contract"].partition("_")[0]
        bars = []
        for bar in (start + 300 * n for n in range(count)):
            sums = {
                side: sum(
                    event.usd
                    for event in market.of("gate", coin=coin, inverse=False)
                    if event.side == side and bar <= market.seconds(event) < bar + 300
                )
                for side in ("long", "short")
            }
            bars.append({"time": bar, "long_liq_usd": sums["long"], "short_liq_usd": sums["short"]})
        return body(bars)

    server.serve(host, f"{api}/usdt/contract_stats", statistics)


def okx(server: ProviderServer, market: Market) -> None:
    """Details under an instrument, family by family, the newest first; sizes in contracts."""
    host, api = "www.okx.com", "/api/v5/public"
    contracts = {
        "BTC-USDT-SWAP": ("0.01", "BTC"),
        "ETH-USDT-SWAP": ("0.1", "ETH"),
        "BTC-USD-SWAP": ("100", "USD"),
    }

    def listed(ask: Ask) -> bytes:
        rows = [
            {"instId": name, "instType": "SWAP", "ctVal": size, "ctMult": "1", "ctValCcy": coin}
            for name, (size, coin) in contracts.items()
        ]
        return body({"code": "0", "msg": "", "data": rows if ask.query["instType"] == "SWAP" else []})

    def orders(ask: Ask) -> bytes:
        coin, _, quote = ask.query["instFamily"].partition("-")
        name = f"{coin}-{quote}-SWAP"
        details = [
            {
                "posSide": event.side,
                "side": "sell" if event.side == "long" else "buy",
                "sz": str(round((event.usd if event.inverse else event.coins) / float(contracts[name][0]), 6)),
                "bkPx": str(event.price),
                "bkLoss": "0",
                "ccy": "",
                "ts": str(market.ms(event)),
            }
            for event in reversed(market.of("okx", coin=coin, inverse=quote == "USD"))
        ]
        item = {"instFamily": f"{coin}-{quote}", "instId": name, "instType": "SWAP", "details": details}
        return body({"code": "0", "msg": "", "data": [item]})

    server.serve(host, f"{api}/instruments", listed)
    server.serve(host, f"{api}/liquidation-orders", orders)
    server.serve(
        host, f"{api}/time", body({"code": "0", "msg": "", "data": [{"ts": str(int(market.now.timestamp()))}]})
    )


def htx(server: ProviderServer, market: Market) -> None:
    """Contract by contract in ranges of two hours: linear ones with their turnover, coin-margined ones in contracts."""
    host = "api.hbdm.com"
    linear = [{"symbol": c, "contract_code": f"{c}-USDT", "contract_size": 0.001} for c in ("BTC", "ETH")]
    coin = [{"symbol": "BTC", "contract_code": "BTC-USD", "contract_size": 100.0}]
    server.serve(host, "/linear-swap-api/v1/swap_contract_info", body({"status": "ok", "data": linear, "ts": 1}))
    server.serve(host, "/swap-api/v1/swap_contract_info", body({"status": "ok", "data": coin, "ts": 1}))

    def asked(ask: Ask, name: str, inverse: bool) -> list[tuple[int, Event]]:
        span = range(int(ask.query["start_time"]), int(ask.query["end_time"]))
        below = int(ask.query.get("from", ask.query.get("from_id", 10**9)))
        mine = market.of("htx", coin=name.partition("-")[0], inverse=inverse)
        numbered = [(1000 + market.events.index(event), event) for event in mine]
        return [(number, event) for number, event in numbered if market.ms(event) in span and number < below]

    def v5(ask: Ask) -> bytes:
        name = ask.query["contract_code"]
        rows = [
            {
                "id": str(number),
                "contract_code": name,
                "liquidation_time": str(market.ms(event)),
                "side": "sell" if event.side == "long" else "buy",
                "position_side": event.side,
                "volume": str(event.coins / 0.001),
                "amount": str(event.coins / 0.001),
                "bankrupt_price": str(event.price),
                "trade_turnover": str(event.usd),
            }
            for number, event in asked(ask, name, inverse=False)
        ]
        return body({"code": 200, "message": "Success", "data": rows, "ts": 1})

    def v3(ask: Ask) -> bytes:
        name = ask.query["contract"]
        rows = [
            {
                "query_id": number,
                "contract_code": name,
                "symbol": event.coin,
                "direction": "sell" if event.side == "long" else "buy",
                "offset": "close",
                "volume": event.usd / 100,
                "price": event.price,
                "created_at": market.ms(event),
                "amount": event.coins,
            }
            for number, event in asked(ask, name, inverse=True)
        ]
        return body({"code": 200, "msg": "", "data": rows, "ts": 1})

    server.serve(host, "/v5/market/liquidation_orders", v5)
    server.serve(host, "/swap-api/v3/swap_liquidation_orders", v3)
    interest = {"contract_code": "BTC-USDT", "symbol": "BTC", "volume": 1, "trade_volume": 1}
    for api in ("linear-swap-api", "swap-api"):
        server.serve(host, f"/{api}/v1/swap_open_interest", body({"status": "ok", "data": [interest], "ts": 1}))


def bitget(server: ProviderServer, market: Market) -> None:
    """All contracts of a category, the newest first, one row a page with a cursor to the next; amounts in dollars."""
    host, api = "api.bitget.com", "/api/v3/market"

    def answer(data: Any) -> bytes:
        return body({"code": "00000", "msg": "success", "requestTime": 1, "data": data})

    def listed(ask: Ask) -> bytes:
        rows = [{"symbol": f"{c}USDT", "baseCoin": c, "quoteCoin": "USDT"} for c in ("BTC", "ETH")]
        return answer(rows if ask.query["category"] == "USDT-FUTURES" else [])

    def history(ask: Ask) -> bytes:
        if ask.query["category"] != "USDT-FUTURES":
            return answer({"list": [], "cursor": None})
        newest = list(reversed(market.of("bitget")))
        at = int(ask.query.get("cursor", 0))
        rows = [
            {
                "symbol": f"{event.coin}USDT",
                "side": "buy" if event.side == "long" else "sell",
                "price": str(event.price),
                "amount": str(event.usd),
                "ts": str(market.ms(event)),
            }
            for event in newest[at : at + 1]
        ]
        return answer({"list": rows, "cursor": str(at + 1) if at + 1 < len(newest) else None})

    server.serve(host, f"{api}/instruments", listed)
    server.serve(host, f"{api}/liquidations", history)
    server.serve(host, f"{api}/tickers", answer([{"symbol": "BTCUSDT"}]))


def bitfinex(server: ProviderServer, market: Market) -> None:
    """Rows of twelve places, the oldest first; a trigger without a price comes before each match."""
    host = "api-pub.bitfinex.com"

    def history(ask: Ask) -> bytes:
        rows: list[Any] = []
        for number, event in enumerate(market.of("bitfinex"), start=158_000_000):
            if not int(ask.query["start"]) <= market.ms(event) <= int(ask.query["end"]):
                continue
            amount = event.coins if event.side == "long" else -event.coins
            symbol = f"t{event.coin}F0:USTF0"
            rows.append([["pos", number, market.ms(event), None, symbol, amount, 1.0, None, 0, 1, None, None]])
            rows.append([["pos", number, market.ms(event), None, symbol, amount, 1.0, None, 1, 1, None, event.price]])
        return body(rows)

    server.serve(host, "/v2/liquidations/hist", history)
    server.serve(host, "/v2/platform/status", b"[1]")


def deribit(server: ProviderServer, market: Market) -> None:
    """The tape of each currency, liquidations flagged among ordinary trades; inverse contracts, amounts in dollars."""
    host, api = "www.deribit.com", "/api/v2/public"

    def answer(result: Any) -> bytes:
        return body({"jsonrpc": "2.0", "result": result})

    def listed(ask: Ask) -> bytes:
        coin = ask.query["currency"]
        future = {
            "instrument_name": f"{coin}-PERPETUAL",
            "instrument_type": "reversed",
            "base_currency": coin,
            "quote_currency": "USD",
            "contract_size": 10.0,
        }
        return answer([future] if coin in ("BTC", "ETH") and ask.query["expired"] == "false" else [])

    def trades(ask: Ask) -> bytes:
        coin = ask.query["currency"]
        rows: list[dict[str, Any]] = []
        for number, event in enumerate(market.of("deribit", coin=coin)):
            if not int(ask.query["start_timestamp"]) <= market.ms(event) <= int(ask.query["end_timestamp"]):
                continue
            trade = {
                "trade_id": f"{coin}{number}",
                "instrument_name": f"{coin}-PERPETUAL",
                "timestamp": market.ms(event),
                "direction": "sell" if event.side == "long" else "buy",
                "price": event.price,
                "amount": event.usd,
            }
            rows += [{**trade, "trade_id": f"{coin}{number}x"}, {**trade, "liquidation": "T"}]
        return answer({"trades": rows, "has_more": False})

    server.serve(host, f"{api}/get_instruments", listed)
    server.serve(host, f"{api}/get_last_trades_by_currency_and_time", trades)
    last = {"trade_id": "1", "instrument_name": "BTC-PERPETUAL", "timestamp": 1, "direction": "buy", "price": 1.0}
    server.serve(
        host, f"{api}/get_last_trades_by_currency", answer({"trades": [{**last, "amount": 1.0}], "has_more": True})
    )


def kraken(server: ProviderServer, market: Market) -> None:
    """Every execution of a market, the oldest first; liquidations by the order type of the taker."""
    host = "futures.kraken.com"
    names = {"BTC": "PF_XBTUSD", "ETH": "PF_ETHUSD"}
    listed = [
        {"symbol": name, "type": "flexible_futures", "base": coin, "quote": "USD", "contractSize": 1}
        for coin, name in names.items()
    ]
    server.serve(host, "/derivatives/api/v3/instruments", body({"result": "success", "instruments": listed}))
    ticker = {"symbol": "PF_XBTUSD", "markPrice": 1.0, "openInterest": 1.0, "vol24h": 1.0}
    tickers = {"result": "success", "serverTime": "2026-01-01T00:00:00.000Z", "tickers": [ticker]}
    server.serve(host, "/derivatives/api/v3/tickers", body(tickers))

    def executions(coin: str) -> Callable[[Ask], bytes]:
        def element(event: Event, kind: str) -> dict[str, Any]:
            order = {
                "uid": f"{coin}{event.ago}{kind}t",
                "tradeable": names[coin],
                "direction": "Sell" if event.side == "long" else "Buy",
                "quantity": str(event.coins),
                "orderType": kind,
            }
            filled = {
                "uid": f"{coin}{event.ago}{kind}",
                "makerOrder": {**order, "orderType": "Post"},
                "takerOrder": order,
                "timestamp": market.ms(event),
                "quantity": str(event.coins),
                "price": str(event.price),
                "usdValue": f"{event.usd:.2f}",
            }
            wrapped = {"Execution": {"execution": filled, "takerReducedQuantity": ""}}
            return {"uid": filled["uid"], "timestamp": filled["timestamp"], "event": wrapped}

        def answer(ask: Ask) -> bytes:
            span = range(int(ask.query["since"]), int(ask.query["before"]))
            mine = [event for event in market.of("kraken", coin=coin) if market.ms(event) in span]
            elements = [element(event, kind) for event in mine for kind in ("Limit", "PartialLiquidation")]
            return body({"elements": elements, "len": len(elements)})

        return answer

    for coin, name in names.items():
        server.serve(host, f"/api/history/v3/market/{name}/executions", executions(coin))


def coinex(server: ProviderServer, market: Market) -> None:
    """Market by market in pages of one row; coins, and a space before the name of the market."""
    host, api = "api.coinex.com", "/v2/futures"
    listed = [
        {
            "market": f"{coin}USDT",
            "contract_type": "linear",
            "base_ccy": coin,
            "quote_ccy": "USDT",
            "open_interest_volume": "1",
        }
        for coin in ("BTC", "ETH")
    ]
    server.serve(host, f"{api}/market", body({"code": 0, "data": listed, "message": "OK"}))
    ticker = {"market": "BTCUSDT", "value": "1", "mark_price": "1"}
    server.serve(host, f"{api}/ticker", body({"code": 0, "data": [ticker], "message": "OK"}))

    def history(ask: Ask) -> bytes:
        span = range(int(ask.query["start_time"]), int(ask.query["end_time"]) + 1)
        name, page = ask.query["market"], int(ask.query["page"])
        mine = [e for e in market.of("coinex", coin=name.removesuffix("USDT")) if market.ms(e) in span]
        rows = [
            {
                "market": f" {name}",
                "side": event.side,
                "liq_price": str(event.price),
                "liq_amount": str(event.coins),
                "bkr_price": str(event.price),
                "created_at": market.ms(event),
            }
            for event in mine[page - 1 : page]
        ]
        return body({"code": 0, "data": rows, "pagination": {"has_next": page < len(mine)}, "message": "OK"})

    server.serve(host, f"{api}/liquidation-history", history)


def poloniex(server: ProviderServer, market: Market) -> None:
    """All contracts in one answer; names without underscores, sizes in contracts."""
    host, api = "api.poloniex.com", "/v3/market"
    sizes = {"BTC": 0.001, "ETH": 0.01}
    listed = [
        {"symbol": f"{coin}_USDT_PERP", "ctVal": str(size), "ctType": "LINEAR", "bCcy": coin, "qCcy": "USDT"}
        for coin, size in sizes.items()
    ]
    server.serve(host, f"{api}/instruments", body({"code": 200, "msg": "success", "data": listed}))
    ticker = {"s": "BTC_USDT_PERP", "amt": "1", "mPx": "1", "ts": int(market.now.timestamp() * 1000)}
    server.serve(host, f"{api}/tickers", body({"code": 200, "msg": "success", "data": [ticker]}))

    def orders(ask: Ask) -> bytes:
        span = range(int(ask.query["sTime"]), int(ask.query["eTime"]) + 1)
        rows = [
            {
                "symbol": f"{event.coin}USDTPERP",
                "posSide": event.side.upper(),
                "side": "SELL" if event.side == "long" else "BUY",
                "sz": str(round(event.coins / sizes[event.coin], 6)),
                "bkPx": str(event.price),
                "uTime": str(market.ms(event)),
            }
            for event in market.of("poloniex")
            if market.ms(event) in span
        ]
        return body({"code": 200, "msg": "success", "data": rows})

    server.serve(host, f"{api}/liquidationOrder", orders)
