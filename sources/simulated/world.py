"""The venues, assets and burst shapes that a simulated market is made of.

Shares, sizes and rules of `NOMINAL` are invented, of the order that the documentation of real venues suggests; none is
a measurement. `OTHER` is another world, with other venues, shares, caps, sizes and burst shapes: what holds in both
does not rest on the details of either.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import StrEnum

from sources.spec import Cap, Keep
from verify.model.figure import Completeness


class Regime(StrEnum):
    """How hard the window is hit."""

    QUIET = "quiet"
    CRASH = "crash"
    EXTREME = "extreme"


@dataclass(frozen=True, slots=True)
class Feed:
    """What a venue's feed is documented to show, and what it really shows.

    `cap` is the documented rule; before the day of `before` the one named there was. A feed of unknown class is
    documented as `unknown`; `hidden_cap` is the rule that it follows in those windows where it is capped. `doubtful`:
    since that day, documents contradict each other about which record is kept.
    """

    channel: str
    completeness: Completeness
    cap: Cap | None = None
    hidden_cap: Cap | None = None
    before: tuple[date, Cap] | None = None
    doubtful: bool = False

    @property
    def possible(self) -> Cap | None:
        """The rule that comes into question, surely in force or not."""
        return self.cap or self.hidden_cap

    def documented(self, day: date) -> Feed:
        """The feed as it is documented for a day."""
        if self.before is None or day >= self.before[0]:
            return self
        return replace(self, cap=self.before[1], before=None, doubtful=False)


@dataclass(frozen=True, slots=True)
class Venue:
    """`share` of open interest, `size` of orders relative to the market, the number of assets listed, the feed.

    `symbol` writes the contract of an asset, `renamed` are assets with another name there; `contract` is what one
    contract is worth in dollars, roughly (its size is a power of ten of coins; None: contracts are coins). Times
    come in units of `grain` microseconds.
    """

    name: str
    share: float
    size: float
    listed: int
    feed: Feed | None
    symbol: str = "{}USDT"
    renamed: dict[str, str] = field(default_factory=dict)
    contract: float | None = None
    basis: str = "bankruptcy"
    grain: int = 1_000

    def instrument(self, asset: str) -> str:
        return self.symbol.format(self.renamed.get(asset, asset))


@dataclass(frozen=True, slots=True)
class Bursts:
    """How cascades look: pulses over a base rate, and events that set off further ones.

    `branching` is the mean number of events that one sets off; their delay is `fast` seconds on average with
    probability `fast_share`, else `slow` (`power`: Lomax of that shape instead of exponential). `rise` and `decay` are
    ranges of seconds of a pulse, `pulses` of their number; `base` the share of first events outside of pulses.
    `mark` is how strongly a large order sets off more than a small one. With `omori`, a pulse fades like a power of
    that exponent of the time since it began, as aftershocks do (Utsu, Ogata & Matsu'ura 1995, doi
    10.4294/jpe1952.43.1), and `decay` is the time until it does. An order of usual size is closed in `slices` further
    orders on average, larger ones in more, `fast` seconds apart.
    """

    branching: float
    pulses: tuple[int, int]
    base: float
    rise: tuple[float, float] = (10, 200)
    decay: tuple[float, float] = (60, 1500)
    fast: float = 0.3
    slow: float = 8.0
    fast_share: float = 0.5
    power: float | None = None
    mark: float = 0.15
    omori: float | None = None
    slices: float = 0.0


@dataclass(frozen=True, slots=True)
class Sizes:
    """Order sizes in dollars: log-normal of `sigma`, and with probability `tail_share` a Pareto tail of `alpha`.

    They grow with the rate (`with_rate`) and shrink with the rank of the asset (`with_rank`).
    """

    sigma: float = 1.5
    tail_share: float = 0.03
    alpha: float = 1.5
    with_rate: float = 0.12
    with_rank: float = 0.3


@dataclass(frozen=True, slots=True)
class World:
    """`totals` and `means` per regime: the range of dollars lost per four hours, and dollars per order."""

    venues: tuple[Venue, ...]
    bursts: dict[Regime, Bursts]
    sizes: Sizes = field(default_factory=Sizes)
    assets: tuple[str, ...] = ()
    zipf: float = 1.05
    totals: dict[Regime, tuple[float, float]] = field(
        default_factory=lambda: {
            Regime.QUIET: (60e6, 250e6),
            Regime.CRASH: (0.6e9, 3e9),
            Regime.EXTREME: (12e9, 45e9),
        }
    )
    means: dict[Regime, float] = field(
        default_factory=lambda: {Regime.QUIET: 9e3, Regime.CRASH: 14e3, Regime.EXTREME: 60e3}
    )

    def venue(self, name: str) -> Venue:
        return next(venue for venue in self.venues if venue.name == name)


_SECOND = timedelta(seconds=1)
_LATEST, _LARGEST = Cap(_SECOND, Keep.LATEST), Cap(_SECOND, Keep.LARGEST)
_OPEN = Completeness.UNKNOWN

_NAMES = """
BTC ETH SOL XRP DOGE BNB ADA SUI PEPE LINK AVAX LTC HYPE TRX BCH DOT UNI AAVE NEAR APT ENA WIF ARB OP TAO FIL
ICP ETC XLM HBAR TIA SEI INJ WLD CRV ONDO JUP PENGU BONK SHIB FLOKI ORDI SATS GALA SAND MANA AXS LDO MKR COMP
SNX ATOM ALGO VET GRT IMX RUNE FTM STX EGLD KAS TON NOT PYTH JTO STRK ZK BLUR APE DYDX GMX CFX MASK CHZ ENS
KAVA ROSE ZIL ONE IOTA NEO QTUM DASH ZEC XMR EOS XTZ KSM MINA CELO ANKR SKL BAT ZRX LRC CVC RSR HOT DENT WIN
BEAM ACE XAI MANTA ALT PIXEL DYM AEVO PORTAL ETHFI W TNSR SAGA REZ IO ZRO LISTA TURBO MEW POPCAT
"""
ASSETS = tuple(_NAMES.split())

#: Thirteen venues with a feed or without, of which some show everything, some one record a second and of some it is
#: not known.
NOMINAL_VENUES = (
    Venue(
        "binance",
        0.290,
        1.0,
        120,
        Feed("binance/usdm", Completeness.CAPPED, _LARGEST, before=(date(2026, 4, 14), _LATEST), doubtful=True),
        basis="average_fill",
    ),
    Venue("bybit", 0.150, 0.9, 118, Feed("bybit/liquidations", Completeness.COMPLETE)),
    Venue(
        "okx",
        0.110,
        0.8,
        110,
        Feed("okx/liquidation_stream", _OPEN, hidden_cap=_LATEST),
        symbol="{}-USDT-SWAP",
        contract=300.0,
    ),
    Venue(
        "bitget",
        0.090,
        0.7,
        118,
        Feed("bitget/liquidation_stream", Completeness.CAPPED, Cap(_SECOND, Keep.LARGEST, ("symbol", "side"))),
    ),
    Venue(
        "gate",
        0.080,
        0.5,
        120,
        Feed("gate/liq_orders", Completeness.COMPLETE),
        symbol="{}_USDT",
        contract=10.0,
        basis="average_fill",
        grain=1_000_000,
    ),
    Venue(
        "hyperliquid",
        0.080,
        1.6,
        115,
        Feed("hyperliquid/trades", Completeness.COMPLETE),
        symbol="{}",
        basis="average_fill",
    ),
    Venue(
        "htx",
        0.050,
        0.8,
        105,
        Feed("htx/linear", _OPEN, hidden_cap=_LATEST),
        symbol="{}-USDT",
        contract=100.0,
    ),
    Venue(
        "deribit",
        0.020,
        4.0,
        8,
        Feed("deribit/trades", Completeness.COMPLETE),
        symbol="{}_USDC-PERPETUAL",
        basis="average_fill",
    ),
    Venue(
        "kraken",
        0.015,
        1.2,
        60,
        Feed("kraken/executions", Completeness.COMPLETE),
        symbol="PF_{}USD",
        renamed={"BTC": "XBT"},
        basis="average_fill",
    ),
    Venue(
        "bitfinex",
        0.015,
        3.0,
        40,
        Feed("bitfinex/liquidations", _OPEN, hidden_cap=_LATEST),
        symbol="t{}F0:USTF0",
        renamed={"ATOM": "ATO", "DASH": "DSH", "IOTA": "IOT", "ALGO": "ALG"},
        basis="stated",
    ),
    Venue("mexc", 0.050, 0.5, 120, None, symbol="{}_USDT"),
    Venue("bingx", 0.030, 0.4, 110, None, symbol="{}-USDT"),
    Venue("kucoin", 0.020, 0.6, 100, None, symbol="{}USDTM"),
)

NOMINAL = World(
    NOMINAL_VENUES,
    {
        # The harder the market is hit, the faster one liquidation sets off the next.
        Regime.QUIET: Bursts(0.75, (1, 3), 0.75, fast=0.2, fast_share=0.6),
        Regime.CRASH: Bursts(0.80, (3, 9), 0.20, fast=0.1, fast_share=0.8),
        Regime.EXTREME: Bursts(0.85, (5, 14), 0.07, decay=(60, 900), fast=0.08, slow=6.0, fast_share=0.88),
    },
    assets=ASSETS,
)

_OTHER_VENUES = (
    Venue("alpha", 0.240, 1.2, 70, Feed("alpha/forced", Completeness.CAPPED, Cap(2 * _SECOND, Keep.LATEST))),
    Venue("bravo", 0.190, 0.6, 90, Feed("bravo/forced", Completeness.CAPPED, Cap(_SECOND, Keep.FIRST))),
    Venue("charlie", 0.140, 1.0, 90, Feed("charlie/tape", Completeness.COMPLETE)),
    Venue("delta", 0.120, 2.5, 50, Feed("delta/forced", _OPEN, hidden_cap=Cap(_SECOND, Keep.LARGEST)), contract=20.0),
    Venue("echo", 0.090, 0.4, 80, Feed("echo/tape", Completeness.COMPLETE), contract=500.0),
    Venue(
        "foxtrot",
        0.080,
        0.9,
        60,
        Feed("foxtrot/forced", Completeness.CAPPED, Cap(_SECOND / 2, Keep.LARGEST, ("symbol", "side"))),
    ),
    Venue("golf", 0.060, 5.0, 12, Feed("golf/tape", Completeness.COMPLETE)),
    Venue("hotel", 0.050, 0.7, 90, None),
    Venue("india", 0.030, 0.8, 90, None),
)

OTHER = World(
    _OTHER_VENUES,
    {
        Regime.QUIET: Bursts(0.55, (0, 2), 0.85, fast=0.6, slow=30.0, power=1.6, mark=0.3),
        Regime.CRASH: Bursts(0.70, (2, 5), 0.30, (2, 60), (30, 2400), 0.6, 30.0, 0.35, 1.6, 0.3),
        Regime.EXTREME: Bursts(0.88, (3, 8), 0.10, (2, 60), (30, 2400), 0.6, 30.0, 0.35, 1.6, 0.3),
    },
    Sizes(sigma=1.9, tail_share=0.01, alpha=1.3, with_rate=0.0, with_rank=0.5),
    ASSETS[:90],
    zipf=0.85,
    means={Regime.QUIET: 14e3, Regime.CRASH: 25e3, Regime.EXTREME: 60e3},
)

_FIVE, _SIDES = timedelta(seconds=5), ("symbol", "side")
_THIRD_VENUES = (
    Venue("kilo", 0.210, 0.8, 60, Feed("kilo/stream", Completeness.CAPPED, Cap(_FIVE, Keep.LATEST))),
    Venue("lima", 0.170, 1.3, 50, Feed("lima/tape", Completeness.COMPLETE), contract=50.0),
    Venue("mike", 0.150, 0.7, 80, Feed("mike/stream", Completeness.CAPPED, Cap(_SECOND, Keep.LATEST, most=2))),
    Venue("november", 0.130, 1.0, 70, Feed("november/stream", _OPEN, hidden_cap=Cap(_SECOND, Keep.LATEST, _SIDES))),
    Venue("oscar", 0.090, 0.5, 80, Feed("oscar/tape", Completeness.COMPLETE), grain=1_000_000),
    Venue("papa", 0.070, 2.0, 30, Feed("papa/stream", Completeness.CAPPED, Cap(3 * _SECOND, Keep.LARGEST, _SIDES))),
    Venue("quebec", 0.060, 3.0, 15, Feed("quebec/tape", Completeness.COMPLETE)),
    Venue("romeo", 0.050, 0.9, 60, Feed("romeo/stream", Completeness.CAPPED, Cap(2 * _SECOND, Keep.FIRST))),
    Venue("sierra", 0.040, 0.6, 80, None),
    Venue("tango", 0.030, 0.8, 70, None),
)

#: Another world again: bursts that fade like a power of time, large positions closed in slices, caps of two records, of
#: several seconds and per side.
THIRD = World(
    _THIRD_VENUES,
    {
        Regime.QUIET: Bursts(0.30, (1, 4), 0.60, (1, 20), (5, 60), 0.4, 60.0, 0.5, 1.3, 0.4, 1.15, 0.5),
        Regime.CRASH: Bursts(0.45, (1, 4), 0.15, (1, 20), (10, 120), 0.4, 40.0, 0.5, 1.3, 0.4, 1.25, 0.8),
        Regime.EXTREME: Bursts(0.60, (2, 6), 0.05, (1, 20), (20, 300), 0.3, 20.0, 0.6, 1.4, 0.4, 1.35, 1.2),
    },
    Sizes(sigma=1.2, tail_share=0.06, alpha=1.6, with_rate=0.3, with_rank=0.1),
    ASSETS[:80],
    zipf=1.3,
    totals={Regime.QUIET: (20e6, 400e6), Regime.CRASH: (0.5e9, 5e9), Regime.EXTREME: (8e9, 30e9)},
    means={Regime.QUIET: 20e3, Regime.CRASH: 30e3, Regime.EXTREME: 80e3},
)
