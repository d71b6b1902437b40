"""Relations: equations with a name at the left, chains, inequalities, membership, congruences; and ratios."""

from __future__ import annotations

from qmath_cli.grading.strict.kinds import (
    Both,
    Congruence,
    Items,
    Member,
    Named,
    Ratio,
    Relation,
    Shape,
    Value,
    Words,
)
from qmath_cli.grading.strict.reading.lists import Read
from qmath_cli.grading.strict.reading.names import name
from qmath_cli.mathematics.meaning.expressions import expression
from qmath_cli.mathematics.meaning.rows import flat, is_blank, is_relation, is_sign, split, trimmed
from qmath_cli.mathematics.meaning.terms import NotUnderstood, Term, symbols
from qmath_cli.mathematics.tree import Atom, Fence, Node, Text

_SIGNS = {"<": "<", ">": ">", "=": "=", "≠": "!=", "≤": "<=", "⩽": "<=", "≦": "<=", "≥": ">=", "⩾": ">=", "≧": ">=",
          "≔": "="}  # fmt: skip
_IMPLIES = ("⇒", "⟹", "⇔", "⟺", "→")


def related(items: list[Node], read: Read) -> Shape | None:  # noqa: PLR0911  one line for each kind of relation
    """The relation that a row states; None where it has no relation sign."""
    if not any(is_relation(item) for item in items):
        return None
    parts, signs = split(items, is_relation)
    parts = [trimmed(part) for part in parts]
    texts = [sign.text for sign in signs if isinstance(sign, Atom)]
    if texts[0] == "≈" and not parts[0] and len(parts) == 2:
        return _rough(read(parts[1]))
    if any(text in _IMPLIES for text in texts):
        last = max(k for k, text in enumerate(texts) if text in _IMPLIES)
        return read(_from(items, signs[last]))
    if any(not part for part in parts):
        raise NotUnderstood(f"the sign {texts[[bool(part) for part in parts].index(False) - 1]} with one side only")
    if "≈" in texts:
        return _rounded(parts, texts, read)
    if "≡" in texts or _modulus(parts[-1]) is not None:
        return _congruence(parts, read)
    if texts[0] in {"∈", "∉"}:
        return _membership(parts, texts, read)
    return _chain(parts, [_SIGNS.get(text, text) for text in texts], read)


def ratio(items: list[Node], _read: Read) -> Shape | None:
    """`3:4:5`."""
    parts, signs = split(items, lambda node: is_sign(node, ":"))
    parts = [trimmed(part) for part in parts]
    if not signs or any(not part for part in parts):
        return None
    return Ratio(tuple(term_of(part) for part in parts))


def term_of(items: list[Node]) -> Term:
    """A side of a relation as a term; its unit is not compared."""
    words = [k for k, item in enumerate(items) if isinstance(item, Text) and k > 0]
    try:
        return expression(items)
    except NotUnderstood:
        if not words:
            raise
    return expression(items[: words[0]])


def _from(items: list[Node], sign: Node) -> list[Node]:
    at = max(k for k, item in enumerate(items) if item is sign)
    return items[at + 1 :]


def _rounded(parts: list[list[Node]], texts: list[str], read: Read) -> Shape:
    r"""`\sqrt2\approx1.41` is its exact side; `x\approx1.4` and `\approx1.4` are rounded values."""
    at = texts.index("≈")
    exact, rough = parts[at], parts[at + 1]
    if name(exact) is None:
        return read(exact)
    return _rough(read(rough))


def _rough(shape: Shape) -> Shape:
    return Value(shape.term, shape.unit, rough=True) if isinstance(shape, Value) else shape


def _modulus(items: list[Node]) -> tuple[list[Node], list[Node]] | None:
    r"""What stands before `\pmod 7`, and the modulus."""
    for k, item in enumerate(items):
        if isinstance(item, Fence) and item.left == "(":
            inner: list[Node] = [one for one in flat(item.body) if not is_blank(one)]
            if inner and _is_mod(inner[0]):
                return items[:k], inner[1:]
        if _is_mod(item):
            return items[:k], items[k + 1 :]
    return None


def _is_mod(item: Node) -> bool:
    return is_sign(item, "mod") or (isinstance(item, Text) and item.text.strip() in {"mod", "modulo"})


def _congruence(parts: list[list[Node]], _read: Read) -> Shape:
    found = _modulus(parts[-1])
    if found is None or len(parts) != 2:
        raise NotUnderstood("a congruence without its modulus")
    return Congruence(expression(found[0]), expression(found[1]), expression(parts[0]))


def residue(items: list[Node], _read: Read) -> Shape | None:
    r"""`3 \pmod 7` as the numbers that leave this remainder."""
    found = _modulus(items)
    if found is None or not found[0] or not found[1]:
        return None
    value = expression(found[0])
    if symbols(value) and any(is_sign(item, "mod") for item in items):
        return None
    return Congruence(value, expression(found[1]))


def _membership(parts: list[list[Node]], texts: list[str], read: Read) -> Shape:
    if len(parts) != 2:
        raise NotUnderstood("membership in several sets")
    subject, region = read(parts[0]), read(parts[1])
    if texts[0] == "∉":
        return Both((Member(subject, Words("not")), Member(subject, region)))
    return Member(subject, region)


def _chain(parts: list[list[Node]], signs: list[str], read: Read) -> Shape:
    if set(signs) == {"="}:
        return _equation(parts, read)
    if signs == ["!="]:
        values = read(parts[1])
        if isinstance(values, Items):
            left = term_of(parts[0])
            return Both(tuple(Relation((left, one.term), ("!=",)) for one in values.items if isinstance(one, Value)))
    return Relation(tuple(term_of(part) for part in parts), tuple(signs))


def _equation(parts: list[list[Node]], read: Read) -> Shape:
    """Equations, or a chain of them: with a name at the left the last side is the answer."""
    heads = [name(part) for part in parts[:-1]]
    if all(heads) and len(heads) > 1:
        value = read(parts[-1])
        return Both(tuple(Named(one.text, value, one.term, one.parameter) for one in heads if one is not None))
    first = heads[0]
    if first is not None and not (first.text == "" and len(parts) == 2):
        return Named(first.text, read(parts[-1]), first.term, first.parameter)
    pair = _names_in_brackets(parts[0])
    if pair is not None and len(parts) == 2:
        return Named(pair, read(parts[1]))
    last = name(parts[-1])
    if last is None and not any(symbols(term_of(part)) for part in parts[:-1]) and not _has_letters(parts[-1]):
        return read(parts[-1])
    terms = tuple(term_of(part) for part in parts)
    if last is not None and last.term is not None and len(parts) == 2 and not symbols(terms[0]):
        return Named(last.text, read(parts[0]), last.term, last.parameter)
    return Relation(terms, ("=",) * (len(terms) - 1))


def _has_letters(items: list[Node]) -> bool:
    """Whether a side contains variables; one with a unit or words behind it does not."""
    try:
        return bool(symbols(expression(items)))
    except NotUnderstood:
        return False


def _names_in_brackets(items: list[Node]) -> str | None:
    """`(x, y)` as a name."""
    if len(items) != 1 or not isinstance(items[0], Fence):
        return None
    parts, commas = split(flat(items[0].body), lambda node: is_sign(node, ","))
    names = [name(trimmed(part)) for part in parts]
    return ",".join(one.text for one in names if one is not None) if commas and all(names) else None
