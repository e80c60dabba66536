"""Compile every kernel, once per machine, so that no night has to wait for it: ``python -m skucast.setup.kernels``."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import date
from functools import partial
from multiprocessing import get_context

import numpy as np

from skucast.forecasting.global_model.training import LearnerSettings, train_all
from skucast.forecasting.global_model.trees import Growth
from skucast.forecasting.models.registry import METHODS, Tier, learnt
from skucast.forecasting.panel.panel import Panel
from skucast.forecasting.stock_outs.estimate import as_data
from skucast.inventory.allocation import kernel, row_sums
from skucast.inventory.allocation.allocation import allocate
from skucast.inventory.allocation.limits import Limits, LocalOptions
from skucast.inventory.allocation.row_choice_kernel import OrderOptions
from skucast.inventory.demand.quantile_grid import Lists, expected_shortages, quantiles_at, stocks_for_fill_rates
from skucast.inventory.lead_time.lead_time import Seen, laws
from skucast.inventory.lead_time.mixture import DemandSums, demand_over
from skucast.inventory.ordering.order_gains import OrderEconomics, order_outcomes
from skucast.inventory.projection.net_requirement import ProjectionInputs, ServiceTarget, outlook


def warm_up() -> None:
    """Call every kernel once, on all cores; the compiled code goes to the cache."""
    names = [method.name for method in METHODS if method.tier != Tier.LIBRARY]
    tasks: list[Callable[[], None]] = [
        _learner,
        _plan,
        _share,
        _stock_outs,
        *(partial(_method, name) for name in names),
    ]
    # Processes are started anew: compiling in one that was forked off while others compile is not safe.
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        for done in [pool.submit(task) for task in tasks]:
            done.result()


def _panel() -> Panel:
    """A series without gaps and one with gaps."""
    sold = np.random.default_rng(1).poisson(5 + 3 * np.sin(np.arange(60) * 2 * np.pi / 7)).astype(np.float64)
    demand = np.array([sold, np.where(np.arange(60) % 11 == 3, np.nan, sold)])
    return Panel(demand, np.zeros((2, 63), dtype=bool), np.zeros(2, dtype=np.int64), date(2024, 1, 1), 1, 7, 3, {})


def _method(name: str) -> None:
    next(method for method in METHODS if method.name == name).fit(_panel(), {})


def _learner() -> None:
    panel = _panel()
    trained = train_all(panel, [60], LearnerSettings(min_rows=1, growth=Growth(2, 3, 0.1, 5)), lambda seen: seen)
    learnt(trained).fit(panel, {})


def _stock_outs() -> None:
    """The time of a stock-out is known, or it is not."""
    panel = _panel()
    cut = np.where(np.isnan(panel.demand), panel.demand[0], np.nan)
    for exposure in (0.5 + 0.0 * cut, None):
        as_data(replace(panel, lower_bound=cut, exposure=exposure))


def _plan() -> None:
    """Measure a lead time, follow a stock, weigh an order."""
    levels, one = np.array([0.1, 0.5, 0.9]), np.ones(1)
    steps = np.cumsum(np.ones((1, 3, 3)), axis=2)
    ahead = ProjectionInputs(
        levels, steps, np.cumsum(steps, axis=1), np.array([3]), one, np.zeros((1, 3)), np.array([[0.0, 1.0]]),
        np.array([1]), np.array([1]),
    )  # fmt: skip
    stated = np.array([0.0])
    laws(Seen(one, one, stated, np.array([0, 1])), one, stated, 7)
    sums = DemandSums(Lists.of(levels[None]), Lists.of(one[None]), one, levels)
    demand_over(Lists.of(one[None]), np.array([1]), sums)
    found = outlook(ahead, ServiceTarget(one / 2, one / 2, one), is_lost=True)
    order_outcomes(np.ones((1, 2)), OrderEconomics(found.need, found.shortage, *(one for _ in range(9))))
    expected_shortages(np.ones((1, 1)), levels, steps[0, :1])
    law = Lists.of(levels[None]), Lists.of(steps[0, :1])
    quantiles_at(one / 2, *law)
    stocks_for_fill_rates(one / 2, *law, law[1], one)


def _share() -> None:
    """Share a budget and a supplier's minimum between two orders, by every kernel of that."""
    member = np.array([[0, 1, -1, -1, -1]] * 2)
    rows = OrderOptions(
        np.array([0, 2, 4]), np.array([0.0, 1.0] * 2), np.array([0.0, 2.0, 0.0, 1.0]), np.array([1, 1]),
        np.ones((2, 2)), member, np.array([0.0, 0.5]), np.arange(2), np.full(2, -1),
    )  # fmt: skip
    limits = Limits.of(np.array([0, 1, 2, 2, 2, 2]), np.array([0.0, 1.0]), np.array([1.0, np.inf]), np.full(2, np.nan))
    _, found = allocate(LocalOptions(rows), limits)
    found.choice(rows)
    kernel.regrets(rows, found.priced)
    row_sums.pressure(rows, found.priced, ~found.priced.is_closed)


if __name__ == "__main__":
    warm_up()
