"""Reconcile what is known and judge the claim: no input, no output, the same material gives the same report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import verify
from verify.model.amount import Amount
from verify.model.figure import Completeness, Figure
from verify.model.quantity import Quantity
from verify.model.report import Cap, Confidence, EvidenceRow, Finding, Reason, Report, SourceRow, Verdict
from verify.model.stages import stage
from verify.model.window import Window, duration_words
from verify.reconcile import confidence, summary, wording
from verify.reconcile import votes as votes_of
from verify.reconcile.channels import DECIDED, Channel, Fit, ask, same_count
from verify.reconcile.lineage import Lineage, by_lineage
from verify.reconcile.slips import Claimed, Explanation, candidates, explain
from verify.reconcile.verdict import Pair, compare, decide
from verify.reconcile.votes import Origins, Vote
from verify.reconcile.votes import votes as count_votes

if TYPE_CHECKING:
    from sources.adapter import Source, Weight
    from sources.collect import Delivery
    from verify.pipeline.outlook import Outlook

#: How long before and after a window a page without a window may have been published to be counted with it.
_NEARBY = timedelta(days=3)
_RELATED = frozenset(
    {
        "liquidations", "liquidation_count", "estimated_liquidations", "liquidation_rate", "realised_losses",
        "largest_liquidation", "auto_deleveraging", "forced_closures", "wallet_losses", "open_interest_drop",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: a quantity over a window, the claim about it, and the one lineage to ask if only one is."""

    quantity: Quantity
    window: Window
    claim: Amount | None = None
    channel: str | None = None
    min_confidence: float = 0.0


@dataclass(frozen=True, slots=True)
class Measured:
    """What sources delivered and how large they say that venues are; `sources` are all that are known.

    `restricted`: only sources asked for by name. `lineages` are those of the figures made of the deliveries. What has
    been worked out of it is `remembered`: several claims may be judged on the same material.
    """

    deliveries: Sequence[Delivery] = ()
    weights: Sequence[Weight] = ()
    sources: Sequence[Source] = ()
    restricted: bool = False
    lineages: frozenset[str] = frozenset()
    remembered: dict[object, object] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Material:
    """All that an answer can rest on. `simulated`: some of it was invented by a simulator."""

    figures: Sequence[Figure]
    lineages: Mapping[str, Lineage]
    caps: Sequence[Cap] = ()
    feeds: Sequence[Completeness] = ()
    sources: Sequence[SourceRow] = ()
    findings: Sequence[Finding] = ()
    problems: Sequence[str] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    measured: Measured | None = None
    evidence: Sequence[EvidenceRow] = ()
    simulated: bool = False
    origins: Origins = field(default_factory=dict)


@stage("judge")
def judge(question: Question, material: Material) -> Report:
    """Reconcile what is known and judge the claim: no input or output, the same material gives the same report."""
    quantity, window, claim, wanted = question.quantity, question.window, question.claim, question.channel
    lineages = material.lineages
    relevant = [figure for figure in material.figures if figure.amount is not None and _concerns(figure, window)]
    titles = {lineage.id: lineage.title for lineage in lineages.values() if lineage.known}
    channels = _ask_all(relevant, lineages, titles, question)
    explanations = _explanations(relevant, lineages, channels, question)
    speakers = [c for c in channels if c.fit in DECIDED or any(s.quantity == quantity for s in c.kept)]
    venues = quantity.venues.names
    of_speakers = [lineages[f.id] for f in relevant if lineages[f.id].id in {c.lineage for c in speakers if c.votes}]
    votes = len(count_votes(of_speakers, material.origins, venues)) or min(len(speakers), 1)
    pairs = compare(channels, quantity, window)
    verdict: Verdict | None = None
    reasons: list[Reason] = []
    certainty: Confidence | None = None
    outlook = _outlook(question, channels, material)
    market = outlook.market if outlook is not None else None
    if claim is not None:
        unattributed = sum(same_count(f.quantity, quantity) for f in relevant if not lineages[f.id].known)
        verdict, reasons = decide(
            channels, quantity, window, claim, named=wanted, unattributed=unattributed, explanations=explanations
        )
        contradicted = any(reason.code == "independent_lineages_disagree" for reason in reasons)
        speaking = [channel for channel in channels if channel.fit is not Fit.SILENT or channel.matched]
        certainty = confidence.confidence(
            speaking, window, independent=votes, contradicted=contradicted, feeds=material.feeds
        )
        if outlook is not None:
            verdict, reasons, certainty = outlook.judged(verdict, reasons, certainty)
        if verdict is Verdict.SUPPORTED and certainty.value < question.min_confidence:
            verdict = Verdict.INCONCLUSIVE
            text = f"confidence {certainty.value:.2f} is below the {question.min_confidence:.2f} asked"
            reasons.insert(0, Reason("low_confidence", text))
    outlets = {figure.outlet for figure in relevant}
    of_metric = [figure for figure in relevant if figure.quantity.metric == quantity.metric]
    voters = {c.lineage for c in speakers}
    speaking_of_it = [f for f in of_metric if lineages[f.id].id in voters] or of_metric
    voting = [
        vote
        for vote in count_votes([lineages[f.id] for f in speaking_of_it], material.origins, venues)
        if vote.members[0] in titles
    ]
    across = _across(pairs, voting)
    return Report(
        command="liquidations",
        version=verify.__version__,
        window=str(window),
        window_words=f"{window.words()} ({duration_words(window.length)})",
        slack_seconds=window.slack.total_seconds(),
        quantity=quantity.words(),
        claim=(claim.text or str(claim)) if claim is not None else None,
        channel=titles.get(wanted, wanted) if wanted else None,
        verdict=verdict,
        reasons=tuple(reasons),
        questions=summary.questions(
            channels, across, votes, claim, quantity, market=market, within=[p for p in pairs if p not in across]
        ),
        confidence=certainty,
        sentence=_sentence(
            wording.sentence(verdict, claim, quantity, window, channels, pairs, titles), outlook, material
        ),
        caveat=wording.caveat(
            independent=[vote.members[0] for vote in voting],
            titles=[" with ".join(titles.get(member, member) for member in vote.members) for vote in voting],
            outlets=len(outlets),
            caps=material.caps,
            estimated=outlook is not None and outlook.known,
        ),
        answers=tuple(summary.answer(channel, lineages, claim, quantity) for channel in channels),
        explanations=tuple(summary.explanation_row(explanation, lineages) for explanation in explanations),
        lineages=summary.lineage_rows(of_metric, lineages),
        independent=len(voting),
        outlets=len(outlets),
        comparisons=tuple(summary.comparison(pair, titles) for pair in pairs),
        conflicts=tuple(summary.conflict(c, lineages) for channel in channels for c in channel.contradictions),
        findings=(*summary.findings(relevant), *_shared(voting, titles), *material.findings),
        caps=tuple(material.caps),
        sources=tuple(material.sources),
        figures=summary.rows(relevant, lineages),
        estimate=outlook.rows if outlook is not None else None,
        timeline=outlook.timeline if outlook is not None else (),
        coverage=outlook.coverage if outlook is not None else (),
        evidence=tuple(material.evidence),
        problems=tuple(material.problems),
        files=dict(material.files),
        simulated=material.simulated,
    )


