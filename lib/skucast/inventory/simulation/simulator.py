"""The simulator: what a policy does to stock, service and money when demand is known afterwards.

The clock of ``skucast.periods``: in period t (1) what is due is received, (2) the policy decides, (3) demand happens,
(4) is filled, lost or backordered, (5) the end stock is charged. The kernel that keeps it is the only one: policies of
the field run in it whole (``simulate``), policies that decide from outside period by period (``simulate_decisions``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from skucast.inventory.lead_time.draw_kernel import lead_times
from skucast.inventory.simulation.kernel import (
    MEASURES,
    PATHS,
    Record,
    Rules,
    Stock,
    advance,
    end_cycles,
)
from skucast.inventory.simulation.outcome import Outcome, Path
from skucast.inventory.simulation.setup import ROUNDINGS, SimulationSetup, UnmetDemand, plain
from skucast.numerics.arrays import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class Policy:
    """What is ordered at a review, from the inventory position (on hand + on order − backorders) before the order.

    At or below the reorder point the order is as many lots as raise the position above it (where ``order_quantity``
    > 0), or what is missing to the level. Kinds may differ by item. Each attribute is one for all items or of shape
    (n,); levels also (n, n_periods), where those of the period of the review hold. The named constructors:
    ``up_to``: (R,S), and base stock where R = 1; ``reorder_up_to``: (s,S), (R,s,S); ``reorder_quantity``: (s,Q), also
    written (R,s,nQ); ``given``: orders decided elsewhere.

    Attributes:
        order_up_to_level: units. [S]
        reorder_point: units; infinite: every review orders. [s]
        order_quantity: units; 0: up to the level. [Q]
        orders: units decided elsewhere, shape (n, n_periods), 0 but at reviews; None: the rule above.
    """

    order_up_to_level: ArrayLike = 0.0
    reorder_point: ArrayLike = np.inf
    order_quantity: ArrayLike = 0.0
    orders: FloatArray | None = None

    @classmethod
    def up_to(cls, order_up_to_level: ArrayLike) -> Policy:
        """Every review orders what is missing to the level: (R,S)."""
        return cls(order_up_to_level)

    @classmethod
    def reorder_up_to(cls, reorder_point: ArrayLike, order_up_to_level: ArrayLike) -> Policy:
        """A review at or below s orders what is missing to S: (s,S)."""
        return cls(order_up_to_level, reorder_point)

    @classmethod
    def reorder_quantity(cls, reorder_point: ArrayLike, order_quantity: ArrayLike) -> Policy:
        """A review at or below s orders the least multiple of Q that raises the position above it: (s,Q)."""
        return cls(0.0, reorder_point, order_quantity)

    @classmethod
    def given(cls, orders: FloatArray) -> Policy:
        """Orders decided elsewhere; a replenishment cycle is that of a review."""
        return cls(orders=orders)


@dataclass(frozen=True)
class StockState:
    """What a planner knows at a decision, after receipts and before demand.

    Attributes:
        period: of the decision.
        is_review: items that may order now, shape (n,).
        on_hand: units, shape (n,).
        backorders: units, shape (n,).
        due: units on order by promised arrival, shape (n, w): column k is due at the start of ``period`` + k, column 0
            is overdue. The lead times that were drawn are not to be seen in it.
    """

    period: int
    is_review: BoolArray
    on_hand: FloatArray
    backorders: FloatArray
    due: FloatArray

    @property
    def on_order(self) -> FloatArray:
        """Units on order, shape (n,)."""
        total: FloatArray = self.due.sum(axis=1)
        return total

    @property
    def inventory_position(self) -> FloatArray:
        """On hand + on order − backorders, shape (n,)."""
        return self.on_hand + self.on_order - self.backorders


Decide = Callable[[int, StockState], FloatArray]
"""Quantities of all items, shape (n,), for a period and the state in it; those of items without review are not read."""


def simulate(demand: FloatArray, policy: Policy, setting: SimulationSetup, *, keep_path: bool = False) -> Outcome:
    """Run a policy on known demand.

    Args:
        demand: what is wanted, units per period, shape (n_items, n_periods).
        policy: what is ordered.
        setting: all else; the same for policies that are compared.
        keep_path: keep every period of every item too (five arrays of the size of ``demand``).

    Returns:
        Of each item; it depends on nothing but the item's own row of every argument.

    Raises:
        ValueError: shapes that do not fit, demand or levels that are not finite and >= 0, orders without a review.
    """
    wanted = _checked_demand(demand, setting)
    run = _Run(wanted, _rules(policy, wanted.shape, setting), setting, keep_path=keep_path)
    run.advance(0, wanted.shape[1])
    return run.outcome()


def simulate_decisions(
    demand: FloatArray, decide: Decide, setting: SimulationSetup, *, keep_path: bool = False
) -> Outcome:
    """Run a policy that decides from outside, period by period; it is asked whenever any item is reviewed.

    Args:
        demand: what is wanted, units per period, shape (n_items, n_periods); ``decide`` never sees it.
        decide: gives the quantities, which are then brought within the setting's limits.
        setting: all else; the same for policies that are compared.
        keep_path: keep every period of every item too.

    Returns:
        Of each item.

    Raises:
        ValueError: as ``simulate``; quantities of a wrong shape, negative or not finite.
    """
    wanted = _checked_demand(demand, setting)
    n, n_periods = wanted.shape
    now = np.zeros((n, 1))
    run = _Run(wanted, _rules(Policy.given(now), now.shape, setting), setting, keep_path=keep_path)
    moments = [t for t in range(n_periods) if setting.is_review(t).any()]
    run.advance(0, [*moments, n_periods][0])
    placed: list[_Placed] = []
    for t, following in pairwise([*moments, n_periods]):
        state = run.state(t, placed)
        run.rules.orders[:, 0] = _checked_quantities(decide(t, state), n, t)
        run.stock.ordered[:] = 0.0
        run.advance(t, following)
        recent = [each for each in placed if each.period > t - setting.depth]
        placed = [*recent, _Placed(t, run.stock.ordered.copy(), t + lead_times(t, setting.law))]
    return run.outcome()


class _Placed(NamedTuple):
    """Orders of one period: units and period of arrival of each item, shape (n,)."""

    period: int
    quantity: FloatArray
    arrival: IntArray


class _Run:
    """One simulation under way."""

    def __init__(self, demand: FloatArray, rules: Rules, setting: SimulationSetup, *, keep_path: bool) -> None:
        n, n_periods = demand.shape
        arriving = setting.opening.arriving
        pipeline = np.zeros((n, setting.depth))
        pipeline[:, : arriving.shape[1]] = arriving
        starts, cycle = np.zeros(pipeline.shape, dtype=np.bool_), np.zeros(n, dtype=np.int64)
        self.demand, self.rules, self.setting = demand, rules, setting
        self.stock = Stock(setting.opening.net.copy(), pipeline, starts, cycle, np.zeros(n))
        path = np.zeros((len(PATHS), n, n_periods if keep_path else 0))
        self.record = Record(np.zeros((n, len(MEASURES))), setting.scored, path)

    def advance(self, begin: int, end: int) -> None:
        """Periods ``begin`` … ``end`` − 1."""
        advance(begin, end, self.demand, self.stock, self.rules, self.setting.law, self.record)

    def state(self, period: int, placed: Iterable[_Placed]) -> StockState:
        """What is known at a decision, given the orders of earlier periods."""
        net = self.stock.net + self.stock.pipeline[:, period % self.setting.depth]
        due = _due(period, placed, self.setting)
        return StockState(period, self.setting.is_review(period), np.maximum(net, 0.0), np.maximum(-net, 0.0), due)

    def outcome(self) -> Outcome:
        """After the last period."""
        end_cycles(self.demand.shape[1], self.stock, self.rules, self.setting.law, self.record)
        totals = dict(zip(MEASURES, np.ascontiguousarray(self.record.totals.T), strict=True))
        kept = Path(*self.record.path) if self.record.path.size > 0 else None
        return Outcome(**totals, loses_sales=self.rules.loses_sales, kept=kept)


def _due(period: int, placed: Iterable[_Placed], setting: SimulationSetup) -> FloatArray:
    """Units on order by promised arrival, shape (n, depth); overdue ones first."""
    due = np.zeros((setting.n_items, setting.depth))
    opening = setting.opening.arriving[:, period + 1 :]
    due[:, 1 : 1 + opening.shape[1]] = opening
    rows = np.arange(setting.n_items)
    for each in placed:
        ahead = np.maximum(each.period + setting.law.fixed - period, 0)
        due[rows, ahead] += np.where(each.arrival > period, each.quantity, 0.0)
    return due


def _rules(policy: Policy, shape: tuple[int, int], setting: SimulationSetup) -> Rules:
    """The policy as the kernel takes it."""
    level = _levels("order_up_to_level", policy.order_up_to_level, shape)
    s = _levels("reorder_point", policy.reorder_point, shape)
    lot = plain(np.broadcast_to(np.asarray(policy.order_quantity, dtype=np.float64), shape[:1]))
    if not ((lot >= 0) & np.isfinite(lot)).all():
        raise ValueError("order_quantity must be finite and >= 0; 0 means up to the level")
    if np.isinf(s[lot > 0]).any():
        raise ValueError("a fixed order_quantity needs a finite reorder_point")
    period, first = setting.reviews
    orders = np.zeros((shape[0], 0)) if policy.orders is None else _checked_orders(policy.orders, shape, setting)
    least, pack, most = setting.limits_of_items
    rounding, loses_sales = ROUNDINGS[setting.limits.rounding], setting.world is UnmetDemand.LOST_SALES
    return Rules(s, level, lot, orders, period, first, least, pack, most, rounding, loses_sales)


def _levels(name: str, values: ArrayLike, shape: tuple[int, int]) -> FloatArray:
    """Levels of shape (n, 1) or (n, n_periods)."""
    found = np.asarray(values, dtype=np.float64)
    found = np.broadcast_to(found, shape[:1])[:, None] if found.ndim < 2 else found
    if found.shape not in {shape, (shape[0], 1)}:
        raise ValueError(f"{name} has shape {found.shape}, expected {shape[:1]} or {shape}")
    if np.isnan(found).any() or np.isneginf(found).any() or (name == "order_up_to_level" and np.isinf(found).any()):
        raise ValueError(f"{name} must be a number in every place, found NaN or an infinity")
    return plain(found)


def _checked_demand(demand: FloatArray, setting: SimulationSetup) -> FloatArray:
    if demand.ndim != 2 or demand.shape[0] != setting.n_items:
        raise ValueError(f"demand has shape {demand.shape}, expected ({setting.n_items}, n_periods)")
    if demand.size and not (demand.min() >= 0 and demand.max() < np.inf):
        raise ValueError("demand must be finite and >= 0 in every period: fill what is unknown before simulating")
    return plain(demand)


def _checked_orders(orders: FloatArray, shape: tuple[int, int], setting: SimulationSetup) -> FloatArray:
    """A copy of orders decided elsewhere."""
    if orders.shape != shape:
        raise ValueError(f"orders has shape {orders.shape}, expected {shape}")
    for t in range(shape[1]):
        quantities = _checked_quantities(orders[:, t], shape[0], t)
        if (quantities[~setting.is_review(t)] > 0).any():
            raise ValueError(f"orders in period {t} of items without a review in it: check first_review, review_period")
    return np.array(orders, dtype=np.float64, order="C")


def _checked_quantities(quantities: FloatArray, n: int, period: int) -> FloatArray:
    found = np.asarray(quantities, dtype=np.float64)
    if found.shape != (n,):
        raise ValueError(f"quantities decided in period {period} have shape {found.shape}, expected ({n},)")
    if not ((found >= 0) & (found < np.inf)).all():
        raise ValueError(f"quantities decided in period {period} must be finite and >= 0")
    return found
