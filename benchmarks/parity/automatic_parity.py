"""Automatic methods beside statsforecast: held-out accuracy, likelihood of exponential smoothing, time per series.

    python benchmarks/parity/automatic_parity.py [--series 100] [--data weekly,hourly] [--without arima,AutoARIMA]

Run with the packages of the library and statsforecast in one environment, OMP_NUM_THREADS=1. Both sides use one
thread and fit the same series, one after the other in the same run; compilation is done before and told apart. Data
beyond the packaged sample (M4, carparts) are read from ``../shared/data`` where they are. The weekly and daily items
of Online Retail are those with a history long enough, whatever they sell.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from skucast.datasets import dataset_path
from skucast.forecasting.models.arima.auto_arima import arima_batched
from skucast.forecasting.models.base import ModelFit
from skucast.forecasting.models.ets.ets import MAX_SEASON, ets
from skucast.forecasting.models.ets.multiplicative import ets_multiplicative
from skucast.forecasting.models.multi_seasonal.multi_seasonal import seasonal_smoothing
from skucast.forecasting.models.regression.ridge import ridge_autoregression
from skucast.forecasting.models.theta.seasonal_growth import theta_lag_year
from skucast.forecasting.models.theta.theta import dynamic_theta, theta
from skucast.forecasting.panel.panel import FloatArray, Panel
from tests.unit.forecasting.reference import panel_of

try:
    from statsforecast.models import AutoARIMA, AutoETS, AutoTheta, DynamicOptimizedTheta, OptimizedTheta
except ImportError:
    AutoETS = None

SHARED = Path(__file__).parents[3] / "shared" / "data"
REPEATS = 3
HOURS, YEAR = 24, 52
Method = Callable[[Panel], ModelFit]


def main() -> None:
    """Compare on each data set and print one table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--series", type=int, default=100, help="series of each data set, drawn by a fixed seed")
    parser.add_argument("--data", default=",".join(SOURCES), help="which data sets, comma separated")
    parser.add_argument("--without", default="", help="methods left out, comma separated")
    arguments = parser.parse_args()
    if AutoETS is None:
        print("statsforecast is not installed here: only our own side is shown (pip install statsforecast==2.1.1)")
    for name in set(arguments.without.split(",")) - {""}:
        OURS.pop(name, None)
        THEIRS.pop(name, None)
    for name, method in OURS.items():
        seconds, _ = timed(method, panel_of(np.arange(60.0).reshape(2, 30) % 7, season_length=7))
        print(f"first call of {name}, compilation included: {seconds:.1f} s")
    for name in arguments.data.split(","):
        compare(name, list(SOURCES[name](arguments.series)))


def compare(name: str, data: list[tuple[FloatArray, int, int]]) -> None:
    """One data set: (values, season length, horizon) of each series."""
    print(f"\n{name}: {len(data)} series, median length {np.median([v.size - h for v, _, h in data]):.0f}")
    print(f"{'':26}{'ms/series':>10}{'MASE':>8}{'RMSSE':>8}{'AICc no worse, median gain':>30}")
    ours = {label: [run(method, *row) for row in data] for label, method in OURS.items()}
    report(ours, {})
    if AutoETS is not None:
        theirs = {label: [run_theirs(make, *row) for row in data] for label, make in THEIRS.items()}
        report(theirs, ours)


def report(results: dict[str, list[Any]], ours: dict[str, list[Any]]) -> None:
    """One line per method; beside theirs, how our AICc compares."""
    for label, rows in results.items():
        milliseconds, mase, rmsse, aicc = np.array(rows).T
        line = f"{label:26}{milliseconds.mean():10.3f}{np.nanmean(mase):8.4f}{np.nanmean(rmsse):8.4f}"
        if ours and label.startswith("AutoETS"):
            gain = aicc - np.array(ours["ets"])[:, 3]
            worst = np.nanquantile(gain, [0.0, 0.05, 0.5, 0.95])
            line += f"{np.nanmean(gain >= -0.01):8.1%}  min 5% median 95%: " + " ".join(f"{g:.2f}" for g in worst)
        print(line)


def timed(fit: Callable[[Any], Any], argument: Any) -> tuple[float, Any]:
    """Seconds of one call, and its result."""
    began = time.perf_counter()
    result = fit(argument)
    return time.perf_counter() - began, result


def run(method: Method, values: FloatArray, season: int, horizon: int) -> tuple[float, float, float, float]:
    """Best milliseconds of several calls on a panel of eight copies, MASE, RMSSE, AICc."""
    past, future = values[:-horizon], values[-horizon:]
    longer = (7 * season,) if season == HOURS else ()
    panel = replace(panel_of(np.tile(past, (8, 1)), horizon, season), longer_seasons=longer)
    seconds, fit = min((timed(method, panel) for _ in range(REPEATS)), key=lambda pair: pair[0])
    unit = 2.0 ** np.ceil(np.log2(past.max())) if past.max() > 0 else 1.0
    aicc = float(fit.parameters["aicc"][0]) + 2 * past.size * np.log(unit) if "aicc" in fit.parameters else np.nan
    return seconds * 125.0, *scores(past, future, fit.mean[0], season), aicc


