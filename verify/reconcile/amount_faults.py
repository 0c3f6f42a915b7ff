"""Amounts in the wrong unit: contracts read as coins, quantities as money, one asset by a power of ten.

Typical sizes by asset are compared with the other feeds' (a two-way table of feeds and assets, fitted by medians), and
with somebody else's sums of the same feed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from verify.reconcile.estimated import Fault, FaultKind
from verify.reconcile.feed_faults import NAMED, probability, student
from verify.reconcile.records import Floats, Records
from verify.reconcile.shown import EXACT, Prepared

_POWERS = np.log(10.0) * np.array([-3, -2, -1, 1, 2, 3])
#: How unlike venues' typical sizes of one asset are, relative to their other assets (log sd).
_ASSET_SD, _LEVEL_SD = 0.4, 1.2
#: How unlike the typical sizes of a venue's assets are at least (log sd), how many of them tell that, and the log odds
#: from which the feed whose asset stands out is the wrong one of two.
_SPREAD_OF_ASSETS, _KNOWN_ASSETS, _OF_TWO = 1.0, 5, 3.0


def typical_sizes(r: Records) -> dict[int, tuple[float, int]]:
    """The median log size and the number of records by asset."""
    if not len(r):
        return {}
    order = np.argsort(r.asset, kind="stable")
    asset, logs = r.asset[order], np.log(r.usd[order])
    starts = np.flatnonzero(np.r_[True, asset[1:] != asset[:-1]])
    ends = np.r_[starts[1:], len(asset)]
    return {
        int(asset[a]): (float(np.median(logs[a:b])), int(b - a))
        for a, b in zip(starts, ends, strict=True)
        if b - a >= 3
    }


def residuals(
    mine: Mapping[int, tuple[float, int]], others: Sequence[Mapping[int, tuple[float, int]]]
) -> tuple[Floats, Floats, list[int], float]:
    """For each asset how far typical sizes lie above the others' (level and assets fitted by medians), its standard
    deviation, the assets, and the level above the others'."""
    assets = sorted(a for a in mine if any(a in other for other in others))
    if not assets:
        return np.zeros(0), np.zeros(0), [], 0.0
    table = np.array([[other[a][0] if a in other else np.nan for a in assets] for other in others])
    table = table[np.isfinite(table).any(1)]
    levels: Floats = np.zeros(len(table))
    for _ in range(3):
        common = np.nanmedian(table - levels[:, None], 0)
        levels = np.asarray(np.nanmedian(table - common, 1))
    away = np.array([mine[a][0] for a in assets]) - common
    sd: Floats = np.array(
        [np.hypot(_ASSET_SD * np.sqrt(1 + 1 / len(table)), 1.9 / np.sqrt(mine[a][1])) for a in assets], float
    )
    return away, sd, assets, float(np.median(levels))


def scaled(
    one: Prepared,
    others: Sequence[Mapping[int, tuple[float, int]]],
    names: Mapping[int, str],
    prices: Mapping[int, float],
    own_price: Mapping[int, float],
    ratios: Mapping[int, float],
    typical: Mapping[int, tuple[float, int]],
) -> tuple[Prepared, Fault | None, float]:
    """Amounts in the wrong unit: contracts, quantities, or one asset by a power of ten; with the contrast.

    `prices` and `own_price` are median prices by asset, of all feeds and of this one, `typical` its typical sizes,
    `ratios` logs of the feed's dollars over somebody else's sums of the same feed, by asset.
    """
    r = one.records
    away, sd, assets, level = residuals(typical, others)
    if len(r) >= 3 and _is_quantity(r):
        text = "its amounts equal its quantities, whatever the price"
        return _priced(one, own_price, prices), _fault(one, FaultKind.QUANTITY_WITHOUT_PRICE, 30.0, text), 30.0
    if not assets:
        return one, None, 0.0
    plain = _fit(away, sd, np.zeros(len(away)), level)
    best: tuple[float, FaultKind] | None = None
    sizes = _sizes_of(one)
    if sizes:
        by_contract = np.array([-np.log(sizes.get(a, 1.0)) for a in assets])
        contrast = _fit(away, sd, by_contract, level) - plain
        best = (contrast, FaultKind.CONTRACTS_AS_COINS)
    known = {**prices, **own_price}
    if all(a in known for a in assets):
        by_price = np.array([-np.log(known[a]) for a in assets])
        contrast = _fit(away, sd, by_price, level) - plain
        if best is None or contrast > best[0]:
            best = (contrast, FaultKind.QUANTITY_WITHOUT_PRICE)
    if best is not None and best[0] > NAMED + 1:
        text = f"its sizes by asset fit the others e^{best[0]:.0f} times better so"
        if best[1] is FaultKind.QUANTITY_WITHOUT_PRICE:
            return _priced(one, own_price, prices), _fault(one, best[1], best[0], text), best[0]
        factor = np.array([one.feed.contract_sizes.get(name, 1.0) for name in r.names])[r.instrument]
        usd = r.with_usd(r.usd * factor)
        mended = replace(one, records=usd, penalty=max(one.penalty, EXACT))
        return mended, _fault(one, best[1], best[0], text), best[0]
    seen_by = {a: sum(a in other for other in others) for a in assets}
    return _one_asset(one, away, sd, assets, names, ratios, seen_by, typical)


