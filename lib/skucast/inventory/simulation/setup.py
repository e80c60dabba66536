"""What is the same for all policies that are compared: stock at the start, lead times, reviews, limits, the world."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from skucast.inventory.lead_time.draw_kernel import LeadTimeLaw, SeedArray, lead_times
from skucast.inventory.simulation.kernel import (
    DOWN,
    NEAREST,
    UP,
)
from skucast.numerics.arrays import BoolArray, FloatArray, IntArray

ROUNDINGS = {"up": UP, "down": DOWN, "nearest": NEAREST}
"""Directions in which a quantity is made whole packs."""


class UnmetDemand(StrEnum):
    """What becomes of demand that finds no stock. The value is what the configuration's ``unmet_demand`` says."""

    LOST_SALES = "lost_sales"
    BACKORDERS = "backorders"


@dataclass(frozen=True)
class InitialStock:
    """Stock of n items at the start of period 0, before its receipts.

    Attributes:
        on_hand: units, shape (n,).
        pipeline: units on order that arrive at the start of period 0, 1, …, shape (n, w); None: nothing.
        backorders: units, shape (n,); None: none. They are served from the stock on hand at once.
    """

    on_hand: FloatArray
    pipeline: FloatArray | None = None
    backorders: FloatArray | None = None

    def __post_init__(self) -> None:
        """Check shapes and signs."""
        _ = self.net, self.arriving

    @cached_property
    def net(self) -> FloatArray:
        """On hand less backorders, shape (n,)."""
        shape = (np.shape(self.on_hand)[0],)
        backorders = 0.0 if self.backorders is None else self.backorders
        net: FloatArray = _amounts("on_hand", self.on_hand, shape) - _amounts("backorders", backorders, shape)
        return net

    @cached_property
    def arriving(self) -> FloatArray:
        """The pipeline, of shape (n, 0) where there is none."""
        given = np.zeros((self.net.size, 0)) if self.pipeline is None else self.pipeline
        return _amounts("pipeline", given, (self.net.size, *np.shape(given)[1:2]))


@dataclass(frozen=True)
class LeadTimes:
    """Lead times of orders in whole periods: as promised, or drawn for each order; orders may cross. [L]

    What is drawn depends on the item's seed and the period of the decision alone. So neither order nor number of the
    items matters, and policies that are compared meet the same lead times (common random numbers).

    Attributes:
        promised: periods, one for all or shape (n,).
        weights: relative frequency of 0, 1, … periods, shape (n, w), or (w,) for all items; None: all come as promised.
        seeds: one per item, such as a hash of its key, unsigned 64-bit, shape (n,); needed where lead times are drawn.
    """

    promised: ArrayLike
    weights: FloatArray | None = None
    seeds: SeedArray | None = None

    def __post_init__(self) -> None:
        """Check that the weights are such, and that there are seeds to draw with."""
        _counts("promised lead time", self.promised, np.shape(self.promised), 0)
        if self.weights is None:
            return
        weights = np.asarray(self.weights, dtype=np.float64)
        if not ((weights >= 0).all() and np.isfinite(weights).all() and (weights.sum(axis=-1) > 0).all()):
            raise ValueError("weights of lead times must be finite, >= 0 and not all 0 for any item")
        if self.seeds is None:
            raise ValueError("lead times cannot be drawn without seeds: give one unsigned 64-bit integer per item")

    def law(self, n: int) -> LeadTimeLaw:
        """As the kernels take it, for n items."""
        fixed = _counts("promised lead time", self.promised, (n,), 0)
        if self.weights is None or self.seeds is None:
            return LeadTimeLaw(fixed, np.zeros((n, 0)), np.zeros(n, dtype=np.uint64))
        weights = np.atleast_2d(np.asarray(self.weights, dtype=np.float64))
        cumulative = np.cumsum(weights, axis=1) / weights.sum(axis=1, keepdims=True)
        shared = np.broadcast_to(cumulative, (n, weights.shape[1]))
        seeds = np.broadcast_to(np.asarray(self.seeds, dtype=np.uint64), (n,))
        return LeadTimeLaw(fixed, plain(shared), np.require(seeds, requirements=["C", "W"]))

    def drawn(self, period: int) -> IntArray:
        """Lead time of an order decided in ``period``, of each item that has a seed or a promise of its own."""
        n = max(np.size(self.promised), np.size(self.seeds) if self.seeds is not None else 1)
        return lead_times(period, self.law(n))


