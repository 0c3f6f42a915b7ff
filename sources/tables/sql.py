"""A database as a source: `sql:sqlite:///desk.db?table=liquidations`, `sql:postgresql://me@host/desk?query=SELECT ...`.

SQLite is opened read-only with what Python has; other databases by their DB-API or ADBC driver, where it is installed
(extra `sql`). A password stands in `VERIFY_SQL_PASSWORD`, or in the address, from where it goes to the driver and
nowhere else: not into reports, errors or evidence. What the query gave is evidence, row by row, as NDJSON; a replay
asks no database.
"""

from __future__ import annotations

import base64
import json
import os
import re
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from datetime import date, datetime
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

from sources.adapter import Source
from sources.tables.source import Given, from_archive, identity, mapping_text, source
from verify.model.errors import InputError, Unavailable

if TYPE_CHECKING:
    from sources.evidence import Archive

PASSWORD = "VERIFY_SQL_PASSWORD"
_OPTIONS = ("query", "table", "mapping", "name", "venue", "asset", "zone")
#: Modules with a DB-API `connect` that takes the URL, by scheme, best first, and the package that brings each.
_DRIVERS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "postgresql": (("adbc_driver_postgresql.dbapi", "verify-figures[sql]"), ("psycopg", "psycopg")),
    "snowflake": (("adbc_driver_snowflake.dbapi", "adbc-driver-snowflake"),),
    "grpc": (("adbc_driver_flightsql.dbapi", "adbc-driver-flightsql"),),
    "duckdb": (("duckdb", "duckdb"),),
}
_ALIASES = {"postgres": "postgresql", "sqlite3": "sqlite", "flightsql": "grpc"}


def opened(address: str) -> Sequence[Source]:
    """The source of a query. Raises `InputError` where database, query or mapping cannot be used."""
    place, options = _split(address)
    asked = _query(options)
    text = mapping_text([], options, f"sql:{_shown(place)}")
    name = options.get("name") or options.get("table") or Path(urlsplit(place).path).name or "database"
    url = f"sql:{_public(place, options)}"
    rows: list[bytes] = []

    def read() -> bytes:
        if not rows:  # a run reads one state of the database
            rows.append(_rows(place, asked))
        return rows[0]

    try:
        return [source(Given(url, name, identity("sql", name), read, text))]
    except Unavailable as error:
        raise InputError(f"--source sql:{_shown(place)}: {error.message}") from None


def replayed(address: str, archive: Archive) -> Sequence[Source]:
    """The same source from what an evidence file kept of it."""
    place, options = _split(address)
    name = options.get("name") or options.get("table") or Path(urlsplit(place).path).name or "database"
    return from_archive(archive, f"sql:{_public(place, options)}", name, identity("sql", name))


def rows_at(address: str) -> tuple[str, bytes]:
    """What a query gives, as NDJSON, and how the address is shown. Raises `InputError`."""
    place, options = _split(address)
    try:
        return f"sql:{_public(place, options)}", _rows(place, _query(options))
    except Unavailable as error:
        raise InputError(f"sql:{_shown(place)}: {error.message}") from None


def shown(address: str) -> str:
    """An address as it may be shown: without what is secret in it."""
    place, options = _split(address)
    return f"sql:{_public(place, options)}"


def _split(address: str) -> tuple[str, dict[str, str]]:
    """The database's own URL, and our options; what is not ours stays with the database."""
    place, _, query = address.partition("?")
    pairs = parse_qsl(query, keep_blank_values=True)
    options = {key: value for key, value in pairs if key in _OPTIONS}
    rest = [(key, value) for key, value in pairs if key not in _OPTIONS]
    scheme = place.partition("://")[0].lower()
    scheme = _ALIASES.get(scheme, scheme)
    if "://" not in place or (scheme != "sqlite" and scheme not in _DRIVERS):
        known = ", ".join(f"{name}://" for name in sorted(("sqlite", *_DRIVERS)))
        raise InputError(f"--source sql: is no address of a database that is known: write {known}")
    tail = f"?{urlencode(rest)}" if rest else ""
    return f"{scheme}://{place.partition('://')[2]}{tail}", options


