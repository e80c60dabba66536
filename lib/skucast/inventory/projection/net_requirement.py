"""What an order must bring: the law of the net need of its arrival cycle, with stock projected along demand paths.

An order decided now arrives after a lead time L; the next one is decided after R periods and arrives after a lead time
of its own. In between lies the arrival cycle, the only time that this order can help. On each demand path the present
stock and the deliveries on their way are followed to its beginning; with lost sales, what the shelf cannot serve is
gone and need not be ordered later, which a target for the inventory position does not see (de Kok & Meijer 2023). The
net need is what must arrive for nothing to be missed in the cycle: the largest, over its steps, of demand less
deliveries since it began, less the stock at its beginning. With q units ordered (need − q)⁺ units are missed. So

- a cycle service level asks for its quantile of the need,
- a fill rate for the least q with E(need − q)⁺ ≤ (1 − fill rate) · E(demand of the cycle),
- costs for the quantile at b / (b + h·R).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from skucast.inventory.demand.paths import N_PATHS, N_PATHS_FINE, N_PATHS_MIXED, chances
from skucast.inventory.projection import net_requirement_kernel as net_need_kernel
from skucast.numerics.arrays import BoolArray, FloatArray, IntArray

NEED_LEVELS: tuple[float, ...] = (
    0.002, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.825,
    0.85, 0.875, 0.9, 0.92, 0.935, 0.95, 0.96, 0.97, 0.975, 0.98, 0.985, 0.99, 0.998,
)  # fmt: skip
"""Probabilities at which the law of the need is told."""
FINE_LEVEL = 0.98
"""Cycle service level above which paths are finer."""


class ServiceTarget(NamedTuple):
    """How much service is wanted, each of shape (n,).

    Attributes:
        cycle_service_level: P(no stock-out in the arrival cycle).
        fill_rate: share of demand served from stock; NaN: the cycle service level is asked for.
        lot: units that one order answers for, for a stock-out threatens once per order; NaN: the cycle's demand.
    """

    cycle_service_level: FloatArray
    fill_rate: FloatArray
    lot: FloatArray


class Outlook(NamedTuple):
    """What lies ahead of items, without a new order.

    Attributes:
        need: quantities at which the law of the net need is told, units, rising, shape (n_items, n_levels): quantiles
            at ``NEED_LEVELS``; of whole goods one unit after the other, or whole quantiles. Below 0: more than enough.
        shortage: E(need − q)⁺ for q at each of these quantities, units, same shape.
        need_mean: expected net need, units, shape (n_items,).
        cycle_demand: expected demand of the arrival cycle, units, shape (n_items,).
        lost_before: expected units missed before the order can arrive, shape (n_items,).
        stock_at_arrival: expected stock when the cycle begins, units, shape (n_items,).
        stock: expected stock at the end of each step, units, negative where owed, shape (n_items, horizon).
        lost: expected units missed in each step, same shape.
        ran_out: probability that something was missed up to each step, same shape.
        lacking: the least quantity that gives the wanted service, units, whole for whole goods, below 0: more than
            enough, shape (n_items,).
    """

    need: FloatArray
    shortage: FloatArray
    need_mean: FloatArray
    cycle_demand: FloatArray
    lost_before: FloatArray
    stock_at_arrival: FloatArray
    stock: FloatArray
    lost: FloatArray
    ran_out: FloatArray
    lacking: FloatArray


class UnsureReceipts(NamedTuple):
    """Deliveries of which only a law says when they come.

    Attributes:
        quantity: units of each, one item's after the other's, shape (n_deliveries,).
        laws: probability that each helps from step 1, 2, … on; the rest is later, shape (n_deliveries, horizon).
        starts: where each item's begin, and the end, shape (n_items + 1,).
    """

    quantity: FloatArray
    laws: FloatArray
    starts: IntArray

    @classmethod
    def none(cls, n_items: int, horizon: int) -> UnsureReceipts:
        """Of items whose deliveries are all certain."""
        return cls(np.zeros(0), np.zeros((0, horizon)), np.zeros(n_items + 1, dtype=np.int64))

    def of(self, rows: BoolArray) -> UnsureReceipts:
        """Those of some items."""
        counts = np.diff(self.starts)
        own = np.repeat(rows, counts)
        return UnsureReceipts(self.quantity[own], self.laws[own], np.concatenate([[0], np.cumsum(counts[rows])]))


class ProjectionInputs(NamedTuple):
    """What is known of items: their forecast, their stock, and when deliveries come.

    Attributes:
        levels: probabilities of the quantiles, rising, shape (n_levels,).
        quantiles: of demand in each step, units per period, shape (n_items, horizon, n_levels).
        cumulative_quantiles: of demand summed over steps 1…h, units, same shape.
        n_steps: steps that are forecast of each item, at least 1, shape (n_items,).
        opening: stock on hand less what is promised, units, shape (n_items,); negative where more is owed.
        receipts: deliveries on their way, at the start of each step, units, shape (n_items, horizon).
        lead_time_law: probability of 0, 1, 2, … periods from order to usable stock, shape (n_items, n_lead_times).
        review_period: periods, shape (n_items,).
        seeds: one per item, such as a hash of its key, shape (n_items,).
        unsure: deliveries on their way whose step is not certain; None: there are none.
    """

    levels: FloatArray
    quantiles: FloatArray
    cumulative_quantiles: FloatArray
    n_steps: IntArray
    opening: FloatArray
    receipts: FloatArray
    lead_time_law: FloatArray
    review_period: IntArray
    seeds: IntArray
    unsure: UnsureReceipts | None = None

    def of(self, rows: BoolArray) -> ProjectionInputs:
        """Those of some items."""
        numbers = {name: values[rows] for name, values in self._asdict().items() if name not in ("levels", "unsure")}
        return self._replace(**numbers, unsure=self.unsure and self.unsure.of(rows))


def outlook(ahead: ProjectionInputs, aim: ServiceTarget, *, is_lost: bool, n_paths: int | None = None) -> Outlook:
    """Follow stock along demand paths and tell what an order decided now must bring.

    An item is counted in whole units where all quantiles of its forecast are whole: so are its paths and its needs, and
    a level asks for the least whole quantity that is enough with that probability. Lead times beyond the forecast end
    with it: what lies there is unknown.

    Args:
        ahead: forecast, stock and deliveries.
        aim: service wanted.
        is_lost: demand that finds no stock is lost; else it waits.
        n_paths: demand paths of each item; None: as many as each needs, see ``paths``.
    """
    n, horizon = ahead.receipts.shape
    n_levels = len(NEED_LEVELS)
    need, shortage = np.empty((n, n_levels)), np.empty((n, n_levels))
    means, stock, lost, ran_out = np.zeros((n, 5)), *(np.zeros((n, horizon)) for _ in range(3))
    results = (need, shortage, means, stock, lost, ran_out)
    counts = _path_counts(ahead, aim) if n_paths is None else np.full(n, n_paths)
    for count in np.unique(counts):
        rows = counts == count
        part = [each[rows] for each in results]
        _follow(ahead, aim, rows, int(count), is_lost, part)
        for into, each in zip(results, part, strict=True):
            into[rows] = each
    demand, lost_before, at_arrival, need_mean, lacking = means.T
    return Outlook(need, shortage, need_mean, demand, lost_before, at_arrival, stock, lost, ran_out, lacking)


def _follow(
    ahead: ProjectionInputs,
    aim: ServiceTarget,
    rows: BoolArray,
    n_paths: int,
    is_lost: bool,  # noqa: FBT001
    results: list[FloatArray],
) -> None:
    own = ahead.of(rows)
    aims = np.ascontiguousarray(np.stack(aim, axis=1)[rows])
    unsure = own.unsure or UnsureReceipts.none(*own.receipts.shape)
    net_need_kernel.fill_outlook(
        *own[:-1], *unsure, is_lost, aims, *chances(n_paths), np.array(NEED_LEVELS), *results,
    )  # fmt: skip


def _path_counts(ahead: ProjectionInputs, aim: ServiceTarget) -> IntArray:
    """How many paths each item gets: more where a fill rate or a high level makes the order hang on the tail."""
    is_mixed = (ahead.lead_time_law > 0).sum(axis=1) > 1
    is_fine = ~np.isnan(aim.fill_rate) | (aim.cycle_service_level > FINE_LEVEL)
    counts: IntArray = np.select([is_fine, is_mixed], [N_PATHS_FINE, N_PATHS_MIXED], N_PATHS).astype(np.int64)
    return counts
