"""Slow, obvious sums behind a launch prior: one series after the other, plain loops."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from skucast.forecasting.launch import (
    BIN,
    POWER,
    REACH,
    WINDOW,
    Deviations,
    Group,
    LaunchLaw,
    Scatter,
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
        return len(self.demand) / WINDOW

    @property
    def mean(self) -> float:
        return sum(self.demand) / len(self.demand)


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
    groups = [group_of([each for each in seen if each.is_launched is kind]) for kind in (True, False)]
    levels = level(*groups)
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
    law = launch_law(levels, how, bins[True], bins[False])
    return Prior(law, how, levels.launched, effects, prices, {name: len(own) for name, own in members.items()})


def group_of(seen: Sequence[Seen]) -> Group:
    weight = log_mean = freedom = dispersion = 0.0
    for each in seen:
        n = len(each.demand)
        weight += n / WINDOW
        log_mean += n / WINDOW * math.log(each.mean)
        if n > 1:
            variance = sum((x - each.mean) ** 2 for x in each.demand) / (n - 1)
            share = (n - 1) / (WINDOW - 1)
            freedom += share
            dispersion += share * variance / each.mean**POWER
    return Group(weight, log_mean, freedom, dispersion)


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
