"""Random plans that share limits, and the best choice by a mixed-integer program written down on its own."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import stats
from scipy.optimize import Bounds, LinearConstraint, milp

from skucast.inventory.allocation.allocation import allocate
from skucast.inventory.allocation.limits import FULL, Limits, LocalOptions, rows_at
from skucast.inventory.allocation.row_choice_kernel import RESOURCE, OrderOptions

INF = np.inf


@dataclass(frozen=True)
class Case:
    """A plan and its limits."""

    curves: OrderOptions
    limits: Limits

    def solved(self) -> np.ndarray:
        """Places of the options that are chosen."""
        rows, found = allocate(LocalOptions(self.curves), self.limits)
        return found.choice(rows.curves)

    def gain(self, places: np.ndarray) -> float:
        return float(self.curves.gain[self.curves.start[:-1] + places].sum())

    def used(self, places: np.ndarray) -> np.ndarray:
        """Money or volume that each limit counts."""
        quantity = self.curves.quantity[self.curves.start[:-1] + places]
        found = np.zeros(self.limits.lower.size)
        for row, limits in enumerate(self.curves.member):
            for kind, limit in enumerate(limits):
                if limit >= 0:
                    found[limit] += quantity[row] * self.curves.weight[row, RESOURCE[kind]]
        return found

    def is_feasible(self, places: np.ndarray) -> bool:
        """Every limit, one after the other."""
        bounds = zip(self.used(places), self.limits.lower, self.limits.upper, self.limits.container, strict=True)
        return all(_holds(*each) for each in bounds)

    def permuted(self, order: np.ndarray) -> Case:
        return replace(self, curves=rows_at(self.curves, order))


def _holds(used: float, lower: float, upper: float, container: float) -> bool:
    if used == 0:
        return True
    full = np.isnan(container) or np.ceil(used / container - 1e-8) - used / container <= 1 - FULL + 1e-8
    return bool(used >= lower * (1 - 1e-8) and used <= upper * (1 + 1e-8) and full)


def best_gain(case: Case, gap: float = 1e-6) -> float:
    """Highest gain of any choice within the limits; binary variables for suppliers, whole numbers of containers.

    What the solver proves that no choice gains more than, should it run out of time.
    """
    limits, n_options = case.limits, case.curves.quantity.size
    n = n_options + 2 * limits.lower.size
    lines = [*_one_option_each(case, n)]
    for limit in range(limits.lower.size):
        lines += _lines_of(case, limit, n)
    matrix, low, high = (np.array(part) for part in zip(*lines, strict=True))
    cost = np.concatenate([-case.curves.gain, np.zeros(2 * limits.lower.size)])
    most = np.concatenate([np.ones(n - limits.lower.size), np.full(limits.lower.size, INF)])
    answer = milp(cost, integrality=np.ones(n), bounds=Bounds(0, most), constraints=LinearConstraint(matrix, low, high),
                  options={"mip_rel_gap": gap, "time_limit": 60})  # fmt: skip
    return float(-answer.mip_dual_bound)


def beside_exact(seeds: range) -> tuple[float, float, float, int]:
    """Gain found, highest gain, worst ratio of the two and number of feasible choices over random cases."""
    found, best, ratios, feasible = 0.0, 0.0, [], 0
    for seed in seeds:
        case = random_case(seed)
        places = case.solved()
        own, most = case.gain(places), best_gain(case, 1e-3)
        found, best, feasible = found + own, best + most, feasible + case.is_feasible(places)
        ratios.append(own / most if most > 1e-9 else 1.0)
    return found, best, min(ratios), feasible


Line = tuple[np.ndarray, float, float]


def _owner(case: Case) -> np.ndarray:
    return np.repeat(np.arange(case.curves.wanted.size), np.diff(case.curves.start))


def _one_option_each(case: Case, n: int) -> list[Line]:
    owner = _owner(case)
    return [(np.pad((owner == row).astype(float), (0, n - owner.size)), 1, 1) for row in range(owner.max() + 1)]


def _lines_of(case: Case, limit: int, n: int) -> list[Line]:
    curves, limits, owner = case.curves, case.limits, _owner(case)
    kind = int(np.searchsorted(limits.first, limit, side="right")) - 1
    inside = curves.member[owner, kind] == limit
    use = np.pad(inside * curves.weight[owner, RESOURCE[kind]] * curves.quantity, (0, n - owner.size))
    opened, packed = owner.size + limit, owner.size + limits.lower.size + limit
    unit = np.eye(n)
    found: list[Line] = []
    if np.isfinite(limits.upper[limit]):
        found.append((use, -INF, limits.upper[limit]))
    if limits.lower[limit] > 0:
        found.append((use - limits.lower[limit] * unit[opened], 0, INF))
        orders = np.flatnonzero(inside & (curves.quantity > 0))
        found += [(unit[option] - unit[opened], -INF, 0) for option in orders]
    if limits.container[limit] > 0:
        size = limits.container[limit]
        found.append((use - size * unit[packed], -(1 - FULL) * size, 0))
    return found


def random_curves(
    rng: np.random.Generator, n: int, *, n_suppliers: int, n_locations: int
) -> tuple[OrderOptions, np.ndarray]:
    """Expected profit of newsvendors at multiples of a pack from a minimum on; the rows' suppliers and locations."""
    mean, cost = rng.lognormal(3, 1, n), rng.lognormal(1, 0.8, n)
    price, salvage = cost * rng.uniform(1.1, 3, n), cost * rng.uniform(0, 0.9, n)
    deviation = mean * rng.uniform(0.1, 0.8, n)
    quantities, gains, wanted = [], [], []
    for row in range(n):
        pack = float(rng.choice([1, 1, 2, 6, 12]))
        least = np.ceil(rng.choice([0, 0, 0.3, 1.0]) * mean[row] / pack) * pack
        reach = mean[row] + 4 * deviation[row]
        step = max(pack, np.ceil(reach / 16 / pack) * pack)
        grid = np.concatenate([[0.0], max(least, pack) + step * np.arange(int(max(1, (reach - least) / step)) + 1)])
        value = newsvendor_gain(grid, mean[row], deviation[row], price[row], cost[row], salvage[row])
        quantities.append(grid), gains.append(value), wanted.append(int(np.argmax(value)))
    start = np.concatenate([[0], np.cumsum([len(each) for each in quantities])]).astype(np.int64)
    weight = np.stack([cost, rng.lognormal(-4, 0.7, n)], axis=1)
    groups = np.stack([rng.integers(0, n_suppliers, n), rng.integers(0, n_locations, n)], axis=1)
    curves = OrderOptions(
        start, np.concatenate(quantities), np.concatenate(gains), np.array(wanted, dtype=np.int64), weight,
        np.full((n, 5), -1, dtype=np.int64), rng.random(n), np.arange(n, dtype=np.int64),
        np.full(n, -1, dtype=np.int64),
    )  # fmt: skip
    return curves, groups


