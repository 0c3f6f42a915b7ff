"""Binance's public archive: zipped CSV files per symbol and day on data.binance.vision."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Sequence
from datetime import date, timedelta

from sources.adapter import Instruments, Payload, Request
from sources.binance_orders import order_events
from sources.lazy import pl
from verify.model.errors import SchemaChanged, Suspect, Unavailable
from verify.model.quantity import Quantity
from verify.model.window import Window

ARCHIVE = "https://data.binance.vision/data/futures"
LIQUIDATIONS = "binance/coinm_files"

# Of BTCUSD_PERP, as a reader of the whole archive lists them (2026-09-12). That the files ended was announced nowhere:
# https://github.com/binance/binance-public-data/issues/361
FIRST, LAST = date(2023, 6, 25), date(2024, 10, 14)
MISSING = tuple(
    date.fromisoformat(day)
    for day in ("2023-09-09", "2023-09-23", "2023-09-25", "2024-06-01", "2024-06-11", "2024-06-12")
)

_COLUMNS = (
    "time",
    "side",
    "order_type",
    "time_in_force",
    "original_quantity",
    "price",
    "average_price",
    "order_status",
    "last_fill_quantity",
    "accumulated_fill_quantity",
)
_NAMES = {
    "symbol": "symbol",
    "time": "time",
    "side": "side",
    "ordered": "original_quantity",
    "filled": "accumulated_fill_quantity",
    "average": "average_price",
    "status": "order_status",
}
_LARGEST = 256 * 1024 * 1024  # bytes of one unzipped file; the busiest days of the archive are below 10 MB


def requests(window: Window, quantity: Quantity) -> Sequence[Request]:
    """One file per UTC day and symbol: the perpetual of each asset that is named, that of BTC where none is."""
    first, last = window.start.date(), (window.end - timedelta(microseconds=1)).date()
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return [
        Request(daily("cm", "liquidationSnapshot", symbol, day), note=f"{symbol} on {day}")
        for symbol in (f"{asset}USD_PERP" for asset in sorted(quantity.assets.names or {"BTC"}))
        for day in days
    ]


def daily(product: str, kind: str, symbol: str, day: date) -> str:
    """The URL of one file; `product` is "um" (USD-M) or "cm" (COIN-M)."""
    return f"{ARCHIVE}/{product}/daily/{kind}/{symbol}/{symbol}-{kind}-{day}.zip"


def parse(payload: Payload, window: Window, instruments: Instruments) -> pl.DataFrame:
    """The liquidations of one file inside the window. Every row stands in it twice and is counted once.

    https://github.com/binance/binance-public-data/issues/259
    """
    name, table = rows(payload, LIQUIDATIONS, _COLUMNS)
    table = table.unique(maintain_order=True)
    symbol = name.partition("-liquidationSnapshot")[0]
    orders = {ours: table[theirs] for ours, theirs in _NAMES.items() if theirs in table.columns}
    return order_events(
        {**orders, "symbol": pl.repeat(symbol, table.height, dtype=pl.String, eager=True)},
        _NAMES,
        instruments,
        source=LIQUIDATIONS,
        received=payload.received,
        evidence=payload.evidence,
        window=window,
    )


def rows(payload: Payload, source: str, columns: Sequence[str] = ()) -> tuple[str, pl.DataFrame]:
    """The name of the CSV file in a zip and its rows as text; files without a header have `columns`."""
    if payload.status == 404:
        raise Unavailable(f"the archive has no {payload.request.url.rpartition('/')[2]}", source=source)
    try:
        with zipfile.ZipFile(io.BytesIO(payload.body)) as archive:
            entries = archive.infolist()
            if len(entries) != 1:
                raise SchemaChanged(f"{len(entries)} files in the zip, not one", source=source, field="zip")
            if entries[0].file_size > _LARGEST:
                raise Suspect(f"the file unzips to {entries[0].file_size} bytes", source=source)
            text = archive.read(entries[0])
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, zlib.error) as error:
        raise SchemaChanged(f"the answer is no readable zip file: {error}", source=source, field="zip") from None
    headed = not text[:1].isdigit()
    try:
        table = pl.read_csv(text, has_header=headed, new_columns=None if headed else list(columns), infer_schema=False)
    except pl.exceptions.PolarsError as error:
        raise SchemaChanged(f"the file is no table: {error}", source=source, field="csv") from None
    return entries[0].filename, table


def control() -> Request:
    """The checksum of the first file, which has always been there."""
    return Request(f"{daily('cm', 'liquidationSnapshot', 'BTCUSD_PERP', FIRST)}.CHECKSUM", note="a file that exists")


def control_alive(payload: Payload) -> bool:
    return payload.status == 200 and payload.body.strip().endswith(b".zip")
