"""A report in a notebook: its page in a frame of its own, or its table where pages cannot be made."""

from __future__ import annotations

from html import escape

from reports import html, terminal
from verify.model.errors import InputError
from verify.model.report import Report


def shown(report: Report) -> str:
    """An HTML fragment. The frame is sandboxed: its page and the notebook do nothing to one another."""
    try:
        page = html.render(report)
    except InputError:
        return f"<pre>{escape(terminal.render(report))}</pre>"
    style = "width:100%;height:40rem;border:1px solid #8884"
    return f'<iframe sandbox title="verify report" style="{style}" srcdoc="{escape(page)}"></iframe>'
