"""Sums over rows at given prices of what is scarce, as plain functions: those reach other processes by their names.

A compiled function would go there as its source, and be compiled again in each.
"""

from __future__ import annotations

from skucast.inventory.allocation import kernel
from skucast.inventory.allocation.row_choice_kernel import OrderOptions, ShadowPrices
from skucast.numerics.arrays import BoolArray, FloatArray, IntArray


def survey(curves: OrderOptions, priced: ShadowPrices) -> IntArray:
    """What the rows use of every limit, and what they gain after paying for what is not their supplier's.

    Returns:
        Shape (2, n_limits): use in units of the limit; gain less payments, in ``GAIN_UNITS``, for limits of suppliers.
    """
    return kernel.survey(curves, priced)


def trials(curves: OrderOptions, priced: ShadowPrices, kind: int, first: int, tried: FloatArray) -> IntArray:
    """Use of each limit of one kind at several prices, the other kinds' prices staying.

    Args:
        curves: the rows.
        priced: prices of the others.
        kind: whose prices are tried.
        first: number of the kind's first limit.
        tried: ascending prices, shape (limits of the kind, m).

    Returns:
        Shape (limits of the kind, m), in units of the limits.
    """
    return kernel.trials(curves, priced, kind, first, tried)


def extents(curves: OrderOptions, priced: ShadowPrices, kind: int, first: int, n_limits: int) -> FloatArray:
    """Prices of one kind's limits beyond which no row changes, shape (2, n_limits): highest, and minus the lowest."""
    return kernel.extents(curves, priced, kind, first, n_limits)


def pressure(curves: OrderOptions, priced: ShadowPrices, is_over: BoolArray) -> IntArray:
    """What each supplier's rows use of exceeded limits, in ``UNITS`` of these, shape (n_limits,)."""
    return kernel.pressure(curves, priced, is_over)


def surplus(curves: OrderOptions, priced: ShadowPrices) -> IntArray:
    """Most that the rows could gain after paying all prices, in ``GAIN_UNITS``, shape (n_limits + 1,).

    Summed by the last limit of each row's supplier; last of all the rows whose supplier has none.
    """
    return kernel.surplus(curves, priced)


def gains(curves: OrderOptions, priced: ShadowPrices) -> IntArray:
    """What the rows gain, in ``GAIN_UNITS``, shape (1,)."""
    return kernel.gains(curves, priced)
