"""Batched Prophet on daily series of the length of the M5 competition: core-ms per series, and the whole set from it.

    python benchmarks/parity/m5_size.py [--series 2000]

Sales of 1,913 days are drawn by a seed: negative binomial about a level with a week, a year and a trend, two thirds of
the series with fewer than one piece a day; a fifth begin late.
"""

from __future__ import annotations

import argparse
import time
from datetime import date

import numpy as np

from skucast.forecasting.models.prophet.batch import prophet_batched
from skucast.forecasting.panel.panel import Panel

N_SERIES, N_DAYS, HORIZON = 30_490, 1_913, 28


def main() -> None:
    """Draw, fit, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--series", type=int, default=2000)
    n = parser.parse_args().series
    prophet_batched(drawn(4))
    panel = drawn(n)
    wall, cpu = time.perf_counter(), time.process_time()
    fits = prophet_batched(panel)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"{n} series of {N_DAYS} days: {1000 * wall / n:.2f} ms each ({1000 * cpu / n:.2f} core-ms)")
    kkt = fits.parameters["kkt"].max()
    print(f"{N_SERIES:,} series: {N_SERIES * cpu / n:.0f} core-seconds; largest KKT violation {kkt:.1e}")


def drawn(n: int) -> Panel:
    """The panel."""
    draw, t = np.random.default_rng(1), np.arange(N_DAYS)
    level = np.exp(draw.normal(-0.5, 1.2, n))[:, None] * np.exp(draw.normal(0, 0.1, n)[:, None] * t / 365)
    week = 1 + 0.3 * np.cos(2 * np.pi * (t - draw.uniform(0, 7, n)[:, None]) / 7)
    year = 1 + 0.2 * np.cos(2 * np.pi * (t - draw.uniform(0, 365, n)[:, None]) / 365.25)
    demand = draw.poisson(level * week * year * draw.gamma(2.0, 0.5, (n, N_DAYS))).astype(np.float64)
    start = np.where(draw.random(n) < 0.2, draw.integers(0, N_DAYS - 100, n), 0)
    demand[t[None, :] < start[:, None]] = np.nan
    closed = np.zeros((n, N_DAYS + HORIZON), dtype=bool)
    return Panel(demand, closed, start.astype(np.int64), date(2011, 1, 29), 1, 7, HORIZON, {})


if __name__ == "__main__":
    main()