def run_theirs(
    make: Callable[[int], Any], values: FloatArray, season: int, horizon: int
) -> tuple[float, float, float, float]:
    """The same of a statsforecast model."""
    past, future = values[:-horizon], values[-horizon:]
    model = make(season)
    began = time.perf_counter()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(past)
        mean = model.predict(horizon)["mean"]
    except Exception:  # noqa: BLE001 - a model that refuses a series is left out of the means
        return (time.perf_counter() - began) * 1e3, np.nan, np.nan, np.nan
    return (time.perf_counter() - began) * 1e3, *scores(past, future, mean, season), model.model_.get("aicc", np.nan)


def scores(past: FloatArray, future: FloatArray, mean: FloatArray, season: int) -> tuple[float, float]:
    """MASE (seasonal differences, of lag 1 for weeks as in the M4 competition) and RMSSE."""
    lag = season if season < YEAR and past.size > season else 1
    absolute, square = np.mean(np.abs(past[lag:] - past[:-lag])), np.mean(np.diff(past) ** 2)
    error = future - mean
    if absolute == 0 or square == 0:
        return np.nan, np.nan
    return float(np.mean(np.abs(error)) / absolute), float(np.sqrt(np.mean(error**2) / square))


def seasonal(season: int) -> int:
    """The season length both sides give to exponential smoothing and to ARIMA."""
    return season if season <= MAX_SEASON else 1


OURS: dict[str, Method] = {
    "ets": ets,
    "ets_multiplicative": ets_multiplicative,
    "theta": theta,
    "dynamic_theta": dynamic_theta,
    "theta_lag_year": theta_lag_year,
    "ridge_autoregression": ridge_autoregression,
    "seasonal_smoothing": seasonal_smoothing,
    "arima": arima_batched,
}
THEIRS: dict[str, Callable[[int], Any]] = {
    "AutoETS additive": lambda m: AutoETS(season_length=seasonal(m), model="AZZ" if seasonal(m) > 1 else "AZN"),
    "AutoETS": lambda m: AutoETS(season_length=seasonal(m)),
    "OptimizedTheta": lambda m: OptimizedTheta(season_length=m),
    "DynamicOptimizedTheta": lambda m: DynamicOptimizedTheta(season_length=m),
    "AutoTheta": lambda m: AutoTheta(season_length=m),
    "AutoARIMA": lambda m: AutoARIMA(season_length=seasonal(m)),
}


def retail(count: int, rule: str, season: int, horizon: int) -> Iterator[tuple[FloatArray, int, int]]:
    """Items of the packaged order lines, from their first sale on, without sales 0; no Saturdays."""
    lines = pd.read_parquet(dataset_path("online_retail.parquet")).drop_duplicates()
    lines = lines[lines["StockCode"].astype(str).str.match(r"^\d{5}") & (lines["Quantity"] > 0)]
    time_of = pd.to_datetime(lines["InvoiceDate"]).dt.to_period(rule).dt.start_time.rename("period")
    table = lines.groupby(["StockCode", time_of])["Quantity"].sum().unstack("period")
    table = table.reindex(columns=pd.date_range(table.columns.min(), table.columns.max(), freq=f"{season_days(rule)}D"))
    for row in drawn(table.to_numpy(dtype=np.float64), count):
        values = np.nan_to_num(row[np.argmax(~np.isnan(row)) :])[: -1 if rule == "W" else None]
        if values.size >= 3 * season % 52 + 20 + horizon:
            yield values, season, horizon


def season_days(rule: str) -> int:
    """Days of a period."""
    return 7 if rule == "W" else 1


def m4(count: int) -> Iterator[tuple[FloatArray, int, int]]:
    """M4 Weekly, horizon 13, the last 260 weeks before it."""
    for values in m4_series("Weekly", count):
        yield values[-273:], YEAR, 13


def hourly(count: int) -> Iterator[tuple[FloatArray, int, int]]:
    """M4 Hourly, horizon 48, the last two weeks before it."""
    for values in m4_series("Hourly", count):
        yield values[-384:], HOURS, 48


def m4_series(frequency: str, count: int) -> Iterator[FloatArray]:
    """Series of the competition, training part before test part (both count from 1), drawn by a fixed seed."""
    table = pd.read_parquet(SHARED / "m4_weekly_hourly.parquet")
    table = table[table["frequency"] == frequency].sort_values(["part", "step"], ascending=[False, True])
    series = [group["y"].to_numpy(dtype=np.float64) for _, group in table.groupby("series_id")]
    for index in np.sort(np.random.default_rng(0).permutation(len(series))[:count]):
        yield series[index]


def carparts(count: int) -> Iterator[tuple[FloatArray, int, int]]:
    """Monthly sales of car parts, horizon 6, those with all months known."""
    table = pd.read_csv(SHARED / "carparts.csv").to_numpy(dtype=np.float64).T
    for values in drawn(table[~np.isnan(table).any(axis=1)], count):
        yield values, 12, 6


def drawn(rows: FloatArray, count: int) -> FloatArray:
    """Rows drawn by a fixed seed."""
    return rows[np.sort(np.random.default_rng(0).permutation(len(rows))[:count])]


SOURCES: dict[str, Callable[[int], Iterator[tuple[FloatArray, int, int]]]] = {
    "weekly": lambda count: retail(count, "W", 52, 6),
    "daily": lambda count: retail(count, "D", 7, 14),
    "m4": m4,
    "hourly": hourly,
    "carparts": carparts,
}

if __name__ == "__main__":
    main()
