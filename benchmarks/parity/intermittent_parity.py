"""Milliseconds per series of the intermittent and count methods, beside statsforecast where it has the method.

    python benchmarks/parity/intermittent_parity.py [--series 500] [--periods 200] [--repeats 5]

One thread, one process: set OMP_NUM_THREADS=1. statsforecast is no dependency; without it its column stays empty. Its
time is that of the bare model on one series after the other, without the framework around it; its SBA and TSB search
nothing, their constants are fixed at 0.1. Both sides take turns
within each repeat, and the smallest time counts. Compilation is the first call, said apart. The difference is
that of the forecasts: the median over the series of |ours - theirs| / theirs, with our bounds and start, then with
theirs (constants of 0.1 to 0.3, level from the first value).
"""

from __future__ import annotations

import argparse
import importlib
import time
from collections.abc import Callable
from functools import partial

import numpy as np

from skucast.forecasting.models.counts.distribution import sum_quantiles
from skucast.forecasting.models.counts.methods import best_count, law_of, negative_binomial
from skucast.forecasting.models.intermittent import aggregation
from skucast.forecasting.models.intermittent.aggregation import adida, imapa
from skucast.forecasting.models.intermittent.croston_optimised import croston_optimised, sba_optimised, tsb_optimised
from skucast.forecasting.panel.panel import FloatArray, Panel
from tests.unit.forecasting.reference import panel_of

HORIZON = 28
LEVELS = np.array([0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975, 0.99])
OURS = (adida, imapa, croston_optimised, sba_optimised, tsb_optimised, negative_binomial, best_count)
THEIRS = {"adida": "ADIDA", "imapa": "IMAPA", "croston_optimised": "CrostonOptimized", "sba_optimised": "CrostonSBA"}
THEIR_BOUNDS = {"adida": aggregation._fit_adida, "imapa": aggregation._fit_imapa}


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--series", type=int, default=500)
    parser.add_argument("--periods", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    panel = panel_of(sparse_demand(arguments.series, arguments.periods), horizon=HORIZON)
    print(f"{panel.n_series} series, {panel.n_periods} periods, share of zeros {np.mean(panel.demand == 0):.2f}")
    print(
        f"{'method':<20}{'first call s':>13}{'ms/series':>11}{'theirs':>9}{'ratio':>7}{'differ':>9}{'their bounds':>14}"
    )
    for method in OURS:
        report(method, panel, arguments.repeats)
    law = law_of(best_count(panel))
    began = time.perf_counter()
    sum_quantiles(law, LEVELS, HORIZON)
    compiling = time.perf_counter() - began
    once = min(seconds(partial(sum_quantiles, law, LEVELS, HORIZON)) for _ in range(arguments.repeats))
    print(f"{'sum_quantiles':<20}{compiling:>13.2f}{1000 * once / panel.n_series:>11.4f}")


def sparse_demand(n_series: int, n_periods: int) -> FloatArray:
    """Negative binomial demand of 0.03 to 1.5 units per period, as of car parts; at least one sale each."""
    rng = np.random.default_rng(1)
    mean = np.exp(rng.uniform(np.log(0.03), np.log(1.5), (n_series, 1)))
    size = np.exp(rng.uniform(np.log(0.1), np.log(3.0), (n_series, 1)))
    demand = rng.negative_binomial(size, size / (size + mean), (n_series, n_periods)).astype(np.float64)
    demand[:, 0] = np.maximum(demand[:, 0], demand.max(axis=1) == 0)
    return demand


def report(method: Callable[[Panel], object], panel: Panel, repeats: int) -> None:
    """One line of the table."""
    name, n = method.__name__, panel.n_series
    compiling = seconds(partial(method, panel))
    model = their_model(name)
    ours, theirs = [], []
    for _ in range(repeats):
        ours.append(1000 * seconds(partial(method, panel)) / n)
        if model is not None:
            theirs.append(1000 * seconds(partial(their_means, model, panel.demand)) / n)
    line = f"{name:<20}{compiling:>13.2f}{min(ours):>11.4f}"
    if model is not None:
        expected = their_means(model, panel.demand)
        line += f"{min(theirs):>9.4f}{min(theirs) / min(ours):>7.1f}{apart(method(panel).mean[:, 0], expected):>9.3f}"
        if name in THEIR_BOUNDS:
            line += f"{apart(THEIR_BOUNDS[name](panel.demand, 0.1, 0.3, False)[:, 0], expected):>14.5f}"
    print(line)


def seconds(call: Callable[[], object]) -> float:
    """Elapsed time of one call."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def their_model(name: str):
    """The model of statsforecast, None without one."""
    try:
        models = importlib.import_module("statsforecast.models")
    except ImportError:
        return None
    if name == "tsb_optimised":
        return models.TSB(alpha_d=0.1, alpha_p=0.1)
    return getattr(models, THEIRS[name])() if name in THEIRS else None


def their_means(model, demand: FloatArray) -> FloatArray:
    """Forecasts of their model, one series after the other."""
    return np.array([model.forecast(y=values, h=HORIZON)["mean"][0] for values in demand])


def apart(ours: FloatArray, theirs: FloatArray) -> float:
    """Median relative difference where theirs is positive."""
    positive = theirs > 0
    return float(np.median(np.abs(ours - theirs)[positive] / theirs[positive]))


if __name__ == "__main__":
    main()
