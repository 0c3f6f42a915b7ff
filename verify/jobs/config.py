"""Read a job file: TOML, what it extends, defaults and matrix, into checks that are ready to be asked.

Every mistake is one line that names file and line and, of a key or name, the one that was probably meant.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from verify.jobs.places import Document
from verify.jobs.schema import Check, Matrix, Settings, Tolerance, Value
from verify.model.errors import InputError

FILE_NAME = "verify.toml"
PROJECT_NAME = "pyproject.toml"
_ROOT = ("tool", "verify")
_TABLES: dict[str, type[msgspec.Struct]] = {"settings": Settings, "defaults": Check}
_TOP = ("extends", "settings", "defaults", "checks")
_NESTED: dict[str, type[msgspec.Struct]] = {
    "tolerance": Tolerance,
    "value": Value,
    "matrix": Matrix,
    "long": Tolerance,
    "short": Tolerance,
}
_NESTED["both"] = Tolerance
_SIMILAR = 60.0
_DEEPEST = 20
_LARGEST = 4_000_000
_KEYS = ("key", "token", "secret", "password")

Keys = tuple[str, ...]


class ConfigError(InputError):
    """A job file that cannot be used; the message begins with file and line."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is written."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(slots=True)
class Tree:
    """A job file with what it extends put under it, and where each key comes from."""

    name: str
    data: dict[str, Any]
    origins: dict[Keys, Document] = field(default_factory=dict)

    def place(self, *path: str) -> Place:
        """Where the key at `path` is written, or the nearest table above it that is."""
        keys = path
        while keys and keys not in self.origins:
            keys = keys[:-1]
        if not keys:
            return Place(self.name, 1)
        document = self.origins[keys]
        return Place(document.name, document.line(path))

    def error(self, path: Sequence[str], text: str) -> ConfigError:
        return ConfigError(f"{self.place(*path)}: {text}")


def find(folder: Path) -> Path | None:
    """The job file of a folder: verify.toml, else a pyproject.toml with a table tool.verify."""
    if (folder / FILE_NAME).is_file():
        return folder / FILE_NAME
    project = folder / PROJECT_NAME
    try:
        if project.is_file() and "verify" in tomllib.loads(project.read_text(encoding="utf-8")).get("tool", {}):
            return project
    except (OSError, ValueError):
        return None
    return None


def found() -> str:
    """The job file of the folder in which the program runs. Raises `ConfigError` where there is none."""
    path = find(Path())
    if path is None:
        raise ConfigError(f"there is no {FILE_NAME} here, and no [tool.verify] in {PROJECT_NAME}: run verify init")
    return str(path)


def read(path: str | Path) -> Tree:
    """The job file at `path` with all that it extends. Raises `ConfigError`."""
    return _read(str(path), ())


def _read(name: str, above: tuple[str, ...]) -> Tree:
    document, data = _document(name)
    tree = Tree(name, {})
    _check_tables(document, data)
    for base in _bases(document, data):
        resolved = str(Path(base).resolve())
        if resolved in (*above, str(Path(name).resolve())) or len(above) > _DEEPEST:
            raise ConfigError(f"{name}:{document.line(('extends',))}: extends goes round in a circle at {base}")
        _lay(tree, _read(base, (*above, str(Path(name).resolve()))))
    own = Tree(name, _relative(data, Path(name).parent), dict.fromkeys(_paths(data), document))
    _lay(tree, own)
    return tree


def _document(name: str) -> tuple[Document, dict[str, Any]]:
    """The file, and the table in it that concerns us."""
    try:
        raw = Path(name).read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise ConfigError(f"{name}: cannot be read: {reason}") from None
    if len(raw) > _LARGEST:
        raise ConfigError(f"{name}: has {len(raw):,} bytes: no job file is that long")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{name}:{raw[: error.start].count(10) + 1}: is not UTF-8 text") from None
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        words = str(error)
        line = words.partition("at line ")[2].partition(",")[0]
        at = line if line.isdigit() else str(text.count("\n") + 1)
        raise ConfigError(f"{name}:{at}: is not TOML: {words}") from None
    except RecursionError:
        raise ConfigError(f"{name}: is nested too deeply") from None
    if Path(name).name != PROJECT_NAME:
        return Document(name, text), data
    for key in _ROOT:
        data = data.get(key, {}) if isinstance(data, dict) else {}
    if not data:
        raise ConfigError(f"{name}: has no table [tool.verify]")
    return Document(name, text, _ROOT), data


def _bases(document: Document, data: Mapping[str, Any]) -> list[str]:
    given = data.get("extends", [])
    bases = [given] if isinstance(given, str) else given
    if not isinstance(bases, list) or not all(isinstance(base, str) and base for base in bases):
        line = document.line(("extends",))
        raise ConfigError(f"{document.name}:{line}: extends: write the name of a file, or a list of names")
    return [_beside(Path(document.name).parent, base) for base in bases]


def _beside(folder: Path, name: str) -> str:
    """A name in a file as seen from where the program runs."""
    return name if Path(name).is_absolute() else os.path.normpath(folder / name)


