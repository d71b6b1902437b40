"""Blanks between signs: the rules of both renderers, so that a line and a display are spaced alike."""

from __future__ import annotations

from qmath_cli.mathematics.tree import Role

#: After these a plus or minus is a sign, not an operator.
_BEFORE_UNARY = frozenset(
    {Role.BINARY, Role.RELATION, Role.OPEN, Role.PUNCTUATION, Role.SLASH, Role.FUNCTION, Role.BIG}
)
#: Roles that can be one side of a product without an operator.
FACTORS = frozenset(
    {Role.ORDINARY, Role.NUMBER, Role.OPEN, Role.CLOSE, Role.BAR, Role.POSTFIX, Role.FUNCTION, Role.BIG}
)
_OPERANDS = FACTORS - {Role.OPEN}


def unary(before: Role | None) -> bool:
    """Whether a plus or minus after `before` (None: at the start) is the sign of what follows it."""
    return before is None or before in _BEFORE_UNARY


def gap(left: Role, right: Role, *, left_is_sign: bool) -> bool:
    """Whether a blank goes between two neighbours; `left_is_sign`: the left one is a unary plus or minus."""
    if Role.SPACE in {left, right} or Role.SLASH in {left, right}:
        return False
    if left is Role.BINARY:
        return not left_is_sign and right is not Role.CLOSE
    if Role.RELATION in {left, right} or right is Role.BINARY:
        return left is not Role.OPEN and right not in {Role.CLOSE, Role.PUNCTUATION}
    if right in {Role.FUNCTION, Role.BIG}:
        return left in _OPERANDS
    if left in {Role.FUNCTION, Role.BIG}:
        return right in FACTORS and right is not Role.CLOSE and not (left is Role.FUNCTION and right is Role.OPEN)
    return False
