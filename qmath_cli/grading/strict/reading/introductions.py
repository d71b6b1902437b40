"""Words in front of a value: what introduces it and may be left out, and what limits it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from qmath_cli.mathematics.meaning.terms import NotUnderstood

_ENGLISH = """
the a an is are was be there exactly about approximately approx roughly around nearly total of we it has have get got
answer value values area volume length width height sum product number probability perimeter ratio angle maximum minimum
max min largest smallest greatest only just in all will would must can equal equals to by final therefore thus hence so
that this they he she i costs cost needs need takes take pays pay earns earn makes make remaining distance speed time
age price average mean median different possible distinct both either result solution side measure point equation
coordinates difference quotient remainder degree degrees population profit
"""
_INTRODUCTIONS = frozenset(_ENGLISH.split())
_HAN = re.compile(
    r"(?:.*(?:是|为|等于|有|共|约|得|得到|剩|剩下|需|需要|要|用|花|付|答|解|第|恰好|正好|大约|总共|一共|合计|即|达|值|率|积|长|和"
    r"|差|商|距离|速度|年龄|上午|下午|选|每|高|宽|重|概率|面积|体积|周长|半径|直径|余|了|鱼|点|坐标|式|名|人|天|页|取值范围|填"
    r"|空|甲|乙|丙|丁|数|元|球|角|边|段|鸡|兔|们|价|钱|书|班|组|结果|答案|小时|分钟|秒|年|月|日))?[:,]?"
)
#: Words that turn or limit a value, wherever they stand.
NEGATIONS = re.compile(
    r"(?i)\b(?:not|no|never|less|more|greater|fewer|below|above|over|under|between|than|except|minus|negative|isn|aren"
    r"|cannot|before|after|wrong)\b|[不没无非负]|超过|小于|大于|低于|高于|除|零下"
)
#: Words in front of a value that say in which direction it counts, or that it is not the answer.
_TURNING = re.compile(r"(?i)\b(?:sum|product|difference|quotient) of\b|[升降增减亏盈多少东西南北顺逆错舍]")
_ABOUT = re.compile(r"(?i)about|approx|roughly|around|nearly|约")
_LIMITS = (
    (re.compile(r"(?i)\bat least\b|至少|最少|\bminimum(?: of)?$"), "least"),
    (re.compile(r"(?i)\bat most\b|至多|最多|\bmaximum(?: of)?$"), "most"),
)


@dataclass(frozen=True, slots=True)
class Introduction:
    """What the words in front of a value say about it."""

    rough: bool = False
    limit: str = ""


NONE = Introduction()


def read(text: str) -> Introduction:
    """What the words say.

    Raises:
        NotUnderstood: They do more than introduce the value.
    """
    limit = ""
    for pattern, name in _LIMITS:
        if pattern.search(text):
            limit, text = name, pattern.sub(" ", text)
    if NEGATIONS.search(text) or _TURNING.search(text):
        raise NotUnderstood(f"the words {text.strip()!r}")
    latin = re.findall(r"[A-Za-z]+", text)
    han = re.sub(r"[\x00-\x7f]+", "", text)
    if not all(word.casefold() in _INTRODUCTIONS for word in latin) or not _HAN.fullmatch(han):
        raise NotUnderstood(f"the words {text.strip()!r}")
    return Introduction(_ABOUT.search(text) is not None, limit)


def label(text: str) -> str:
    """The words in front of one of several values as its label: `最大值为`, `length`; without what joins them."""
    return re.sub(r"(?i)\b(?:the|is|are|a|an|=|of)\b|[\s:,=是为有等于共]+", "", text).casefold()
