"""Stock of one item after the other through the periods of the clock, compiled.

In period t: (1) receive what is due at t; (2) decide, using data through t−1; (3) demand happens; (4) fill, lose or
backorder; (5) account for the end stock. An order decided at t with lead time L is on hand at the start of t+L; with
L = 0 directly after (2).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from skucast.inventory.lead_time.draw_kernel import LeadTimeLaw, lead_time
from skucast.numerics.arrays import BoolArray, FloatArray, IntArray
from skucast.numerics.compiled import compiled

NOISE = 1e-9
"""Amounts that count as none: the ninth decimal, as in the planning SQL."""

UP, DOWN, NEAREST = range(3)
NO_CYCLE, UNBROKEN, BROKEN = range(3)

MEASURES = (
    "periods", "periods_with_demand", "demanded", "filled", "unmet", "received", "on_hand_periods",
    "backorder_periods", "stock_outs", "stock_outs_with_demand", "orders", "ordered", "cycles",
    "cycles_without_stock_out",
)  # fmt: skip
"""Columns of ``Record.totals``; each is a sum over the scored periods."""

(
    PERIODS, PERIODS_WITH_DEMAND, DEMANDED, FILLED, UNMET, RECEIVED, ON_HAND_PERIODS, BACKORDER_PERIODS, STOCK_OUTS,
    STOCK_OUTS_WITH_DEMAND, ORDERS, ORDERED, CYCLES, CYCLES_WITHOUT_STOCK_OUT,
) = range(14)  # fmt: skip

PATHS = ("on_hand", "backorders", "ordered", "received", "unmet")
"""First axis of ``Record.path``; the first two as of the end of the period."""


class Stock(NamedTuple):
    """Stock of n items at the end of a period; the kernels change it in place.

    Attributes:
        net: on hand less backorders, shape (n,).
        pipeline: shape (n, depth); what arrives in period t stands in column t mod depth.
        starts_cycle: same shape and columns: an arrival that starts a replenishment cycle.
        cycle: shape (n,); none running, one so far without stock-out, one with.
        ordered: units ordered at the last review, shape (n,).
    """

    net: FloatArray
    pipeline: FloatArray
    starts_cycle: BoolArray
    cycle: IntArray
    ordered: FloatArray


class Rules(NamedTuple):
    """What is ordered at a review. Levels of shape (n, 1) hold always, those of shape (n, n_periods) in their period.

    Attributes:
        reorder_point: nothing is ordered above it. [s]
        order_up_to_level: read where ``lot`` is 0. [S]
        lot: shape (n,); 0: up to the level. [Q]
        orders: decided elsewhere, with an infinite reorder point; or (n, 0): by the other levels.
        review_period: shape (n,). [R]
        first_review: shape (n,).
        min_order_quantity: shape (n,).
        pack_size: shape (n,); 0: any quantity.
        max_stock: shape (n,).
        rounding: ``UP``, ``DOWN`` or ``NEAREST``.
        loses_sales: demand that finds no stock is lost; else it waits.
    """

    reorder_point: FloatArray
    order_up_to_level: FloatArray
    lot: FloatArray
    orders: FloatArray
    review_period: IntArray
    first_review: IntArray
    min_order_quantity: FloatArray
    pack_size: FloatArray
    max_stock: FloatArray
    rounding: int
    loses_sales: bool


class Record(NamedTuple):
    """What is counted.

    Attributes:
        totals: shape (n, len(MEASURES)).
        score_from: first period that counts, shape (n,).
        path: shape (len(PATHS), n, n_periods), or (len(PATHS), n, 0): not kept.
    """

    totals: FloatArray
    score_from: IntArray
    path: FloatArray


class Terms(NamedTuple):
    """What holds for one item at every review: numbers, which cost the loop nothing to hand on; arrays would."""

    lot: float
    min_order_quantity: float
    pack_size: float
    max_stock: float
    rounding: int


@compiled
def advance(
    begin: int, end: int, demand: FloatArray, stock: Stock, rules: Rules, law: LeadTimeLaw, record: Record
) -> None:
    """Take the stock of every item through the periods ``begin`` … ``end`` − 1.

    The inventory position is the same before and after receipts, so what is due is received right after the decision,
    together with an order without lead time.

    Args:
        begin: first period.
        end: first period that is left.
        demand: units per period, shape (n, n_periods).
        stock: at the end of period ``begin`` − 1; left as at the end of ``end`` − 1.
        rules: what is ordered.
        law: how long it takes.
        record: added to.
    """
    for i in range(demand.shape[0]):
        pipeline, starts_cycle, total = stock.pipeline[i], stock.starts_cycle[i], record.totals[i]
        net, cycle, score_from = stock.net[i], stock.cycle[i], record.score_from[i]
        every, depth, terms = rules.review_period[i], pipeline.size, _terms(i, rules)
        review = rules.first_review[i] + every * max(0, -((rules.first_review[i] - begin) // every))
        for t in range(begin, end):
            slot, ordered = t % depth, 0.0
            if t == review:
                review += every
                s = _in_period(t, rules.reorder_point[i])
                position = net + pipeline.sum()
                wanted = _wanted(position, s, _in_period(t, rules.order_up_to_level[i]), terms.lot)
                wanted = _in_period(t, rules.orders[i]) if rules.orders.shape[1] > 0 else wanted
                stock.ordered[i] = ordered = _within_limits(wanted, position, terms)
                place = (slot + lead_time(t, law.fixed[i], law.cumulative[i], law.seeds[i])) % depth
                pipeline[place] += ordered
                starts_cycle[place] |= ordered > 0.0 or s == np.inf
            received, pipeline[slot] = pipeline[slot], 0.0
            if starts_cycle[slot]:
                starts_cycle[slot] = False
                _end_cycle(cycle, total)
                cycle = UNBROKEN if t >= score_from else NO_CYCLE
            net, unmet = _serve(net + received, demand[i, t], rules.loses_sales)
            if cycle == UNBROKEN and (unmet > 0.0 or net < 0.0):
                cycle = BROKEN
            if t >= score_from:
                _count(demand[i, t], unmet, ordered, received, net, total)
            if record.path.shape[2] > 0:
                _keep(i, t, (max(net, 0.0), max(-net, 0.0), ordered, received, unmet), record.path)
        stock.net[i], stock.cycle[i] = net, cycle


@compiled
def end_cycles(end: int, stock: Stock, rules: Rules, law: LeadTimeLaw, record: Record) -> None:
    """End the cycles that would end with an arrival in period ``end``, the first one left; others stay uncounted."""
    for i in range(stock.net.size):
        starts = stock.starts_cycle[i, end % stock.pipeline.shape[1]]
        since = end - rules.first_review[i]
        is_review = since >= 0 and since % rules.review_period[i] == 0
        if is_review and _in_period(end, rules.reorder_point[i]) == np.inf:
            starts |= lead_time(end, law.fixed[i], law.cumulative[i], law.seeds[i]) == 0
        if starts:
            _end_cycle(stock.cycle[i], record.totals[i])


@compiled
def _terms(i: int, rules: Rules) -> Terms:
    return Terms(
        rules.lot[i], rules.min_order_quantity[i], rules.pack_size[i], rules.max_stock[i], rules.rounding
    )  # fmt: skip


@compiled
def _in_period(t: int, levels: FloatArray) -> float:
    """The level that holds in a period: always the same, or its own."""
    return float(levels[min(t, levels.size - 1)])


@compiled
def _wanted(position: float, s: float, S: float, lot: float) -> float:
    """What the policy asks for at an inventory position."""
    if position - s > NOISE:
        return 0.0
    if lot > 0.0:
        return lot * (math.floor((s - position) / lot + NOISE) + 1.0)
    return S - position


@compiled
def _within_limits(wanted: float, position: float, terms: Terms) -> float:
    """The quantity that the supplier takes and the store holds."""
    if wanted <= NOISE:
        return 0.0
    least, most = terms.min_order_quantity, terms.max_stock - position
    quantity = _in_packs(max(wanted, least), terms.pack_size, terms.rounding)
    if quantity < least - NOISE:
        quantity = _in_packs(least, terms.pack_size, UP)
    if quantity > most + NOISE:
        quantity = max(0.0, _in_packs(most, terms.pack_size, DOWN))
    return quantity if quantity >= max(least - NOISE, NOISE) else 0.0


@compiled
def _in_packs(quantity: float, pack: float, rounding: int) -> float:
    if pack == 0.0:
        return quantity
    if rounding == UP:
        return math.ceil(quantity / pack - NOISE) * pack
    if rounding == DOWN:
        return math.floor(quantity / pack + NOISE) * pack
    return math.floor(quantity / pack + 0.5 + NOISE) * pack


@compiled
def _serve(net: float, demand: float, loses_sales: int) -> tuple[float, float]:
    """Net stock after the demand of a period, and what of it was not filled from stock."""
    after = net - demand
    if abs(after) <= NOISE:
        return 0.0, 0.0
    return (max(after, 0.0) if loses_sales else after), min(max(-after, 0.0), demand)


@compiled
def _count(demand: float, unmet: float, ordered: float, received: float, net: float, total: FloatArray) -> None:
    """Add a period to the totals."""
    is_short = unmet > 0.0 or net < 0.0
    total[PERIODS] += 1.0
    total[PERIODS_WITH_DEMAND] += demand > 0.0
    total[DEMANDED] += demand
    total[FILLED] += demand - unmet
    total[UNMET] += unmet
    total[RECEIVED] += received
    total[ON_HAND_PERIODS] += max(net, 0.0)
    total[BACKORDER_PERIODS] += max(-net, 0.0)
    total[STOCK_OUTS] += is_short
    total[STOCK_OUTS_WITH_DEMAND] += is_short and demand > 0.0
    total[ORDERS] += ordered > 0.0
    total[ORDERED] += ordered


@compiled
def _keep(i: int, t: int, values: tuple[float, float, float, float, float], path: FloatArray) -> None:
    for place in range(len(values)):
        path[place, i, t] = values[place]


@compiled
def _end_cycle(cycle: int, total: FloatArray) -> None:
    """Count the cycle that runs, if one does."""
    total[CYCLES] += cycle != NO_CYCLE
    total[CYCLES_WITHOUT_STOCK_OUT] += cycle == UNBROKEN