def _query(options: Mapping[str, str]) -> str:
    if bool(options.get("query")) == bool(options.get("table")):
        raise InputError("--source sql: needs either ?table=NAME or ?query=SELECT ...")
    if query := options.get("query"):
        if not re.match(r"(?i)\s*(?:select|with|values|from)\b", query):
            raise InputError("--source sql: the query must be a SELECT")
        return query
    parts = options["table"].split(".")
    if not all(re.fullmatch(r"[^\x00\"]{1,128}", part) for part in parts):
        raise InputError(f"--source sql: {options['table'][:60]!r} is no name of a table")
    return "SELECT * FROM " + ".".join(f'"{part}"' for part in parts)


def _public(place: str, options: Mapping[str, str]) -> str:
    """The address without what is secret in it."""
    kept = urlencode([(key, options[key]) for key in _OPTIONS if key in options], quote_via=quote)
    shown = _shown(place)
    return f"{shown}{'&' if '?' in shown else '?'}{kept}"


def _shown(place: str) -> str:
    parts = urlsplit(place)
    user = f"{parts.username}@" if parts.username else ""
    host = f"{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}"
    public = [(k, v) for k, v in parse_qsl(parts.query) if not re.search(r"(?i)pass|secret|token|key|pwd", k)]
    shown = urlunsplit((parts.scheme, f"{user}{host}", quote(unquote(parts.path)), urlencode(public), ""))
    return shown if "://" in shown else shown.replace(":", "://", 1)  # urlunsplit drops an empty host


def _rows(place: str, query: str) -> bytes:
    """All rows as NDJSON. Raises `Unavailable`, in words without the password."""
    scheme = place.partition("://")[0]
    try:
        if scheme == "sqlite":
            return _fetched(_sqlite(place), query)
        return _fetched(_connected(scheme, place), query)
    except (InputError, Unavailable):
        raise
    except Exception as error:  # whatever a driver raises: there is no common class
        raise Unavailable(f"the database does not answer: {_scrubbed(str(error), place)}") from None


def _sqlite(place: str) -> Any:
    path = Path(unquote(place.removeprefix("sqlite://").partition("?")[0]).removeprefix("/"))
    path = path.expanduser()
    if not path.is_file():
        raise Unavailable(f"there is no database {path.name}")
    return sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True)


def _connected(scheme: str, place: str) -> Any:
    for module, _ in _DRIVERS[scheme]:
        try:
            driver = import_module(module)
        except ImportError:
            continue
        if scheme == "duckdb":
            return driver.connect(
                unquote(place.removeprefix("duckdb://").partition("?")[0].removeprefix("/")), read_only=True
            )
        return driver.connect(_with_password(place))
    raise InputError(f"no driver for {scheme}:// is installed: pip install '{_DRIVERS[scheme][0][1]}'")


def _with_password(place: str) -> str:
    parts, secret = urlsplit(place), os.environ.get(PASSWORD, "")
    if parts.password or not secret:
        return place
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{parts.username or ''}:{quote(secret, safe='')}@{host}"))


def _fetched(connection: Any, query: str) -> bytes:
    with closing(connection), closing(connection.cursor()) as cursor:
        cursor.execute(query)
        columns = _unlike([str(entry[0]) for entry in cursor.description or ()])
        lines = [
            json.dumps(dict(zip(columns, row, strict=True)), default=_plain, ensure_ascii=False)
            for row in cursor.fetchall()
        ]
    return "\n".join(lines).encode() + (b"\n" if lines else b"")


def _unlike(columns: Iterable[str]) -> list[str]:
    found: list[str] = []
    for name in columns:
        found.append(f"{name} ({len(found) + 1})" if name in found else name)
    return found


def _plain(value: object) -> object:
    """A value of a database as JSON has it; money keeps its digits."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, (bytes, memoryview)):
        return base64.b16encode(bytes(value)).decode()
    return str(value)


def _scrubbed(message: str, place: str) -> str:
    parts = urlsplit(place)
    text = " ".join(message.split())
    for secret in (parts.password or "", unquote(parts.password or ""), os.environ.get(PASSWORD, "")):
        if secret:
            text = text.replace(secret, "***").replace(quote(secret, safe=""), "***")
    return text[:200]
