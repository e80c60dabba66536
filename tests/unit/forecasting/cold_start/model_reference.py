"""Slow, obvious sums behind a launch prior: one series after the other, plain loops."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from skucast.forecasting.cold_start.model import BIN, REACH, ColdStartModel
from skucast.forecasting.cold_start.prior import (
    FULL_WEIGHT,
    WINDOW,
    Deviations,
    GroupScatter,
    Level,
    Scatter,
    VarianceSums,
    deviations,
    launch_law,
    level,
    likeness,
    spread_beside,
)
from skucast.forecasting.panel.panel import FloatArray


@dataclass(frozen=True)
class Seen:
    """What one series shows of its last ``WINDOW`` periods."""

    category: str
    price: float
    is_launched: bool
    demand: Sequence[float]
    item: str = ""
    location: str = "GB-1"

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
class Elsewhere:
    """Weight and sum of what is left unsaid by location and then by item, and the beliefs in their being alike."""

    groups: tuple[dict[str, tuple[float, float]], dict[str, tuple[float, float]]]
    beliefs: tuple[float, float]

    def of(self, item: str, location: str) -> float:
        """What is added to the log mean of a series that says nothing itself."""
        found = 0.0
        for name, groups, belief in zip((location, item), self.groups, self.beliefs, strict=True):
            n, e = groups.get(name, (0.0, 0.0))
            found += e / (n + belief)
        return found


@dataclass(frozen=True)
class Prior:
    """A prior made of series one by one."""

    law: ColdStartModel
    deviations: Deviations
    launched: float
    effects: dict[str, float]
    prices: dict[str, float]
    counts: dict[str, int]
    elsewhere: Elsewhere | None = None

    def log_mean(self, category: str, price: float, item: str = "", location: str = "GB-1") -> float:
        """Of a series that has not sold yet."""
        found = self.launched + self.effects.get(category, 0.0)
        if self.elsewhere:
            found += self.elsewhere.of(item, location)
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
    rests = []
    for number, each in enumerate(seen):
        rests.append(e[number] - effects[each.category])
        if each.price > 0:
            rests[-1] -= how.elasticity * (math.log(each.price) - prices[each.category])
    elsewhere, rests = elsewhere_of(seen, rests)
    if elsewhere:
        squares = sum(each.weight * x**2 for each, x in zip(seen, rests, strict=True))
        how = replace(how, spread=spread_beside(squares, sum(each.weight for each in seen)))
    bins = binned(seen, rests, how.spread)
    spread = (
        sum(each.freedom for each in seen),
        sum(each.freedom * min(each.variance / each.mean**levels.power, levels.most_dispersed) for each in seen),
    )
    law = launch_law(levels, how.spread, spread, bins[True], bins[False])
    counts = {name: len(own) for name, own in members.items()}
    return Prior(law, how, levels.launched, effects, prices, counts, elsewhere)


def binned(seen: Sequence[Seen], rests: Sequence[float], unit: float) -> dict[bool, FloatArray]:
    """Weight of launched and of other series by bin of their deviation."""
    bins = {True: np.zeros(2 * REACH + 1), False: np.zeros(2 * REACH + 1)}
    for rest, each in zip(rests, seen, strict=True):
        place = min(max(rest / unit / BIN, -REACH), REACH - 1e-9)
        lower = math.floor(place)
        bins[each.is_launched][lower + REACH] += each.weight * (1 - (place - lower))
        bins[each.is_launched][lower + REACH + 1] += each.weight * (place - lower)
    return bins


def elsewhere_of(seen: Sequence[Seen], rests: list[float]) -> tuple[Elsewhere | None, list[float]]:
    """What the others of a location and of an item say of each series, and what is left after that."""
    if len({each.location for each in seen}) < 2:
        return None, rests
    found, beliefs = [], []
    for key in ("location", "item"):
        members = defaultdict(list)
        for number, each in enumerate(seen):
            members[getattr(each, key)].append(number)
        groups, n_all, squares, total, within, between = {}, 0.0, 0.0, 0.0, 0.0, 0.0
        for name, own in members.items():
            n, total_own = sum(seen[i].weight for i in own), sum(seen[i].weight * rests[i] for i in own)
            groups[name] = n, total_own
            n_all, squares, total, between = n_all + n, squares + n**2, total + total_own, between + total_own**2 / n
            within += sum(seen[i].weight * (rests[i] - total_own / n) ** 2 for i in own)
        belief = likeness(GroupScatter(len(members), n_all, squares, total, within, between))
        left = []
        for each, rest in zip(seen, rests, strict=True):
            n, total_own = groups[getattr(each, key)]
            left.append(rest - (total_own - each.weight * rest) / (n - each.weight + belief))
        rests = left
        found.append(groups)
        beliefs.append(belief)
    return Elsewhere((found[0], found[1]), (beliefs[0], beliefs[1])), rests


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
