"""The REST endpoints of several venues as they would answer in a SIMULATED market.

`Provider(simulated).answer(host, path, query)` is a function of its arguments: the loopback server of the tests can
serve it as `CONTENT_TYPE`, and so can anything else that stands in for the network. Ranges, pages and limits are those
that the adapters' specs name; what a venue serves besides (statistics, old endpoints) is answered with nothing or not
at all.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import polars as pl

from sources.simulated import wire
from sources.simulated.feeds import ShownFeed
from sources.simulated.market import micros
from sources.simulated.scenarios import Simulated
from sources.simulated.wire import Event

Query = Mapping[str, str]
#: What to send the answers as, so that every report that rests on them says that they are SIMULATED.
CONTENT_TYPE = "application/json; simulated=1"


class Provider:
    """Answers of the venues whose feed can be read in this window; the others refuse with None.

    Served are the window and the one before it. `now`, the time of all answers, is the end of the window.
    """

    def __init__(self, simulated: Simulated) -> None:
        self._world = simulated.scenario.world
        self._now = micros(simulated.window.end) // 1000
        self._feeds = {feed.venue: feed for feed in simulated.shown.feeds}
        self._interest = {size.venue: size.open_interest or 0.0 for size in simulated.shown.sizes}
        self._volume = {size.venue: size.volume or 0.0 for size in simulated.shown.sizes}
        self._rows: dict[str, list[Event]] = {}
        self._hosts: dict[str, tuple[str, Callable[[str, Query], bytes | None]]] = {
            "api.gateio.ws": ("gate", self._gate),
            "www.okx.com": ("okx", self._okx),
            "api.hbdm.com": ("htx", self._htx),
            "api.bitget.com": ("bitget", self._bitget),
            "api-pub.bitfinex.com": ("bitfinex", self._bitfinex),
            "www.deribit.com": ("deribit", self._deribit),
            "futures.kraken.com": ("kraken", self._kraken),
        }

    def answer(self, host: str, path: str, query: Query) -> bytes | None:
        """The body for a request, or None where the venue has no such answer (or its feed cannot be read)."""
        venue, found = self._hosts.get(host, ("", None))
        if found is None or venue not in self._feeds:
            return None
        return found(path, query)

    def _events(self, venue: str, since: int | None = None, until: int | None = None, name: str = "") -> list[Event]:
        """Events in `[since, until)`, milliseconds, in time order; of one contract where it is named."""
        if venue not in self._rows:
            feed = self._feeds[venue]
            self._rows[venue] = wire.rows_of(pl.concat([feed.earlier, feed.events]), feed.contract_sizes)
        rows = self._rows[venue]
        first = bisect_left(rows, since, key=_ms) if since is not None else 0
        last = bisect_left(rows, until, key=_ms) if until is not None else len(rows)
        return [row for row in rows[first:last] if not name or row.instrument == name]

    def _contracts(self, venue: str) -> bytes:
        return wire.contracts(self._world.venue(venue), self._world.assets, self._feeds[venue].contract_sizes)

    def _markets(self, venue: str) -> list[tuple[str, str, float, float, float, float]]:
        """Name, asset, price, contract size, open interest and volume in dollars: those of the venue, by rank."""
        found, feed = self._world.venue(venue), self._feeds[venue]
        assets = self._world.assets[: found.listed]
        prices = _prices(feed)
        ranks = [1 / (place + 1) for place in range(len(assets))]
        rows = []
        for asset, rank in zip(assets, ranks, strict=True):
            share, name = rank / sum(ranks), found.instrument(asset)
            size = feed.contract_sizes.get(name, 1.0)
            rows.append(
                (
                    name,
                    asset,
                    prices.get(asset, 1.0),
                    size,
                    share * self._interest[venue],
                    share * self._volume[venue],
                )
            )
        return rows

    def _gate(self, path: str, query: Query) -> bytes | None:
        if "/futures/btc/" in path:
            return b"[]"
        if path.endswith("/liq_orders"):
            # Both ends belong to the range.
            rows = self._events("gate", int(query["from"]) * 1000, int(query["to"]) * 1000 + 1)
            return wire.page("gate/liq_orders", rows[: int(query["limit"])], self._now)
        markets = self._markets("gate")
        if path.endswith("/contracts"):
            return _json(
                {
                    "name": name,
                    "quanto_multiplier": repr(size),
                    "mark_price": repr(price),
                    "position_size": interest / price / size,
                }
                for name, _, price, size, interest, _ in markets
            )
        if path.endswith("/tickers"):
            return _json({"contract": row[0], "volume_24h_quote": repr(row[5])} for row in markets)
        return b"[]" if path.endswith("/contract_stats") else None

    def _okx(self, path: str, query: Query) -> bytes | None:
        if path.endswith("/liquidation-orders"):
            before = int(query["after"]) if "after" in query else None
            rows = self._events("okx", None, before, f"{query['instFamily']}-SWAP")
            return wire.page("okx/liquidation_orders", rows[::-1][: int(query["limit"])], self._now)
        if path.endswith("/time"):
            return _json({"code": "0", "data": [{"ts": str(self._now)}], "msg": ""})
        if query.get("instType") != "SWAP":
            return _json({"code": "0", "data": [], "msg": ""})
        if path.endswith("/instruments"):
            return self._contracts("okx")
        markets = self._markets("okx")
        if path.endswith("/open-interest"):
            data = [{"instId": row[0], "oiUsd": repr(row[4])} for row in markets]
        elif path.endswith("/tickers"):
            data = [{"instId": row[0], "last": repr(row[2]), "volCcy24h": repr(row[5] / row[2])} for row in markets]
        else:
            return None
        return _json({"code": "0", "data": data, "msg": ""})

    def _htx(self, path: str, query: Query) -> bytes | None:
        if path == "/v5/market/liquidation_orders":
            start, end = int(query["start_time"]), int(query["end_time"])
            rows = self._events("htx", start, end, query["contract_code"])[::-1]
            older = [row for row in rows if row.number < int(query.get("from", 1 << 62))]
            return wire.page("htx/linear", older[: int(query["limit"])], self._now)
        coin = path.startswith("/swap-api/")
        if path.endswith("/swap_liquidation_orders") or coin:
            return _json({"code": 200, "msg": "ok", "status": "ok", "data": [], "ts": self._now})
        if path.endswith("/swap_contract_info"):
            return self._contracts("htx")
        if path.endswith("/swap_open_interest"):
            # Documented as the sum of buys and sells: twice one side.
            data = [
                {
                    "contract_code": name,
                    "symbol": asset,
                    "volume": 2 * interest / price / size,
                    "trade_volume": 2 * volume / price / size,
                    "value": 2 * interest,
                    "trade_turnover": 2 * volume,
                }
                for name, asset, price, size, interest, volume in self._markets("htx")
            ]
            return _json({"status": "ok", "data": data, "ts": self._now})
        return None

    def _bitget(self, path: str, query: Query) -> bytes | None:
        if query.get("category") != "USDT-FUTURES":
            nothing: Any = {"list": [], "cursor": ""} if path.endswith("/liquidations") else []
            return _json({"code": "00000", "msg": "success", "requestTime": self._now, "data": nothing})
        if path.endswith("/liquidations"):
            limit, place = int(query["limit"]), int(query.get("cursor") or 0)
            rows = self._events("bitget", name=query.get("symbol", ""))[::-1]
            body = msgspec.json.decode(wire.page("bitget/liquidations", rows[place : place + limit], self._now))
            body["data"]["cursor"] = str(place + limit) if place + limit < len(rows) else ""
            return _json(body)
        if path.endswith("/instruments"):
            return self._contracts("bitget")
        if path.endswith("/tickers"):
            data = [
                {
                    "symbol": name,
                    "openInterest": repr(interest / price),
                    "markPrice": repr(price),
                    "turnover24h": repr(volume),
                }
                for name, _, price, _, interest, volume in self._markets("bitget")
            ]
            return _json({"code": "00000", "msg": "success", "requestTime": self._now, "data": data})
        return None

    def _bitfinex(self, path: str, query: Query) -> bytes | None:
        if path == "/v2/platform/status":
            return b"[1]"
        if path == "/v2/liquidations/hist":
            rows = self._events("bitfinex", int(query["start"]), int(query["end"]) + 1)
            return wire.page("bitfinex/liquidations", rows[: int(query["limit"])], self._now)
        return None

    def _deribit(self, path: str, query: Query) -> bytes | None:
        mine = query.get("currency") == "USDC"
        if path.endswith("/get_last_trades_by_currency_and_time"):
            start, end = int(query["start_timestamp"]), int(query["end_timestamp"])
            rows = self._events("deribit", start, end + 1) if mine else []
            body = msgspec.json.decode(wire.page("deribit/trades", rows[: int(query["count"])], self._now))
            body["result"]["has_more"] = len(rows) > int(query["count"])
            return _json(body)
        if path.endswith("/get_last_trades_by_currency"):
            last = self._events("deribit")[-int(query["count"]) :]
            return wire.page("deribit/trades", last, self._now)
        if path.endswith("/get_instruments"):
            if mine and query.get("expired") == "false":
                return self._contracts("deribit")
            return _json({"jsonrpc": "2.0", "result": []})
        if path.endswith("/get_book_summary_by_currency"):
            data = [
                {
                    "instrument_name": name,
                    "creation_timestamp": self._now,
                    "open_interest": interest / price,
                    "volume_usd": volume,
                    "mark_price": price,
                }
                for name, _, price, _, interest, volume in self._markets("deribit")
            ]
            return _json({"jsonrpc": "2.0", "result": data if mine else []})
        return None

    def _kraken(self, path: str, query: Query) -> bytes | None:
        if path.startswith("/api/history/v3/market/") and path.endswith("/executions"):
            name = path.split("/")[-2]
            rows = self._events("kraken", int(query["since"]) + 1, int(query["before"]), name)
            count = int(query["count"])
            body = msgspec.json.decode(wire.page("kraken/executions", rows[:count], self._now))
            return _json(body | ({"continuationToken": "x"} if len(rows) > count else {}))
        if path.endswith("/history"):
            return _json({"result": "success", "history": []})
        if path.endswith("/instruments"):
            return self._contracts("kraken")
        if path.endswith("/tickers"):
            time = pl.Series([self._now]).cast(pl.Datetime("ms", "UTC")).dt.strftime("%Y-%m-%dT%H:%M:%S.%3fZ")[0]
            data = [
                {"symbol": name, "markPrice": price, "openInterest": interest / price, "vol24h": volume / price}
                for name, _, price, _, interest, volume in self._markets("kraken")
            ]
            return _json({"result": "success", "serverTime": time, "tickers": data})
        return None


def _ms(event: Event) -> int:
    return event.ms


def _prices(feed: ShownFeed) -> dict[str, float]:
    """The last price of each asset."""
    last = pl.concat([feed.earlier, feed.events]).group_by("asset").agg(pl.col("price").last())
    return dict(last.iter_rows())


def _json(body: Any) -> bytes:
    return msgspec.json.encode(body if isinstance(body, dict | list) else list(body))