def _outlook(question: Question, channels: Sequence[Channel], material: Material) -> Outlook | None:
    """What the market lost, where anything is known that an estimate could rest on."""
    if material.measured is None:
        return None
    told = any(one.frame is not None for one in material.measured.deliveries)
    if not told and not any(channel.matched for channel in channels):
        return None
    # Frames and numerics are loaded only where there is something to estimate from.
    from verify.pipeline import outlook

    return outlook.outlook(question, channels, material.measured)


def _sentence(stated: str, outlook: Outlook | None, material: Material) -> str:
    """What may be printed, with the estimate beside it; of an invented market nothing may."""
    added = outlook.clause if outlook is not None else ""
    sentence = " ".join(part for part in (stated, added) if part)
    return f"SIMULATED, not for print: {sentence}" if material.simulated and sentence else sentence


def _shared(voting: Sequence[Vote], titles: Mapping[str, str]) -> list[Finding]:
    """Which lineages share which feeds, and so are one vote."""
    return [Finding("shared_feeds", text, ()) for vote in voting if (text := votes_of.words(vote, titles))]


def _across(pairs: Sequence[Pair], voting: Sequence[Vote]) -> list[Pair]:
    """The pairs of different votes: that two readers of one feed agree corroborates nothing."""
    of = {member: place for place, vote in enumerate(voting) for member in vote.members}
    return [pair for pair in pairs if of.get(pair.first[0], -1) != of.get(pair.second[0], -2)]


def _ask_all(
    relevant: Sequence[Figure], lineages: Mapping[str, Lineage], titles: Mapping[str, str], question: Question
) -> list[Channel]:
    """What each lineage says, those left out that say nothing about the metric."""
    found = []
    for identity, members in by_lineage(relevant, lineages).items():
        if question.channel in (None, identity):
            channel = ask(identity, titles[identity], members, question.quantity, question.window, question.claim)
            if channel.kept or channel.contradictions:
                voting = any(lineages[figure.id].votes for figure in members)
                found.append(replace(channel, votes=voting))
    return found


def _concerns(figure: Figure, window: Window) -> bool:
    """Whether a figure has to do with the question: about liquidations, and near enough in time."""
    if figure.quantity.metric.id not in _RELATED:
        return False
    if figure.window is not None:
        return figure.window.overlaps(window)
    try:
        day = datetime.fromisoformat(figure.published[:10]).replace(tzinfo=UTC)
    except ValueError:
        return False
    return window.start - _NEARBY < day < window.end + _NEARBY


def _explanations(
    relevant: Sequence[Figure], lineages: Mapping[str, Lineage], channels: Sequence[Channel], question: Question
) -> list[Explanation]:
    """What the claim could be a wrong print of.

    A number of unknown origin, or one that was set aside, explains nothing by being printed, in whatever window: it
    may be the claim itself. Of those only slips that change the number or its quantity count.
    """
    if question.claim is None or any(channel.fit is Fit.YES for channel in channels):
        return []
    aside = {figure.id for c in channels for x in c.contradictions for figure in x.set_aside.figures}
    claimed = Claimed(question.quantity, question.claim, question.window)

    def believable(explanation: Explanation) -> bool:
        candidate = explanation.candidate
        identity = candidate.figure.id
        if identity in aside or not lineages[identity].known:
            repeats = candidate.quantity == claimed.quantity and candidate.amount.value == claimed.amount.value
            return bool(explanation.slip.cost) and not repeats
        return True

    return [explanation for explanation in explain(claimed, candidates(relevant)) if believable(explanation)]
