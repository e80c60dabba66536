"""Slow, obvious sums behind a launch prior: one series after the other, plain loops."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from skucast.forecasting.cold_start.model import BIN, REACH, LaunchLaw
from skucast.forecasting.cold_start.prior import (
    FULL_WEIGHT,
    WINDOW,
    Deviations,
    Level,
    Scatter,
    VarianceSums,
    deviations,
    launch_law,
    level,
)


@dataclass(frozen=True)
class Seen:
    """What one series shows of its last ``WINDOW`` periods."""

    category: str
    price: float
    is_launched: bool
    demand: Sequence[float]

    @property
    def weight(self) -> float:
        return min(len(self.demand) / FULL_WEIGHT, 1.0)

    @property
    def mean(self) -> float:
        return sum(self.demand) / len(self.demand)

    @property
    def freedom(self) -> float:
        return (len(self.demand) - 1) / (WINDOW - 1)

    @property
    def variance(self) -> float:
        return sum((x - self.mean) ** 2 for x in self.demand) / max(len(self.demand) - 1, 1)


@dataclass(frozen=True)
class Prior:
    """A prior made of series one by one."""

    law: LaunchLaw
    deviations: Deviations
    launched: float
    effects: dict[str, float]
    prices: dict[str, float]
    counts: dict[str, int]

    def log_mean(self, category: str, price: float) -> float:
        """Of a series that has not sold yet."""
        found = self.launched + self.effects.get(category, 0.0)
        if category in self.prices and price > 0:
            found += self.deviations.elasticity * (math.log(price) - self.prices[category])
        return found


def prior_of(series: Sequence[Seen]) -> Prior:
    """The prior of many series; those without demand in the window are left out."""
    seen = [each for each in series if len(each.demand) and sum(each.demand) > 0]
    levels = level_of(seen)
    e = [math.log(each.mean) - (levels.launched if each.is_launched else levels.established) for each in seen]
    members = defaultdict(list)
    for number, each in enumerate(seen):
        members[each.category].append(number)
    how = deviations(scatter_of(seen, e, members))
    effects, prices = {}, {}
    for category, own in members.items():
        weight = sum(seen[i].weight for i in own)
        effects[category] = sum(seen[i].weight * e[i] for i in own) / (weight + how.category_weight) if category else 0
        priced = [i for i in own if seen[i].price > 0]
        if priced:
            total = sum(seen[i].weight for i in priced)
            prices[category] = sum(seen[i].weight * math.log(seen[i].price) for i in priced) / total
    bins = {True: np.zeros(2 * REACH + 1), False: np.zeros(2 * REACH + 1)}
    for number, each in enumerate(seen):
        rest = e[number] - effects[each.category]
        if each.price > 0:
            rest -= how.elasticity * (math.log(each.price) - prices[each.category])
        place = min(max(rest / how.spread / BIN, -REACH), REACH - 1e-9)
        lower = math.floor(place)
        bins[each.is_launched][lower + REACH] += each.weight * (1 - (place - lower))
        bins[each.is_launched][lower + REACH + 1] += each.weight * (place - lower)
    spread = (
        sum(each.freedom for each in seen),
        sum(each.freedom * min(each.variance / each.mean**levels.power, levels.most_dispersed) for each in seen),
    )
    law = launch_law(levels, how.spread, spread, bins[True], bins[False])
    return Prior(law, how, levels.launched, effects, prices, {name: len(own) for name, own in members.items()})


def level_of(seen: Sequence[Seen]) -> Level:
    sums = {True: [0.0, 0.0], False: [0.0, 0.0]}
    variances = [0.0] * 5
    for each in seen:
        sums[each.is_launched][0] += each.weight
        sums[each.is_launched][1] += each.weight * math.log(each.mean)
        if each.variance > 0:
            x, y, f = math.log(each.mean), math.log(each.variance), each.freedom
            variances = [a + f * b for a, b in zip(variances, (1, x, y, x * x, x * y), strict=True)]
    return level((sums[True][0], sums[True][1]), (sums[False][0], sums[False][1]), VarianceSums(*variances))


def scatter_of(seen: Sequence[Seen], e: Sequence[float], members: dict[str, list[int]]) -> Scatter:
    n_all = squares = total = within = between = xx = xy = 0.0
    for own in members.values():
        n = sum(seen[i].weight for i in own)
        centre = sum(seen[i].weight * e[i] for i in own) / n
        n_all, squares, total = n_all + n, squares + n**2, total + n * centre
        between += n * centre**2
        within += sum(seen[i].weight * (e[i] - centre) ** 2 for i in own)
        priced = [i for i in own if seen[i].price > 0]
        weight = sum(seen[i].weight for i in priced)
        if priced:
            x_mean = sum(seen[i].weight * math.log(seen[i].price) for i in priced) / weight
            e_mean = sum(seen[i].weight * e[i] for i in priced) / weight
            xx += sum(seen[i].weight * (math.log(seen[i].price) - x_mean) ** 2 for i in priced)
            xy += sum(seen[i].weight * (math.log(seen[i].price) - x_mean) * (e[i] - e_mean) for i in priced)
    return Scatter(len(members), n_all, squares, total, within, between, xx, xy)
