"""What a step of the engine costs by its number of rows, as it was measured on this machine.

A row is one token that is computed. Sequences that decode together have one row each; the tokens of a draft that is
verified are one row each, too. The cost does not rise evenly: on some CPUs four rows cost hardly more than three, and
eight more than twice as much as four.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StepCost:
    """The cost of a step.

    Attributes:
        points: what was measured: numbers of rows, rising, each with the seconds of a step of it. The first number is
            1, but for prompts.
    """

    points: tuple[tuple[int, float], ...]

    @property
    def most(self) -> int:
        """The largest number of rows that was measured."""
        return self.points[-1][0]

    def seconds(self, rows: int) -> float:
        """Seconds of a step of so many rows, at least 1.

        Between two measured numbers it is on a straight line, beyond the last one in proportion to the rows.
        """
        index = bisect_left(self.points, rows, key=lambda point: point[0])
        if index == len(self.points):
            most, seconds = self.points[-1]
            return seconds * rows / most
        upper, above = self.points[index]
        if upper == rows or index == 0:
            return above
        lower, below = self.points[index - 1]
        return below + (above - below) * (rows - lower) / (upper - lower)

    def relative(self, rows: int) -> float:
        """v(n): the cost of a step of so many rows over that of one row."""
        return self.seconds(rows) / self.seconds(1)

    def rate(self, rows: int) -> float:
        """Tokens per second where every row gives one."""
        return rows / self.seconds(rows)
