"""Seconds of the simulator on one core, demand generation and compilation excluded.

    python -m benchmarks.plan.simulator [--million]

Poisson demand with gamma-distributed means, (R,S) with sales lost: 100,000 items × 365 days, with other reviews, drawn
lead times, whole packs, (s,S), and decisions from outside beside it; with ``--million`` 1,000,000 items × 90 days, in
parts of 100,000 so that memory stays small.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from skucast.inventory.lead_time.draw_kernel import FloatArray
from skucast.inventory.simulation.outcome import Outcome
from skucast.inventory.simulation.setup import InitialStock, LeadTimes, OrderLimits, SimulationSetup
from skucast.inventory.simulation.simulator import Policy, StockState, simulate, simulate_decisions

N, DAYS = 100_000, 365
REVIEW, LEAD = 7, 14
WEIGHTS = np.array([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 4, 6, 5, 4, 3, 2, 1, 1.0])


def main() -> None:
    """Print a line for each case."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--million", action="store_true")
    arguments = parser.parse_args()
    compile_all()
    demand = drawn(N, DAYS, seed=1)
    mean = demand.mean(axis=1)
    level = np.ceil(1.3 * mean * (REVIEW + LEAD))
    setting = setting_of(level)
    seeds = np.arange(N, dtype=np.uint64)
    cases: dict[str, Callable[[], Outcome]] = {
        "(R,S), R 7, L 14": lambda: simulate(demand, Policy.up_to(level), setting),
        "base stock, L 14": lambda: simulate(demand, Policy.up_to(level), replace(setting, review_period=1)),
        "drawn lead times": lambda: simulate(
            demand, Policy.up_to(level), replace(setting, lead_times=LeadTimes(LEAD, WEIGHTS, seeds))
        ),
        "packs of 6": lambda: simulate(
            demand, Policy.up_to(level), replace(setting, limits=OrderLimits(pack_size=6.0))
        ),
        "(s,S), L 14": lambda: simulate(
            demand, Policy.reorder_up_to(mean * (LEAD + 2), level), replace(setting, review_period=1)
        ),
        "decided outside": lambda: simulate_decisions(demand, lambda _, state: missing(level, state), setting),
    }
    print(f"{N:,} items × {DAYS} days\n{'':20}{'seconds':>8}{'filled':>9}{'clean cycles':>14}")
    for name, run in cases.items():
        report(name, run)
    if arguments.million:
        million()


def drawn(n: int, n_periods: int, seed: int) -> FloatArray:
    """Poisson counts; means are exponential about 3."""
    rng = np.random.default_rng(seed)
    return rng.poisson(rng.gamma(1.0, 3.0, (n, 1)), (n, n_periods)).astype(np.float64)


def setting_of(level: FloatArray) -> SimulationSetup:
    """Stock at the level, lead times as promised."""
    return SimulationSetup(InitialStock(level), LeadTimes(LEAD), REVIEW)


def missing(level: FloatArray, state: StockState) -> FloatArray:
    """What (R,S) orders."""
    return np.maximum(level - state.inventory_position, 0.0)


def compile_all() -> None:
    """Every kernel once."""
    simulate_decisions(np.ones((2, 5)), lambda _, state: missing(np.ones(2), state), setting_of(np.ones(2)))


def report(name: str, run: Callable[[], Outcome]) -> None:
    """One line."""
    began = time.perf_counter()
    outcome = run()
    seconds = time.perf_counter() - began
    filled = outcome.filled.sum() / outcome.demanded.sum()
    clean = outcome.cycles_without_stock_out.sum() / outcome.cycles.sum()
    print(f"{name:20}{seconds:>8.2f}{100 * filled:>8.2f}%{100 * clean:>13.2f}%", flush=True)


def million() -> None:
    """A million items in ten parts."""
    seconds = 0.0
    for part in range(10):
        demand = drawn(100_000, 90, seed=part)
        level = np.ceil(1.3 * demand.mean(axis=1) * (REVIEW + LEAD))
        began = time.perf_counter()
        simulate(demand, Policy.up_to(level), setting_of(level))
        seconds += time.perf_counter() - began
    print(f"1,000,000 items × 90 days, (R,S), R 7, L 14: {seconds:.2f} seconds")


if __name__ == "__main__":
    main()
