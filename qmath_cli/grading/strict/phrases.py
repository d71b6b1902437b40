"""Phrases in front of an answer: what introduces it (`the answer is`, `故选`), and its subject (`x is 5`)."""

from __future__ import annotations

import re

from qmath_cli.mathematics.typed.vocabulary import is_word

_LEADS = re.compile(
    r"^.*(?:答案|结果|得数)\s*(?:应该是|应为|应是|是|为|:|=|选|\])\s*:?"
    r"|^\[(?:答案|解答|解|答)\]\s*:?"
    r"|^(?:答|解)\s*:"
    r"|^(?:\\text\s*\{)[^{}]*\banswers?\b(?:\s+(?:is|are)\b|\s*:)\s*:?\s*\}"
    r"|^[^{}]*\b(?:answers?|ans|result|solution)\b(?:\s+(?:is|are)\b|\s*:)\s*:?"
    r"|^(?:the )?(?:correct |right |best )?(?:option|choice|answer)\s*(?:is|:)\s*:?"
    r"|^(?!.*不选).*(?:故|应|所以|本题|因此|综上所述|综上|则)?,?\s*选\s*(?:择)?\s*:?(?=\s*(?:\\(?:text|textbf|mathrm|mathbf)\s*\{)?\(?[A-Z①-⑳])"
    r"|^正确(?:的)?(?:选项|答案|结论|命题|说法|序号)?(?:是|为|有|:)\s*:?(?=\s*[A-Z(①-⑳\\])"
    r"|^(?:故|应|所以|因此)?(?:答案)?(?:应)?填\s*(?:空|写)?\s*:?"
    r"|^(?:therefore|thus|hence|so|it is|it's|we (?:get|have|obtain)|i get)\b[\s,:]*(?!that$)"
    r"|^(?:所以|因此|故|解得|可得|即|则|得)[\s,:]*(?=\S)",
    re.IGNORECASE | re.DOTALL,
)
_SENTENCE = re.compile(
    r"^(?P<lead>[A-Za-z][A-Za-z\s,'()]*?)\s+(?:is|are|equals?|is equal to|was)\s*:?\s+(?P<rest>\S.*)$"
    r"|^(?P<han>[A-Za-z]{1,3}|[^\d=<>{},;]*?(?:的值|取值范围|面积|周长|体积|方程|公式|坐标|长|范围|概率|[\u4e00-\u9fff]))\s*(?:为|是|等于)\s*:?(?P<tail>[^,;]+)$"
    r"|^(?P<name>[A-Za-z][A-Za-z\s]*|[\u4e00-\u9fff]+)\s*:\s*(?P<value>[^:,;]+)$",
    re.DOTALL,
)
_ARTICLES = re.compile(r"\b(?:the|a|an)\b|的")
_OPPOSITES = ((re.compile(r"max|largest|greatest|最大|most"), re.compile(r"min|smallest|least|最小")),)
_NEGATED = re.compile(r"\b(?:not|no|none|never)\b|n't|[不非没无]")


def without_introduction(text: str) -> str:
    """`text` without a phrase that introduces an answer."""
    return _LEADS.sub("", text)


def parted(text: str) -> tuple[str, str]:
    """Subject and predicate of a sentence that says what something is: `x is 5`, `AB的长为5`, `Area: 12`.

    Returns:
        The subject, empty where the text is no such sentence, and the rest.
    """
    found = _SENTENCE.match(text)
    if found is None:
        return "", text
    lead = found["lead"] or found["han"] or found["name"] or ""
    rest = found["rest"] or found["tail"] or found["value"] or ""
    several = re.search(r"(?i)\b(?:is|are)\b|为|是", rest)
    limited = re.match(r"(?:at (?:least|most)|至少|至多|最多|最少|(?:less|more|greater) than)", rest)
    letters = found["name"] is not None and lead.isascii() and not is_word(lead.split()[-1], "", "")
    if (
        limited
        or letters
        or re.fullmatch(r"[A-K]", lead)
        or _NEGATED.search(lead.casefold())
        or several
        or len(lead) > 60
    ):
        return "", text
    return _ARTICLES.sub("", lead.casefold()).strip(), rest.strip()


def contrary(mine: str, theirs: str) -> bool:
    """Whether two subjects are opposites, as the minimum and the maximum are."""
    return any(
        (one.search(mine) and other.search(theirs)) or (other.search(mine) and one.search(theirs))
        for one, other in _OPPOSITES
    )
