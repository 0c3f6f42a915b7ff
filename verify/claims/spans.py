"""Every number in a text: what can be checked, with its exact span, and what is left alone, with the reason.

One pass over the digits. Around each number only a bounded stretch is read, and no pattern gives back what it took, so
the time is linear in the text.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from verify.model import names
from verify.model.amount import CURRENCY_WORDS, HEDGE_WORDS, MAGNITUDES, SPELLED, Amount, Hedge
from verify.model.errors import AmountError
from verify.model.quantity import CountUnit


class Kind(StrEnum):
    """What kind of number it is."""

    MONEY = "money"
    PERCENT = "percent"
    COUNT = "count"
    COIN = "coin"
    POINTS = "points"
    FACTOR = "factor"


@dataclass(frozen=True, slots=True)
class Number:
    """A number that can be checked. The span covers currency, digits, magnitude and unit, and no hedge.

    `asset` is the coin of a coin amount, `unit` what a count counts (None where that is not said), `sign` a "+" or "-"
    right before it, which is no part of the span.
    """

    start: int
    end: int
    kind: Kind
    amount: Amount
    asset: str = ""
    unit: CountUnit | None = None
    sign: str = ""

    @property
    def hedge(self) -> Hedge:
        return self.amount.hedge


#: Why an amount of another currency is left alone.
FOREIGN = "not in US dollars"


@dataclass(frozen=True, slots=True)
class Alone:
    """A number that is not a figure, and why."""

    start: int
    end: int
    reason: str


@dataclass(frozen=True, slots=True)
class Scan:
    numbers: tuple[Number, ...]
    alone: tuple[Alone, ...]


_FOLDS = {0xFF01 + i: 0x21 + i for i in range(94) if chr(0x21 + i) not in ",;:!?()"}
_FOLDS |= dict.fromkeys((0x00A0, 0x2007, 0x2009, 0x202F, 0x3000, 0x2002, 0x2003), 0x20)
_FOLDS |= {0x2212: 0x2D, 0x2010: 0x2D, 0x2011: 0x2D, 0x0130: 0x69, 0x2019: 0x27}
#: Traditional characters and their simplified forms: both are read by the same words.
_TRADITIONAL = (
    "億萬幣與倉單頭數據顯當報導來過時鐘點個間內週漲額總計統達約佔訊聞電員網戶強賣買開關從於為將會這該們資產貨淨價場現"
    "續績證實際載體準預測標槓桿軍對進連遠還則別創動勢區協發佈稱種積筆級紀紐絕給經線縮虧贏獲讓說認請論謂譯貝費賬帳轉輪"
    "較輸農運邊鏈銀錄鍵門閃陽險雙離難領題類風飆餘驚僅儲優兌兩減濟滅無獨異盤監盡眾碼礦禮穩窩競節範簡籌納終組綜維緊織繼"
    "聯聲職華虛蘭處號補裡規視觀觸訂設試詳誤談調諾變貸賠贈跡蹤銷鎖鎊長隊階陸韓頁項順須顧願飛馬驗鯨黃歷曆歐殺沒滿潰熱環"
    "畫療確嚴啟圍團圓壓夾嚮寧審屬師幾廣彙匯復應戰擊擇損搶換擴攤敗斷書東條極樓樣權機決滾選隱側傷傳債儀劃剛勵務參執憂態"
    "擔晝暫榮橋氣況淺漸潛燒牽狀畢睜碩繳罰聖臺舊葉藍衛複見親話語誰負財貫賺購趨軟輕遞適錯鋪陣隨雜靜顆飯駛鬆"
)
_SIMPLIFIED = (
    "亿万币与仓单头数据显当报导来过时钟点个间内周涨额总计统达约占讯闻电员网户强卖买开关从于为将会这该们资产货净价场现"
    "续绩证实际载体准预测标杠杆军对进连远还则别创动势区协发布称种积笔级纪纽绝给经线缩亏赢获让说认请论谓译贝费账账转轮"
    "较输农运边链银录键门闪阳险双离难领题类风飙余惊仅储优兑两减济灭无独异盘监尽众码矿礼稳窝竞节范简筹纳终组综维紧织继"
    "联声职华虚兰处号补里规视观触订设试详误谈调诺变贷赔赠迹踪销锁镑长队阶陆韩页项顺须顾愿飞马验鲸黄历历欧杀没满溃热环"
    "画疗确严启围团圆压夹向宁审属师几广汇汇复应战击择损抢换扩摊败断书东条极楼样权机决滚选隐侧伤传债仪划刚励务参执忧态"
    "担昼暂荣桥气况浅渐潜烧牵状毕睁硕缴罚圣台旧叶蓝卫复见亲话语谁负财贯赚购趋软轻递适错铺阵随杂静颗饭驶松"
)
_FOLDS |= {ord(one): ord(two) for one, two in zip(_TRADITIONAL, _SIMPLIFIED, strict=True)}
_FOLDED = re.compile("[" + "".join(re.escape(chr(code)) for code in _FOLDS) + "]")


def fold(text: str) -> str:
    """The text in lower case, full-width digits and signs made plain and traditional characters simplified; every
    character keeps its place.
    """
    return (text if text.isascii() else _FOLDED.sub(lambda char: chr(_FOLDS[ord(char[0])]), text)).lower()


def _any(words: list[str] | tuple[str, ...]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=lambda word: (-len(word), word)))


MONTHS = (
    "january|february|march|april|may|june|july|august|september|october|november|december"
    "|jan|feb|mar|apr|jun|jul|aug|sept|sep|oct|nov|dec"
)
_CLOCK = (
    r"[0-2]?[0-9]:[0-5][0-9](?::[0-5][0-9])?+(?:\s?[ap]\.?m\b\.?)?+"
    r"(?:\s?(?:utc|gmt|est|edt|et|cst|hkt|jst|z)\b(?:[+-][0-9]{1,2}(?::?[0-9]{2})?+)?+)?+"
)
_MASKS = re.compile(
    "|".join(
        f"(?P<{name}>{pattern})"
        for name, pattern in (
            ("id", r"(?<![a-z0-9])0x[0-9a-f]{4,}+"),
            ("phone", r"(?<![0-9a-z])\+[0-9]{1,3}[ (-][0-9 ()-]{6,18}[0-9]|\([0-9]{3}\) ?[0-9]{3}-[0-9]{4}"
                      r"|(?<![0-9$.,-])[0-9]{3,4}-[0-9]{3,4}-[0-9]{4}(?![0-9])"),
            ("date", rf"(?<![0-9])[12][0-9]{{3}}-[01]?[0-9]-[0-3]?[0-9](?:t[0-9:]{{2,8}}(?:z|[+-][0-9:]{{2,5}})?+)?+"
                     rf"|(?<![0-9])[12][0-9]{{3}}年(?:[01]?[0-9]月(?:[0-3]?[0-9][日号])?+)?+"
                     rf"|[01]?[0-9]\s?月(?:\s?[0-3]?[0-9]\s?[日号])?+"
                     rf"|\b(?:{MONTHS})\b\.? [0-3]?[0-9](?:st|nd|rd|th)?+(?![0-9,.]*[0-9%])(?! (?:million|billion"
                     rf"|percent))(?:,? [12][0-9]{{3}}(?![0-9]))?+"
                     rf"|\b(?:{MONTHS})\b\.? [0-3]?[0-9](?:st|nd|rd|th)?+,? [12][0-9]{{3}}(?![0-9])"
                     rf"|\b(?:{MONTHS})\b\.?,? [12][0-9]{{3}}(?![0-9])|\b(?:mid|early|late)-[12][0-9]{{3}}(?![0-9])"
                     rf"|(?<![0-9.,$])[0-3]?[0-9](?:st|nd|rd"
                     rf"|th)?+ (?:of )?(?:{MONTHS})\b(?:\.?,? [12][0-9]{{3}}(?![0-9,]))?+"
                     r"|(?<![0-9/.,$])[0-3]?[0-9]/[0-3]?[0-9]/(?:[12][0-9])?[0-9]{2}(?![0-9/])"
                     r"|(?<![0-9/.,$])[0-3]?[0-9]\.[01]?[0-9]\.[12][0-9]{3}(?![0-9])"),
            ("time", _CLOCK + r"|(?<![0-9.,$])[01]?[0-9]\s?[ap]\.?m\b\.?|\b(?:utc|gmt)[+-][0-9]{1,2}"
                     r"|(?<![0-9.])[0-2]?[0-9](?:时|點鐘|点钟|点(?=[0-5]?[0-9]分|整|半))(?:[0-5]?[0-9]分)?+"),
            ("name", r"\b(?:s&p|nasdaq|russell|ftse|nikkei|dow|csi|top|web|layer|erc|bip|eip|level|section|chapter|page"
                     r"|pages|figure|fig\.|table|part|phase|no\.|note|step|article|suite|room|floor|ref\.? no\.)"
                     r"[ -]?[0-9]{1,6}(?:\.[0-9]{1,4})?+(?![0-9%,.]*[0-9%])(?! ?(?:million|billion|bn|m|b)\b)"
                     r"|第[0-9]{1,6}[节章页届期条]|\[[0-9]{1,4}\]|\bq[1-4]\b|\bh[12]\b|#[0-9]{1,9}|\b10x research\b"),
            ("ratio", r"(?<![0-9.,$-])[0-9]{1,2} (?:in|out of|of every) [0-9]{1,3}(?![0-9.,%])"
                      r"|(?<![0-9:])1:[0-9]{1,3}(?![0-9:])"),
            ("house", r"\b[0-9]{1,5} [a-z]{2,20} (?:street|avenue|road|lane|boulevard|drive)\b"
                      r"|\b[a-z]{2} [0-9]{5}\b(?= |\.|$)"),
        )
    )
)  # fmt: skip
_ADDRESS = re.compile(r"(?:https?://|www\.)[^\s<>\"'）)]++|(?<=[a-z0-9])\.(?:com|io|org|net|me|cn|co)/[^\s)]*+")
_WHY = {
    "id": "an id", "phone": "a phone number", "date": "a date", "time": "a time of day",
    "name": "part of a name or a reference", "house": "a postal address",
    "ratio": "a ratio",
}  # fmt: skip

_NUM = r"(?:[0-9]++(?:[,_][0-9]{3}(?![0-9]))*+(?:\.[0-9]++)?+|\.[0-9]++)"
_CANDIDATE = re.compile(_NUM)
_WORD_MAGNITUDES = [word for word in MAGNITUDES if len(word) > 1 and word.isascii()]
_HAN_MAGNITUDES = [word for word in MAGNITUDES if word and not word.isascii()]
_MAG = (
    rf"(?:\s{{0,3}}-?\s?(?:{_any(_WORD_MAGNITUDES)})(?![a-z0-9])|(?:[mbkt])(?![a-z0-9])"
    rf"|\s?[余多]?(?:{_any(_HAN_MAGNITUDES)}))"
)
_AFTER = rf"(?:\s{{0,2}}(?:{_any([w for w in CURRENCY_WORDS if '$' not in w])})(?![a-z]))"
_BEFORE = re.compile(
    rf"(?:{_any([w for w in CURRENCY_WORDS if w[0] == 'u' and 'dollars' not in w] + ['$'])})\s{{0,2}}$"
)
_FOREIGN_BEFORE = re.compile(
    r"(?:(?<![a-z])(?:a|au|c|ca|s|hk|nt|nz)\$|[€£¥₩₹]|(?<![a-z])(?:eur|gbp|jpy|cny|rmb|krw)|人民币)\s{0,2}$"
)
_FOREIGN_AFTER = re.compile(
    r"\s?(?:€|£|¥|円|圓|(?:eur|gbp|jpy|cny|rmb|krw|euros?|yen|won|yuan|pounds?)(?![a-z])|元|人民币|[日欧港台韩澳加新]元|[港台]币|新台币|英镑"
    r"|(?:hong kong|hk|australian|canadian|singapore|taiwan|new zealand) dollars?(?![a-z]))"
)
_LETTER_MAGNITUDE = re.compile(r"\s[mbkt](?![a-z0-9'])")
_BODY = re.compile(rf"(?P<mag>{_MAG})?+(?P<more>(?<=[亿億])[0-9]{{1,4}}[万萬])?+(?P<cur>{_AFTER})?+")
_RANGE_SIGN = re.compile(
    rf"(?:\s?(?:-|–|~|至|到)\s?|—|\s(?:to|and)\s)(?:{_any([w for w in CURRENCY_WORDS if '$' in w])})?(?=[0-9.])"
)
_PERCENT = re.compile(r"\s{0,2}(?:%|percent(?![a-z])|per cent(?![a-z])|pct(?![a-z]))")
_POINTS = re.compile(
    r"(?:\s|-)?(?:(?:volatility|vol|index|percentage|basis) )?(?:points?|pts|bps)(?![a-z])"
    r"|\s?个?(?:波动率|波動率)?(?:百分点|基点"
    r"|点(?!钟|半|整"
    r"|[0-9]))"
)
#: "rose 6.5 points to 52": the level of an index.
_LEVEL_OF_POINTS = re.compile(r"[0-9] (?:[a-z]{3,10} )?(?:points?|pts)\b[^.;0-9]{0,30}\b(?:to|at) $")
_DURATION = re.compile(
    r"[\s-]{0,2}(?:(?:trading|business|calendar|full)[ -])?(?:seconds?|secs?|minutes?|mins?|hours?|hrs?|days?|nights?"
    r"|weeks?"
    r"|months?|quarters?|years?|decades?)(?![a-z])|(?:h|hr|d|min|w|y)(?![a-z0-9])|\s?个?(?:小时|小時|分钟|分鐘|交易日"
    r"|天|日|周|週|月|年"
    r"|秒)"
)
_ORDINAL = re.compile(r"(?:st|nd|rd|th)(?![a-z])")
_FACTOR = re.compile(r"x(?![a-z0-9])|\s?times(?![a-z])|-fold(?![a-z])|\s?倍")
_LEVERAGE = re.compile(
    r"(?:\s?(?:-|–|to|and|or|至|到)\s?[0-9]{1,3}(?:x|\s?倍))?+[\s-]{0,2}(?:[a-z]{1,12} )?"
    r"(?:leverage|leveraged|longs?|shorts?|lever|margin|(?:以上|以下)?的?杠杆|的?槓桿|做多|做空"
    r"|(?:[a-z]{3,5} ?)?(?:多|空)(?:单|單|头|頭|仓))"
)

_OF_LEVERAGE = re.compile(
    r"\bleverage[^.;]{0,40}$|\b(?:margin|long|short)s? (?:at|on|of|with) $"
    r"|杠杆[^。；0-9]{0,8}(?:[0-9]{1,3} ?倍[^。；0-9]{0,8})?$|槓桿[^。；0-9]{0,8}$"
)
_OF_POSITION = re.compile(r"\b(?:long|short)\b[^.;]{0,40}\b(?:it was|it's|at|was)\s?$")
_MULTIPLIED = re.compile(
    r"\b(?:rose|ris\w{1,3}|jump\w{0,3}|surg\w{1,3}|grew|up|increas\w{1,3}|gain\w{0,3}|return\w{0,3}"
    r"|multipl\w{2,4}|soar\w{0,3}|that's"
    r"|some|about|roughly|nearly|almost|was|is|over|missed|than)\s?[>~≈]?$|[>~≈]$"
)
_TIMES_WHAT = re.compile(
    r"\s(?:the|that|this|its|as|of|more|less|higher|larger|bigger|greater|smaller|lower|what|than|yesterday|last"
    r"|usual|normal"
    r"|average|increase|jump|rise|spike|monday|tuesday|wednesday|thursday|friday|saturday|sunday)\b"
)
_TRADERS = (
    "traders|accounts|people|users|investors|addresses|wallets|whales|participants|holders|individuals|customers"
    "|clients"
)
#: The words for what a count counts, as alternatives of a pattern.
NOUNS: tuple[tuple[CountUnit, str], ...] = (
    (CountUnit.TRADERS, _TRADERS),
    (CountUnit.POSITIONS, "positions"),
    (CountUnit.ORDERS, "orders|trades|transactions"),
    (CountUnit.FILLS, "fills"),
    (CountUnit.UNSPECIFIED, "liquidations|events"),
)
_COUNTED = re.compile(
    r"(?:[\s-][a-z'-]{1,18}){0,3}?[\s-](?:" + "|".join(f"(?P<{u.name}>{w})" for u, w in NOUNS) + r")(?![a-z])"
)
_HAN_COUNTED = re.compile(
    r"\s?(?:(?P<TRADERS>(?:名|位)(?:交易者|投资者|用户)?|人|(?:个)?(?:账户|地址|用户))|(?P<POSITIONS>个?(?:仓位|头寸))"
    r"|(?P<ORDERS>笔(?:订单|清算|爆仓)?)|(?P<UNSPECIFIED>个(?![点月小百]))|(?P<UNSPECIFIED2>起))"
)
_COUNT_LABEL = re.compile(r"\b(" + "|".join(words for _, words in NOUNS) + r")(?: liquidated)?[*_]{0,3}[:：|]\s{0,2}$")
_OF_THEM = re.compile(
    r"\s(?:(?:others|more) (?:topped|exceeded|were|had|passed)\b|of (?:them|those|these|which)\b(?! (?:days?|weeks?"
    r"|months?|years?|times|venues|exchanges|funds))|had (?:positions|losses)\b"
    r"|(?:above|over|exceeding|larger than|bigger than|worth (?:over|more than)) (?:us)?\$)"
)
#: "62 of those positions"
_OF_NAMED = re.compile(
    r"\sof (?:them|those|these|the|its) (?:[a-z-]{3,12} )?(?:"
    + "|".join(f"(?P<{u.name}>{w})" for u, w in NOUNS)
    + r")(?![a-z])"
)
_EMPLOYED = re.compile(
    r"\b(?:employ\w{0,3}|hir(?:ed|es|ing)|laid off|lay(?:s|ing)? off|staff of|team of|workforce of|jobs for)"
    r"\s(?:about |some |over |nearly |almost |around |more than )?$"
)
#: "57 positions ..., up from 19 a day earlier" counts the same.
_UP_FROM = re.compile(r"\b(?:(?:up|down) from|against|versus|compared (?:with|to))(?: (?:just|only|about|some))? $")
_A_TIME_AGO = re.compile(r" (?:a|the|one) (?:day|week|month|year|hour)\b(?! ?(?:old|long))| (?:on|in|last|yesterday)\b")
_COUNTED_BEFORE = re.compile(
    r"[0-9,]+ (?:[a-z-]{3,14} ){0,3}(?:" + "|".join(f"(?P<{u.name}>{w})" for u, w in NOUNS) + r")\b"
)
_HAN_COUNT_LABEL = re.compile(
    r"(?:(?P<TRADERS>人数|(?:账户|用户|地址|交易者|投资者)数?量?)|(?P<POSITIONS>仓位数量?)|(?P<ORDERS>(?:订单数量?|笔数)))"
    r"(?:合计|共计?)?(?:约为?|超过?|达到?|近|为|逾|[:：])? ?$"
)
_NUMBER_OF = re.compile(
    r"(?:number of|count of)\s((?:[a-z'-]{1,18}\s){0,3}?)(" + "|".join(w for _, w in NOUNS) + r")(?![a-z])"
)
_HAN_NOUN = re.compile(r"[^，。；]{0,20}?(?:(账户|地址|用户|交易者|钱包)|(仓位|头寸|多单|空单)|(订单|爆仓单|清算单))")
_HAN_UNIT = re.compile(r"(人|账户|地址|用户)|(仓位|头寸)|(订单|单)[^0-9]{0,6}$")
_LEVEL_BEFORE = re.compile(
    r"(?:跌破|突破|失守|升破|站上|跌至|报|(?:broke|breaks|breaking|breached|lost|reclaimed)"
    r"(?: (?:through|below|above|under|past))?|fell (?:to|below|under)|(?:below|above)) ?$"
)
_NOT_COUNTED = re.compile(r"\b(?:join|readers|followers|subscribers|employees|members|offices|countries|staff)\b")
_SMALL_OR_YEAR = re.compile(r".{1,3}|(?:19|20)[0-9]{2}")
#: "half a billion dollars", "nine hundred million US dollars": only with its currency, as "a million" is said of much.
_IN_WORDS = re.compile(
    rf"\b(?P<n>{'|'.join(sorted(map(re.escape, SPELLED), key=lambda w: -len(w)))})(?P<hundred> hundred)?"
    r" (?P<mag>million|billion|trillion) (?:u\.?s\.? )?(?:dollars?|usd)\b"
)
_TOO_LONG = 60
_AROUND = 70
_NEAR_DIGITS = re.compile(r"[0-9]++(?:[^0-9]{1,12}[0-9]++)*+")
_BEFORE_DIGITS, _BEHIND_DIGITS = 22, 22


def _coins() -> tuple[re.Pattern[str], dict[str, str]]:
    known = {fold(written): name.id for written, name in names.spellings("assets")}
    return re.compile(rf"\s{{0,2}}[枚个]?\s?[#$]?(?P<coin>{_any(list(known))})s?(?![a-z0-9])"), known


_COIN, _COINS = _coins()

_VERB_HEDGES = {
    "top": Hedge.OVER, "tops": Hedge.OVER, "topped": Hedge.OVER, "topping": Hedge.OVER, "surpass": Hedge.OVER,
    "surpasses": Hedge.OVER, "surpassed": Hedge.OVER, "surpassing": Hedge.OVER, "exceed": Hedge.OVER,
    "exceeds": Hedge.OVER, "exceeded": Hedge.OVER, "larger than": Hedge.OVER, "bigger than": Hedge.OVER,
}  # fmt: skip
#: "liquidations added up to $11.7 billion" is no hedge.
_ADDS_UP = re.compile(
    r"\b(?:add|adds|added|adding|tot|tots|totted|sum|sums|summed|brought|bringing|taken|taking) (?:\w+ )?up to$"
)
_COUNTED_BY = re.compile(r"^[人名位笔个枚]")
_SUFFIXES = ("or so", "-ish", "左右", "上下", "give or take", "and change", "or more", "以上", "+")
_HEDGES = sorted(
    [
        *((w, h) for h, words in HEDGE_WORDS.items() for w in words if w not in (*_SUFFIXES, "c.", "余", "多于")),
        *_VERB_HEDGES.items(),
    ],
    key=lambda pair: (-len(pair[0]), pair[0]),
)
_BY_LAST: dict[str, list[tuple[str, Hedge]]] = {}
for _word, _hedge in _HEDGES:
    _BY_LAST.setdefault(_word[-1], []).append((_word, _hedge))
_HEDGES_AFTER = [(word, hedge) for hedge, words in HEDGE_WORDS.items() for word in words if word in _SUFFIXES]


def scan(text: str, folded: str | None = None) -> Scan:
    """Every number of the text, in order: those that can be checked, and those that are left alone."""
    low = fold(text) if folded is None else folded
    masks = _masks(low)
    starts = [start for start, _, _ in masks]
    numbers: list[Number] = []
    alone: list[Alone] = []
    at = 0
    while candidate := _CANDIDATE.search(low, at):
        start, at = candidate.start(), candidate.end()
        mask = bisect_right(starts, start) - 1
        if mask >= 0 and start < masks[mask][1]:
            begin, end, why = masks[mask]
            alone.append(Alone(begin, end, why))
            at = max(at, end)
            continue
        found = _judge(text, low, start, candidate.end())
        if isinstance(found, Number):
            numbers.append(found)
        else:
            alone.append(found)
        at = max(at, found.end)
    if "illion" in low:
        numbers = sorted([*numbers, *_in_words(text, low)], key=lambda number: number.start)
    return Scan(tuple(numbers), tuple(alone))


def _in_words(text: str, low: str) -> Iterator[Number]:
    """Sums of dollars without a digit."""
    for match in _IN_WORDS.finditer(low):
        value = SPELLED[match["n"]] * (100 if match["hundred"] else 1) * Decimal(10) ** MAGNITUDES[match["mag"]]
        amount = Amount.from_decimal(value.normalize(), text=text[match.start() : match.end()])
        opening = low[max(0, match.start() - _AROUND) : match.start()].rstrip()
        hedge, end = _hedged(opening, low, match.end(), Hedge.NONE)
        yield Number(match.start(), end, Kind.MONEY, replace(amount, hedge=hedge))


def _masks(low: str) -> list[tuple[int, int, str]]:
    """Dates, times, addresses and the like, in order. Only what is near digits is looked at."""
    found = [(m.start(), m.end(), "an address") for m in _ADDRESS.finditer(low)]
    done = 0
    for near in _NEAR_DIGITS.finditer(low):
        start, end = max(near.start() - _BEFORE_DIGITS, done), near.end() + _BEHIND_DIGITS
        for mask in _MASKS.finditer(low, start, min(end, len(low))):
            found.append((mask.start(), mask.end(), _WHY[mask.lastgroup or ""]))
            done = max(done, mask.end())
        done = max(done, near.end())
    return sorted(found)


def _judge(text: str, low: str, start: int, end: int) -> Number | Alone:
    """What the number at `start` is."""
    if end - start > _TOO_LONG:
        return Alone(start, end, "more digits than any figure has")
    left, right = low[max(0, start - _AROUND) : start], low[end : end + _AROUND]
    if before := _BEFORE.search(left):
        foreign = _FOREIGN_BEFORE.search(left)
        if foreign and foreign.start() < before.start():
            return Alone(start, end, FOREIGN)
        if before.start() and left[before.start() - 1].isascii() and left[before.start() - 1].isalnum():
            before = None
    first = start - len(before[0]) if before else start
    if before is None and _LEVEL_OF_POINTS.search(left) and not _PERCENT.match(right):
        return Number(start, end, Kind.POINTS, replace(Amount.parse(low[start:end]), text=text[start:end]))
    if before is None and (why := _part_of(left, right)):
        return Alone(start, end + (len(right) - len(right.lstrip("abcdefghijklmnopqrstuvwxyz0123456789_"))), why)
    if before is None and _FOREIGN_BEFORE.search(left):
        return Alone(start, end, FOREIGN)
    last, currency, magnitude = _extent(low, end, money=before is not None)
    dollars = before is not None or currency
    alone = last, dollars, magnitude
    opening = left[: len(left) - (start - first)].rstrip()
    if (sign := _RANGE_SIGN.match(low, last)) and _is_range(sign[0], opening):
        number = _CANDIDATE.match(low, sign.end())
        if number and number.end() - number.start() <= _TOO_LONG:
            second, other, more = _extent(low, number.end(), money=dollars or "$" in sign[0])
            if not _DURATION.match(low, second) or dollars:
                last, dollars, magnitude = second, dollars or other or "$" in sign[0], magnitude or more
    elif dollars is False and (percent := _PERCENT.match(low, last)):
        sign = _RANGE_SIGN.match(low, percent.end())
        number = _CANDIDATE.match(low, sign.end()) if sign and _is_range(sign[0], opening) else None
        if number and _PERCENT.match(low, number.end()):
            last = number.end()
    found = _classify(text, low, first, last, opening, dollars=dollars, magnitude=magnitude)
    apart = isinstance(found, Alone) or _moved(found, opening)
    if apart and (last, dollars, magnitude) != alone:  # two numbers that are no range
        last, dollars, magnitude = alone
        found = _classify(text, low, first, last, opening, dollars=dollars, magnitude=magnitude)
    if isinstance(found, Number) and opening[-1:] in ("+", "-") and not opening[-2:-1].isalnum():
        found = replace(found, sign=opening[-1])
    return found


def _moved(number: Number, opening: str) -> bool:
    """Whether "dropped $64 to $4,611" is a change and a level: too far apart for a range, after a verb of moving."""
    ends = number.amount.ends
    return ends is not None and ends[1] > ends[0] * _WIDEST and _MOVED.search(opening) is not None


#: The ends of a range are nearer to one another than this, as a ratio; a change and the level it leads to are not.
_WIDEST = Decimal("2.5")
_MOVED = re.compile(
    r"\b(?:fell|falls?|falling|dropp?\w{0,4}|declin\w{1,3}|plung\w{1,3}|slid\w{0,3}|slump\w{0,3}|tumbl\w{1,3}|sank"
    r"|shed"
    r"|rose|rises?|rising|gain\w{0,3}|jump\w{0,3}|climb\w{0,3}|surg\w{1,3}|soar\w{0,3}|added|up|down|by)$"
)


def _is_range(sign: str, opening: str) -> bool:
    """Whether a sign between two numbers makes them one range: "to" not after "from", "and" only after "between"."""
    if "and" in sign:
        return opening.endswith("between")
    return not ("to" in sign and opening.endswith("from"))


def _part_of(left: str, right: str) -> str:
    """Why the digits are part of a longer word, if they are."""
    previous = left[-1:]
    if previous and previous.isascii() and (previous.isalnum() or previous in "_@"):
        return "part of a name"
    if previous in ("/", "\\", "^") or (previous == "." and left[-2:-1].isalnum()) or right[:1] == "/":
        return "part of a name or a date"
    if previous in ("-", "–") and left[-2:-1].isascii() and left[-2:-1].isalpha():
        return "part of a name"
    if previous == "-" and left[-2:-1].isdigit():
        return "part of a number that is not a figure"
    if right[:1].isascii() and right[:1].isalpha():
        tail = right[: len(right) - len(right.lstrip("abcdefghijklmnopqrstuvwxyz"))]
        known = tail in MAGNITUDES or tail in ("x", "h", "d", "min", "st", "nd", "rd", "th", "pct", "usd", "usdt", "hr")
        glued = any(tail.startswith(m) and tail[len(m) :] in ("usd", "usdt", "usdc") for m in ("m", "b", "k", "bn"))
        if not known and not glued and tail not in _COINS and tail not in ("pts", "bps", "y", "w"):
            return "part of a name"
        if right[len(tail) : len(tail) + 1].isdigit():
            return "part of a name"
    return ""


def _extent(low: str, end: int, *, money: bool) -> tuple[int, bool, bool]:
    """Where the magnitude and the currency after a number end, whether there is a currency, and a magnitude."""
    body = _BODY.match(low, end)
    assert body is not None
    last, magnitude, currency = body.end(), body["mag"] is not None, body["cur"] is not None
    if money and not magnitude and (letter := _LETTER_MAGNITUDE.match(low, end)):
        last, magnitude = letter.end(), True
    return last, currency, magnitude


def _classify(
    text: str, low: str, first: int, last: int, opening: str, *, dollars: bool, magnitude: bool
) -> Number | Alone:
    kind, end, asset, unit = Kind.MONEY, last, "", None
    right = low[last : last + _AROUND]
    if not dollars:
        if percent := _PERCENT.match(right):
            kind, end = Kind.PERCENT, last + percent.end()
        elif _FOREIGN_AFTER.match(right):
            return Alone(first, last, FOREIGN)
        elif points := _POINTS.match(right):
            kind, end = Kind.POINTS, last + points.end()
        elif not magnitude and (length := _DURATION.match(right)):
            return Alone(first, last + length.end(), "a length of time")
        elif not magnitude and (ordinal := _ORDINAL.match(right)):
            return Alone(first, last + ordinal.end(), "an ordinal")
        elif not magnitude and (factor := _FACTOR.match(right)):
            if _LEVERAGE.match(right, factor.end()) or _is_leverage(low, first, last + factor.end()):
                return Alone(first, last + factor.end(), "leverage")
            kind, end = Kind.FACTOR, last + factor.end()
        elif coin := _COIN.match(right):
            if re.match(r" ?(?:etfs?|funds?|products)\b", right[coin.end() : coin.end() + 10]):
                return Alone(first, last, "a number of products")
            kind, end, asset = Kind.COIN, last + coin.end(), _COINS[coin["coin"]]
        elif counted := _counted(low, first, last):
            kind, unit = Kind.COUNT, counted
        elif not magnitude and (not _LEVEL_BEFORE.search(opening) or _SMALL_OR_YEAR.fullmatch(low[first:last])):
            return Alone(first, last, "nothing says what it counts")
    try:
        amount = Amount.parse(low[first:last].replace("%", "").replace("percent", ""))
    except AmountError as error:
        return Alone(first, end, str(error))
    amount = replace(amount, text=text[first:end])
    hedge, end = _hedged(opening, low, end, amount.hedge)
    if kind is Kind.MONEY and not amount.currency and dollars:
        amount = replace(amount, currency="USD")
    return Number(first, end, kind, replace(amount, hedge=hedge, text=text[first:end]), asset, unit)


def _is_leverage(low: str, first: int, end: int) -> bool:
    """Whether "50x" is leverage: where leverage is spoken of, or where nothing is compared."""
    before = low[max(0, first - _AROUND) : first]
    if _OF_LEVERAGE.search(before):
        return True
    if low[end - 1] == "x" and _OF_POSITION.search(before) and not _TIMES_WHAT.match(low, end):
        return True  # "a $14.2M ETH long, and yes, it was 40x"
    return low[end - 1] == "x" and not _MULTIPLIED.search(before) and not _TIMES_WHAT.match(low, end)


def _counted(low: str, first: int, last: int) -> CountUnit | None:
    """What a number counts: the noun that follows, or that of "the number of ..." before it; None for no count."""
    right = low[last : last + _AROUND]
    han = _HAN_COUNTED.match(right)
    if han and han.lastgroup:
        unit = CountUnit[han.lastgroup.rstrip("2")]
        named = None
        if unit is CountUnit.UNSPECIFIED:
            named = _HAN_UNIT.search(low[max(0, first - 12) : first]) or _HAN_NOUN.match(right, han.end())
        if named is not None:
            return (CountUnit.TRADERS, CountUnit.POSITIONS, CountUnit.ORDERS)[(named.lastindex or 1) - 1]
        return None if han.lastgroup == "UNSPECIFIED" else unit
    if named := _OF_NAMED.match(right):
        return CountUnit[named.lastgroup or "UNSPECIFIED"]
    if _EMPLOYED.search(low[max(0, first - 24) : first]):
        return None
    before = _HAN_COUNT_LABEL.search(low, max(0, first - 12), first)
    if before is not None and not re.match(r"\s?(?:美元|美金|usd|个?百分)", right):
        return CountUnit[before.lastgroup or "UNSPECIFIED"]
    if _UP_FROM.search(low[max(0, first - 20) : first]) and _A_TIME_AGO.match(right):
        counts = list(_COUNTED_BEFORE.finditer(low, max(0, first - 2 * _AROUND), first))
        return CountUnit[counts[-1].lastgroup or "UNSPECIFIED"] if counts else None
    if _OF_THEM.match(right):
        return CountUnit.UNSPECIFIED
    stop = re.match(r"[^.,;:!?\n，。；0-9(]{0,60}", right)
    near = stop[0] if stop else ""
    found = _COUNTED.match(near)
    if found and found.lastgroup and not _NOT_COUNTED.search(found[0]):
        return CountUnit[found.lastgroup]
    if (label := _COUNT_LABEL.search(low[max(0, first - 40) : first])) and not _NOT_COUNTED.search(label[0]):
        return next(unit for unit, words in NOUNS if label[1] in words.split("|"))
    clause = re.split(r"[.。]\s", low[max(0, first - 120) : first])[-1]
    if number_of := _NUMBER_OF.search(clause):
        noun = number_of[2]
        return next(unit for unit, words in NOUNS if noun in words.split("|"))
    return None


def _hedged(opening: str, low: str, end: int, found: Hedge) -> tuple[Hedge, int]:
    """The hedge of a number from the words around it; a plus sign right after it is part of its span."""
    rest = opening
    hedge = found
    for word, kind in _BY_LAST.get(rest[-1:], ()):
        if rest.endswith(word) and not (kind is Hedge.UP_TO and _ADDS_UP.search(rest)):
            before = rest[-len(word) - 1 : -len(word)]
            if not (word[0].isascii() and word[0].isalpha() and before.isascii() and before.isalnum()):
                hedge = kind
                break
    right = _COUNTED_BY.sub("", low[end : end + 12].lstrip(" "))
    for word, kind in _HEDGES_AFTER:
        if right.startswith(word):
            if word == "+" and low[end : end + 1] == "+":
                return hedge or kind, end + 1
            if word != "+":
                return hedge or kind, end
    return hedge, end
