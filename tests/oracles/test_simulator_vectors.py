"""The simulator against exact fill rates and exact costs, within three standard errors."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skucast.inventory.simulation.outcome import CostRates
from skucast.inventory.simulation.setup import InitialStock, LeadTimes, SimulationSetup, UnmetDemand
from skucast.inventory.simulation.simulator import Policy, simulate

pytestmark = pytest.mark.shared


@pytest.fixture(scope="module")
def vector(shared: Path) -> Callable[[str], tuple[Any, Any]]:
    entries = json.loads((shared / "oracles" / "inventory_vectors.json").read_text(encoding="utf-8"))
    by_id = {entry["id"]: entry for entry in entries}
    return lambda name: (by_id[name]["inputs"], by_id[name]["expected"])


def _ratio(part, whole):
    """Ratio of sums over items and its standard error; the items are independent."""
    ratio = part.sum() / whole.sum()
    return ratio, np.sqrt(((part - ratio * whole) ** 2).sum()) / whole.sum()


def _demand_of(given, shape, seed):
    rng = np.random.default_rng(seed)
    if "pmf" in given:
        sizes = [float(size) for size in given["pmf"]]
        return rng.choice(sizes, shape, p=list(given["pmf"].values()))
    if "poisson" in given:
        return rng.poisson(given["poisson"], shape).astype(np.float64)
    return np.maximum(rng.normal(given["mu"], given["sd"], shape), 0.0)


@pytest.mark.parametrize("name", ["FR-RS-1", "FR-RS-2", "FR-BS-7", "FR-BS-8"])
def test_fill_rates_with_backorders_are_the_exact_ones(name, vector):
    """(R,S): 1 − (E[(D over R+L − S)⁺] − E[(D over L − S)⁺]) / demand over R; cycles: P(D over R+L ≤ S)."""
    given, expected = vector(name)
    demand = _demand_of(given, (4000, 620), seed=5)
    opening = InitialStock(np.full(demand.shape[0], float(given["S"])))
    setting = SimulationSetup(
        opening, LeadTimes(given["L"]), given["R"], world=UnmetDemand.BACKORDERS, score_from=20 * given["R"]
    )
    outcome = simulate(demand, Policy.up_to(float(given["S"])), setting)
    fill, error = _ratio(outcome.filled, outcome.demanded)
    assert abs(fill - expected["exact"]) < 3 * error
    assert error < 1e-3
    if "csl" in expected:
        level, error = _ratio(outcome.cycles_without_stock_out, outcome.cycles)
        assert abs(level - expected["csl"]) < 3 * error


@pytest.mark.parametrize("name", ["SS-EX4.7", "SS-4.31", "ZF91-10", "ZF91-25"])
def test_costs_of_a_reorder_point_and_a_level_with_backorders_are_the_exact_ones(name, vector):
    """(s,S) at every period without lead time; costs per period of Zheng & Federgruen (1991)."""
    given, expected = vector(name)
    demand = _demand_of(given, (2000, 600), seed=6)
    opening = InitialStock(np.full(demand.shape[0], float(expected["S"])))
    setting = SimulationSetup(opening, LeadTimes(0), world=UnmetDemand.BACKORDERS, score_from=100)
    policy = Policy.reorder_up_to(float(expected["s"]), float(expected["S"]))
    outcome = simulate(demand, policy, setting)
    costs = outcome.costs(CostRates(holding=given["h"], waiting=given["p"], ordering=given["K"]))
    cost, error = _ratio(costs.total, outcome.periods)
    assert abs(cost - expected["cost"]) < 3 * error + 5e-4
    assert error < 5e-3 * cost
