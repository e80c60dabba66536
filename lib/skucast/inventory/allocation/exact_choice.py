"""The best choice among few rows that share limits: a mixed-integer program, solved exactly by HiGHS."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array, hstack

from skucast.inventory.allocation.kernel import choices, regrets, survey
from skucast.inventory.allocation.limits import FULL, Limits, lowest_rows, rows_at
from skucast.inventory.allocation.row_choice_kernel import IS_SUPPLIER, RESOURCE, UNITS, OrderOptions, ShadowPrices
from skucast.numerics.arrays import FloatArray, IntArray

NEAR = 4
"""Options on either side of the present and of the wanted one that a row may take, where not all are compared."""

GAP = 1e-5
"""Share of the gain within which a choice counts as the best."""

NODES = 300
"""Most nodes of a search; what was found until then counts."""

SUPPLIER_CORE = 30
"""Rows of a supplier's order that are settled exactly."""

SUPPLIER_ROWS = 500
"""Most rows of a supplier whose order is settled by itself: with more, a step left over is nothing."""


def best_choice(
    core: OrderOptions, limits: Limits, priced: ShadowPrices, used: IntArray, *, is_whole: bool
) -> IntArray:
    """The choice of a few rows that gains most in what the other rows leave, never less than the present one.

    Args:
        core: the rows.
        limits: all limits.
        priced: prices, from which the present choice follows.
        used: what all rows use of every limit at present, the core included, in units.
        is_whole: whether there are no other rows: then every option is compared, else those near the present one.

    Returns:
        Places of the options, shape (n,).
    """
    present = choices(core, priced)
    own = survey(core._replace(chosen=present), priced)[0]
    others = used - own
    option = _compared(core, present, is_whole=is_whole)
    for slack in (0.0, 1e-5):
        places = _solved(_Program.of(core, option, limits, others, slack))
        if places is None:
            continue
        total = others + survey(core._replace(chosen=places), priced)[0]
        if not limits.broken(total).any() and _gain(core, places) > _gain(core, present):
            return places
    return present


def improved_suppliers(curves: OrderOptions, limits: Limits, priced: ShadowPrices, sizes: IntArray) -> OrderOptions:
    """Rows with the best choice for every small supplier whose own limit binds, within its use of other limits.

    Args:
        curves: rows, all of a small supplier among them.
        limits: all limits.
        priced: prices.
        sizes: rows that each limit counts, shape (n_limits,).
    """
    chosen = curves.chosen.copy()
    kinds = np.flatnonzero(IS_SUPPLIER)
    limit = curves.member[:, kinds].max(axis=1)
    has_price = (priced.price != 0.0) | priced.is_closed
    member = curves.member[:, kinds]
    is_bound = ((member >= 0) & has_price[member]).any(axis=1)
    asked = np.flatnonzero(is_bound & (sizes[limit] <= SUPPLIER_ROWS))
    order = asked[np.argsort(limit[asked], kind="stable")]
    for rows in np.split(order, np.flatnonzero(np.diff(limit[order])) + 1):
        if rows.size:
            chosen[rows] = _improved(rows_at(curves, rows), limits, priced)
    return curves._replace(chosen=chosen)


def _improved(own: OrderOptions, limits: Limits, priced: ShadowPrices) -> IntArray:
    """Places of the options of one supplier's rows, shape (n,)."""
    here = np.unique(own.member[own.member >= 0])
    member = np.where(own.member >= 0, np.searchsorted(here, own.member), -1)
    own, limits = own._replace(member=member), limits.at(here)
    prices: list[Any] = [part[here] for part in priced]
    priced = ShadowPrices(*prices)
    present = choices(own, priced)
    used = survey(own, priced)[0]
    allowed = replace(limits, upper=np.where(limits.is_suppliers, limits.upper, used * limits.unit))
    is_open = priced._replace(is_closed=np.zeros_like(priced.is_closed))
    core = lowest_rows(own._replace(chosen=present), regrets(own._replace(chosen=present), is_open), SUPPLIER_CORE)
    places = best_choice(core, allowed, priced, used, is_whole=own.wanted.size <= SUPPLIER_CORE)
    present[np.isin(own.key, core.key)] = places[np.argsort(np.argsort(own.key[np.isin(own.key, core.key)]))]
    return present


def _gain(curves: OrderOptions, places: IntArray) -> float:
    return float(curves.gain[curves.start[:-1] + places].sum())


def _compared(core: OrderOptions, present: IntArray, *, is_whole: bool) -> IntArray:
    """Numbers of the options that are compared."""
    row = np.repeat(np.arange(present.size), np.diff(core.start))
    place = np.arange(row.size) - core.start[row]
    is_near = np.minimum(np.abs(place - present[row]), np.abs(place - core.wanted[row])) <= NEAR
    return np.flatnonzero(is_near | (place == 0) | is_whole)


