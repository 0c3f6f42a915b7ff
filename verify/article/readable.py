"""Claims about flows, prices and volatilities: which command of ours answers them, and with what words.

The seam to `verify.pipeline.flows` and `verify.pipeline.market`: another metric is another entry here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from verify.claims import words
from verify.claims.claim import Claim
from verify.claims.spans import Kind, fold
from verify.model import names
from verify.model.errors import InputError
from verify.model.quantity import Quantity, Scope
from verify.model.report import Report
from verify.model.window import Window
from verify.pipeline import flows, market, shared
from verify.pipeline.observed import Gathered

if TYPE_CHECKING:
    from verify.pipeline.judging import Material
    from verify.pipeline.run import Collected


@dataclass(frozen=True, slots=True)
class Readable:
    """A claim in the words of `verify flows` or `verify market`: `kind` is "etf", "dex", "price" or "volatility"."""

    kind: str
    asset: str
    subject: str
    window: Window
    text: str
    wanted: tuple[tuple[Window, Quantity], ...]


def readable(claim: Claim, window: Window | None) -> Readable | None:
    """The claim as a question to read off, or None where it is none or where a slot is open that is needed."""
    if window is None or len(claim.assets) > 1 or len(claim.venues) > 1:
        return None
    asset, venue = (*claim.assets, "")[0], (*claim.venues, "")[0]
    number = f"{claim.hedge} {claim.text}".strip()
    if claim.metric == "etf_net_flow" and asset and claim.direction and claim.kind is Kind.MONEY:
        subject = venue if names.find("funds", venue) or venue.isupper() else ""  # a ticker, registered or not
        text = f"net {'outflow' if claim.direction == 'fall' else 'inflow'} of {number}"
        wanted = ((flows.fetched("etf", window), flows.asked_of("etf", asset, subject)),)
        return Readable("etf", asset, subject, window, text, wanted)
    if claim.metric == "dex_volume" and venue:
        wanted = ((flows.fetched("dex", window), flows.asked_of("dex", "", venue)),)
        return Readable("dex", "", venue, window, f"volume of {number}", wanted)
    kind, text = _of_market(claim, number)
    if not kind or (kind == "price" and not asset):
        return None
    scope = Scope.of(*claim.venues) if kind == "price" else Scope()
    pairs = market.wanted(kind, asset, scope, window)
    return Readable(kind, asset, "", window, text, tuple((span, quantity) for quantity, span in pairs))


def _of_market(claim: Claim, number: str) -> tuple[str, str]:
    if claim.metric == "price" and claim.kind is Kind.MONEY:
        if claim.direction != "broke":
            return "price", f"traded at {number}"
        before = fold(claim.sentence).partition(fold(claim.text))[0]
        up = words.ABOVE.search(before[-40:]) is not None
        return "price", f"{'rose above' if up else 'broke below'} {claim.text}"
    moved = {"fall": "fell", "rise": "rose"}.get(claim.direction, "")
    if claim.metric == "price_change" and claim.kind is Kind.PERCENT and moved:
        return "price", f"{moved} {number}"
    if claim.metric == "volatility_change" and claim.kind is Kind.POINTS and moved:
        return "volatility", f"{moved} {number}"
    return "", ""


def judged(question: Readable, material: Material, told: Mapping[shared.Key, Collected]) -> Report | None:
    """What the readings say, or None where there is none."""
    found = Gathered(question.window, figures=list(material.figures), lineages=material.lineages)
    found.problems, found.files = list(material.problems), dict(material.files)
    for window, quantity in question.wanted:
        answer = told.get(shared.key_of(window, quantity))
        if answer is not None:
            found.add(answer)
    asked: flows.FlowQuestion | market.MarketQuestion
    try:
        if question.kind in flows.KINDS:
            asked = flows.FlowQuestion.asked(question.kind, question.asset, question.subject, question.text)
        else:
            asked = market.MarketQuestion.asked(question.kind, question.asset, claim=question.text)
        report = asked.judged(found)
    except InputError:  # no trading day in the window, a number that no statistic has
        return None
    return report if report.answers else None