@dataclass(frozen=True)
class OrderLimits:
    """What the supplier takes and the store holds, one for all items or shape (n,).

    A quantity is raised to the minimum, made whole packs (if that takes it below the minimum: the next more), and cut
    to whole packs within the maximum; what is then below the minimum is not ordered.

    Attributes:
        min_order_quantity: units; 0: none.
        pack_size: units; 0: any quantity.
        max_stock: largest inventory position after an order, units.
        rounding: to whole packs ``"up"``, ``"down"`` or ``"nearest"``.
    """

    min_order_quantity: ArrayLike = 0.0
    pack_size: ArrayLike = 0.0
    max_stock: ArrayLike = np.inf
    rounding: str = "up"

    def __post_init__(self) -> None:
        """Refuse an unknown direction."""
        if self.rounding not in ROUNDINGS:
            raise ValueError(f"rounding must be one of {', '.join(ROUNDINGS)}, found {self.rounding!r}")


@dataclass(frozen=True)
class SimulationSetup:
    """All but demand and policy.

    Attributes:
        opening: stock at the start.
        lead_times: of the orders. [L]
        review_period: periods between reviews, one for all or shape (n,). [R]
        first_review: period of the first review; further ones follow every R periods.
        limits: hold for every order, whoever decides it.
        world: what becomes of demand that finds no stock.
        score_from: first period that counts, one for all or shape (n,). None: the first that an order could affect,
            that of the first review plus the shortest lead time.
    """

    opening: InitialStock
    lead_times: LeadTimes
    review_period: ArrayLike = 1
    first_review: ArrayLike = 0
    limits: OrderLimits = field(default_factory=OrderLimits)
    world: UnmetDemand = UnmetDemand.LOST_SALES
    score_from: ArrayLike | None = None

    def __post_init__(self) -> None:
        """Check that every attribute fits the items."""
        if self.world is UnmetDemand.LOST_SALES and (self.opening.net < self.opening.on_hand).any():
            raise ValueError("backorders at the start, but unmet demand is lost: set them to 0 or choose backorders")
        _ = self.law, self.reviews, self.limits_of_items, self.scored

    @property
    def n_items(self) -> int:
        """Number of items. [n]"""
        return self.opening.on_hand.size

    @cached_property
    def law(self) -> LeadTimeLaw:
        """Lead times of the items."""
        return self.lead_times.law(self.n_items)

    @cached_property
    def reviews(self) -> tuple[IntArray, IntArray]:
        """Review period and first review of the items."""
        period = _counts("review_period", self.review_period, (self.n_items,), 1)
        return period, _counts("first_review", self.first_review, (self.n_items,), 0)

    @cached_property
    def limits_of_items(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Minimum order quantity, pack size and maximum stock of the items."""
        shape, given = (self.n_items,), self.limits
        most = _amounts("max_stock", given.max_stock, shape, np.inf)
        least = _amounts("min_order_quantity", given.min_order_quantity, shape)
        return least, _amounts("pack_size", given.pack_size, shape), most

    @cached_property
    def scored(self) -> IntArray:
        """First period that counts, shape (n,)."""
        if self.score_from is not None:
            return _counts("score_from", self.score_from, (self.n_items,), 0)
        drawn = self.law.cumulative.shape[1] > 0
        shortest = (self.law.cumulative > 0).argmax(axis=1) if drawn else self.law.fixed
        first: IntArray = self.reviews[1] + shortest
        return first

    @cached_property
    def depth(self) -> int:
        """Columns of a pipeline that holds whatever may be on order."""
        longest = max(int(self.law.fixed.max(initial=0)), self.law.cumulative.shape[1] - 1)
        return int(max(longest + 1, self.opening.arriving.shape[1]))

    def is_review(self, period: int) -> BoolArray:
        """Items that are reviewed in a period, shape (n,)."""
        every, first = self.reviews
        reviewed: BoolArray = (period >= first) & ((period - first) % every == 0)
        return reviewed


def plain(values: FloatArray) -> FloatArray:
    """The values as the kernels take them, contiguous and writable: each other kind would be compiled anew."""
    return np.require(values, np.float64, ["C", "W"])


def _amounts(
    name: str, values: ArrayLike, shape: tuple[int, ...], most: float = np.finfo(np.float64).max
) -> FloatArray:
    """Numbers from 0 on, of a shape."""
    found = np.asarray(values, dtype=np.float64)
    if found.ndim > len(shape) or (found.ndim > 0 and found.shape != shape):
        raise ValueError(f"{name} has shape {found.shape}, expected {shape}")
    if not ((found >= 0) & (found <= most)).all():
        raise ValueError(f"{name} must be finite and >= 0, found {found[~((found >= 0) & (found <= most))].flat[0]}")
    return plain(np.broadcast_to(found, shape))


def _counts(name: str, values: ArrayLike, shape: tuple[int, ...], least: int) -> IntArray:
    """Whole numbers from ``least`` on, of a shape."""
    found = _amounts(name, values, shape)
    if not ((found >= least) & (found == np.floor(found))).all():
        wrong = found[~((found >= least) & (found == np.floor(found)))].flat[0]
        raise ValueError(f"{name} must be whole periods >= {least}, found {wrong}: round durations up first")
    counts: IntArray = found.astype(np.int64)
    return counts
