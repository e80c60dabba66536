"""Orders that share a budget, room or a supplier's minimum: what is scarce gets a price, and every row decides by it.

Of every row's options one is chosen so that the money gained in all is as high as possible within the limits. A price
per unit of what a limit counts, found by bisection on sums over all rows, makes every row order what it would if it had
to pay that price (Everett 1963, Operations Research 11, 399-417; for budgets Hadley & Whitin 1963, ch. 6). Limits that
overlap are priced in turn. An order below its supplier's minimum is topped up at a negative price, or not placed at all
where that gains more. What indivisible steps leave over is settled exactly among the rows that it costs least to
change.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np

from skucast.inventory.allocation.exact_choice import best_choice, improved_suppliers
from skucast.inventory.allocation.kernel import GAIN_UNITS, choices, regrets
from skucast.inventory.allocation.limits import Limits, Rows, unpriced
from skucast.inventory.allocation.row_choice_kernel import IS_SUPPLIER, RESOURCE, OrderOptions, ShadowPrices
from skucast.inventory.allocation.row_sums import gains, surplus, survey
from skucast.inventory.allocation.shadow_prices import limit_prices
from skucast.numerics.arrays import FloatArray, IntArray

ROUNDS = 12
"""Most times that a few rows are settled exactly; twice as many where suppliers' orders were closed."""

GOLDEN = 0.6180339887498949
"""Multiples of it are spread evenly over the fractions of 1."""

ENOUGH = 2e-3
"""Share of the gain that may be missing at most when nothing is settled any more."""

CORE = 200
"""Rows among which what is left over is settled exactly; a plan of so few rows is solved exactly as a whole."""

Held = TypeVar("Held", bound=Rows)


@dataclass(frozen=True)
class Allocation:
    """Outcome of sharing.

    Attributes:
        priced: prices of the limits.
        core: keys of the rows that were settled exactly, ascending.
        core_choice: places of their options.
        wanted: use of each limit if there were none, shape (n_limits,).
        used: use of each limit, same shape.
        reachable: most that topping up could use of each limit, same shape.
    """

    priced: ShadowPrices
    core: IntArray
    core_choice: IntArray
    wanted: FloatArray
    used: FloatArray
    reachable: FloatArray

    def choice(self, curves: OrderOptions) -> IntArray:
        """Place of the option that each row takes, shape (n,)."""
        return choices(overruled(curves, self.core, self.core_choice), self.priced)

    def bound(self, curves: OrderOptions, limits: Limits, choice: IntArray) -> IntArray:
        """Number of the limit that changed each row most, -1 where none did, shape (n,).

        A closed one before others, then by the price of a unit of the row; where prices are 0, the most broken one.
        """
        is_given = curves.member >= 0
        with np.errstate(divide="ignore", invalid="ignore"):
            excess = np.fmax(self.wanted / limits.upper, limits.lower / self.wanted)
        cost = np.abs(self.priced.price)[curves.member] * curves.weight[:, RESOURCE]
        score = np.where(cost > 0, cost + np.fmax(excess, 0.0).max(), np.nan_to_num(excess)[curves.member])
        score = np.where(self.priced.is_closed[curves.member], np.inf, score)
        score = np.where(is_given, score, -1.0)
        limit = np.take_along_axis(curves.member, score.argmax(axis=1)[:, None], axis=1)[:, 0]
        found: IntArray = np.where((choice != curves.wanted) & is_given.any(axis=1), limit, -1)
        return found


def allocate(rows: Held, limits: Limits) -> tuple[Held, Allocation]:
    """Share what is scarce.

    Args:
        rows: rows with options, ``chosen`` being -1.
        limits: what they share. A limit that even ordering nothing breaks counts as 0.

    Returns:
        The rows, where suppliers' orders were settled one by one with the options ``chosen``, and the outcome.
    """
    free = unpriced(limits)
    wanted = rows.total(partial(survey, priced=free))[0]
    if not limits.broken(wanted).any():
        return rows, _outcome(rows, limits, free)
    priced = limit_prices(rows, limits)
    n_rows = int(rows.total(_count)[0])
    has_suppliers = any(IS_SUPPLIER[kind] for kind in limits.kinds)
    gain, most = _gain_and_bound(rows, limits, priced)
    if n_rows > CORE and has_suppliers and not _is_enough(gain, most):
        rows = rows.changed(partial(improved_suppliers, limits=limits, priced=priced, sizes=_sizes(rows, limits)))
        gain, most = _gain_and_bound(rows, limits, priced)
    return rows, _outcome(rows, limits, priced, *_rounds(rows, limits, priced, n_rows, gain, most))


