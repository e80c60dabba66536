"""Limits that many orders share, and rows that are asked for sums over them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol, Self

import numpy as np

from skucast.inventory.allocation.row_choice_kernel import IS_SUPPLIER, UNITS, OrderOptions, ShadowPrices
from skucast.numerics.arrays import BoolArray, FloatArray, IntArray

KINDS = ("budget", "supplier_money", "supplier_volume", "location_money", "location_volume")
"""Kinds of limits: of the whole plan, of a supplier's order, of a location; of money and of volume."""

NAMES = ("budget", "supplier_budget", "container", "location_budget", "storage")
"""What an upper limit of each kind is called; a lower one is a ``supplier_minimum``."""

FULL = 0.95
"""Share from which on the last container of an order counts as full."""

TOLERANCE = 1e-9
"""Share of a limit by which sums may miss it, for what adding up floating-point numbers costs."""


@dataclass(frozen=True)
class Limits:
    """Limits of all kinds, numbered one kind after the other.

    Attributes:
        first: number of the first limit of each kind, and the end, shape (6,).
        lower: least money or volume of an order that is not nothing, 0 for none, shape (n_limits,).
        upper: most money or volume, infinite for none, same shape.
        container: volume of a container, NaN for none, same shape: an order fills every one of its containers, the
                last one to at least ``FULL``.
        unit: what is counted as 1 in sums, same shape.
    """

    first: IntArray
    lower: FloatArray
    upper: FloatArray
    container: FloatArray
    unit: FloatArray

    @classmethod
    def of(cls, first: IntArray, lower: FloatArray, upper: FloatArray, container: FloatArray) -> Limits:
        """Limits, and the units that suit them."""
        size = np.where(np.isfinite(upper), upper, np.maximum(lower, np.nan_to_num(container)))
        return cls(first, lower, upper, container, np.where(size > 0, size, 1.0) / UNITS)

    @property
    def kinds(self) -> list[int]:
        """Numbers of the kinds that have limits; what suppliers ask for comes first, the whole budget last."""
        return [kind for kind in (1, 2, 3, 4, 0) if self.first[kind + 1] > self.first[kind]]

    def of_kind(self, kind: int) -> slice:
        """Its limits."""
        return slice(int(self.first[kind]), int(self.first[kind + 1]))

    @property
    def is_suppliers(self) -> BoolArray:
        """Whether each limit is a supplier's, shape (n_limits,)."""
        return IS_SUPPLIER[self.kind_of()]

    def kind_of(self) -> IntArray:
        """Kind of each limit, shape (n_limits,)."""
        return np.repeat(np.arange(len(KINDS)), np.diff(self.first))

    def exceeded(self, used: IntArray) -> BoolArray:
        """Whether each sum, in units, is above its limit."""
        return used * self.unit > self.upper * (1.0 + TOLERANCE)

    def unmet(self, used: IntArray) -> BoolArray:
        """Whether each sum, in units, is below its limit."""
        return used * self.unit < self.lower * (1.0 - TOLERANCE)

    def broken(self, used: IntArray) -> BoolArray:
        """Whether each sum is neither 0 nor within its limits, containers included."""
        volume = used * self.unit / np.where(self.container > 0, self.container, np.inf)
        missing = np.ceil(volume - TOLERANCE) - volume
        is_part_full = missing > (1.0 - FULL) * (1.0 + TOLERANCE) + TOLERANCE
        return (used > 0) & (self.exceeded(used) | self.unmet(used) | is_part_full)

    def with_containers(self, counts: FloatArray) -> Limits:
        """The same where an order fills that many containers, shape (n_limits,); NaN: as many as it likes."""
        low = np.fmax(self.lower, self.container * (counts - (1.0 - FULL)))
        return replace(self, lower=low, upper=np.fmin(self.upper, self.container * counts))

    def at(self, limits: IntArray) -> Limits:
        """Some of the limits, numbered anew in their order."""
        first = np.searchsorted(limits, self.first).astype(np.int64)
        return Limits(first, self.lower[limits], self.upper[limits], self.container[limits], self.unit[limits])

    def names(self, priced: ShadowPrices) -> list[str]:
        """What each limit is called where it binds."""
        is_minimum = (self.lower > 0) & (priced.is_closed | (priced.price < 0))
        named = np.array(NAMES)[self.kind_of()]
        return [str(each) for each in np.where(is_minimum, "supplier_minimum", named)]


class Rows(Protocol):
    """Rows with options, here or on many machines."""

    def total(self, measure: Callable[[OrderOptions], IntArray]) -> IntArray:
        """Sum of a measure of some rows over all rows."""

    def highest(self, measure: Callable[[OrderOptions], FloatArray]) -> FloatArray:
        """Maximum of a measure of some rows over all rows."""

    def lowest(self, measure: Callable[[OrderOptions], FloatArray], count: int) -> OrderOptions:
        """The ``count`` rows of lowest measure, of equals those of lowest key, in order of their keys."""

    def changed(self, change: Callable[[OrderOptions], OrderOptions]) -> Self:
        """Rows after a change that keeps their number and order."""


@dataclass(frozen=True)
class LocalOptions:
    """Rows in memory.

    Attributes:
        curves: all of them.
    """

    curves: OrderOptions

    def total(self, measure: Callable[[OrderOptions], IntArray]) -> IntArray:
        """The measure."""
        return measure(self.curves)

    def highest(self, measure: Callable[[OrderOptions], FloatArray]) -> FloatArray:
        """The measure."""
        return measure(self.curves)

    def lowest(self, measure: Callable[[OrderOptions], FloatArray], count: int) -> OrderOptions:
        """The rows that ``lowest_rows`` picks."""
        return lowest_rows(self.curves, measure(self.curves), count)

    def changed(self, change: Callable[[OrderOptions], OrderOptions]) -> Self:
        """The rows after the change."""
        return replace(self, curves=change(self.curves))


def lowest_rows(curves: OrderOptions, values: FloatArray, count: int) -> OrderOptions:
    """The ``count`` rows of lowest value, of equals those of lowest key, in order of their keys."""
    picked = np.lexsort((curves.key, values))[:count]
    return rows_at(curves, picked[np.argsort(curves.key[picked], kind="stable")])


def rows_at(curves: OrderOptions, rows: IntArray) -> OrderOptions:
    """Some of the rows, in that order."""
    count = np.diff(curves.start)[rows]
    start = np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
    option = np.arange(start[-1]) + np.repeat(curves.start[rows] - start[:-1], count)
    columns: list[Any] = [part[rows] for part in curves[3:]]
    return OrderOptions(start, curves.quantity[option], curves.gain[option], *columns)


def joined(parts: list[OrderOptions]) -> OrderOptions:
    """Rows of several parts, one after the other."""
    counts = np.concatenate([np.diff(part.start) for part in parts])
    start = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    columns: list[Any] = [np.concatenate(column) for column in list(zip(*parts, strict=True))[1:]]
    return OrderOptions(start, *columns)


def unpriced(limits: Limits) -> ShadowPrices:
    """No price on anything, nothing closed."""
    n_limits = limits.lower.size
    nothing, none = np.zeros(n_limits), np.zeros(n_limits, dtype=bool)
    return ShadowPrices(nothing, none, limits.unit, nothing, none)
