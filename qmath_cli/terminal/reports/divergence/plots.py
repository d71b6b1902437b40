"""Distributions of KL divergence and of Δp as SVG: the value at each share of the positions, one line per model.

The shares are spaced as a logistic scale, so that the rare positions which decide over an answer have their room.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from qmath_cli.benchmark.divergence.statistics import Quantiles
from qmath_cli.evaluation.changed import ModelComparison

COLOURS = ("#2f6fdb", "#c2571a", "#218a52", "#9a3fb5", "#b8860b", "#d0406a")

_WIDTH, _HEIGHT = 620, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 14, 28, 34
_SHARES = (0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999)
_LEAST_KLD = 1e-6  # nats; the stored precision is far coarser


@dataclass(frozen=True, slots=True)
class _Axis:
    """The vertical axis: its ends after `scale`, its marks, and how a mark is written."""

    low: float
    high: float
    marks: Sequence[float]
    scale: Callable[[float], float]
    write: Callable[[float], str]

    def y(self, value: float) -> float:
        """Where a value is drawn."""
        share = (self.scale(value) - self.low) / (self.high - self.low)
        return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)


def divergence_plot(found: Sequence[ModelComparison]) -> str:
    """KL divergence on a logarithmic axis."""
    curves = [_curve(one.divergence.kld_quantiles) for one in found]
    logs = [_log(value) for curve in curves for _, value in curve]
    low, high = math.floor(min(logs)), max(math.ceil(max(logs)), math.floor(min(logs)) + 1)
    marks = [10.0**power for power in range(low, high + 1)]
    axis = _Axis(low, high, marks, _log, lambda value: f"1e{round(math.log10(value))}")
    return _plot("KL divergence in nats, by share of positions", curves, axis)


def delta_p_plot(found: Sequence[ModelComparison]) -> str:
    """The change of the next token's probability, in percent."""
    curves = [_curve(one.divergence.delta_p_quantiles) for one in found]
    most = max(abs(value) for curve in curves for _, value in curve) or 0.01
    marks = [-most, -most / 2, 0.0, most / 2, most]
    axis = _Axis(-most, most, marks, lambda value: value, lambda value: f"{value:.1%}")
    return _plot("Δp of the text's next token, by share of positions", curves, axis)


def _curve(found: Quantiles) -> list[tuple[float, float]]:
    """Share and value, ascending."""
    return sorted({**found.at, 0.5: found.median}.items())


def _log(value: float) -> float:
    return math.log10(max(value, _LEAST_KLD))


def _x(share: float) -> float:
    ends = math.log(_SHARES[-1] / (1 - _SHARES[-1]))
    place = (math.log(share / (1 - share)) / ends + 1) / 2
    return _LEFT + place * (_WIDTH - _LEFT - _RIGHT)


def _plot(title: str, curves: Sequence[Sequence[tuple[float, float]]], axis: _Axis) -> str:
    parts = [f'<text x="{_LEFT}" y="16">{title}</text>']
    for mark in axis.marks:
        y = axis.y(mark)
        parts.append(f'<path class="grid" d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{axis.write(mark)}</text>')
    for share in _SHARES:
        x = _x(share)
        parts.append(f'<path class="grid" d="M{x:.1f} {_TOP}V{_HEIGHT - _BOTTOM}"/>')
        parts.append(f'<text x="{x:.1f}" y="{_HEIGHT - 14}" text-anchor="middle">{100 * share:g} %</text>')
    for i, curve in enumerate(curves):
        points = " ".join(f"{_x(share):.1f},{axis.y(value):.1f}" for share, value in curve)
        parts.append(f'<polyline stroke="{COLOURS[i % len(COLOURS)]}" points="{points}"/>')
    return f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{title}">{"".join(parts)}</svg>'
