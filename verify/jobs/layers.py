"""Settings from all places, the nearest first: environment, job file, the user's own file, default.

Flags stand above all of them; they belong to the command that has them. Keys are no settings: they are read from the
environment only, by the names that sources declare.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import msgspec

from verify.jobs import config
from verify.jobs.config import ConfigError, Tree
from verify.jobs.schema import Settings

_LISTS = {"figures": os.pathsep, "sources": ",", "report": ","}
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off", "")
_NAMES = tuple(field.encode_name for field in msgspec.structs.fields(Settings))
_DEFAULTS: Mapping[str, Any] = {
    "figures": ["bundled"], "sources": [], "offline": False, "deadline": 60.0, "min_confidence": 0.0, "strict": False,
    "timezone": "UTC", "jobs": 2, "fail_on": "any", "report": [],
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting as it is in force, and where it is from: `default`, a variable, or a file with its line."""

    name: str
    value: Any
    origin: str

    @property
    def given(self) -> bool:
        return self.origin != "default"


def user_file() -> Path:
    """The user's own job file, of which only the settings are read."""
    return Path(click.get_app_dir("verify")) / config.FILE_NAME


def settle(tree: Tree | None, environment: Mapping[str, str] | None = None) -> dict[str, Setting]:
    """Every setting by name. Raises `ConfigError` for a variable or a user's file that cannot be used."""
    environment = os.environ if environment is None else environment
    found = {name: Setting(name, _DEFAULTS[name], "default") for name in _NAMES}
    own = user_file()
    for layer in (config.read(own) if own.is_file() else None, tree):
        for name, value in layer.data.get("settings", {}).items() if layer else ():
            assert layer is not None
            found[name] = Setting(name, value, str(layer.place("settings", name)))
    for name in _NAMES:
        variable = f"VERIFY_{name.upper()}"
        if variable in environment:
            found[name] = Setting(name, _read(name, variable, environment[variable]), variable)
    return found


def _read(name: str, variable: str, text: str) -> Any:
    """A variable as its setting: lists are separated, numbers are numbers."""
    value: Any = text
    if name in _LISTS:
        value = [part.strip() for part in text.split(_LISTS[name]) if part.strip()]
        if not value:
            return []
    elif name in ("offline", "strict"):
        if name == "offline" or text.lower() in _TRUE:
            value = text.lower() not in _FALSE
        elif text.lower() in _FALSE:
            value = False
    try:
        read = msgspec.convert({name: value}, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{variable}={text[:60]!r}: {str(error).partition(' - at ')[0].replace('`', '')}") from None
    return getattr(read, name)


def defaults_of_commands() -> dict[str, Any]:
    """What commands other than `run` take from the settings, by the names of their options; {} where none is set."""
    path = config.find(Path())
    if (
        path is None
        and not user_file().is_file()
        and not any(f"VERIFY_{name.upper()}" in os.environ for name in _NAMES)
    ):
        return {}
    settled = settle(config.read(path) if path else None)
    shared = ("figures", "sources", "offline", "deadline", "min_confidence", "strict")
    return {name: settled[name].value for name in shared if settled[name].given}
