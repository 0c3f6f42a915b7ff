"""The form of a job file: what its tables and keys are, with the words that the published JSON Schema shows."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

Text = Annotated[str, Meta(min_length=1, max_length=2000)]
Names = Annotated[list[Text], Meta(min_length=1)]
Number = str | int | float
Side = Literal["long", "short", "both"]
Share = Annotated[float, Meta(ge=0, le=1)]


class Tolerance(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """How far the value may be off. The wider of `absolute` and `relative` counts; `long`, `short` and `both` are for
    checks of that side, instead of what stands beside them."""

    absolute: Annotated[Number | UnsetType, Meta(description="In dollars or in what is counted: 1000000, '$1M'.")] = (
        UNSET
    )
    relative: Annotated[Number | UnsetType, Meta(description="A share of the value: 0.02, '2%'.")] = UNSET
    long: Annotated[Tolerance | UnsetType, Meta(description="For checks of longs.")] = UNSET
    short: Annotated[Tolerance | UnsetType, Meta(description="For checks of shorts.")] = UNSET
    both: Annotated[Tolerance | UnsetType, Meta(description="For checks of both sides together.")] = UNSET


class Value(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """Where the value to test is: one number of a file of yours, or what another source says.

    `{asset}`, `{venue}`, `{side}`, `{date}` (the UTC day on which the window starts), `{start}` and `{end}` stand for
    those of the check in `where` and `sql`.
    """

    file: Annotated[Text | UnsetType, Meta(description="A CSV, Parquet or SQLite file, relative to the job file.")] = (
        UNSET
    )
    column: Annotated[Text | UnsetType, Meta(description="The column of the number.")] = UNSET
    where: Annotated[
        dict[str, str | int | float | bool | list[str]] | UnsetType,
        Meta(description="Only rows whose columns have these values (or one of a list of values)."),
    ] = UNSET
    take: Annotated[
        Literal["one", "sum", "last"] | UnsetType,
        Meta(description="What to make of several rows; `one` (the default) refuses them."),
    ] = UNSET
    sql: Annotated[
        Text | UnsetType,
        Meta(description="A query that gives one number; the file is the table `desk`, of SQLite its own tables."),
    ] = UNSET
    source: Annotated[
        Text | UnsetType, Meta(description="A channel or source; what it says is tested against all others.")
    ] = UNSET


class Matrix(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The check is made once for each combination."""

    assets: Annotated[Names | UnsetType, Meta(description="One check per asset.")] = UNSET
    venues: Annotated[Names | UnsetType, Meta(description="One check per venue.")] = UNSET
    sides: Annotated[list[Side] | UnsetType, Meta(description="One check per side.")] = UNSET
    windows: Annotated[Names | UnsetType, Meta(description="One check per window.")] = UNSET


