"""The batched Prophet against the prophet package on the same real series: objective, forecasts, speed.

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/parity/prophet_parity.py [--series 100] [--timed 20]

Objective: negative log posterior at the package's parameters less that at ours, in nats; never below −1e-6 if ours is
the maximum. Speed: fit and predict, compilation excluded and printed apart; the package without its simulation of
uncertainty (ours has the variance in it) and by L-BFGS, its faster algorithm on short series; each the least of
repeats, one thread.
"""

from __future__ import annotations

import argparse
import time
from functools import partial

import numpy as np

from skucast.forecasting.models.external.prophet import prophet
from skucast.forecasting.models.prophet.batch import ProphetSettings, prophet_batched
from tests.unit.forecasting.models.prophet.batch_reference import (
    ahead,
    long_series,
    negative_log_posterior,
    online_retail,
    stock,
)


def main() -> None:
    """Print one line per data set and mode."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--series", type=int, default=100, help="series per data set")
    parser.add_argument("--timed", type=int, default=20, help="of these, series on which the package is timed")
    parser.add_argument("--data", default="weekly,daily,long", help="which data sets, comma separated")
    parser.add_argument("--modes", default="additive,multiplicative", help="of the seasons, comma separated")
    arguments = parser.parse_args()
    makers = {
        "weekly": partial(online_retail, 7, least=10),
        "daily": partial(online_retail, 1),
        "long": long_series,
    }
    print(f"first call, with compilation or its cache: {seconds(warm_up):.2f} s")
    print(
        f"{'data':<8}{'mode':<16}{'n':>5}{'F gap min':>11}{'median':>9}{'max':>9}{'below':>6}{'kkt':>10}"
        f"{'forecast gap':>13}{'ms ours':>9}{'ms package':>11}{'ratio':>7}"
    )
    for name in arguments.data.split(","):
        panel = makers[name](arguments.series)
        for mode in arguments.modes.split(","):
            compare(name, panel, mode, arguments.timed)


def warm_up() -> None:
    """Compile both kernels."""
    panel = online_retail(7, 2)
    for mode in ("additive", "multiplicative"):
        prophet_batched(panel, ProphetSettings(seasonality_mode=mode))


def compare(name: str, panel, mode: str, n_timed: int) -> None:
    """One line of the table."""
    settings = ProphetSettings(seasonality_mode=mode)
    fits = prophet_batched(panel, settings)
    gaps, distances = [], []
    for row in range(panel.n_series):
        model = stock(panel, row, mode)
        gaps.append(negative_log_posterior(model) - fits.parameters["objective"][row])
        theirs = model.predict(ahead(panel))["yhat"].to_numpy()
        distances.append(
            np.abs(theirs - fits.mean[row])[~panel.is_closed_ahead[row]].mean() / np.nanmean(panel.demand[row])
        )
    ours = min(seconds(lambda: prophet_batched(panel, settings)) for _ in range(5)) / panel.n_series
    package = time_package(panel, mode, n_timed)
    gap = np.array(gaps)
    print(
        f"{name:<8}{mode:<16}{panel.n_series:>5}{gap.min():>11.1e}{np.median(gap):>9.2g}{gap.max():>9.2g}"
        f"{(gap < -1e-6).sum():>6}{np.nanmax(fits.parameters['kkt']):>10.1e}{np.median(distances):>13.4f}"
        f"{1e3 * ours:>9.3f}{1e3 * package:>11.1f}{package / ours:>7.0f}",
        flush=True,
    )


def time_package(panel, mode: str, n_timed: int) -> float:
    """Seconds per series of fit and predict."""
    rows = np.linspace(0, panel.n_series - 1, min(n_timed, panel.n_series)).astype(int)
    if mode == "additive":
        singles = [panel.rows(np.array([row])) for row in rows]
        return float(np.mean([min(seconds(lambda one=one: prophet(one, {})) for _ in range(2)) for one in singles]))
    future = ahead(panel)
    each = [min(seconds(lambda row=row: stock(panel, row, mode).predict(future)) for _ in range(2)) for row in rows]
    return float(np.mean(each))


def seconds(call) -> float:
    """Wall clock of a call."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
