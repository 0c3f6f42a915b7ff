"""A calibration run as a table, Markdown, JSON or one HTML page with a reliability diagram."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape

from verify.model.calibration import Calibration, Reliability, Score

FIRST_LINE = "SIMULATED markets with known truth: nothing here happened in a market."
LEGEND = (
    "err: mean absolute error of the median estimate, as a share of the truth",
    "best, mean, median, max: the error of the single channel that did best in hindsight, and of the mean, median and"
    " maximum of what the channels show",
    "DL: the error of DerSimonian & Laird's mean over venues, scaled by open interest",
    "/best: err as a share of best",
    "bias: median of log(estimate / truth)",
    "50 %, 90 %: share of windows whose interval of that width holds the truth",
    "score: mean interval score of the 90 % interval (Gneiting & Raftery 2007) over the truth: less is better",
    "found, named: recall and precision of named faults",
    "CPU: seconds of the estimator per window, median and longest",
)
_HEAD = (
    "name",
    "n",
    "err",
    "best",
    "/best",
    "mean",
    "median",
    "max",
    "DL",
    "bias",
    "50 %",
    "90 %",
    "score",
    "found",
    "named",
    "CPU",
)


def render(run: Calibration, form: str) -> str:
    """The run as `table`, `md`, `json` or `html`; each says in its first line that it is simulated."""
    return {"table": table, "md": markdown, "json": as_json, "html": html}[form](run)


def table(run: Calibration) -> str:
    """Plain text, as wide as its numbers need."""
    rows = [_HEAD, *map(_cells, (*run.scenarios, *run.regimes))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    lines = [FIRST_LINE, _what(run), ""]
    for number, row in enumerate(rows):
        if number == 1 + len(run.scenarios):
            lines.append("")
        first, *rest = (cell.ljust(width) if not i else cell.rjust(width) for i, (cell, width) in _paired(row, widths))
        lines.append("  ".join([first, *rest]).rstrip())
    lines += ["", *LEGEND, *_reliability_lines(run), *_fault_lines(run)]
    return "\n".join(lines).rstrip() + "\n"


def _paired(row: Sequence[str], widths: Sequence[int]) -> enumerate[tuple[str, int]]:
    return enumerate(zip(row, widths, strict=True))


def markdown(run: Calibration) -> str:
    lines = [f"**{FIRST_LINE}**", "", _what(run), ""]
    for title, scores in (("By scenario", run.scenarios), ("By regime", run.regimes)):
        lines += [f"## {title}", "", *_markdown_table([_HEAD, *map(_cells, scores)]), ""]
    lines += [f"- {line}" for line in LEGEND]
    lines += ["", "## Scenarios", "", *(f"- `{item.name}`: {item.title}" for item in run.scenarios)]
    for title, found in _confidences(run):
        lines += ["", f"## {title}", "", *_markdown_table(_reliability_rows(found)), "", _brier(found)]
    if run.faults:
        rows = [("fault", "there", "found", "named in vain"), *_fault_rows(run)]
        lines += ["", "## Faults", "", *_markdown_table(rows)]
    return "\n".join(lines).rstrip() + "\n"


def as_json(run: Calibration) -> str:
    return json.dumps(run.to_dict(), indent=2, allow_nan=False) + "\n"


def html(run: Calibration) -> str:
    """One page without anything from elsewhere: the tables, and a diagram of the confidences."""
    parts = [f"<h1>{FIRST_LINE}</h1>", f"<p>{escape(_what(run))}</p>"]
    parts += [_html_table([_HEAD, *map(_cells, scores)]) for scores in (run.scenarios, run.regimes)]
    parts.append("<ul>" + "".join(f"<li>{escape(line)}</li>" for line in LEGEND) + "</ul>")
    for title, found in _confidences(run):
        parts += [f"<h2>{title}</h2>", diagram(found), f"<p>{escape(_brier(found))}</p>"]
    if run.faults:
        parts += ["<h2>Faults</h2>", _html_table([("fault", "there", "found", "named in vain"), *_fault_rows(run)])]
    style = (
        "body{font:15px/1.5 system-ui,sans-serif;margin:2rem;max-width:75rem}h1{font-size:1.2rem}"
        "table{border-collapse:collapse;margin:1rem 0}td,th{padding:.2rem .6rem;text-align:right;white-space:nowrap;"
        "border-bottom:1px solid #ddd;font-variant-numeric:tabular-nums}td:first-child,th:first-child{text-align:left}"
    )
    return (
        f'<!doctype html>\n<!-- {FIRST_LINE} -->\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>Calibration (simulated)</title><style>{style}</style></head>\n<body>\n"
        + "\n".join(parts)
        + "\n</body></html>\n"
    )


def diagram(found: Reliability) -> str:
    """Stated confidence against the share that was right, as SVG; the area of a dot is the number of verdicts."""
    size, pad = 320, 40
    most = max(tenth.verdicts for tenth in found.tenths)

    def place(x: float, y: float) -> tuple[float, float]:
        return pad + x * size, pad + (1 - y) * size

    dots = []
    for tenth in found.tenths:
        if tenth.stated is not None and tenth.right is not None:
            x, y = place(tenth.stated, tenth.right)
            radius = 3 + 9 * (tenth.verdicts / most) ** 0.5
            words = f"stated {tenth.stated:.2f}, right {tenth.right:.2f}, {tenth.verdicts} verdicts"
            dots.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="#0b6" opacity=".75">')
            dots.append(f"<title>{words}</title></circle>")
    ticks = []
    for tick in (0, 0.25, 0.5, 0.75, 1):
        x, y = place(tick, tick)
        ticks.append(f'<text x="{x:.0f}" y="{pad + size + 16}" text-anchor="middle">{tick:g}</text>')
        ticks.append(f'<text x="{pad - 6}" y="{y + 4:.0f}" text-anchor="end">{tick:g}</text>')
    whole = size + 2 * pad
    return (
        f'<svg role="img" aria-label="reliability diagram" width="{whole}" height="{whole}" font-size="11">'
        f'<rect x="{pad}" y="{pad}" width="{size}" height="{size}" fill="none" stroke="#999"/>'
        f'<line x1="{pad}" y1="{pad + size}" x2="{pad + size}" y2="{pad}" stroke="#999" stroke-dasharray="4"/>'
        + "".join(ticks + dots)
        + f'<text x="{pad + size / 2}" y="{whole - 4}" text-anchor="middle">stated confidence</text>'
        f'<text x="4" y="{pad - 8}">share that was right</text>'
        "</svg>"
    )


def _what(run: Calibration) -> str:
    return f"{run.windows} windows, seed {run.seed}; the same seed gives the same windows."


def _cells(score: Score) -> tuple[str, ...]:
    def share(value: float | None) -> str:
        return "-" if value is None else f"{value:.1%}"

    unanswered = f" ({score.unanswered} without)" if score.unanswered else ""
    return (
        score.name,
        f"{score.windows}{unanswered}",
        share(score.mape),
        share(score.best),
        "-" if score.of_best is None else f"{score.of_best:.2f}",
        share(score.mean),
        share(score.median),
        share(score.maximum),
        share(score.pooled),
        "-" if score.bias is None else f"{score.bias:+.3f}",
        share(score.covers50),
        share(score.covers90),
        "-" if score.interval is None else f"{score.interval:.2f}",
        share(score.recall),
        share(score.precision),
        f"{score.seconds:.2f} / {score.longest:.2f} s",
    )


def _reliability_rows(found: Reliability) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [("confidence", "verdicts", "stated", "right")]
    for tenth in found.tenths:
        if tenth.stated is not None and tenth.right is not None:
            span = f"{tenth.low:.1f} to {tenth.high:.1f}"
            rows.append((span, str(tenth.verdicts), f"{tenth.stated:.3f}", f"{tenth.right:.3f}"))
    return rows


def _confidences(run: Calibration) -> list[tuple[str, Reliability]]:
    """The reliabilities that rest on any verdict, with their titles."""
    both = (("Confidence where the model holds", run.modelled), ("Confidence where it does not", run.other))
    return [(title, found) for title, found in both if found.verdicts]


def _reliability_lines(run: Calibration) -> list[str]:
    lines = []
    for title, found in _confidences(run):
        lines += ["", title]
        lines += ["  " + "  ".join(cell.rjust(12) for cell in row) for row in _reliability_rows(found)]
        lines.append(f"  {_brier(found)}")
    return lines


def _brier(found: Reliability) -> str:
    if found.brier is None or found.error is None:
        return "no verdicts"
    return f"Brier score {found.brier:.3f}, calibration error {found.error:.3f}, {found.verdicts} verdicts"


def _fault_rows(run: Calibration) -> list[tuple[str, ...]]:
    return [(name, str(there), str(hit), str(vain)) for name, (there, hit, vain) in run.faults.items()]


def _fault_lines(run: Calibration) -> list[str]:
    if not run.faults:
        return []
    return [
        "",
        "faults: there, found by their name, named in vain",
        *(f"  {name:26}{there:>6}{hit:>6}{vain:>6}" for name, there, hit, vain in _fault_rows(run)),
    ]


def _markdown_table(rows: Sequence[Sequence[str]]) -> list[str]:
    head, *body = rows
    line = ["---", *["---:"] * (len(head) - 1)]
    return ["| " + " | ".join(row) + " |" for row in (head, line, *body)]


def _html_table(rows: Sequence[Sequence[str]]) -> str:
    head, *body = rows
    parts = ["<tr>" + "".join(f"<th>{escape(cell)}</th>" for cell in head) + "</tr>"]
    parts += ["<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in body]
    return "<table>" + "".join(parts) + "</table>"
