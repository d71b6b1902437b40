"""The table of units: names in English and Chinese, their dimension in base units, and their size.

Sizes are exact by definition of the units (SI brochure, 9th edition; the international yard and pound agreement of
1959 for the customary ones; US liquid measures). A month is a twelfth of a year of 365.25 days.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final

#: The dimension of a unit: base units with their exponents, sorted.
Dimension = tuple[tuple[str, int], ...]

_PREFIXES: Final = {
    "T": 12,
    "G": 9,
    "M": 6,
    "k": 3,
    "h": 2,
    "d": -1,
    "c": -2,
    "m": -3,
    "μ": -6,
    "u": -6,
    "n": -9,
    "p": -12,
}
_PREFIX_WORDS: Final = {"giga": 9, "mega": 6, "kilo": 3, "centi": -2, "deci": -1, "milli": -3, "micro": -6, "nano": -9}

# Units that take prefixes: symbol, dimension, size; then the words that mean the same.
_METRIC: Final = (
    ("m", "m", "1", "meter metre"),
    ("g", "kg", "1/1000", "gram gramme"),
    ("s", "s", "1", "second"),
    ("A", "A", "1", "ampere amp"),
    ("K", "K", "1", "kelvin"),
    ("mol", "mol", "1", "mole"),
    ("N", "kg m s-2", "1", "newton"),
    ("J", "kg m2 s-2", "1", "joule"),
    ("W", "kg m2 s-3", "1", "watt"),
    ("Pa", "kg m-1 s-2", "1", "pascal"),
    ("Hz", "s-1", "1", "hertz"),
    ("V", "kg m2 s-3 A-1", "1", "volt"),
    ("Ω", "kg m2 s-3 A-2", "1", "ohm"),
    ("C", "A s", "1", "coulomb"),
    ("F", "kg-1 m-2 s4 A2", "1", "farad"),
    ("H", "kg m2 s-2 A-2", "1", "henry"),
    ("Wb", "kg m2 s-2 A-1", "1", "weber"),
    ("L", "m3", "1/1000", "liter litre"),
    ("l", "m3", "1/1000", ""),
    ("eV", "kg m2 s-2", "1602176634/10000000000000000000000000000", "electronvolt"),
    ("cal", "kg m2 s-2", "4184/1000", "calorie"),
    ("B", "byte", "1", "byte"),
    ("bit", "byte", "1/8", "bit"),
)
# Units without prefixes: dimension, and name with size.
_PLAIN: Final = (
    ("m", "in 254/10000; inch 254/10000; ft 3048/10000; foot 3048/10000; feet 3048/10000; yd 9144/10000;"
          " yard 9144/10000; mi 1609344/1000; mile 1609344/1000; nmi 1852; 米 1; 厘米 1/100; 毫米 1/1000;"
          " 分米 1/10; 千米 1000;"
          " 公里 1000; 里 500;"
          " 微米 1/1000000; 纳米 1/1000000000; 英尺 3048/10000; 英寸 254/10000; 英里 1609344/1000; 公尺 1;"
          " 公分 1/100; lightyear 9460730472580800; 光年 9460730472580800; 丈 10/3; 尺 1/3; 寸 1/30; 海里 1852"),
    ("kg", "t 1000; ton 1000; tonne 1000; lb 45359237/100000000; pound 45359237/100000000; oz 45359237/1600000000;"
           " ounce 45359237/1600000000; 克 1/1000; 千克 1; 公斤 1; 吨 1000; 斤 1/2; 两 1/20; 毫克 1/1000000"),
    ("s", "sec 1; min 60; minute 60; h 3600; hr 3600; hour 3600; day 86400; week 604800; fortnight 1209600;"
          " month 2629800; year 31557600; yr 31557600; decade 315576000; century 3155760000; centurie 3155760000; 秒 1;"
          " 秒钟 1; 分钟 60; 小时 3600; 个小时 3600; 钟头 3600; 时 3600; 天 86400; 日 86400; 周 604800; 星期 604800;"
          " 个星期 604800; 个月 2629800; 年 31557600; 毫秒 1/1000; 分 60; 刻 900; 刻钟 900"),
    ("m3", "cc 1/1000000; cup 2365882365/10000000000000; pint 473176473/1000000000000; pt 473176473/1000000000000;"
           " quart 946352946/1000000000000; qt 946352946/1000000000000; gallon 3785411784/1000000000000;"
           " gal 3785411784/1000000000000; tablespoon 1478676478125/100000000000000000;"
           " teaspoon 492892159375/100000000000000000; 升 1/1000; 毫升 1/1000000; 公升 1/1000"),
    ("m2", "hectare 10000; ha 10000; acre 40468564224/10000000; 公顷 10000; 亩 2000/3"),
    ("m s-1", "mph 1609344/3600000; kmph 1000/3600; kph 1000/3600; knot 1852/3600; 节 1852/3600"),
    ("dollar", "dollar 1; $ 1; usd 1; USD 1; buck 1; cent 1/100; ¢ 1/100; dime 1/10; nickel 1/20; 美元 1;"
               " 美分 1/100; US$ 1"),
    ("yuan", "元 1; 角 1/10; 毛 1/10; yuan 1; 块 1; 块钱 1; 元钱 1; ¥ 1; ￥ 1; rmb 1; RMB 1; 人民币 1; 圆 1"),
    ("euro", "euro 1; € 1; eur 1; 欧元 1"),
    ("sterling", "£ 1; gbp 1; pence 1/100; penny 1/100; 英镑 1"),
    ("yen", "yen 1; 日元 1"),
    ("rupee", "rupee 1; rs 1; ₹ 1"),
    ("angle", "degree 1; deg 1; ° 1; 度 1; arcmin 1/60; arcsec 1/3600"),
    ("percent", "percent 1; % 1; percentage 1; ‰ 1/10; permille 1/10"),
    ("celsius", "℃ 1; °C 1; 摄氏度 1"),
    ("fahrenheit", "℉ 1; °F 1; 华氏度 1"),
    ("kg m2 s-3", "hp 7457/10; horsepower 7457/10; 马力 7355/10; 瓦 1; 千瓦 1000; 瓦特 1"),
    ("kg m-1 s-2", "atm 101325; bar 100000; 帕 1; 大气压 101325"),
    ("kg m s-2", "牛 1; 牛顿 1; 千牛 1000"),
    ("kg m2 s-2", "焦 1; 焦耳 1; 千焦 1000; 度电 3600000; kWh 3600000"),
    ("kg m2 s-3 A-1", "伏 1; 伏特 1"),
    ("A", "安 1; 安培 1; 毫安 1/1000"),
    ("kg m2 s-3 A-2", "欧 1; 欧姆 1"),
    ("s-1", "赫兹 1; rpm 1/60"),
    ("radian", "rad 1; radian 1; 弧度 1"),
)  # fmt: skip

#: Factors that are part of the number: they are never dropped.
_MULTIPLIERS: Final[dict[str, int | str]] = {
    "ten": 10, "tens": 10, "hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12,
    "hundreds": 100, "thousands": 1000, "millions": 10**6, "billions": 10**9, "mn": 10**6, "bn": 10**9, "lakh": 10**5,
    "crore": 10**7, "dozen": 12, "dozens": 12, "gross": 144, "half": "1/2", "halves": "1/2", "third": "1/3",
    "thirds": "1/3", "quarter": "1/4", "quarters": "1/4", "fourths": "1/4", "fifths": "1/5", "sixths": "1/6",
    "sevenths": "1/7", "eighths": "1/8", "ninths": "1/9", "tenths": "1/10", "hundredths": "1/100", "tenth": "1/10",
    "hundredth": "1/100", "thousandths": "1/1000", "thousandth": "1/1000", "millionths": "1/1000000",
    "billionths": "1/1000000000", "十": 10, "百": 100, "千": 1000, "万": 10**4, "十万": 10**5, "百万": 10**6,
    "千万": 10**7, "亿": 10**8, "十亿": 10**9, "百亿": 10**10, "千亿": 10**11, "万亿": 10**12, "打": 12,
    "成": "1/10", "折": "1/10",
}  # fmt: skip
MULTIPLIERS: Final = {name: Fraction(size) for name, size in _MULTIPLIERS.items()}
#: Words for counted things that say nothing about them.
GENERIC: Final = frozenset(
    {"time", "unit", "piece", "way", "item", "number", "solution", "point", "value", "thing", "no"}
)
_COUNTED: Final = """
people person student apple book ball step term game child children man men woman women boy girl member ticket sheet
page card coin chair table row column square cube side edge face vertex vertices triangle digit word letter set group
pack box bag car bus train tree flower dog cat bird fish cow sheep chicken rabbit duck pig horse egg cake cookie candy
orange banana marble pencil pen stone block brick tile shirt shoe house room floor night trip lap mark score goal vote
integer factor divisor root pair case possibility choice arrangement permutation combination subset element path route
seat participant player team guest worker employee customer friend kid adult passenger problem question answer
"""
_CLASSIFIERS: Final = """
个 人 种 次 只 本 条 张 件 位 名 棵 辆 朵 枝 支 根 块 颗 粒 台 套 组 班 层 倍 项 户 头 匹 把 座 间 箱 袋 瓶 杯 盒 排 行
列 页 道 题 场 双 对 份 篇 首 听 枚 盆 株 包 堆 捆 桶 批 架 艘 段 步 圈 岁 封 面 幅 顶 盏 串 筐 篮 盘 碗 口 元素 解
"""


def _dimension(text: str) -> Dimension:
    """`kg m2 s-2` as base units with exponents."""
    found = []
    for part in text.split():
        name = part.rstrip("-0123456789")
        found.append((name, int(part[len(name) :] or 1)))
    return tuple(sorted(found))


def _table() -> dict[str, tuple[Dimension, Fraction]]:
    found: dict[str, tuple[Dimension, Fraction]] = {}
    for symbol, base, size, words in _METRIC:
        dimension, factor = _dimension(base), Fraction(size)
        found[symbol] = dimension, factor
        for prefix, power in _PREFIXES.items():
            found.setdefault(prefix + symbol, (dimension, factor * Fraction(10) ** power))
        for word in words.split():
            found[word] = dimension, factor
            for prefix, power in _PREFIX_WORDS.items():
                found[prefix + word] = dimension, factor * Fraction(10) ** power
    for base, entries in _PLAIN:
        for entry in entries.split(";"):
            name, size = entry.split()
            found[name] = _dimension(base), Fraction(size)
    return found


UNITS: Final = _table()
COUNTED: Final = frozenset(_COUNTED.split())
CLASSIFIERS: Final = tuple(sorted(_CLASSIFIERS.split(), key=len, reverse=True))
