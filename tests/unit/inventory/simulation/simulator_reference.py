"""The stock of one item as plain loops: an order is a thing with a quantity and a period of arrival."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise


@dataclass
class Order:
    quantity: float
    arrives: int


@dataclass
class Tally:
    """What came of it; lists by period."""

    on_hand: list[float] = field(default_factory=list)
    backorders: list[float] = field(default_factory=list)
    ordered: list[float] = field(default_factory=list)
    received: list[float] = field(default_factory=list)
    unmet: list[float] = field(default_factory=list)
    cycle_starts: list[int] = field(default_factory=list)

    def cycles(self, score_from: int) -> tuple[int, int]:
        """Cycles that start in a scored period and end, and those of them without stock-out."""
        starts = sorted(set(self.cycle_starts))
        spans = [
            range(begin, end) for begin, end in pairwise(starts)
            if begin >= score_from and end <= len(self.on_hand)
        ]  # fmt: skip
        clean = [span for span in spans if all(self.unmet[t] == 0 and self.backorders[t] == 0 for t in span)]
        return len(spans), len(clean)


@dataclass
class Shop:
    """One item: the same rules as a ``Policy``, with one value each."""

    on_hand: float
    pipeline: Sequence[float]
    backorders: float
    level: float
    reorder_point: float
    lot: float
    review_period: int
    first_review: int
    min_order: float
    pack: float
    max_stock: float
    rounding: str
    loses_sales: bool

    def quantity(self, position: float) -> float:
        if position > self.reorder_point:
            return 0.0
        if self.lot > 0:
            n = 1
            while position + n * self.lot <= self.reorder_point:
                n += 1
            return self.limited(n * self.lot, position)
        return self.limited(self.level - position, position)

    def limited(self, wanted: float, position: float) -> float:
        if wanted <= 0:
            return 0.0
        quantity = self.packed(max(wanted, self.min_order), self.rounding)
        if quantity < self.min_order:
            quantity = self.packed(self.min_order, "up")
        room = self.max_stock - position
        if quantity > room:
            quantity = max(0.0, self.packed(room, "down"))
        return 0.0 if quantity < self.min_order else quantity

    def packed(self, quantity: float, rounding: str) -> float:
        if self.pack == 0:
            return quantity
        number = {"up": math.ceil, "down": math.floor, "nearest": lambda x: math.floor(x + 0.5)}[rounding]
        return number(quantity / self.pack) * self.pack


def run(
    shop: Shop, demand: Sequence[float], lead_time: Callable[[int], int], level: Callable[[int], float] | None = None
) -> Tally:
    """The clock, in its own words; a level that changes is given by period."""
    tally = Tally()
    stock, waiting = shop.on_hand, shop.backorders
    on_order = [Order(quantity, arrives) for arrives, quantity in enumerate(shop.pipeline)]
    for t in range(len(demand) + 1):
        # receive
        arrived = sum(order.quantity for order in on_order if order.arrives == t)
        on_order = [order for order in on_order if order.arrives != t]
        stock, waiting = _settle(stock + arrived, waiting)
        # decide
        ordered = 0.0
        if t >= shop.first_review and (t - shop.first_review) % shop.review_period == 0:
            shop.level = level(t) if level else shop.level
            position = stock + sum(order.quantity for order in on_order) - waiting
            ordered = shop.quantity(position)
            if t == len(demand) and shop.reorder_point < math.inf:
                break
            if shop.reorder_point == math.inf or ordered > 0:
                tally.cycle_starts.append(t + lead_time(t))
            on_order.append(Order(ordered, t + lead_time(t)))
        if t == len(demand):
            break
        at_once = sum(order.quantity for order in on_order if order.arrives == t)
        on_order = [order for order in on_order if order.arrives != t]
        stock, waiting = _settle(stock + at_once, waiting)
        # demand: fill, lose or backorder
        filled = min(stock, demand[t])
        stock -= filled
        waiting += 0 if shop.loses_sales else demand[t] - filled
        tally.on_hand.append(stock)
        tally.backorders.append(waiting)
        tally.ordered.append(ordered)
        tally.received.append(arrived + at_once)
        tally.unmet.append(demand[t] - filled)
    return tally


def _settle(stock: float, waiting: float) -> tuple[float, float]:
    served = min(stock, waiting)
    return stock - served, waiting - served