def _rounds(
    rows: Rows, limits: Limits, priced: ShadowPrices, n_rows: int, gain: float, most: float
) -> tuple[IntArray, IntArray]:
    """Keys and places of the rows that were settled exactly, a few at a time, until little can be gained."""
    keys, places = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    used = rows.total(partial(survey, priced=priced))[0]
    n_rounds = 2 * ROUNDS if priced.is_closed.any() else ROUNDS
    for number in range(1 if n_rows <= CORE else n_rounds):
        if _is_enough(gain, most):
            break
        core = rows.lowest(partial(_turn, priced=priced, number=number, keys=keys, places=places), CORE)
        core = overruled(core, keys, places)
        found = best_choice(core, limits, priced, used, is_whole=n_rows <= CORE)
        after = core._replace(chosen=found)
        used = used + survey(after, priced)[0] - survey(core, priced)[0]
        gain += float(gains(after, priced)[0] - gains(core, priced)[0]) / GAIN_UNITS
        is_old = np.isin(keys, core.key)
        keys, places = np.concatenate([keys[~is_old], core.key]), np.concatenate([places[~is_old], found])
        order = np.argsort(keys, kind="stable")
        keys, places = keys[order], places[order]
    return keys, places


def _gain_and_bound(rows: Rows, limits: Limits, priced: ShadowPrices) -> tuple[float, float]:
    """What the choice at the prices gains, and what no choice can exceed."""
    return float(rows.total(partial(gains, priced=priced))[0]) / GAIN_UNITS, gain_bound(rows, limits, priced)


def _is_enough(gain: float, most: float) -> bool:
    return most - gain <= ENOUGH * most


def _turn(curves: OrderOptions, priced: ShadowPrices, number: int, keys: IntArray, places: IntArray) -> FloatArray:
    """Order in which rows come to be settled: in even rounds by regret, in odd ones supplier by supplier.

    Suppliers whose orders were closed come before others, for what became of the limits may have room for them.
    """
    if number % 2 == 0:
        regret = regrets(overruled(curves, keys, places), priced)
        return np.where(np.isin(curves.key, keys), np.inf, regret) if number else regret
    supplier = curves.member[:, 1:3].max(axis=1)
    group = np.where(supplier >= 0, supplier, curves.member[:, 3:].max(axis=1))
    turn: FloatArray = (group * GOLDEN + number * GOLDEN / 2) % 1.0
    is_empty = priced.is_closed[supplier] & (supplier >= 0) & ~np.isin(supplier, supplier[np.isin(curves.key, keys)])
    return np.where(is_empty, turn - 1.0, turn)


def gain_bound(rows: Rows, limits: Limits, priced: ShadowPrices) -> float:
    """No choice gains more: what rows gain after paying the prices, and what the limits are worth at them."""
    priced = priced._replace(price=np.where(np.isfinite(limits.container), 0.0, priced.price))
    found = rows.total(partial(surplus, priced=priced)) / GAIN_UNITS
    finite = np.where(priced.price > 0, limits.upper, limits.lower)
    worth = np.where(priced.price != 0, priced.price * np.where(np.isfinite(finite), finite, 0.0), 0.0)
    is_own = limits.is_suppliers
    last = rows.highest(partial(_last_limits, n_limits=is_own.size)).astype(np.int64)
    own = found[:-1] + np.bincount(last, np.where(is_own, worth, 0.0), minlength=is_own.size)
    return float(np.maximum(own, 0.0).sum() + found[-1] + worth[~is_own].sum())


def _last_limits(curves: OrderOptions, n_limits: int) -> FloatArray:
    found = np.arange(n_limits, dtype=np.float64)
    own = curves.member[:, 1] >= 0
    np.maximum.at(found, curves.member[own, 1], curves.member[own, 1:3].max(axis=1).astype(np.float64))
    return found


def _outcome(
    rows: Rows, limits: Limits, priced: ShadowPrices, core: IntArray | None = None, choice: IntArray | None = None
) -> Allocation:
    free = unpriced(limits)
    none = np.zeros(0, dtype=np.int64)
    keys, places = (none if core is None else core), (none if choice is None else choice)
    wanted = rows.total(partial(survey, priced=free))[0] * limits.unit
    used = rows.total(partial(_used_after, priced=priced, keys=keys, places=places)) * limits.unit
    reachable = rows.total(partial(_at_caps, priced=free)) * limits.unit
    return Allocation(priced, keys, places, wanted, used, reachable)


def overruled(curves: OrderOptions, keys: IntArray, places: IntArray) -> OrderOptions:
    """Rows, the places of some being given by their keys."""
    if not keys.size:
        return curves
    at = np.minimum(np.searchsorted(keys, curves.key), keys.size - 1)
    return curves._replace(chosen=np.where(keys[at] == curves.key, places[at], curves.chosen))


def _used_after(curves: OrderOptions, priced: ShadowPrices, keys: IntArray, places: IntArray) -> IntArray:
    used: IntArray = survey(overruled(curves, keys, places), priced)[0]
    return used


def _count(curves: OrderOptions) -> IntArray:
    return np.array([curves.wanted.size], dtype=np.int64)


def _sizes(rows: Rows, limits: Limits) -> IntArray:
    return rows.total(partial(members, n_limits=limits.lower.size))


def members(curves: OrderOptions, n_limits: int) -> IntArray:
    """Rows that each limit counts, shape (n_limits,)."""
    given = curves.member[curves.member >= 0]
    return np.bincount(given, minlength=n_limits).astype(np.int64)


def _at_caps(curves: OrderOptions, priced: ShadowPrices) -> IntArray:
    used: IntArray = survey(curves._replace(chosen=np.diff(curves.start) - 1), priced)[0]
    return used
