"""The claims of an article as a list, and which sources could verify each."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import msgspec

from sources.adapter import Source, channel_key
from sources.spec import ChannelSpec, SourceSpec, Transport
from verify.model.errors import FigureFileError
from verify.model.window import duration_words

_BUNDLED = "2026-01-19/claims.toml"


class Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One claim: what it says, the command that asks it, what a source would have to serve, and what none can know."""

    id: str
    says: str
    ask: list[str]
    metrics: list[str]
    venues: list[str] = []
    assets: list[str] = []
    needs: str = ""


class _List(msgspec.Struct, forbid_unknown_fields=True):
    claim: list[Item]


@dataclass(frozen=True, slots=True)
class Verifier:
    """A channel that serves the metric of a claim, and how far back it reaches."""

    source: SourceSpec
    channel: ChannelSpec

    @property
    def key(self) -> str:
        return channel_key(self.source, self.channel)

    @property
    def reach(self) -> str:
        if self.channel.transport is Transport.STREAM or (
            self.channel.history is not None and not self.channel.history
        ):
            return "only what is recorded while it happens"
        if self.channel.history is None:
            return "any past window"
        return f"the last {duration_words(self.channel.history)}"

    @property
    def keys(self) -> str:
        return " and ".join(self.source.auth)


def items(path: str | Path | None = None) -> list[Item]:
    """The claims of a TOML file, or those of the article that started the project. Raises `FigureFileError`."""
    name = str(path or _BUNDLED)
    try:
        data = Path(path).read_bytes() if path else _bundled()
        return msgspec.convert(tomllib.loads(data.decode("utf-8")), _List).claim
    except OSError as error:
        raise FigureFileError(f"cannot read {name}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise FigureFileError(f"{name} is no list of claims: {error}") from None


def verifiers(item: Item, sources: Iterable[Source]) -> dict[str, list[Verifier]]:
    """By metric of the claim, the channels that serve it at one of its venues; what keeps the past stands first."""
    found: dict[str, list[Verifier]] = {metric: [] for metric in item.metrics}
    for source in sources:
        for channel in source.spec.channels:
            if item.venues and channel.venues and not set(item.venues) & set(channel.venues):
                continue
            if source.spec.named_elsewhere(channel, item.venues):
                continue
            for metric in set(item.metrics) & set(channel.metrics):
                found[metric].append(Verifier(source.spec, channel))
    order = ("any", "the", "only")
    return {
        metric: sorted(group, key=lambda v: (order.index(v.reach.split()[0]), bool(v.keys), v.key))
        for metric, group in found.items()
    }


def _bundled() -> bytes:
    package = files("sources").joinpath("events")
    folder = package if package.is_dir() else Path(__file__).parents[1] / "fixtures" / "events"
    return folder.joinpath(_BUNDLED).read_bytes()
