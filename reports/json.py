"""The report as JSON; `schema.json` beside this file describes it."""

from __future__ import annotations

import json
import math
from importlib.resources import files
from typing import Any

from reports.text import escaped_json
from verify.model.report import Report


def render(report: Report) -> str:
    """One JSON object, two spaces of indent, UTF-8, a newline at the end. Never NaN or Infinity."""
    return escaped_json(json.dumps(_finite(report.to_dict()), ensure_ascii=False, indent=2, allow_nan=False)) + "\n"


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) that every report validates against."""
    loaded: dict[str, Any] = json.loads(files("reports").joinpath("schema.json").read_text(encoding="utf-8"))
    return loaded


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_finite(entry) for entry in value]
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    return value