class Check(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """One check: a quantity over a window, and the value to test. Without a value, that anything is known."""

    description: Annotated[str | UnsetType, Meta(description="For people.")] = UNSET
    metric: Annotated[
        Text | UnsetType,
        Meta(
            description="liquidations (the default), liquidation_count, price, price_change, implied_volatility,"
            " correlation, etf_net_flow, dex_volume, unrealised_gain or holding."
        ),
    ] = UNSET
    side: Annotated[Side | UnsetType, Meta(description="The side of the positions that were liquidated.")] = UNSET
    assets: Annotated[Names | UnsetType, Meta(description="Only these; all where it is left out.")] = UNSET
    asset: Annotated[Text | UnsetType, Meta(description="The one asset, instead of `assets`.")] = UNSET
    venues: Annotated[Names | UnsetType, Meta(description="Only these; all where it is left out.")] = UNSET
    count_over: Annotated[Number | UnsetType, Meta(description="Count liquidations above this size in dollars.")] = (
        UNSET
    )
    statistic: Annotated[
        Literal["level", "low", "high", "close", "below", "above", "change", "fall", "rise"] | UnsetType,
        Meta(description="What a plain number is, where no words say it: a price (`level`), a change (`change`)."),
    ] = UNSET
    fund: Annotated[Text | UnsetType, Meta(description="etf_net_flow: only this fund, by its ticker.")] = UNSET
    protocol: Annotated[Text | UnsetType, Meta(description="dex_volume: the exchange whose volume it is.")] = UNSET
    holding: Annotated[Text | UnsetType, Meta(description="unrealised_gain: what is held, '626,700 ETH'.")] = UNSET
    account: Annotated[
        Text | UnsetType, Meta(description="holding, unrealised_gain: the address (0x...) that holds it.")
    ] = UNSET
    cost: Annotated[Number | UnsetType, Meta(description="unrealised_gain: dollars that one coin has cost.")] = UNSET
    price: Annotated[
        Number | UnsetType, Meta(description="unrealised_gain: dollars to value a coin at; else those of the window.")
    ] = UNSET
    short: Annotated[bool | UnsetType, Meta(description="unrealised_gain: the coins were sold short.")] = UNSET
    window: Annotated[Text | UnsetType, Meta(description="2026-01-19, START/END, yesterday, last 4h, ...")] = UNSET
    slack: Annotated[Text | UnsetType, Meta(description="How far the edges of the window may be off, e.g. 2h.")] = UNSET
    claim: Annotated[Number | UnsetType, Meta(description="The value to test, as it would be printed.")] = UNSET
    value: Annotated[Value | UnsetType, Meta(description="Where the value to test is, instead of `claim`.")] = UNSET
    tolerance: Annotated[Tolerance | UnsetType, Meta(description="How far the value may be off.")] = UNSET
    channel: Annotated[Text | UnsetType, Meta(description="Ask only what this provider says.")] = UNSET
    sources: Annotated[Names | UnsetType, Meta(description="Ask only these sources.")] = UNSET
    min_confidence: Annotated[Share | UnsetType, Meta(description="Less confidence is inconclusive.")] = UNSET
    min_lineages: Annotated[
        Annotated[int, Meta(ge=0)] | UnsetType, Meta(description="Fewer independent lineages are inconclusive.")
    ] = UNSET
    severity: Annotated[
        Literal["error", "warning", "note"] | UnsetType,
        Meta(description="Only `error` (the default) counts in the exit code."),
    ] = UNSET
    tags: Annotated[list[Text] | UnsetType, Meta(description="For --only.")] = UNSET
    matrix: Annotated[Matrix | UnsetType, Meta(description="The check once for each combination.")] = UNSET


class Settings(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """What holds for the whole run, and where a command has the option, for every command."""

    figures: Annotated[Names | UnsetType, Meta(description="CSV files of published figures; `bundled` is ours.")] = (
        UNSET
    )
    sources: Annotated[Names | UnsetType, Meta(description="Ask only these sources.")] = UNSET
    offline: Annotated[bool | UnsetType, Meta(description="Use no network.")] = UNSET
    deadline: Annotated[
        Annotated[float, Meta(ge=1, le=600)] | UnsetType, Meta(description="Seconds that the sources have.")
    ] = UNSET
    min_confidence: Annotated[Share | UnsetType, Meta(description="Less confidence is inconclusive.")] = UNSET
    strict: Annotated[bool | UnsetType, Meta(description="A row of figures that cannot be read is an error.")] = UNSET
    timezone: Annotated[Text | UnsetType, Meta(description="Of words like yesterday; UTC where it is left out.")] = (
        UNSET
    )
    jobs: Annotated[
        Annotated[int, Meta(ge=1, le=64)] | UnsetType, Meta(description="How many checks to judge at a time.")
    ] = UNSET
    fail_on: Annotated[
        Literal["any", "new"] | UnsetType, Meta(description="Which checks count in the exit code of a run.")
    ] = UNSET
    report: Annotated[Names | UnsetType, Meta(description="Reports to write, e.g. junit=out.xml.")] = UNSET


class JobFile(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A job file of `verify run`: verify.toml, or the table tool.verify of pyproject.toml."""

    extends: Annotated[Text | Names | UnsetType, Meta(description="Job files that this one adds to and overrides.")] = (
        UNSET
    )
    settings: Annotated[Settings | UnsetType, Meta(description="What holds for the whole run.")] = UNSET
    defaults: Annotated[Check | UnsetType, Meta(description="What every check has unless it says otherwise.")] = UNSET
    checks: Annotated[dict[str, Check] | UnsetType, Meta(description="The checks by name.")] = UNSET


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a job file, made from the types above."""
    made: dict[str, Any] = msgspec.json.schema(JobFile)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "verify.toml", **made}


def schema_text() -> str:
    """The schema as it is published."""
    import json

    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
