"""Compile the kernels of a plan once, so that no plan has to wait for it: ``python -m skucast.inventory.warm_up``."""

from __future__ import annotations

import numpy as np

from skucast.inventory import allocation_kernel as kernel
from skucast.inventory import row_sums
from skucast.inventory.allocation import allocate
from skucast.inventory.lead_time import Seen, laws
from skucast.inventory.lead_time_mixture import DemandSums, demand_over
from skucast.inventory.limits import Limits, RowsHere
from skucast.inventory.net_need import Ahead, Aim, outlook
from skucast.inventory.order_gains import Worth, order_outcomes
from skucast.inventory.quantile_grid import Lists, expected_shortages, quantiles_at, stocks_for_fill_rates
from skucast.inventory.row_choice_kernel import Curves


def warm_up() -> None:
    """Measure a lead time, follow a stock, weigh an order, share a budget; the compiled code goes to the cache."""
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
    found = outlook(ahead, Aim(one / 2, one / 2, one), is_lost=True)
    order_outcomes(np.ones((1, 2)), Worth(found.need, found.shortage, *(one for _ in range(9))))
    expected_shortages(np.ones((1, 1)), levels, steps[0, :1])
    law = Lists.of(levels[None]), Lists.of(steps[0, :1])
    quantiles_at(one / 2, *law)
    stocks_for_fill_rates(one / 2, *law, law[1], one)
    _share()


def _share() -> None:
    """Share a budget and a supplier's minimum between two orders, by every kernel of that."""
    member = np.array([[0, 1, -1, -1, -1]] * 2)
    rows = Curves(
        np.array([0, 2, 4]), np.array([0.0, 1.0] * 2), np.array([0.0, 2.0, 0.0, 1.0]), np.array([1, 1]),
        np.ones((2, 2)), member, np.array([0.0, 0.5]), np.arange(2), np.full(2, -1),
    )  # fmt: skip
    limits = Limits.of(np.array([0, 1, 2, 2, 2, 2]), np.array([0.0, 1.0]), np.array([1.0, np.inf]), np.full(2, np.nan))
    _, found = allocate(RowsHere(rows), limits)
    found.choice(rows)
    kernel.regrets(rows, found.priced)
    row_sums.pressure(rows, found.priced, ~found.priced.is_closed)


if __name__ == "__main__":
    warm_up()
