"""Policies that decide from the forecast of each review, for a replay on demand that is known afterwards.

Each variant sees at a review what a planner saw then: the forecast made with data before it, and the state that its own
earlier orders led to. Beside the plan's own policy: order nothing, and perfect foresight; ``replay_rivals`` has more.
Lots and limits are the same for all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skucast.inventory.ordering.order_gains import chances_served
from skucast.inventory.ordering.order_quantity import demand_per_order, final_quantity, wanted_quantity
from skucast.inventory.projection.net_requirement import ServiceTarget, outlook
from skucast.inventory.simulation.replay import Replay, ahead_of, receipts, review_in
from skucast.inventory.simulation.replay_rivals import base_stocks
from skucast.inventory.simulation.setup import UnmetDemand
from skucast.inventory.simulation.simulator import Decide, StockState
from skucast.numerics.arrays import FloatArray, IntArray


@dataclass
class Calibration:
    """What a variant expected of its own orders, in the cycles that count.

    Attributes:
        cycles: that begin in a scored period and end within the window, shape (n,).
        without_stock_out: sum over them of the probability that nothing is missed, shape (n,).
    """

    cycles: FloatArray
    without_stock_out: FloatArray


def nothing(replay: Replay) -> Decide:
    """Never order."""
    none = np.zeros(replay.seeds.size)
    return lambda *_: none


def perfect(replay: Replay) -> Decide:
    """Order exactly what the arrival cycle will miss; only lead times that are drawn are unknown."""
    horizon = int((replay.lead_time + replay.review_period).max(initial=1))
    demand = np.concatenate([replay.demand, np.zeros((replay.seeds.size, horizon))], axis=1)

    def decide(period: int, state: StockState) -> FloatArray:
        need = known_need(
            demand[:, period : period + horizon], receipts(state, horizon), state.on_hand - state.backorders,
            (replay.lead_time, replay.review_period), is_lost=replay.world is UnmetDemand.LOST_SALES,
        )  # fmt: skip
        terms = replay.terms_at(review_in(replay, period))
        raw = wanted_quantity(np.round(need, 9), terms, is_lost=True)
        return final_quantity(raw, terms, state.inventory_position)

    return decide


def planned(replay: Replay, aim: ServiceTarget) -> tuple[Decide, Calibration]:
    """The plan's own policy, and what it expects of its orders: filled in while it decides."""
    n = replay.seeds.size
    calibration = Calibration(np.zeros(n), np.zeros(n))

    def decide(period: int, state: StockState) -> FloatArray:
        review, orders = review_in(replay, period), np.zeros(n)
        rows = np.flatnonzero(state.is_review & (replay.forecasts.n_steps[:, review] > 0))
        if rows.size > 0:
            orders[rows], enough = _ordered(replay, review, rows, state, ServiceTarget(*(each[rows] for each in aim)))
            arrival = period + replay.lead_time[rows]
            ends = arrival + replay.review_period[rows] <= replay.demand.shape[1]
            counts = (arrival >= replay.score_from) & ends
            calibration.cycles[rows] += counts
            calibration.without_stock_out[rows] += counts * enough
        return orders

    return decide, calibration


def _ordered(
    replay: Replay, review: int, rows: IntArray, state: StockState, aim: ServiceTarget
) -> tuple[FloatArray, FloatArray]:
    """Quantities of some items, and the probability that each is enough for its arrival cycle."""
    is_lost, terms = replay.world is UnmetDemand.LOST_SALES, replay.terms_at(review).of(rows)
    found = outlook(
        ahead_of(replay, review, rows, state),
        aim._replace(lot=demand_per_order(terms, replay.units[rows], is_lost=is_lost)),
        is_lost=is_lost,
    )
    level = aim.cycle_service_level
    short = found.lacking if is_lost else base_stocks(replay, review, rows, level) - state.inventory_position[rows]
    wanted = wanted_quantity(np.round(short, 9), terms, is_lost=is_lost)
    quantity = final_quantity(wanted, terms, found.stock_at_arrival)
    return quantity, chances_served(quantity[:, None], found.need, found.shortage)[:, 0]


def known_need(
    demand: FloatArray,
    receipts: FloatArray,
    opening: FloatArray,
    lead_and_review: tuple[IntArray, IntArray],
    *,
    is_lost: bool,
) -> FloatArray:
    """What must arrive after the lead time for nothing to be missed in the arrival cycle, when demand is known.

    Args:
        demand: units per period, shape (n, horizon).
        receipts: at the start of each period, units, same shape.
        opening: stock less what is owed, units, shape (n,).
        lead_and_review: periods, each of shape (n,).
        is_lost: demand that finds no stock is lost; else it is owed.

    Returns:
        Units, shape (n,); below 0: more than enough.
    """
    lead, review = lead_and_review
    stock, wanted = opening.copy(), np.zeros(opening.size)
    need = np.full(opening.size, -np.inf)
    for h in range(demand.shape[1]):
        before, in_cycle = h < lead, (h >= lead) & (h < lead + review)
        left = stock + receipts[:, h] - demand[:, h]
        stock = np.where(before, np.maximum(left, 0.0) if is_lost else left, stock)
        stock = stock + np.where(h == lead, receipts[:, h], 0.0)
        wanted = wanted + np.where(in_cycle, demand[:, h] - np.where(h > lead, receipts[:, h], 0.0), 0.0)
        need = np.where(in_cycle, np.maximum(need, wanted), need)
    return need - stock