def newsvendor_gain(
    quantity: np.ndarray, mean: float, deviation: float, price: float, cost: float, salvage: float
) -> np.ndarray:
    """Expected profit of ordering compared with ordering nothing, demand being normal but never below 0."""

    def sold(level: np.ndarray) -> np.ndarray:
        z = (level - mean) / deviation
        return level - deviation * (z * stats.norm.cdf(z) + stats.norm.pdf(z))

    at = sold(np.asarray(quantity)) - sold(np.zeros(1))
    return (price - salvage) * at - (cost - salvage) * np.asarray(quantity)


def random_case(
    seed: int, *, n: int | None = None, kinds: tuple[str, ...] | None = None, tightness: float | None = None
) -> Case:
    """A plan with one to three kinds of limits that overlap."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(5, 41)) if n is None else n
    all_kinds = ("budget", "supplier_budget", "location_budget", "storage", "min_value", "min_volume", "container")
    if kinds is None:
        kinds = tuple(rng.choice(all_kinds, int(rng.integers(1, 4)), replace=False))
    n_suppliers, n_locations = (max(1, n // 12) + int(rng.integers(0, 2)) for _ in range(2))
    curves, groups = random_curves(rng, n, n_suppliers=n_suppliers, n_locations=n_locations)
    return limited(rng, curves, groups, kinds, n_suppliers, n_locations, tightness)


def limited(
    rng: np.random.Generator, curves: OrderOptions, groups: np.ndarray, kinds: tuple[str, ...], n_suppliers: int,
    n_locations: int, tightness: float | None = None,
) -> Case:  # fmt: skip
    """Limits from a tenth to somewhat more of what is wanted."""
    n, wanted = len(groups), curves.quantity[curves.start[:-1] + curves.wanted]
    sizes = [1 if "budget" in kinds else 0]
    sizes += [n_suppliers * bool({"supplier_budget", "min_value"} & set(kinds))]
    sizes += [n_suppliers * bool({"min_volume", "container"} & set(kinds))]
    sizes += [n_locations * ("location_budget" in kinds), n_locations * ("storage" in kinds)]
    first = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    member = np.full((n, 5), -1, dtype=np.int64)
    group = (np.zeros(n, dtype=np.int64), groups[:, 0], groups[:, 0], groups[:, 1], groups[:, 1])
    use = np.zeros(first[-1])
    for kind in np.flatnonzero(sizes):
        member[:, kind] = first[kind] + group[kind]
        np.add.at(use, member[:, kind], wanted * curves.weight[:, RESOURCE[kind]])
    return Case(curves._replace(member=member), _drawn(rng, first, use, kinds, tightness))


def _drawn(
    rng: np.random.Generator, first: np.ndarray, use: np.ndarray, kinds: tuple[str, ...], tightness: float | None
) -> Limits:
    """Limits as shares of what is wanted."""
    lower, upper, container = np.zeros(use.size), np.full(use.size, INF), np.full(use.size, np.nan)
    for kind, name in ((0, "budget"), (1, "supplier_budget"), (3, "location_budget"), (4, "storage")):
        own = slice(first[kind], first[kind + 1])
        if name in kinds:
            upper[own] = use[own] * (rng.uniform(0.1, 1.1, use[own].size) if tightness is None else tightness)
    for kind, name in ((1, "min_value"), (2, "min_volume")):
        own = slice(first[kind], first[kind + 1])
        if name in kinds:
            lower[own] = use[own] * rng.uniform(0.5, 1.6, use[own].size)
    if "container" in kinds:
        own = slice(first[2], first[3])
        container[own] = use[own] / rng.uniform(0.6, 5, use[own].size) + 1e-6
    return Limits.of(first, lower, upper, container)
