"""Plan, collect, normalise, reconcile, judge: the one place where it all meets, and the Python API."""

from verify.model.report import Report
from verify.pipeline.judging import Material, Question, judge
from verify.pipeline.liquidation import liquidations
from verify.pipeline.run import DEADLINE, OFFLINE_VARIABLE

__all__ = ["DEADLINE", "OFFLINE_VARIABLE", "Material", "Question", "judge", "liquidations"]


def _shown_in_notebook(report: Report) -> str:
    from reports import notebook

    return notebook.shown(report)


Report.in_notebook = _shown_in_notebook
