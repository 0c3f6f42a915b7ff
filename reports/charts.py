"""The pictures of a page, as SVG that lies in the page itself and takes its colours for light and dark.

Made with Altair and rendered by vl-convert, both of the extra `html`. Every picture is a function of the report alone,
and None where there is nothing to see. What a picture shows stands in the page as text too.
"""

from __future__ import annotations

import re
from datetime import datetime
from html import escape
from typing import Any

from reports.spans import Span, Unit, claimed, extent, spans, unit
from verify.model.errors import InputError
from verify.model.report import Report, Spread
from verify.model.window import Window

#: Readable on white and on near-black alike (contrast at least 3 to 1 on both).
BLUE, ORANGE, GREEN, GREY, RED = "#3b82c4", "#c9701f", "#2f9460", "#868e96", "#d1495b"
#: What is said where the packages of the extra are not there.
MISSING = "pages need the extra `html`: pip install 'verify-figures[html]', or take --format md"
_WIDTH = 300
_STEP = 30
_MOST_VENUES = 16
#: A picture is enlarged by so much at most: its letters are to be those of the page.
_LARGEST = 1.3
_FONT = "system-ui, sans-serif"
_AS_IT_IS = "format(datum.value, ',.10~g')"


def lineages(report: Report) -> str | None:
    """Each lineage's interval and number against the claim."""
    lines, band = spans(report), claimed(report)
    edges = extent(lines, band)
    if not lines or edges is None:
        return None
    alt = _altair()
    order = [line.label for line in lines]
    rows = [_span_row(line, edges[1]) for line in lines]
    axis = _axis(alt, unit(report), tickCount=5)
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
        base.mark_tick(thickness=2, size=12, color=BLUE).encode(x=x, y=y),
        base.transform_filter("!datum.open").mark_tick(thickness=2, size=12, color=BLUE).encode(x="high:Q", y=y),
        base.mark_point(filled=True, size=90, color=BLUE, opacity=1).encode(x="middle:Q", y=y),
        base.transform_filter("datum.open")
        .mark_point(shape="triangle-right", filled=True, size=90, color=BLUE)
        .encode(x="high:Q", y=y),
    ]
    chart = alt.layer(*layers).properties(width=_WIDTH, height={"step": _STEP})
    shown = f"; the claim {report.claim} is the band across" if band is not None else ""
    told = "; ".join(map(_said, lines))
    return _svg(chart, f"What each channel allows the quantity to be, in {unit(report)}{shown}: {told}")


def estimate(report: Report) -> str | None:
    """What the market lost by venue: what is shown, and the estimate with its central 50 % and 90 %."""
    found = report.estimate
    if found is None or len(found.venues) < 2:
        return None
    alt = _altair()
    venues = sorted(found.venues, key=lambda venue: -venue.total.median)[:_MOST_VENUES]
    rows = [
        {"venue": venue.venue, "basis": venue.basis, "shown": venue.shown_usd or None, **_ends(venue.total)}
        for venue in venues
    ]
    y = alt.Y("venue:N", sort=[venue.venue for venue in venues], title=None)
    axis = _money_axis(alt, title="US dollars; ring: shown, bar: estimated", tickCount=4)
    base = alt.Chart(alt.Data(values=rows))
    chart = alt.layer(
        base.mark_rule(strokeWidth=2, color=BLUE).encode(x=alt.X("low90:Q", axis=axis), x2="high90:Q", y=y),
        base.mark_rule(strokeWidth=8, color=BLUE).encode(x="low50:Q", x2="high50:Q", y=y),
        base.mark_point(size=70, color=ORANGE, opacity=1, strokeWidth=2).encode(x="shown:Q", y=y),
    ).properties(width=_WIDTH, height={"step": 24})
    told = "; ".join(
        f"{venue.venue} shown {venue.shown_usd:,.0f}, estimated {venue.total.low90:,.0f} to {venue.total.high90:,.0f}"
        for venue in venues
    )
    return _svg(chart, f"Liquidations by venue, shown and estimated (90 % intervals), US dollars: {told}")


