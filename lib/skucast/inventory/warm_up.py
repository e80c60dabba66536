"""Compile the kernels of a plan once, so that no plan has to wait for it: ``python -m skucast.inventory.warm_up``."""

from __future__ import annotations

import numpy as np

from skucast.inventory.lead_time import Seen, laws
from skucast.inventory.lead_time_mixture import DemandSums, demand_over
from skucast.inventory.net_need import Ahead, outlook
from skucast.inventory.order_gains import Worth, order_outcomes
from skucast.inventory.quantile_grid import Lists, expected_shortages


def warm_up() -> None:
    """Measure one lead time, follow one item's stock and weigh one order; the compiled code goes to the cache."""
    levels, one = np.array([0.1, 0.5, 0.9]), np.ones(1)
    steps = np.cumsum(np.ones((1, 3, 3)), axis=2)
    ahead = Ahead(
        levels, steps, np.cumsum(steps, axis=1), np.array([3]), one, np.zeros((1, 3)), np.array([[0.0, 1.0]]),
        np.array([1]), np.array([1]),
    )  # fmt: skip
    stated = np.array([0.0])
    laws(Seen(one, one, stated, np.array([0, 1])), one, stated, 7)
    sums = DemandSums(Lists.of(levels[None]), Lists.of(one[None]), one, levels)
    demand_over(Lists.of(one[None]), np.array([1]), sums)
    found = outlook(ahead, is_lost=True)
    order_outcomes(np.ones((1, 2)), Worth(found.need, found.shortage, *(one for _ in range(8))))
    expected_shortages(np.ones((1, 1)), levels, steps[0, :1])


if __name__ == "__main__":
    warm_up()
