"""The report as one page that needs nothing else: no network, no script, no file beside it.

Strings from outside are cleaned like everywhere (`reports.text`), escaped by the template engine, and addresses are
links only where they are web addresses. The page forbids itself everything but its own style.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from reports import charts, estimated
from reports.spans import claimed
from reports.text import every, plain
from reports.text import url as safe_url
from verify.model.amount import money
from verify.model.errors import InputError
from verify.model.report import Confidence, Estimated, FigureRow, Report, SourceRow, Spread
from verify.model.window import duration_words

if TYPE_CHECKING:
    from jinja2 import Template

_SOURCE_COLUMNS = (
    ("source", "name"), ("long", "number"), ("short", "number"), ("events", "number"), ("covered", "number"),
    ("how", ""),
)  # fmt: skip


def render(report: Report) -> str:
    """One HTML page, UTF-8. Raises `InputError` where the extra `html` is not installed."""
    from markupsafe import Markup

    template = _template()
    report = every(report, plain)
    pictures = {
        name: Markup(drawn) if drawn else ""  # made from the report just now, its strings escaped
        for name, draw in _PICTURES.items()
        for drawn in (draw(report),)
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
            breakable=_breakable,
            window=_window,
            spread=_spread,
            spread_rows=_spread_rows(report.estimate),
            asset_rows=_asset_rows(report.estimate),
            venue_rows=_venue_rows(report.estimate),
            change_rows=_change_rows(report.estimate),
            coverage_rows=estimated.coverage_rows(report),
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
            ]
            + ([_sum(report.confidence)] if report.confidence else []),
            probability=estimated.share,
        ).rstrip()
        + "\n"
    )


_ANSWERED = ("ok", "lower bound")
_PICTURES = {
    "lineages": charts.lineages,
    "estimate": charts.estimate,
    "timeline": charts.timeline,
    "coverage": charts.coverage,
    "confidence": charts.confidence,
}


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


def _spread(spread: Spread | None) -> str:
    """E.g. `$2.1bn (50 %: $1.9bn to $2.4bn; 90 %: $1.5bn to $3.1bn)`."""
    if spread is None:
        return "not known"
    inner = f"{money(_three(spread.low50))} to {money(_three(spread.high50))}"
    return (
        f"{money(_three(spread.median))} (50 %: {inner}; 90 %: {money(_three(spread.low90))} to"
        f" {money(_three(spread.high90))})"
    )


def _three(value: float) -> float:
    """Three digits: an estimate has no more."""
    return float(f"{value:.3g}")


def _spread_rows(found: Estimated | None) -> list[tuple[str, ...]]:
    if found is None:
        return []
    return _rows_of((("total", found.total), ("longs", found.long), ("shorts", found.short)))


def _asset_rows(found: Estimated | None) -> list[tuple[str, ...]]:
    return _rows_of(found.assets.items()) if found else []


def _rows_of(named: Iterable[tuple[str, Spread | None]]) -> list[tuple[str, ...]]:
    return [
        (
            name,
            money(_three(s.median)),
            f"{money(_three(s.low50))} to {money(_three(s.high50))}",
            f"{money(_three(s.low90))} to {money(_three(s.high90))}",
        )
        for name, s in named
        if s is not None
    ]


def _venue_rows(found: Estimated | None) -> list[tuple[str, ...]]:
    return [
        (
            row.venue,
            row.basis,
            money(_three(row.shown_usd)) if row.channels else "",
            money(_three(row.total.median)),
            f"{money(_three(row.total.low90))} to {money(_three(row.total.high90))}",
            ", ".join(row.channels),
        )
        for row in (found.venues if found else ())
    ]


def _change_rows(found: Estimated | None) -> list[tuple[str, ...]]:
    if found is None:
        return []
    without = [(f"without {row.name}", row) for row in found.without]
    return [
        (name, f"x {row.factor:.2f}", row.text) for name, row in (*without, *((r.name, r) for r in found.sensitivity))
    ]


def _sum(confidence: Confidence) -> tuple[str, ...]:
    points, said = estimated.summed(confidence)
    return "sum", f"{points:.3f}", "1.00", said


def _source(row: SourceRow) -> tuple[str, ...]:
    kept = sorted(row.evidence, key=lambda record: (len(record), record))
    more = f" to {kept[-1].rpartition('/')[2]}" if len(kept) > 1 else ""
    told = (row.status, row.completeness, row.basis, row.note, f"evidence {kept[0]}{more}" if kept else "")
    return (
        _breakable(row.source),
        money(row.long_usd) if row.long_usd is not None else "",
        money(row.short_usd) if row.short_usd is not None else "",
        "" if row.events is None else f"{row.events:,}",
        "" if row.covered is None else f"{row.covered:.0%}",
        "; ".join(part for part in told if part),
    )


def _reasons(reasons: Any) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in reasons.items())


def _window(row: FigureRow) -> str:
    if row.start is None or row.end is None:
        return "not stated"
    length = f" ({duration_words(row.end - row.start)})" if row.end > row.start else ""
    slack = f", edges ± {duration_words(row.slack)}" if row.slack else ""
    return f"{row.start:%Y-%m-%d %H:%M} to {row.end:%Y-%m-%d %H:%M}{length}{slack}"


def _breakable(text: str) -> str:
    """Escaped, with places at which a long name may go on in the next line."""
    from markupsafe import Markup, escape

    joints = Markup("<wbr>")
    shown = escape(text)
    for joint in "/+":
        shown = shown.replace(joint, joint + joints)
    return shown


def _percent(share: float) -> str:
    return "0 %" if abs(share) < 0.0005 else f"{share:+.1%}".replace("%", " %")


def _host(text: str) -> str:
    return urlsplit(safe_url(text)).hostname or ""
