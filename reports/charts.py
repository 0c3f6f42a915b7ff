"""The pictures of a page, as SVG that lies in the page itself and takes its colours for light and dark.

Made with Altair and rendered by vl-convert, both of the extra `html`. Every picture is a function of the report alone,
and None where there is nothing to see. What a picture shows stands in the page as text too.
"""

from __future__ import annotations

import re
from html import escape
from typing import Any

from reports.spans import Span, claimed, extent, spans
from verify.model.errors import InputError
from verify.model.report import Report

#: Readable on white and on near-black alike (contrast at least 3 to 1 on both).
BLUE, ORANGE, GREEN, GREY, RED = "#3b82c4", "#c9701f", "#2f9460", "#868e96", "#d1495b"
#: What is said where the packages of the extra are not there.
MISSING = "pages need the extra `html`: pip install 'verify-figures[html]', or take --format md"
_WIDTH = 300
_STEP = 30
_FONT = "system-ui, sans-serif"


def lineages(report: Report) -> str | None:
    """Each lineage's interval and number against the claim."""
    lines, band = spans(report), claimed(report)
    edges = extent(lines, band)
    if not lines or edges is None:
        return None
    alt = _altair()
    order = [line.label for line in lines]
    rows = [_span_row(line, edges[1]) for line in lines]
    axis = alt.Axis(format="~s", title=_unit(report), tickCount=5)
    x = alt.X("low:Q", axis=axis, scale=alt.Scale(domain=list(edges), zero=False, nice=False))
    y = alt.Y("label:N", sort=order, title=None)
    base = alt.Chart(alt.Data(values=rows))
    layers = []
    if band is not None:
        ends = {"from": band[0], "to": band[1]}
        domain = alt.Scale(domain=list(edges), zero=False, nice=False)
        claim = alt.Chart(alt.Data(values=[ends]))
        layers += [
            claim.mark_rect(color=ORANGE, opacity=0.3).encode(x=alt.X("from:Q", scale=domain), x2="to:Q"),
            claim.mark_rule(color=ORANGE, strokeWidth=1.5).encode(x=alt.X("from:Q", scale=domain)),
        ]
    layers += [
        base.mark_rule(strokeWidth=3, color=BLUE).encode(x=x, x2="high:Q", y=y),
        base.mark_rule(strokeWidth=8, color=BLUE).encode(x="inner_low:Q", x2="inner_high:Q", y=y),
        base.mark_point(filled=True, size=90, color=BLUE, opacity=1).encode(x="middle:Q", y=y),
        base.transform_filter("datum.open")
        .mark_point(shape="triangle-right", filled=True, size=90, color=BLUE)
        .encode(x="high:Q", y=y),
    ]
    chart = alt.layer(*layers).properties(width=_WIDTH, height={"step": _STEP})
    shown = f"; the claim {report.claim} is the band across" if band is not None else ""
    return _svg(chart, f"What each channel allows the quantity to be{shown}: {'; '.join(map(_said, lines))}")


def confidence(report: Report) -> str | None:
    """The confidence as its components, each as far as it reached of what it could."""
    if report.confidence is None:
        return None
    alt = _altair()
    parts = report.confidence.components
    rows = [{"name": part.name, "points": part.points, "most": part.most} for part in parts]
    y = alt.Y("name:N", sort=[part.name for part in parts], title=None)
    most = max(part.most for part in parts) if parts else 1.0
    scale = alt.Scale(domain=[0, most])
    base = alt.Chart(alt.Data(values=rows))
    chart = alt.layer(
        base.mark_bar(color=GREY, opacity=0.35, height=14).encode(
            x=alt.X("most:Q", title="points of what is possible", scale=scale, axis=alt.Axis(tickCount=4)), y=y
        ),
        base.mark_bar(color=GREEN, height=14).encode(x=alt.X("points:Q", scale=scale), y=y),
    ).properties(width=_WIDTH, height={"step": _STEP})
    told = "; ".join(f"{part.name} {part.points:.2f} of {part.most:.2f}" for part in parts)
    return _svg(chart, f"Confidence {report.confidence.value:.2f} by component: {told}")


def _span_row(line: Span, edge: float) -> dict[str, Any]:
    inner = line.inner or (None, None)
    return {
        "label": line.label,
        "low": line.low,
        "high": edge if line.high is None else line.high,
        "middle": line.middle,
        "open": line.high is None,
        "inner_low": inner[0],
        "inner_high": inner[1],
    }


def _said(line: Span) -> str:
    upper = f"to {line.high:,.0f}" if line.high is not None else "or more"
    number = f", stated {line.middle:,.0f}" if line.middle is not None else ""
    return f"{line.label} {line.low:,.0f} {upper}{number}"


def _unit(report: Report) -> str:
    return "number" if "number of" in report.quantity or "liquidated " in report.quantity else "US dollars"


def _altair() -> Any:
    try:
        import altair
        import vl_convert  # noqa: F401  # rendering needs it
    except ImportError:
        raise InputError(MISSING) from None
    return altair


def _svg(chart: Any, said: str) -> str:
    """The picture as an element with `said` as its text for those who do not see it."""
    import vl_convert

    # A reader's font may be wider than the one that the labels were measured in.
    styled = (
        chart.properties(padding={"left": 28, "right": 18, "top": 4, "bottom": 4})
        .configure(font=_FONT, background="transparent")
        .configure_axis(
            labelColor="currentColor", titleColor="currentColor", domainColor="currentColor", tickColor="currentColor",
            gridColor="currentColor", gridOpacity=0.15, labelFontSize=12, titleFontSize=12, labelLimit=150,
            titleFontWeight="normal",
        )
        .configure_legend(labelColor="currentColor", titleColor="currentColor", labelFontSize=12, orient="bottom")
        .configure_view(stroke=None)
    )  # fmt: skip
    drawn = vl_convert.vegalite_to_svg(styled.to_dict())
    # Identifiers would be the same in every picture of the page; nothing in it is to be announced piece by piece.
    drawn = re.sub(r' (?:aria-[a-z]+|role)="[^"]*"', "", drawn)
    return drawn.replace("<svg ", f'<svg role="img" aria-label="{escape(said)}" ', 1)
