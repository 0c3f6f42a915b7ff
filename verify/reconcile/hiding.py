"""What a cap hides of venues that are known by sums only, or in a window without a complete feed.

With complete feeds: what the rule hides of them, in cells with as many records (`calibration.CellCurve`) and on the
whole, raised by how much more it hides of all of them together. Without: a line from elsewhere, wide.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from verify.reconcile.calibration import Cells, Curves
from verify.reconcile.clumping import Clumping
from verify.reconcile.observed import CapRule, Keep

#: Standard deviation of the log of what a cap hides. With complete feeds to calibrate on it is this multiple of the
#: root of that log (errors of bursts are independent and add up like it), and counts like USUAL_FEEDS complete feeds
#: against the deviation measured on them; else a share of that log: without such feeds, and where the venue is seen
#: through sums without numbers of records.
CALIBRATED, USUAL_FEEDS, UNCALIBRATED, THROUGH_SUMS = 0.14, 3.0, 0.40, 0.45
#: It is never taken to be larger.
MOST_SD = 0.6
#: log of the whole over the shown dollars under the commonest rule (the latest of a second) in a market that shows
#: LEVEL records in four hours, its rise with the logarithm of the market's records, and with that of a venue's against
#: a large one's (USUAL_SHARE of all). After a prototype's line for venues (0.78 at 35 million dollars, rising by 0.27),
#: restated in records because dead time acts on records. It only counts where no feed of the window tells.
LINE, RISE, LEVEL, RISE_WITHIN, USUAL_SHARE = 0.75, 0.28, 10_000.0, 0.10, 0.25
#: The same where the largest is kept, which carries more dollars; its rise with the logarithm of the interval in
#: seconds, and its fall with a power of the number of records kept.
OF_LARGEST, RISE_INTERVAL, FALL_MOST = 0.4, 0.40, 0.7
#: Of that figure at least this part is more than local rates explain: liquidations set each other off.
UNEXPLAINED = 0.3
#: How far that figure is off for all venues of a window alike (log), beside its share: a level that nothing measures.
LEVEL_SD = 0.2
#: The log of hidden records rises with this part of the log of hidden dollars.
OF_RECORDS = 0.75
#: Dollars per record where no channel counts records.
USUAL_ORDER = 10_000.0
#: No venue is taken to be busier or calmer than the complete feeds by more (log), where the rise is continued.
_AWAY = 3.0
_LEAST, _MOST = 0.03, 4.0


@dataclass(frozen=True, slots=True)
class Hiding:
    """How much a rule hides, as far as the window tells.

    `market` are the records that all venues show together, `order` the dollars of a usual one, `hours` the length of
    the window; `clumping` tells capped sums from complete ones.
    """

    curves: Curves
    hours: float
    market: float = 0.0
    order: float = USUAL_ORDER
    clumping: Clumping = field(default_factory=lambda: Clumping([]))

    def factor(self, shown: float, rule: CapRule, cells: Cells | None = None) -> tuple[float, float]:
        """The log factor for a venue that shows these dollars, and its standard deviation."""
        points = self.curves.get(rule).points
        records = shown / self.order if cells is None else float(cells.count.sum())
        if not points:
            hidden = self.unmeasured(records, rule)
            return hidden, THROUGH_SUMS * hidden
        weight = np.array([point.weight for point in points])
        mean = float(np.average([point.hidden for point in points], weights=weight))
        away = float(np.log(max(records, 1.0)) - np.average([point.shown for point in points], weights=weight))
        rise = self.curves.rise(rule)
        mean += (RISE_WITHIN * mean if rise is None else rise) * float(np.clip(away, -_AWAY, _AWAY))
        hidden, usual, measured = mean, THROUGH_SUMS * mean, None
        if cells is not None and cells.usd.sum() > 0:
            known = self.curves.cells(rule, cells.step, cells.phase)
            hidden = 0.5 * (mean + known.hidden(*cells.competing(rule.by_side)))
            usual, measured = CALIBRATED * float(np.sqrt(max(hidden, 0.0))), known.spread
        hidden = float(np.clip(hidden, 0.3 * min(point.hidden for point in points), _MOST))
        return hidden, spread(min(usual, MOST_SD), measured, len(points))

    def unmeasured(self, shown: float, rule: CapRule) -> float:
        """The log factor for a venue that shows so many records, where nothing is measured: by the records of the
        market, less by those of the venue, and by the rule."""
        market = max(self.market, shown, 1.0)
        level = RISE * np.log(market / (LEVEL * self.hours / 4.0))
        hidden = (LINE + level) / (1.0 - OF_RECORDS * RISE)
        hidden += RISE_WITHIN * np.log(max(shown, 1.0) / (USUAL_SHARE * market))
        hidden += RISE_INTERVAL * np.log(rule.interval)
        hidden = hidden * rule.most**-FALL_MOST * (OF_LARGEST if rule.keep is Keep.LARGEST else 1.0)
        return float(np.clip(hidden, _LEAST, _MOST))


def spread(usual: float, measured: float | None, feeds: int) -> float:
    """The usual standard deviation and the one measured on complete feeds, by their weights."""
    if measured is None:
        return usual
    return float(np.sqrt((USUAL_FEEDS * usual**2 + feeds * measured**2) / (USUAL_FEEDS + feeds)))
