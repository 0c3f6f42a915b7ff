"""`verify.reconcile_tables`: read any tables, bring them to common columns, compare them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import verify
from verify.model.errors import InputError, SourceError
from verify.model.quantity import LIQUIDATIONS, Quantity, Scope
from verify.model.reconciliation import Reconciliation
from verify.model.window import Window, parse_duration

if TYPE_CHECKING:
    import polars as pl

    from sources.tables.grid import Grid

_LARGEST = 4 * 1024**3


def reconcile_tables(
    *tables: str | Path | pl.DataFrame,
    keys: Sequence[str] = (),
    values: Sequence[str] = (),
    absolute: float = 0.0,
    relative: float = 1e-9,
    tolerances: Mapping[str, tuple[float, float]] | None = None,
    names: Sequence[str] = (),
    rename: Mapping[str, Mapping[str, str]] | None = None,
    lineage: Mapping[str, Sequence[str]] | None = None,
    every: str = "",
    zone: str = "",
    decimal: str = "",
    window: str | Window | None = None,
    assets: Sequence[str] = (),
    now: datetime | None = None,
) -> Reconciliation:
    """Compare two or more numeric tables on keys.

    A table is a path (CSV, NDJSON, JSON or Parquet, also packed), `file:PATH`, `sql:URL?table=`, the id of a source or
    channel (`gate`, `gate/liq_orders`), which is asked for `window`, or a Polars frame. Without `keys` or `values` the
    common columns are taken, numbers as values. Values match within `absolute` or `relative` of the larger;
    `tolerances` has both by column. `names` stand for the tables in what is said; `rename` brings columns of a named
    table to the common name (old: new); `lineage` declares the feeds that a named table descends from. `every` ("1h")
    adds values up to intervals of a time key first. `zone` is that of times without one, `decimal` the sign before
    decimals. Raises `InputError` for what cannot be read, `SourceError` where a source does not answer.
    """
    from sources.registry import misspelt
    from sources.tables.typed import key_kinds, roles, typed
    from verify.reconcile.tables import Table, Tolerance, reconcile

    if len(tables) < 2:
        raise InputError("two tables at least are needed")
    called = _names(tables, names)
    asked = _window(window, now)
    grids, feeds = [], {}
    for name, table in zip(called, tables, strict=True):
        grid, descends = _grid(table, asked, assets, now or datetime.now(UTC))
        grids.append(_renamed(grid, (rename or {}).get(name, {}), name))
        feeds[name] = tuple((lineage or {}).get(name, descends))
    for known in (rename or {}, lineage or {}):
        if strange := [name for name in known if name not in called]:
            raise InputError(f"no table is called {strange[0]!r}; they are called {', '.join(called)}")
    if wrong := [misspelt(feed) for declared in (lineage or {}).values() for feed in declared if misspelt(feed)]:
        raise InputError(f"lineage: {wrong[0]}")
    keys, values, notes = roles(grids, list(dict.fromkeys(keys)), list(dict.fromkeys(values)))
    if strange := [column for column in tolerances or {} if column not in values]:
        raise InputError(f"--tolerance {strange[0]}: no value is called so; they are {', '.join(values)}")
    kinds = key_kinds(grids, keys)
    ready = []
    for name, grid in zip(called, grids, strict=True):
        read = typed(grid, kinds, values, where=zone, decimal=decimal, name=name)
        frame = _summed(read.frame, kinds, values, every) if every else read.frame
        said = tuple(str(problem) for problem in read.problems)
        ready.append(Table(name, frame, feeds[name], said, read.assumed))
    found = reconcile(ready, keys, values, Tolerance(absolute, relative, dict(tolerances or {})), notes)
    return replace(found, version=verify.__version__)


def _names(tables: Sequence[object], given: Sequence[str]) -> list[str]:
    """What the tables are called: as given, else by their file, else in whole, else by number."""
    if given and len(given) != len(tables):
        raise InputError(f"{len(given)} names for {len(tables)} tables")
    if given:
        return list(given)
    whole = [_shown(table) if isinstance(table, (str, Path)) else f"table {n}" for n, table in enumerate(tables, 1)]
    short = [_file_name(text) for text in whole]
    chosen = [s if short.count(s) == 1 else w for s, w in zip(short, whole, strict=True)]
    return [c if chosen.count(c) == 1 else f"{c} ({n})" for n, c in enumerate(chosen, 1)]


def _file_name(text: str) -> str:
    """The last part of a path; the whole of anything else."""
    path = Path(text.removeprefix("file:"))
    return path.name if text.startswith("file:") or path.is_file() else text


def _shown(table: str | Path) -> str:
    text = str(table)
    if text.startswith("sql:"):
        from sources.tables.sql import shown

        return shown(text.removeprefix("sql:"))
    return text


def _window(window: str | Window | None, now: datetime | None) -> Window | None:
    if window is None or isinstance(window, Window):
        return window
    return Window.parse(window, now=now or datetime.now(UTC))


def _grid(
    table: str | Path | pl.DataFrame, window: Window | None, assets: Sequence[str], now: datetime
) -> tuple[Grid, tuple[str, ...]]:
    """The cells of a table and the feeds that it descends from, where that is known."""
    from sources.tables import grid

    if not isinstance(table, (str, Path)):
        return _framed(table), ()
    text = str(table)
    if text.startswith("sql:"):
        from sources.tables.sql import rows_at

        shown, body = rows_at(text.removeprefix("sql:"))
        return _read(body, shown), ()
    path = Path(text.removeprefix("file:")).expanduser()
    if isinstance(table, Path) or text.startswith("file:") or path.is_file():
        if not path.is_file():
            raise InputError(f"{text}: there is no such file")
        try:
            if path.stat().st_size > _LARGEST:
                raise InputError(f"{text}: is larger than {_LARGEST} bytes")
            return _read(path.read_bytes(), path.name), _declared(path)
        except OSError as error:
            raise InputError(f"{text}: cannot be read: {error.strerror}") from None
    if path.suffix or path.is_dir():
        raise InputError(f"{text}: {'is a directory' if path.is_dir() else 'there is no such file'}")
    frame, feeds = _asked(text, window, assets, now)
    return grid.Grid(*_rows(frame), "row"), feeds


def _rows(frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
    import polars as pl

    return frame, pl.int_range(1, frame.height + 1, eager=True)


def _framed(frame: pl.DataFrame) -> Grid:
    from sources.tables.grid import readable

    return readable(*_rows(frame))


def _read(body: bytes, name: str) -> Grid:
    from sources.tables import grid

    try:
        return grid.read(body, name)
    except SourceError as error:
        raise InputError(f"{name}: {error.message}") from None


def _declared(path: Path) -> tuple[str, ...]:
    """The lineage that a mapping beside the table declares."""
    from sources.tables.mapping import load

    beside = path.with_name(path.name + ".toml")
    return load(beside.read_text(encoding="utf-8-sig"), beside.name).lineage if beside.is_file() else ()


def _renamed(grid: Grid, names: Mapping[str, str], table: str) -> Grid:
    if strange := [old for old in names if old not in grid.frame.columns]:
        raise InputError(f"{table}: has no column {strange[0]!r} (it has {', '.join(grid.frame.columns[:12])})")
    gone = [new for old, new in names.items() if new in grid.frame.columns and new != old]
    return replace(grid, frame=grid.frame.drop(gone).rename(dict(names))) if names else grid


def _asked(
    text: str, window: Window | None, assets: Sequence[str], now: datetime
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """What the channels of a source deliver for a window: events, or bars, as one frame."""
    import polars as pl

    from sources import collect, http
    from verify.pipeline import run

    loaded, wanted = run.load_sources([text])
    if window is None:
        raise InputError(f"{text} is a source: say for which time it is to be asked (--window)")
    here = all(code.reader is not None for code in loaded.sources[wanted[0].partition("/")[0]].channels.values())
    if run.offline_by_environment() and not here:
        raise InputError(f"{text} is asked over the network, and {run.OFFLINE_VARIABLE} forbids it")
    quantity = Quantity(LIQUIDATIONS, assets=Scope.of(*(asset.upper() for asset in assets)))
    plan = collect.plan(loaded.sources.values(), window, quantity, now, only=wanted)
    outcomes = http.fetch_all(plan.jobs, now=now, deadline=run.DEADLINE)
    deliveries = collect.deliver(outcomes, window, quantity)
    for delivery in deliveries:
        if delivery.failure is not None:
            raise delivery.failure
    frames = [delivery.frame for delivery in deliveries if delivery.frame is not None]
    if not frames:
        raise InputError(f"{text}: {plan.refusals[0].reason if plan.refusals else 'has nothing to ask for'}")
    if len({tuple(frame.columns) for frame in frames}) > 1:
        raise InputError(f"{text}: has events and bars: name one of {', '.join(d.label for d in deliveries)}")
    feeds = tuple(dict.fromkeys(feed for delivery in deliveries for feed in delivery.channel.lineage))
    return pl.concat(frames), feeds


def _summed(frame: pl.DataFrame, kinds: Mapping[str, str], values: Sequence[str], every: str) -> pl.DataFrame:
    """Values added up to intervals of the time key."""
    import polars as pl

    times = [key for key, kind in kinds.items() if kind == "time"]
    if len(times) != 1:
        raise InputError("--every adds up intervals of time: there must be one key of times")
    length = parse_duration(every)
    micros = round(length.total_seconds() * 1e6)
    start = (pl.col(times[0]).dt.epoch("us") // micros * micros).cast(pl.Datetime("us", "UTC"))
    added = frame.with_columns(start.alias(times[0])).group_by(list(kinds), maintain_order=True)
    return added.agg(pl.col(name).sum() for name in values)


__all__ = ["reconcile_tables"]
