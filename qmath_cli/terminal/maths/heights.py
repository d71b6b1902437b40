"""Which parts of a formula need more than one row."""

from __future__ import annotations

from qmath_cli.mathematics.tree import Accent, Atom, Boxed, Fence, Fraction, Node, Root, Row, Script, Stack, Table
from qmath_cli.terminal.maths.alphabet import Alphabet
from qmath_cli.terminal.maths.fragments import flat
from qmath_cli.terminal.maths.line import LineRenderer


class Heights:
    """Decides which nodes are tall; a script is tall if superscript or subscript characters cannot show it."""

    def __init__(self, alphabet: Alphabet) -> None:
        self._unicode = alphabet is Alphabet.UNICODE
        self._line = LineRenderer(alphabet)

    def tall(self, node: Node) -> bool:
        """Whether a node needs more than one row."""
        match node:
            case Row():
                return any(self.tall(item) for item in node.items)
            case Fraction() | Table() | Stack():
                return True
            case Root():
                return self.tall(node.radicand)
            case Script():
                return self._tall_script(node)
            case Accent() | Boxed() | Fence():
                return self.tall(node.body)
            case _:
                return False

    def _tall_script(self, node: Script) -> bool:
        parts = {True: node.sup, False: node.sub}
        found = [(up, part) for up, part in parts.items() if part is not None]
        if has_limits(node.base) or self.tall(node.base) or any(self.tall(part) for _, part in found):
            return True
        if any(isinstance(item, Script | Root) for _, part in found for item in flat(part)):
            return True
        return self._unicode and any(self._line.small(part, up=up) is None for up, part in found)


def has_limits(node: Node) -> bool:
    """Whether scripts go above and below the node, as at a sum sign."""
    return isinstance(node, Atom) and node.limits
