"""Where a search for the parameters of a seasonal ARMA begins."""

from __future__ import annotations

from functools import cache
from itertools import product

import numpy as np

from skucast.forecasting.panel.panel import FloatArray

Partials = tuple[tuple[float, ...], ...]

FINE_REGULAR: tuple[Partials, ...] = (
    ((),),
    ((0.1,), (0.55,), (0.92,), (0.97,), (-0.5,), (-0.9,)),
    ((0.1, 0.1), (0.5, 0.2), (0.95, 0.1), (0.8, -0.5), (0.3, -0.9), (-0.3, -0.9), (-0.5, 0.2), (0.9, -0.95)),
    ((0.1, 0.1, 0.1), (0.5, 0.2, 0.1), (0.95, 0.1, 0.0), (0.3, -0.9, 0.3), (-0.3, -0.9, 0.0), (-0.5, 0.2, 0.0)),
)
FINE_SEASONAL: tuple[Partials, ...] = (
    ((),),
    ((0.15,), (0.8,), (-0.4,)),
    ((0.15, 0.1), (0.7, 0.2), (-0.3, 0.0)),
    ((0.15, 0.1, 0.0), (0.7, 0.2, 0.0)),
)
COARSE_REGULAR: tuple[Partials, ...] = (
    ((),),
    ((0.2,), (0.92,), (0.97,), (-0.5,)),
    ((0.2, 0.1), (0.9, 0.1), (0.8, -0.5), (0.2, -0.9), (-0.5, 0.2)),
    ((0.2, 0.1, 0.1), (0.9, 0.1, 0.0), (0.2, -0.9, 0.2), (-0.5, 0.2, 0.0)),
)
COARSE_SEASONAL: tuple[Partials, ...] = (
    ((),),
    ((0.7,),),
    ((0.7, 0.1),),
)
"""Partial autocorrelations at the start points, by order from 0 on; higher orders add zeros to the last.

Each is tried for both polynomials, so that nearly cancelling pairs such as 0.97 and 0.92 are among the combinations.
"""


@cache
def start_angles(p: int, q: int, seasonal_p: int, seasonal_q: int, *, is_fine: bool) -> FloatArray:
    """All combinations of the polynomials' start points, shape (n_starts, p + q + P + Q); not to be changed."""
    regular = FINE_REGULAR if is_fine else COARSE_REGULAR
    seasonal = FINE_SEASONAL if is_fine else COARSE_SEASONAL
    blocks = [_padded(regular, p), _padded(regular, q), _padded(seasonal, seasonal_p), _padded(seasonal, seasonal_q)]
    angles: FloatArray = np.arcsin([sum(choice, ()) for choice in product(*blocks)])
    return angles


def _padded(table: tuple[Partials, ...], order: int) -> Partials:
    last = min(order, len(table) - 1)
    return tuple(row + (0.0,) * (order - last) for row in table[last])
