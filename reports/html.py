"""The report as one page that needs nothing else: no network, no script, no file beside it.

Strings from outside are cleaned like everywhere (`reports.text`), escaped by the template engine, and addresses are
links only where they are web addresses. The page forbids itself everything but its own style.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from reports import charts
from reports.spans import claimed
from reports.text import every, plain
from reports.text import url as safe_url
from verify.model.amount import money
from verify.model.errors import InputError
from verify.model.report import FigureRow, Report, SourceRow
from verify.model.window import duration_words

if TYPE_CHECKING:
    from jinja2 import Template

_SOURCE_COLUMNS = (
    ("source", ""), ("status", ""), ("long", "number"), ("short", "number"), ("events", "number"),
    ("covered", "number"), ("shows", ""), ("basis", ""), ("note", ""), ("evidence", ""),
)  # fmt: skip


def render(report: Report) -> str:
    """One HTML page, UTF-8. Raises `InputError` where the extra `html` is not installed."""
    from markupsafe import Markup

    template = _template()
    report = every(report, plain)
    pictures = {
        name: Markup(drawn) if drawn else ""  # made from the report just now, its strings escaped
        for name, drawn in (("lineages", charts.lineages(report)), ("confidence", charts.confidence(report)))
    }
    claim = f"{report.claim}: " if report.claim else ""
    return (
        template.render(
            report=report,
            title=f"{claim}{report.quantity}, {report.window_words}",
            style=Markup(files("reports").joinpath("templates/style.css").read_text(encoding="utf-8")),  # ours
            pictures=pictures,
            claim_band=claimed(report),
            address=safe_url,
            host=_host,
            money=money,
            percent=_percent,
            window=_window,
            source_columns=_SOURCE_COLUMNS,
            source_rows=[_source(row) for row in report.sources],
            doubts=[(row.source, row.doubts) for row in report.sources if row.doubts and row.status in _ANSWERED],
            lineage_rows=[
                (row.title, "yes" if row.counts else "no", row.figures, row.outlets, _reasons(row.reasons))
                for row in report.lineages
            ],
            confidence_rows=[
                (part.name, f"{part.points:.3f}", f"{part.most:.2f}", part.reason)
                for part in (report.confidence.components if report.confidence else ())
            ],
        ).rstrip()
        + "\n"
    )


_ANSWERED = ("ok", "lower bound")


@cache
def _template() -> Template:
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined
    except ImportError:
        raise InputError(charts.MISSING) from None
    engine = Environment(
        loader=PackageLoader("reports", "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    return engine.get_template("report.html.j2")


def _source(row: SourceRow) -> tuple[Any, ...]:
    kept = sorted(row.evidence, key=lambda record: (len(record), record))
    more = f" to {kept[-1].rpartition('/')[2]}" if len(kept) > 1 else ""
    return (
        row.source,
        row.status,
        money(row.long_usd) if row.long_usd is not None else "",
        money(row.short_usd) if row.short_usd is not None else "",
        "" if row.events is None else f"{row.events:,}",
        "" if row.covered is None else f"{row.covered:.0%}",
        row.completeness,
        row.basis,
        row.note,
        f"{kept[0]}{more}" if kept else "",
    )


def _reasons(reasons: Any) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in reasons.items())


def _window(row: FigureRow) -> str:
    if row.start is None or row.end is None:
        return "not stated"
    length = f" ({duration_words(row.end - row.start)})" if row.end > row.start else ""
    slack = f", edges ± {duration_words(row.slack)}" if row.slack else ""
    return f"{row.start:%Y-%m-%d %H:%M} to {row.end:%Y-%m-%d %H:%M}{length}{slack}"


def _percent(share: float) -> str:
    return "0 %" if abs(share) < 0.0005 else f"{share:+.1%}".replace("%", " %")


def _host(text: str) -> str:
    return urlsplit(safe_url(text)).hostname or ""