def timeline(report: Report) -> str | None:
    """The window from left to right, a strip for each channel: what it showed, where it was capped, where it was not
    asked."""
    bins = report.timeline
    if not bins:
        return None
    alt = _altair()
    window = Window.parse(report.window)
    ends = [_moment(window.start), _moment(window.end)]
    totals: dict[str, float] = {}
    for item in bins:
        totals[item.channel] = totals.get(item.channel, 0.0) + item.long_usd + item.short_usd
    order = sorted(totals, key=lambda name: (-totals[name], name))[:_MOST_VENUES]
    rows = [
        {
            "channel": item.channel,
            "start": _moment(max(item.start, window.start)),
            "end": _moment(min(item.end, window.end)),
            "usd": item.long_usd + item.short_usd,
            "capped": min((item.capped_seconds or 0.0) / (item.end - item.start).total_seconds(), 1.0),
            "missing": 1.0 - item.covered,
        }
        for item in bins
        if item.channel in order
    ]
    scale = alt.Scale(domain=ends, type="utc")
    x = alt.X("start:T", scale=scale, title="UTC", axis=alt.Axis(format="%H:%M", tickCount=5, labelOverlap=True))
    shade = alt.Opacity("capped:Q", scale=alt.Scale(domain=[0, 1], range=[0.1, 0.45]), legend=None)
    tall = alt.Chart(alt.Data(values=rows))
    layers = [
        tall.transform_filter("datum.missing > 0")
        .mark_rect(color=GREY)
        .encode(x=x, x2="end:T", opacity=alt.Opacity("missing:Q", scale=None)),
        tall.transform_filter("datum.capped > 0").mark_rect(color=ORANGE).encode(x=x, x2="end:T", opacity=shade),
        tall.mark_rect(color=BLUE).encode(
            x=x, x2="end:T", y=alt.Y("usd:Q", title=None, axis=_money_axis(alt, tickCount=2)), y2=alt.datum(0)
        ),
    ]
    strip = alt.layer(*layers).properties(width=_WIDTH, height=44)
    chart = strip.facet(
        row=alt.Row(
            "channel:N", sort=order, title=None,
            header=alt.Header(
                labelAngle=0, labelAlign="left", labelOrient="top", labelAnchor="start", labelColor="currentColor",
                labelFontSize=12, labelPadding=3,
            ),
        ),
        spacing=14,
    ).resolve_scale(y="independent")  # fmt: skip
    told = "; ".join(f"{name} {totals[name]:,.0f} US dollars" for name in order)
    capped = {name: sum(b.capped_seconds or 0.0 for b in bins if b.channel == name) for name in order}
    told += "".join(f"; {name} at its limit in {seconds:,.0f} s" for name, seconds in capped.items() if seconds)
    return _svg(chart, f"What each channel showed over the window: {told}")


def coverage(report: Report) -> str | None:
    """The venues by open interest, seen and not seen."""
    rows = [row for row in report.coverage if row.share][:_MOST_VENUES]
    if not rows:
        return None
    alt = _altair()
    data = [{"venue": row.venue, "share": row.share, "seen": "seen" if row.channels else "not seen"} for row in rows]
    color = alt.Color(
        "seen:N", scale=alt.Scale(domain=["seen", "not seen"], range=[GREEN, GREY]), legend=alt.Legend(title=None)
    )
    chart = (
        alt.Chart(alt.Data(values=data))
        .mark_bar(height=14)
        .encode(
            x=alt.X("share:Q", title="share of known open interest", axis=alt.Axis(format="%", tickCount=4)),
            y=alt.Y("venue:N", sort=[row.venue for row in rows], title=None),
            color=color,
        )
        .properties(width=_WIDTH, height={"step": 24})
    )
    told = "; ".join(f"{row.venue} {row.share:.0%} {'seen' if row.channels else 'not seen'}" for row in rows)
    return _svg(chart, f"Venues by their share of known open interest: {told}")


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


def _axis(alt: Any, of: Unit, **options: Any) -> Any:
    return (
        _money_axis(alt, title=str(of), **options)
        if of is Unit.DOLLARS
        else alt.Axis(labelExpr=_AS_IT_IS, title=str(of), **options)
    )


def _money_axis(alt: Any, **options: Any) -> Any:
    """An axis whose billions are `bn`: the prefix of the SI for them, G, is not how money is written, nor are its m
    for a thousandth and its T."""
    large = "replace(replace(format(datum.value, '~s'), 'G', 'bn'), 'T', 'tn')"
    return alt.Axis(labelExpr=f"abs(datum.value) < 1000 ? {_AS_IT_IS} : {large}", **options)


def _ends(spread: Spread) -> dict[str, float]:
    return {"low90": spread.low90, "low50": spread.low50, "high50": spread.high50, "high90": spread.high90}


def _moment(time: datetime) -> int:
    """Milliseconds since 1970, which are the same in every time zone."""
    return int(time.timestamp() * 1000)


def _said(line: Span) -> str:
    upper = f"to {_digits(line.high)}" if line.high is not None else "or more"
    number = f", stated {_digits(line.middle)}" if line.middle is not None else ""
    return f"{line.label} {_digits(line.low)} {upper}{number}"


def _digits(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.6g}"


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
    width = re.search(r'width="(\d+)', drawn)
    widest = f' style="max-width:{round(int(width[1]) * _LARGEST)}px"' if width else ""
    return drawn.replace("<svg ", f'<svg role="img" aria-label="{escape(said)}"{widest} ', 1)