def _one_asset(
    one: Prepared,
    away: Floats,
    sd: Floats,
    assets: Sequence[int],
    names: Mapping[int, str],
    ratios: Mapping[int, float],
    seen_by: Mapping[int, int],
    typical: Mapping[int, tuple[float, int]],
) -> tuple[Prepared, Fault | None, float]:
    if len(assets) < 3:
        return one, None, 0.0
    off = away - np.median(away)
    power = _POWERS[np.abs(off[:, None] - _POWERS).argmin(1)]
    if len(off) >= 6:  # venues whose assets are alike show smaller faults
        sd = sd * float(np.clip(1.48 * np.median(np.abs(off / sd)), 0.5, 1.0))
    contrast = _nearer(off, power, sd)
    for place, asset in enumerate(assets):
        if asset in ratios:
            contrast[place] += _by_sums(ratios[asset], float(power[place]))
        elif seen_by[asset] < 2 and _by_its_own(typical, asset, float(power[place])) < _OF_TWO:
            contrast[place] = 0.0  # of two that differ, neither is known to be wrong
    worst = int(contrast.argmax())
    # so many assets were looked at
    if contrast[worst] < NAMED + 0.5 * np.log(len(assets)) or abs(off[worst]) < 1.2:
        return one, None, 0.0
    factor = float(np.exp(power[worst]))
    asset = assets[worst]
    usd = np.where(one.records.asset == asset, one.records.usd / factor, one.records.usd)
    text = f"its {names[asset]} is {np.exp(off[worst]):.3g} times as large as its other assets suggest"
    fault = Fault(
        one.feed.id, FaultKind.ASSET_SCALED, probability(float(contrast[worst])), text, "mended", factor, names[asset]
    )
    mended = replace(one, records=one.records.with_usd(usd), penalty=max(one.penalty, EXACT))
    return mended, fault, float(contrast[worst])


def _nearer(off: Floats, power: Floats, sd: Floats | float) -> Floats:
    """How much likelier residuals are if they come from powers of ten: log ratio of t densities, 6 degrees."""
    near: Floats = 3.5 * (np.log1p((off / sd) ** 2 / 6) - np.log1p(((off - power) / sd) ** 2 / 6))
    return near


def _by_its_own(typical: Mapping[int, tuple[float, int]], asset: int, power: float) -> float:
    """For a power of ten, by the sizes of the same feed's other assets: of two feeds that differ, the wrong one is that
    in which the asset is unlike all others. Log ratio of likelihoods."""
    others = np.array([size for code, (size, _) in typical.items() if code != asset])
    if len(others) < _KNOWN_ASSETS:
        return 0.0
    middle = float(np.median(others))
    spread = max(_SPREAD_OF_ASSETS, 1.48 * float(np.median(np.abs(others - middle))))
    return float(_nearer(np.array(typical[asset][0] - middle), np.array(power), spread))


def _by_sums(ratio: float, power: float) -> float:
    """For or against a power of ten, by sums of the same feed."""
    if abs(ratio - power) < 0.25:
        return 9.0
    return -12.0 if abs(ratio) < 0.4 else 0.0


def _fit(away: Floats, sd: Floats, prediction: Floats, level: float) -> float:
    """The log likelihood of residuals with a free level, which is itself near that of the others; many assets are
    tempered to about ten."""
    rest = away - prediction
    middle = float(np.median(rest))
    temper = min(1.0, 10.0 / len(rest))
    each = -2.5 * np.log1p(((rest - middle) / sd) ** 2 / 4)
    return float(temper * each.sum()) + student(middle, level, _LEVEL_SD)


def _fault(one: Prepared, kind: FaultKind, contrast: float, text: str) -> Fault:
    return Fault(one.feed.id, kind, probability(contrast), text, "mended")


def _is_quantity(r: Records) -> bool:
    known = np.isfinite(r.quantity) & np.isfinite(r.price)
    if known.sum() < 3:
        return False
    equal = np.abs(np.log(r.usd[known] / r.quantity[known])) < 1e-6
    priced = np.abs(np.log(r.price[known])) > 0.1
    return bool(equal.mean() > 0.9 and priced.mean() > 0.3)


def price_of(r: Records) -> dict[int, float]:
    """The median price by asset, where records carry one."""
    known = np.isfinite(r.price)
    codes = np.unique(r.asset[known])
    if len(codes) == 0:
        return {}
    order = np.argsort(r.asset[known], kind="stable")
    asset, price = r.asset[known][order], r.price[known][order]
    starts = np.searchsorted(asset, codes)
    ends = np.searchsorted(asset, codes, side="right")
    return {int(c): float(np.median(price[a:b])) for c, a, b in zip(codes, starts, ends, strict=True)}


def _sizes_of(one: Prepared) -> dict[int, float]:
    """Coins per contract by asset, where they are known."""
    found: dict[int, float] = {}
    codes, first = np.unique(one.records.instrument, return_index=True)
    for code, index in zip(codes, first, strict=True):
        size = one.feed.contract_sizes.get(one.records.names[code])
        if size is not None and size > 0:
            found[int(one.records.asset[index])] = size
    return found if any(abs(np.log(size)) > 1e-9 for size in found.values()) else {}


def _priced(one: Prepared, own: Mapping[int, float], prices: Mapping[int, float]) -> Prepared:
    r = one.records
    most = int(r.asset.max()) + 1
    table = np.ones(most)
    for code, price in {**prices, **own}.items():
        if code < most:
            table[code] = price
    each = np.where(np.isfinite(r.price), r.price, table[r.asset])
    return replace(one, records=r.with_usd(r.usd * each), penalty=max(one.penalty, EXACT))