def _relative(data: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The same with the names of files as seen from where the program runs, and dates as text."""

    def seen(value: Any, key: str) -> Any:
        if isinstance(value, dict):
            return {name: seen(entry, name) for name, entry in value.items()}
        if key == "file" and isinstance(value, str):
            return _beside(folder, value)
        if key == "figures" and isinstance(value, list):
            return [_beside(folder, v) if isinstance(v, str) and v != "bundled" else v for v in value]
        if isinstance(value, list):
            return [seen(entry, "") for entry in value]
        return value.isoformat() if isinstance(value, date | time) else value

    shown = {name: seen(entry, name) for name, entry in data.items() if name != "extends"}
    return shown


def _paths(data: Mapping[str, Any], above: Keys = ()) -> Iterator[Keys]:
    for key, value in data.items():
        yield (*above, key)
        if isinstance(value, dict):
            yield from _paths(value, (*above, key))


def _lay(under: Tree, over: Tree) -> None:
    """Put one tree over another: keys of settings, defaults and of each check replace those of the same name."""

    def replaced(path: Keys) -> None:
        for known in [keys for keys in under.origins if keys[: len(path)] == path]:
            del under.origins[known]

    for table, entries in over.data.items():
        if table == "checks":
            checks = under.data.setdefault("checks", {})
            for name, keys in entries.items():
                for key, value in keys.items():
                    replaced(("checks", name, key))
                    checks.setdefault(name, {})[key] = value
                checks.setdefault(name, {})
        else:
            for key, value in entries.items():
                replaced((table, key))
                under.data.setdefault(table, {})[key] = value
    under.origins.update(over.origins)


def _check_tables(document: Document, data: Mapping[str, Any]) -> None:
    """Every table has the form it should have, and no key that nobody reads."""

    def fail(path: Keys, text: str) -> ConfigError:
        return ConfigError(f"{document.name}:{document.line(path)}: {text}")

    problems = [fail(path, text) for path, text in _problems(data)]
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise ConfigError(f"{problems[0]}{more}")


def _problems(data: Mapping[str, Any]) -> Iterator[tuple[Keys, str]]:
    for key in data:
        if key not in _TOP:
            yield (key,), f"unknown key {key!r}{meant(key, [*_TOP, *_fields(Settings), *_fields(Check)])}"
    for table, kind in _TABLES.items():
        if table in data:
            yield from _table_problems(data[table], kind, (table,))
    checks = data.get("checks", {})
    if not isinstance(checks, dict):
        yield ("checks",), "checks: write [checks.NAME] for each check"
        return
    for name, check in checks.items():
        if not name.replace("-", "").replace("_", "").replace(".", "").isalnum() or len(name) > 100:
            yield ("checks", name), f"the name {name[:60]!r} has other signs than letters, digits, - _ and ."
        yield from _table_problems(check, Check, ("checks", name))


def _table_problems(table: Any, kind: type[msgspec.Struct], path: Keys) -> Iterator[tuple[Keys, str]]:
    if not isinstance(table, dict):
        yield path, f"{path[-1]}: is a table of keys, written [{'.'.join(map(str, path))}]"
        return
    unknown = [key for key in table if key not in _fields(kind)]
    for key in unknown:
        if any(word in key.lower() for word in _KEYS) and kind is Settings:
            yield (*path, key), f"{key}: keys are not read from files; set the variable that `verify sources` names"
        else:
            yield (*path, key), f"unknown key {key!r}{meant(key, _fields(kind))}"
    for key, value in table.items():
        if key in unknown:
            continue
        nested = _NESTED.get(key) if key in _fields(kind) else None
        if nested is not None and isinstance(value, dict):
            yield from _table_problems(value, nested, (*path, key))
            continue
        try:
            msgspec.convert({key: _plain(value)}, kind)
        except msgspec.ValidationError as error:
            yield (*path, key), _in_words(key, str(error))


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(entry) for entry in value]
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    return value.isoformat() if isinstance(value, date | time) else value


def _in_words(key: str, error: str) -> str:
    """What msgspec says of one key, without its notation."""
    said = error.partition(" - at ")[0].replace("`", "")
    if said.startswith("Invalid enum value"):
        choices = {"side": "long, short or both", "sides": "long, short or both", "take": "one, sum or last"}
        choices |= {"statistic": "level, low, high, close, below, above, change, fall or rise"}
        choices |= {"severity": "error, warning or note", "fail_on": "any or new"}
        return f"{key}: {said.removeprefix('Invalid enum value ')} is not one of {choices.get(key, 'the choices')}"
    return f"{key}: {said[:1].lower()}{said[1:]}"


@cache
def _fields(kind: type[msgspec.Struct]) -> list[str]:
    return [entry.encode_name for entry in msgspec.structs.fields(kind)]


def meant(written: str, known: Sequence[str]) -> str:
    """The known word that was probably meant, as an ending of the message."""
    from verify.model.names import similarity

    near = max(known, key=lambda word: similarity(written.lower(), word))
    if similarity(written.lower(), near) < _SIMILAR:
        return f"; known are {', '.join(dict.fromkeys(known))}" if len(known) < _DEEPEST else ""
    inside = ""
    if near not in _TOP and "extends" in known:
        inside = f" in [{'settings' if near in _fields(Settings) else 'checks.NAME'}]"
    return f"; did you mean {near}{inside}?"