@dataclass(frozen=True)
class _Program:
    """Maximise the gain of x over options, y over limits whose suppliers are open, z over containers.

    Attributes:
        core: the rows.
        option: numbers of the options that are compared.
        row: their rows.
        use: what they use of each limit, in shares of it, shape (n_limits, n_options).
        lower: as in ``Limits``, in shares.
        upper: less what others use, in shares.
        container: in shares.
        others: in shares.
    """

    core: OrderOptions
    option: IntArray
    row: IntArray
    use: csr_array
    lower: FloatArray
    upper: FloatArray
    container: FloatArray
    others: FloatArray

    @classmethod
    def of(cls, core: OrderOptions, option: IntArray, limits: Limits, others: IntArray, slack: float) -> _Program:
        """The program whose limits are tighter by a share of ``slack``."""
        row = np.searchsorted(core.start, option, side="right") - 1
        size = limits.unit * UNITS
        member = core.member[row]
        at, kind = np.nonzero(member >= 0)
        limit = member[at, kind]
        used = core.weight[row[at], RESOURCE[kind]] * core.quantity[option[at]] / size[limit]
        use = csr_array((used, (limit, at)), shape=(size.size, option.size))
        left = limits.upper / size * (1.0 - slack) - others / UNITS
        lower = limits.lower / size * (1.0 + slack)
        return cls(core, option, row, use, lower, left, limits.container / size, others / UNITS)


def _solved(program: _Program) -> IntArray | None:
    """Places of the options that are chosen; None where none was found."""
    n_rows, n_options, n_limits = program.core.wanted.size, program.option.size, program.lower.size
    gain = program.core.gain[program.option]
    size = max(float(np.abs(gain).max(initial=0.0)), 1e-300)
    cost = np.concatenate([-gain / size, np.zeros(2 * n_limits)])
    highest = np.concatenate([np.ones(n_options + n_limits), np.full(n_limits, np.inf)])
    lowest = np.concatenate([np.zeros(n_options), (program.others > 0) & (program.lower > 0), np.zeros(n_limits)])
    answer = milp(
        cost, integrality=np.ones(cost.size), bounds=Bounds(lowest.astype(np.float64), highest),
        constraints=_constraints(program), options={"mip_rel_gap": GAP, "node_limit": NODES},
    )  # fmt: skip
    if answer.x is None:
        return None
    taken = np.flatnonzero(answer.x[:n_options] > 0.5)
    places = np.zeros(n_rows, dtype=np.int64)
    places[program.row[taken]] = program.option[taken] - program.core.start[program.row[taken]]
    return places


def _constraints(program: _Program) -> list[LinearConstraint]:
    """One option per row; limits; orders of at least the minimum, from open suppliers only; full containers."""
    n_rows, n_options = program.core.wanted.size, program.option.size
    of_row = csr_array((np.ones(n_options), (program.row, np.arange(n_options))), shape=(n_rows, n_options))
    minimum, packed = np.flatnonzero(program.lower > 0), np.flatnonzero(np.isfinite(program.container))
    pack, others = program.container[packed], program.others
    contained = _wide(program, program.use[packed], packed + program.lower.size, -pack)
    reached = _wide(program, program.use[minimum], minimum, -program.lower[minimum])
    bounded = np.flatnonzero(np.isfinite(program.upper))
    row, limit, ordered = _openings(program)
    return [
        LinearConstraint(_wide(program, of_row), 1.0, 1.0),
        LinearConstraint(_wide(program, program.use[bounded]), -np.inf, np.maximum(program.upper[bounded], 0.0)),
        LinearConstraint(reached, -others[minimum], np.inf),
        LinearConstraint(_wide(program, ordered[row], limit, np.full(limit.size, -1.0)), -np.inf, 0.0),
        LinearConstraint(contained, -(1.0 - FULL) * pack - others[packed], -others[packed]),
    ]


def _openings(program: _Program) -> tuple[IntArray, IntArray, csr_array]:
    """Pairs of a row and a limit with a minimum that it counts in, and which options of each row order something."""
    core = program.core
    has_minimum = (core.member >= 0) & (program.lower > 0)[core.member]
    row, kind = np.nonzero(has_minimum & (core.quantity[core.start[:-1]] == 0)[:, None])
    orders = np.flatnonzero(core.quantity[program.option] > 0)
    shape = (core.wanted.size, program.option.size)
    return row, core.member[row, kind], csr_array((np.ones(orders.size), (program.row[orders], orders)), shape=shape)


def _wide(
    program: _Program, of_options: csr_array, column: IntArray | None = None, value: FloatArray | None = None
) -> csr_array:
    """Coefficients of the options and, one per row of the matrix, of the variables of limits."""
    n, width = of_options.shape[0], 2 * program.lower.size
    if column is None or value is None:
        return hstack([of_options, csr_array((n, width))], format="csr")
    return hstack([of_options, csr_array((value, (np.arange(n), column)), shape=(n, width))], format="csr")
