"""The words around a number: names, sides, metrics, directions, and who is said to have measured it.

Names come from `verify/model/names.toml`. One that is an ordinary word too (Gate, Link, Near, Drift) counts only where
its spelling and its neighbours say that the name is meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from verify.claims.spans import fold
from verify.model import names
from verify.model.quantity import Side

Field = Literal["side", "assets", "venues"]


@dataclass(frozen=True, slots=True)
class Mention:
    """Something named at a place; `values` has several where a list was named in one breath ("BTC and ETH")."""

    start: int
    end: int
    values: tuple[str, ...]


#: What follows a name at the beginning of a sentence, where an ordinary word is capitalised too.
_NAME_VERB = re.compile(
    r"(?:'s\b| (?:liquidat|users|saw|led|record|account|report|traders|longs|shorts|lost|fell|rose|drop|gain|slid|shed"
    r"|slip|plung|sank|jump|climb|tumbl|is down|is up|was down|was up|perp|futures|and [A-Z]|:|\(|[-–—|]|[$+-]?[0-9]"
    r"|said|says|reported|announced|wrote|processed|handled|posted|booked|came|had|has|took|cleared|register"
    r"|topped|followed|contribut|made up|alone|tallied|trader"
    r"|logged|shows|showed|with \$|at \$|long|short|was |were |is ))"
    r"|[:)(（,、]"
    r"|\s?(?:爆仓|跌|涨|平台|上|官方|宣布|披露|公告|表示|称|数据|报告)|\s*$"
)
_JOINED = re.compile(r"\s?(?:,|、|和|与|及|/|&|\+|,? and|or)\s?")


def _pattern(kind: str) -> tuple[re.Pattern[str], re.Pattern[str], dict[str, str]]:
    known: dict[str, str] = {}
    for written, name in names.spellings(kind):
        known.setdefault(fold(written), name.id)
    latin = sorted((w for w in known if w.isascii()), key=lambda w: (-len(w), w))
    pair = "(?=(?:[-/_]?(?:usdt|usdc|usd|perp))?(?![a-z0-9]))" if kind == "assets" else "(?![a-z0-9])"
    han = sorted((w for w in known if not w.isascii()), key=lambda w: (-len(w), w))
    return (
        re.compile(rf"(?<![a-z0-9])(?:{'|'.join(map(re.escape, latin))}){pair}(?!\.[a-z])"),
        re.compile("|".join(map(re.escape, han)) or r"(?!)"),
        known,
    )


_NAMES = {kind: _pattern(kind) for kind in ("assets", "venues", "providers", "funds")}
_AMBIGUOUS = {kind: names.ambiguous(kind) for kind in _NAMES}


def named(kind: str, text: str, low: str, start: int, end: int) -> Iterator[tuple[int, int, str]]:
    """Every registered name of a kind: where it stands, and its id."""
    latin, han, known = _NAMES[kind]
    unsure = _AMBIGUOUS[kind]
    for match in latin.finditer(low, start, end):
        written = match[0]
        if written in unsure and not _is_meant(unsure[written], text, low, start, match.start(), match.end(), end):
            continue
        yield match.start(), match.end(), known[written]
    if not text.isascii():
        for match in han.finditer(low, start, end):
            yield match.start(), match.end(), known[match[0]]


def _is_meant(how: str, text: str, low: str, start: int, begin: int, stop: int, end: int) -> bool:
    """Whether an ordinary word is meant as a name: by its capitals, or its capital and its neighbours."""
    shown = text[begin:stop]
    if text[begin - 1 : begin] == "$":
        return True
    if shown.isupper() and len(shown) > 1:
        around = [char for char in text[max(start, begin - 40) : min(end, stop + 40)] if char.isalpha()]
        return how == "words" or any(char.islower() or not char.isascii() for char in around) or len(around) < 20
    if how == "capitals" or not shown[0].isupper():
        return False
    opens = not low[start:begin].strip("\"'“(*- ")
    return not opens or _NAME_VERB.match(text, stop, end) is not None


def mentions(kind: Literal["assets", "venues"], text: str, low: str, start: int, end: int) -> list[Mention]:
    """The assets or venues named in `text[start:end]`, those of one list together.

    A fund counts as a venue, and names the asset that it holds.
    """
    found: list[Mention] = []
    places = list(named(kind, text, low, start, end))
    funds = named("funds", text, low, start, end)
    places += funds if kind == "venues" else ((a, b, names.assets_of_funds()[fund]) for a, b, fund in funds)
    if _OF_FUNDS.search(low, start, end):
        taken = {begin for begin, _, _ in places}
        places += (
            (begin, stop, ticker if kind == "venues" else asset)
            for begin, stop, ticker, asset in _unknown_funds(text, start, end)
            if begin not in taken and (kind == "venues" or asset)
        )
    for begin, stop, identity in sorted(places):
        if found and begin < found[-1].end:
            continue
        if found and _JOINED.fullmatch(low, found[-1].end, begin):
            last = found[-1]
            values = last.values if identity in last.values else (*last.values, identity)
            found[-1] = Mention(last.start, stop, values)
        else:
            found.append(Mention(begin, stop, (identity,)))
    return found


_OF_FUNDS = re.compile(r"\b(?:in|out)flows?\b|\betfs?\b|净流|淨流")
#: A ticker where a fund is named: behind its issuer, in brackets, or before what it did.
_TICKER = re.compile(
    r"(?:(?<='s )|(?<=’s )|(?<=\())([A-Z]{3,5})(?=[\s),.:;，。]|$)"
    r"|\b([A-Z]{3,5})(?= (?:saw|led|took|drew|added|shed|lost|recorded|posted|attracted|bled|净流))"
)
_NO_TICKER = frozenset(
    {"ETF", "ETFS", "SEC", "CEO", "CFO", "NYSE", "CBOE", "NAV", "AUM", "USD", "USDT", "USDC", "UTC", "EST", "EDT",
     "GMT", "TVL", "DEX", "CEX", "ETP", "ETPS", "API", "USA"}
)  # fmt: skip


def _unknown_funds(text: str, start: int, end: int) -> Iterator[tuple[int, int, str, str]]:
    """Tickers of funds that no register knows, each with the asset whose ticker it contains, or ""."""
    for match in _TICKER.finditer(text, start, end):
        ticker = match[1] or match[2]
        known = any(names.find(kind, ticker) for kind in ("assets", "venues", "funds", "providers"))
        if known or ticker in _NO_TICKER:
            continue
        held = [name.id for name in names.register("assets").values() if len(name.id) > 2 and name.id in ticker]
        begin = match.start(1) if match[1] else match.start(2)
        yield begin, begin + len(ticker), ticker, max(held, key=len, default="")


_SIDE_NOUN = (
    r"(?:[- ](?:btc|eth|sol|xrp|bitcoin|ether|ethereum|crypto|leveraged))?[- ](?:positions?|liquidations?|traders"
    r"|sellers"
    r"|holders|bets|side|contracts|orders|accounts|ones"
    r"|exposure|leverage|squeeze|wagers|trades|books?|share|punters|players|bettors|speculators|futures|sides?"
    r"|btc|eth|sol)(?![a-z])"
)
_SIDES = re.compile(
    r"(?P<l3>bets on (?:rising|higher|further gains|a rally|a rise|gains|upside)|upside bets|\bbuyers"
    r"|(?<=on the )buy side"
    r"|做多者|看涨|看多)"
    r"|(?P<s3>bets (?:on (?:falling|lower|further losses|declines|a fall|a drop|downside)|against)|downside bets"
    r"|做空者|看跌|看空)|"
    rf"(?<![a-z-])(?:(?P<long>longs(?![a-z])|long{_SIDE_NOUN}|bullish(?:[- ]side)? (?:crypto |leveraged |bitcoin "
    rf"|ether )?(?:bets|positions|wagers"
    rf"|traders|trades|punters)|bulls"
    rf"|(?<=[0-9]x )long(?= (?:there |position )?(?:of|on|in|worth)\b)|(?<=[a-z0-9] )long(?= (?:on|valued|worth|at"
    rf"|from|opened|was|were|got)\b)"
    rf"|of it long(?![a-z-])|\blong(?=\s?[.;,:：)/]|\s*$|\s\$?[0-9]))"
    rf"|(?P<short>shorts(?![a-z])|short{_SIDE_NOUN}|bearish(?:[- ]side)? (?:crypto |leveraged |bitcoin "
    rf"|ether )?(?:bets|positions|wagers|traders|trades"
    rf"|punters)|bears(?![a-z])"
    rf"|(?<=[0-9]x )short(?= (?:there |position )?(?:of|on|in|worth)\b)|(?<=[a-z0-9] )short(?= (?:on|worth|at|from"
    rf"|opened|was|were|got)\b)|\bsellers"
    rf"|short(?=\s?[.;,:：)/]"
    rf"|\s*$|\s\$?[0-9])))"
    r"|(?P<l2>[a-z]{3,5} long(?![a-z -])|(?:btc|eth|sol|xrp|bitcoin|ether) long(?![a-z-])|多[单單头頭軍军仓方]|做多)"
    r"|(?P<s2>(?:btc|eth|sol|xrp|bitcoin|ether) short(?![a-z-])|空[单單头頭軍军仓方]|做空)"
)
_MAINLY = re.compile(r"主爆$|主要是$|主要为$|以$|多为$|均为$|多是$")
_REACHED = re.compile(r"[，,]?\s?(?:达|约|共|[0-9])")
_BOTH = re.compile(r"\s?(?:and|or|&|/|和|与|及|versus|vs\.?)\s?")
_LONG_SHORT = re.compile(r"(?:in the |in )$")


def sides(low: str, start: int, end: int) -> list[Mention]:
    """The sides named, of positions: never "long-term" or "in short"."""
    found: list[Mention] = []
    for match in _SIDES.finditer(low, start, end):
        if _MAINLY.search(low, max(start, match.start() - 3), match.start()) and not _REACHED.match(low, match.end()):
            continue
        name = "long" if match["long"] or match["l2"] or match["l3"] else "short"
        if name == "short" and match[0] == "short" and _LONG_SHORT.search(low, start, match.start()):
            continue
        value = str(Side(name))
        if found and _BOTH.fullmatch(low, found[-1].end, match.start()):  # "a split between longs and shorts"
            found[-1] = Mention(found[-1].start, match.end(), (*found[-1].values, value))
        else:
            found.append(Mention(match.start(), match.end(), (value,)))
    return found


TOTAL = re.compile(
    r"\b(?:total(?:s|led|ling|led)?|overall|combined|altogether|market-wide|in all|across (?:all|the)|all exchanges"
    r"|全网"
    r"|全網|合计|总(?:额|计|共)?)"
    r"|全网|全網|合计|总额|总计"
)

#: How each metric is spoken of. The first that stands nearest to a number names it.
_METRICS: tuple[tuple[str, str], ...] = (
    ("estimated_liquidations", r"estimated? (?:true |real )?(?:total )?liquidations"
                               r"|estimates? (?:that )?the (?:true|real|actual) (?:total|figure|number|size|sum)"
                               r"|\b(?:true|real)(?: [a-z-]{3,12}){0,2} (?:total|figure|number|size|sum|toll|scale"
                               r"|tally"
                               r"|extent|liquidations)\b|\bestimat\w{2,3} that (?:it|the total|liquidations)\b"
                               r"|(?:实际|真实)(?:的)?(?:爆仓|清算|强平|规模|总额|数字|损失)"),
    ("auto_deleveraging", r"auto-?delever\w{0,6}|\badl\b|adled|自动减仓"),
    ("largest_liquidation", r"(?:largest|biggest)(?: single| one| individual| known){0,2} (?:liquidation|liquidated"
                            r"|order|position)\w{0,3}+(?! (?:wave|event|day|cascade))"
                            r"|(?:largest|biggest|single)(?: single)? (?:one(?![- ]day)|of (?:them|all|the (?:day"
                            r"|hour|lot|week|session|night))\b|was|being"
                            r"|casualty|victim|hit"
                            r"|forced closure|wipe-?out)\b"
                            r"|single (?:biggest|largest)(?: (?:liquidation|liquidated|order"
                            r"|position)\w{0,3}){0,2}\b(?! (?:wave|event|day|cascade|holder|drop))"
                            r"|最大(?:的)?(?:一笔|单笔)(?:爆仓|清算|强平)?(?:单|订单)?|单笔最大(?:爆仓|清算|强平)?"),
    ("liquidations", r"(?:de-?)?liquidat\w{2,4}(?! (?:price|level|map|heatmap|engine|risk|threshold)s?\b)"
                     r"|wip(?:ed?|es|ing) out|wipe[- ]?outs?\b|washed[- ]out|\brekt\b|force[d]?[- ]clos\w{2,5}"
                     r"|\bliqs?\b|liq['’]d"
                     r"|clos(?:ed|ing) by force|forcibly closed|closed (?:out )?(?:by"
                     r"|against) (?:the )?(?:exchanges?|venues?|margin)"
                     r"|closed out|stopped out|margin[- ]call\w{0,3}|flush(?:ed)?(?: out)?\b|up in smoke"
                     r"|blow[n]?(?:-| )?(?:up|ups|out)\b"
                     r"|forced (?:exits?|unwind\w{0,4}|sell\w{0,3}|buy\w{0,3}|closures?|deleveraging|sales?)"
                     r"|clos\w{1,3} automatically|automatically closed"
                     r"|forc\w{1,3} (?:the )?(?:closure|closing|exit|unwinding|sale|liquidation)\b"
                     r"|\bexchanges (?:have |had )?(?:closed|shut)\b"
                     r"|wiped from|took out|taken out|carried out"
                     r"|\b(?:were|was|got|get|gets|to be|been|being|had|have|saw|see|seeing)(?: [a-z]{2,9})?"
                     r" (?:erased|squeezed(?! into)|flushed|purged|blown out|wiped|torched|nuked|vapori[sz]ed"
                     r"|obliterated|evaporated"
                     r"|incinerated|destroyed|culled|cleared out|burned|burnt|crushed|smoked|zapped)\b"
                     r"|\b(?:our|its|their) (?:users|customers|clients|traders) (?:have |had )?lost\b"
                     r"|\b(?:traders|(?:traders|users) (?:on|at|of) [\w.]{2,14}) (?:have |had )?(?:lost|losing|lose)\b"
                     r"|(?:longs|shorts|(?:long|short|bullish|bearish)(?:-side)? (?:positions|traders|bets)|bulls"
                     r"|bears) (?:[a-z ]{1,20} )?(?:lost|losing|lose|vanished|evaporated|were"
                     r" erased|were wiped|suffered)\b"
                     r"|(?:long|short|bullish|bearish)[a-z -]{0,20} (?:vanished|evaporated|disappeared|unwound)"
                     r"|took the brunt|force[- ](?:closed|sold)|blown out"
                     r"|爆仓|清算|强平|強平|爆倉|穿仓|强制平|強制平|爆掉|被爆|爆单|灰飞烟灭|蒸发(?=[^，。；]{0,6}(?:多|空)[单头])|斩仓"
                     r"|(?:多头|空头|多單|空單|多单|空单|多军|空军|做多者|做空者|多方|空方)(?:损失|損失|爆|亏损|被)"),
    ("fund_assets", r"assets under management|\bmanag(?:e|es|ed|ing)\b(?= (?:about |some |nearly |over "
                    r"|roughly )?(?:us)?\$)|\baum\b|net assets|资产净值|总净资产|管理规模"),
    ("etf_net_flow", r"(?:net )?(?:inflow|outflow)s?|redemptions?\b|creations?\b|(?:weekly|daily|fund|etf|net) flows?\b"
                     r"|净流入|净流出|淨流入|淨流出|净申购|净赎回|资金(?:净)?流[入出]"),
    ("value_locked", r"\btvl\b|total value locked|总锁仓|锁仓量"),
    ("funding_rate", r"funding (?:rate)?s?|资金费率"),
    ("open_interest", r"open interest|notional open|\boi\b|outstanding (?:futures )?contracts"
                      r"|未平仓(?:合约|量)?|持仓量|未平倉"),
    ("unrealised_gain", r"unreali[sz]ed (?:gain|profit|pnl|loss)\w{0,3}|paper (?:gain|profit|loss)\w{0,3}"
                        r"|浮盈|浮亏|浮虧|未实现(?:盈|利)\w?"),
    ("realised_gain", r"\b(?:booked|booking|banked|pocketed|pocketing|locked in|cashed out)\b|"
                      r"reali[sz](?:ed|ing) (?:a |an )?(?:net )?(?:profit|gain|pnl|loss)\w{0,3}|profit of"
                      r"|\bearn(?:ed|ing) (?:him|her|them|it|the \w{3,8})\b"
                      r"|(?<![-\w])profits?\b(?![- ]taking)|获利|盈利"
                      r"|獲利|亏损|虧損"),
    ("dex_volume", r"chang\w{2,3} hands(?! (?:at|for|near|around))|turnover\b|(?:spot|perp|dex) trades\b"
                   r"|(?:trading |trade |spot |dex "
                   r"|perp )?volumes?\b|\bvol:|成交量|交易量|成交额"),
    ("volatility_change", r"volatility|\bdvol\b|\biv\b|波动率"),
    ("market_value", r"value of (?:the |all )?(?:[a-z]{3,8} ){0,2}(?:market|coins|cryptocurrencies)|市场总值"
                     r"|market (?:value|cap\w{0,12})|wiped (?:off|from) (?:the )?(?:\w{3,8} )?market"
                     r"|market['’]s value|\bm(?:kt )?cap\b|capitali[sz]ation|市值"),
    ("holding", r"\bholds?\b|\bstash\b|\bholdings?\b|holding(?! company)|持有"),
    ("position", r"\b(?:bought|purchased|acquired|sold|closed|opened|moved|transferred|deposited|withdrew|added)\b"
                 r"|平仓|平倉|买入|卖出|增持|减持|开仓|做多|做空|转入|转出"),
)  # fmt: skip
_METRIC = re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in _METRICS))


def metrics(low: str, start: int, end: int) -> list[Mention]:
    """The metrics spoken of."""
    return [Mention(m.start(), m.end(), (m.lastgroup or "",)) for m in _METRIC.finditer(low, start, end)]


#: What would happen if: no sum that anybody has counted.
HYPOTHETICAL = re.compile(
    r"清算强度|清算強度|\bliquidation (?:intensity|strength|leverage)\b"
    r"|(?:若|如果|一旦|假如)[^。；]{0,60}(?:将|會|会)"
    r"|\b(?:if|should|were \w{2,8} to)\b[^.;]{1,120}\b(?:would|could|will"
    r"|may)\b(?! have)"
    r"|\bwould (?:put|send|leave|expose)\b|\bin the firing line\b|\bat risk of (?:forced )?liquidation"
    r"|\b(?:would|could|will) (?:be (?:liquidated|wiped|at risk|flushed)|trigger|liquidate|face liquidation)"
)
#: A price that would set something off, before it and anywhere in its sentence.
CONDITION = re.compile(
    r"\b(?:if|should|were|unless|once|chance|odds|probability|likelihood)\b|\ba (?:[a-z]{2,12} ){0,3}(?:move|drop|break"
    r"|fall|rise|close|bounce|rally|push|dip|slide|return|decline|recovery|breach|spike)\b|若|如果|一旦|假如|倘若"
)
WOULD = re.compile(r"\b(?:would|could|may|might|will|chance|odds|probability|likelihood)\b|将|會|会|概率")
SHARE = re.compile(
    r"account(?:s|ed|ing)? for|(?:makes?|made|making) up|\bof (?:the |all |total )?(?:total|liquidat|it\b|them\b"
    r"|those\b|that\b|open interest|all\b)"
    r"|\bshare\b|\bdominance\b|占|佔|市占|comprised|were (?:longs|shorts)|came from"
)
FALL = re.compile(
    r"\b(?:fell|falls?|falling|drop\w{0,4}|declin\w{1,3}|plung\w{1,3}|slid\w{0,3}|slump\w{0,3}|tumbl\w{1,3}|sank"
    r"|sinks?|sinking|shed|sheds|shedding|retreat\w{0,3}|bled|bleed\w{0,3}|lea(?:ve|ves|ving)|left|pulled"
    r"|yank\w{0,3}|withdr[ae]wn?|off|exit\w{0,3}|losers|weaken\w{0,3}"
    r"|los[te]\w{0,3}|loss(?:es)?|down|downward|decreas\w{1,3}|shr[aiu]nk\w{0,3}|lower|erased|erases"
    r"|dip\w{0,4}"
    r"|crash\w{0,3}|outflows?|redemptions?|vanished|evaporated|wiped|sank|skid\w{0,4}|nosedived?|tank\w{0,3}"
    r"|eas(?:ed|es|ing)|cool\w{0,3}|contract(?:ed|ing)|cut|halved|reduc\w{2,3}|worse|cheaper|slip\w{0,4})\b"
    r"|跌|下降|下滑|走低|下挫|降|净流出|淨流出|流出|缩水|蒸发|减少|减持|回落|浮亏|亏损|净赎回"
)
#: A percentage that something moved to is a level, one that a loss grew to is the loss.
TO_PERCENT = re.compile(r"\b(?:to|at|from|below|above|under) (?:about |around |nearly |roughly )?$|[至到]\s?$")
MOVE_NOUN = re.compile(r"\b(?:loss(?:es)?|gains?|drop|decline|fall|rally|slide|drawdown|advance)\b|[跌涨]幅")
#: A price that is no market price: what something cost on average, where a stop or a forced sale lies.
REFERENCE_PRICE = re.compile(
    r"\bmoving average|\b[es]ma\b|\b(?:average|entry|purchase|liquidation|realized|realised) (?:[a-z]{1,12} )?price"
    r"|\b(?:average|avg\.?|mean|blended) (?:entry|cost|purchase|buy|fill)\b|\bentry (?:was|is|of|at|level|around"
    r"|near)\b"
    r"|\bliquidat\w{2,3} (?:at|level)\b[^.;]{0,12}$|cost basis|均线|均線|均价|均價|成本价|开仓价|清算价|强平价"
)
THAN = re.compile(r"\bthan (?:on |at |in |all of )?$|超过\s?$|[高低多少]于\s?$")
#: Verbs by which a venue is given its part of what a text is about.
HAD_ITS_PART = re.compile(
    r"\b(?:saw|seen|recorded|led|leads|followed|accounted|registered|suffered|contributed|chipped|made|topped"
    r"|tallied|posted)\b"
    r"|居首|最高|其次|紧随"
)
CHANCE = re.compile(r"\s(?:chance|probability|odds|likelihood|confidence)\b|\s?的?(?:概率|可能性)")
BEYOND = re.compile(r"\s(?:above|below|higher|lower|more|less|larger|smaller|greater)\b")
#: What is usual, not what was counted.
USUAL = re.compile(
    r"\b(?:average|averaged|averaging|median|mean|typical|usual|normal|norm)\b[^,;]{0,28}$|(?:日均|平均|通常)[^，；]{0,8}$"
)
#: Of percentages, which may be averages of what was counted: "below the long-run norm of 11%".
USUAL_RATE = re.compile(r"\b(?:norm|usual|typical|(?:average|mean|median) of)\b[^,;]{0,12}$")
#: A part of the sum before, which has its side.
OF_TOTAL = re.compile(r" of (?:the|that|this) (?:total|sum|amount|figure|tally)\b| of (?:that|it)\b")
#: The same behind the number: "the $305 million of an average day".
USUAL_BEHIND = re.compile(
    r" (?:of|on|in) an? (?:average|typical|normal|ordinary|usual|median) (?:day|week|month|session)\b"
)
FUND = re.compile(r"\betfs?\b|\bfunds?\b|\btrusts?\b|现货基金")
IMPLIED = re.compile(r"\bimplied vol|\biv\b|\bdvol\b|隐含波动率")
NOT_LIQUIDATED = re.compile(
    r"\b(?:fine[ds]?|settle\w{0,5}|hack\w{0,3}|stole\w?|exploit\w{0,3}|revenue|valu(?:ation|ed)|acqui\w{3,7}"
    r"|mint\w{0,3}"
    r"|burn\w{0,3}|transferr?\w{0,3}|paid|pays|fees?|funding|compensat\w{1,4}|raised|insurance|invest\w{0,4}"
    r"|profitable|worth of tokens|premiums?|revenues?|sales|budget|grants?|lawsuit|penalt(?:y|ies)|donat\w{2,4}"
    r"|drained|reserves?|treasury|custody|valuation|bounty|salar(?:y|ies)|loans?|deposits?)\b"
    r"|手续费|本金|保险基金|收入|罚款|融资"
)
#: What a text is about, where a list or a side is all that a number has.
TOPIC = re.compile(r"liquidat(?:ion|ed)|爆仓|爆倉|清算|强平|強平|wiped out|\brekt\b")
LONG_AND_SHORT = re.compile(
    r"\b(longs?|shorts?)\s?(?:/|and|&)\s?(longs?|shorts?)\b[*_ ]*[:：]|(多|空)[单头]?\s?/\s?(多|空)[单头]?\s?[:：]"
)
#: The same before "respectively".
BOTH_SIDES = re.compile(
    r"\b(longs?|shorts?)(?: [a-z]{4,12})?\s?(?:/|and|&)\s?(longs?|shorts?)\b"
    r"|(多|空)[单头军方]?\s?[/和与、]?\s?(多|空)[单头军方]?"
)
#: Other markets than those of coins.
OTHER_MARKET = re.compile(
    r"\b(?:stocks?|shares|equit(?:y|ies)|s&p 500|nasdaq|dow jones|russell|gold|silver|crude|brent|oil prices"
    r"|treasur(?:y|ies)"
    r"|(?:our|the) (?:fund|portfolio|strategy)|yields?|dollar index|dxy|nikkei|hang seng|fear (?:&|and) greed"
    r"|microstrategy|nvidia|tesla)\b|美股|纳指|标普|道指"
    r"|黄金|恐慌与?贪婪"
)
BOUGHT = re.compile(
    r"\b(?:bought|buys?|buying|purchas\w{1,3}|acquir\w{1,3}|add(?:ed|s|ing)|open(?:ed|s|ing)|accumulat\w{1,3}"
    r"|scoop\w{0,3}"
    r"|rose|climb\w{0,3}|increas\w{1,3}|grew)\b|买入|买进|增持|开仓|开多|开空|开了|加仓|建仓|购入"
)
SOLD = re.compile(
    r"\b(?:sold|sells?|selling|clos(?:ed?|es|ing)|dump\w{0,3}|offload\w{0,3}|unload\w{0,3}|exit\w{0,3}"
    r"|unw[io]und\w{0,3}"
    r"|trimm?\w{0,4}|reduc\w{1,3}|fell)\b|卖出|抛售|减持|平仓|平倉|平掉|减仓|清仓"
)
GREW = re.compile(
    r"\b(?:grew|grow\w{0,3}|widen\w{0,3}|swell\w{0,3}|swollen|ballooned|rose|ris\w{1,3}|increas\w{1,3}|expand\w{0,3}"
    r"|deepen\w{0,3}|climb\w{0,3})\b|扩大|增至|升至|增加"
)
SHRANK = re.compile(
    r"\b(?:shr[aiu]nk\w{0,3}|narrow\w{0,3}|fell|fall\w{0,3}|dropp?\w{0,3}|declin\w{1,3}|dwindl\w{1,3}|reduc\w{1,3}"
    r"|decreas\w{1,3}|halved|slipp?\w{0,3})\b|收窄|缩小|缩水|降至|减少|回落"
)
MOVED_BY = re.compile(r"[跌涨漲]幅")
RISE = re.compile(
    r"\b(?:rose|ris(?:e|es|ing|en)|gain(?:s|ed|ing)?|up|jump\w{0,3}|climb\w{0,3}|surg\w{1,3}|soar\w{0,3}|rall(?:y|ied"
    r"|ies)|increas\w{1,3}"
    r"|inflows?|took in|takes in|taking in|pull(?:ed|s|ing) in|brought in|draw(?:s|ing)?|adds|adding|grew"
    r"|grow\w{0,3}|swell\w{0,3}|spik\w{1,3}|advanc\w{1,3}|attract\w{0,3}|drew|gathered|pulled in|bought|acquired"
    r"|purchased|added|opened"
    r"|higher|rebound\w{0,3}|bounc\w{1,3}|recover\w{0,3})\b"
    r"|涨|漲|上升|升|增加|走高|净流入|淨流入|流入|增长|买入|增持|做多|开仓|净申购"
)
BROKE = re.compile(
    r"(?:\b(?:broke|breaks?|breaking|broken|breach\w{0,3}|cross\w{0,3}|crack\w{0,3}|smash\w{0,3}|pierc\w{1,3}"
    r"|reclaim\w{0,3}|regain\w{0,3}|retook|retak\w{1,3}|recaptur\w{1,3}|los(?:t|es|ing)|surrender\w{0,3}"
    r"|relinquish\w{0,3}|(?:gave|gives|giving) up)\b(?: (?:directly |decisively "
    r"|briefly ))?(?: ?(?:through|below|above|under|past))?|\b(?:below|beneath|under|through|above|past|north of"
    r"|south of)|跌破|收复|站上|击穿|下破|上破|突破|失守|升破"
    r"|跌穿)"
    r"(?: (?:the|its|key|a))*\s?$"
)
ABOVE = re.compile(r"\b(?:above|past|over|reclaim\w{0,3}|rose|climb\w{0,3}|surpass\w{0,3})\b|升破|突破|站上")
TO_LEVEL = re.compile(
    r"(?:\b(?:price:|now|last|printed|to|at|near|around|hit|hits|hitting|touch(?:ed|es|ing)?|reach(?:ed|es|ing)?"
    r"|as low as"
    r"|as high as|from|(?:high|low"
    r"|peak) of|range (?:was|is|of))|报|[跌升涨降回落探插砸滑冲][至到]|[低高]见"
    r"|触[及碰达]|价格为|站在|徘徊在)"
    r"(?: (?:about|around|roughly|approximately|nearly|almost|just|the|a low of|a high of|some|only"
    r"|as low as))*\s?[~约]?$"
)
BY_AMOUNT = re.compile(
    r"\b(?:by|fell|fall|dropped|lost|shed|slid|gained|rose|jumped|down|up)(?: (?:about|around|nearly|over|some))?\s?$"
)
LEVEL_AHEAD = re.compile(
    r"\b(?:support|resistance|floor|ceiling|target|targets|retest|retesting|testing|test|max pain|strike|average price"
    r"|entry price|liquidation price)(?: (?:at|of|near|around|is|level|zone))*\s?$|(?:支撑|阻力|压力)位?[为在]?\s?$"
)
LEVEL_NOUN = re.compile(r"[\s-](?:mark|level|threshold|support|resistance|handle|line)\b|关口|大关|一线|附近")
#: Who bore most of it, with the share that was theirs.
BRUNT = re.compile(r"\b(?:bore|took) the brunt\b|\bworst hit\b|\bhardest hit\b")
#: Of what a sentence without figures speaks that names a time for those after it.
OF_MARKET = re.compile(
    r"\b(?:markets?|leverage\w{0,1}|crypto\w{0,10}|trading|traders?|perp\w{0,8}|derivatives?|volumes?|months?"
    r"|weeks?|quarter|funds?"
    r"|investors?|flush|washout|sell-?off|crash|rout|bulls|bears|session|coins?|tokens?|exchanges?)\b"
    r"|市场|行情|杠杆|合约|交易|币|资金|基金"
)
#: How a tracker is given its number, and how what was counted before is spoken of.
COUNTED = re.compile(
    r"\b(?:puts?|has|had|counts?|counted|shows?|showed|at|came|comes|tallies|tallied|pegs|pegged|gives|sees"
    r"|records?|recorded)\b"
    r"|为|显示|统计"
)
THE_POSITIONS = re.compile(
    r"\b(?:the|those|these|their) (?:\w+ )?positions (?:were|was|had|came|added|totall?ed|amounted|together)\b"
    r"|\b(?:together|combined),? (?:the|they|those|these)\b|这些仓位|上述仓位"
)
BY_VENUE = re.compile(r"\bby (?:exchange|venue|platform)\b|从交易所|交易所方面|平台方面|分平台|按交易所|从平台")
#: Which of two figures of the sentence before is meant.
FORMER, LATTER = re.compile(r"\bthe former\b|前者"), re.compile(r"\bthe latter\b|后者")
THE_TWO = re.compile(
    r"\b(?:at|on|in|for|by) (?:the two|both)\b|\bthe two (?:venues|exchanges|platforms|coins|tokens|assets)\b"
    r"|\brespectively\b|分别"
)
#: A text that was wrong before, and what is right.
WRONG_BEFORE = re.compile(
    r"\b(?:earlier|previous|original|prior) version\b|\b(?:incorrectly|wrongly|mistakenly|erroneously)\b|\bmisstated\b"
    r"|误写|误报|误作|误称|此前(?:快讯|报道|消息|稿件)?[^，。；]{0,8}(?:称|写)"
)
PUT_RIGHT = re.compile(
    r"\bcorrect(?:ed)? (?:figure|number|amount|total|sum|value|percentage|count)\b|\bshould (?:have (?:been|read)"
    r"|read|be)\b"
    r"|\bit (?:was|is) in fact\b|\bin fact\b|\bactual (?:figure|number|amount)\b"
    r"|实为|应为|更正为|正确(?:数字|金额|数据)?"
)
#: Words of a headline about what was liquidated.
GONE = re.compile(
    r"\b(?:gone|lost|vanish\w{0,3}|evaporat\w{1,3}|bloodbath|carnage|massacre|wreck\w{0,3}|wiped)\b|血洗|蒸发"
)
PRICE = re.compile(
    r"\b(?:spot (?:is|was|last|price|trade[sd]?)|price[sd]?|range|trad(?:es?|ed|ing) (?:at|around|near)|quoted"
    r"|(?:token|coin|cryptocurrency) (?:stood|was|is|traded|trades|sat)|chang(?:ed|es|ing) hands (?:at|for|around"
    r"|near))\b"
    r"|价格|现报|币价"
)
SAME_TIME = re.compile(
    r"\b(?:the|that) same (?:[a-z0-9-]{1,8} )?(?:stretch|period|window|time|hours?|days?|session|span|week|month"
    r"|quarter)\b|\bin the process\b|\b(?:over|in|during) that"
    r" (?:stretch|period|window|time|span)\b|同期|同一时间|同一?时段|该时段"
)
PRONOUN = re.compile(
    r"\b(?:of (?:which|that|those|it|them|this)|its?|they|their|them|there|the (?:exchange|platform|venue|asset"
    r"|token|coin"
    r"|(?:figure|total|sum|tally|number|amount|count|reading)s?|tallies)|both sides|that figure)\b"
    r"|其中|该平台|该交易所|其(?![后次余他中实间])|the (?:largest|biggest|smallest)"
)
#: The one venue that was named before.
THE_VENUE = re.compile(r"\b(?:the|that|this) (?:exchange|platform|venue|protocol)\b|该平台|该交易所|平台")
#: A venue whose coin is spoken of: "Hyperliquid's HYPE token".
OF_VENUE = re.compile(r"(?:'s|的)? ?(?:native )?(?:token )?$")
#: What stands between a number and the names that it is counted at: "60% from just two venues, Bybit and Binance".
VENUES_NAMED = re.compile(r"[a-z ]{0,20}\b(?:venues|exchanges|platforms|assets|coins|tokens)[,:—(]? (?:namely )?")
