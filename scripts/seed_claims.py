"""The page of the article that started it: each numeric claim, what could verify it, what is said of it today."""

from __future__ import annotations

import json
import shlex
import tempfile
from collections.abc import Iterator
from pathlib import Path

from sources import checklist, registry
from sources.checklist import Item
from verify.cli import cli

_MOST = 6


def page() -> str:
    """`docs/seed-claims.md`: asks every claim offline, of the figures that ship with the package."""
    own = [source for source in registry.load_all() if source.spec.id in _own()]
    lines = [
        "# The claims of the article that started it",
        "",
        "Made by `scripts/generate-docs` from `fixtures/events/2026-01-19/claims.toml`, the declarations of sources",
        "and the figures that ship with the package; do not edit. <https://www.aicoin.com/article/511821>, 19 January",
        "2026. `verify sources claims` prints the middle column. The answers are those of published figures alone",
        "(`--offline`): no source was asked, so that most are inconclusive; with a network the same commands ask them.",
        "",
        "| claim | could be verified by | offline evidence says |",
        "|---|---|---|",
    ]
    items = checklist.items()
    lines += [f"| {item.says} | {'; '.join(_served(item, own))} | {_answer(item)} |" for item in items]
    lines += ["", "Asked with:", ""]
    lines += [f"* `verify {shlex.join(item.ask)}`" for item in items]
    return "\n".join(lines) + "\n"


def _own() -> set[str]:
    """The sources of this project; those of other packages are left out of the page."""
    import tomllib

    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return set(project["entry-points"][registry.GROUP])


def _served(item: Item, sources: list[registry.Source]) -> Iterator[str]:
    for metric, found in checklist.verifiers(item, sources).items():
        name = metric.replace("_", " ")
        if not found:
            yield f"{name}: none known"
            continue
        shown = [f"`{one.key}`{' (key)' if one.keys else ''}" for one in found[:_MOST]]
        more = f" and {len(found) - _MOST} more" if len(found) > _MOST else ""
        yield f"{name}: {', '.join(shown)}{more}"
    if item.needs:
        yield f"not without {item.needs}"


def _answer(item: Item) -> str:
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "report.json"
        arguments = [*item.ask, "--offline", "--quiet", "--exit-zero", "--format", "json", "--output", str(target)]
        cli.main(arguments, prog_name="verify", standalone_mode=False)
        report = json.loads(target.read_text(encoding="utf-8"))
    reasons = "; ".join(reason["text"] for reason in report["reasons"][:2]) or "nothing"
    text = f"**{report['verdict']}**, confidence {report['confidence']['value']:.2f}: {reasons}"
    return text.replace("|", "\\|")
