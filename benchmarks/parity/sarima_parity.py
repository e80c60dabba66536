"""Seasonal ARIMA side by side with statsmodels: log-likelihood reached and time per series, one thread.

python benchmarks/parity/sarima_parity.py [number of series per case]
"""

from __future__ import annotations

import os
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

import numpy as np
import pandas as pd

from skucast.forecasting.models.arima.sarima import (
    FAST,
    NO_SEASON,
    THOROUGH,
    Order,
    SarimaFit,
    SeasonalOrder,
    differenced,
    fit_sarima,
)

DATA = Path(__file__).parents[3] / "shared" / "data"
SATURDAY = 5
EFFORTS = {"fast": FAST, "thorough": THOROUGH}
Case = tuple[str, list[np.ndarray], Order, SeasonalOrder]


def online_retail(days: int, share: float) -> list[tuple[np.ndarray, np.ndarray]]:
    """First days of the periods and units, from the first sale on, of items sold in at least a share of the periods."""
    lines = pd.read_parquet(DATA / "online_retail.parquet").drop_duplicates()
    lines = lines[lines.StockCode.str.match(r"^\d{5}", na=False) & (lines.Quantity > 0)]
    start = lines.InvoiceDate.dt.to_period("W" if days == 7 else "D").dt.start_time.rename("start")
    table = lines.groupby(["StockCode", start]).Quantity.sum().unstack("start")
    table = table.reindex(columns=pd.date_range(table.columns.min(), "2011-12-04", freq=f"{days}D"))
    rows = table[table.notna().mean(axis=1) >= share].fillna(0.0).to_numpy(dtype=np.float64)
    return [(table.columns[np.argmax(row > 0) :], row[np.argmax(row > 0) :]) for row in rows]


def weekly() -> list[np.ndarray]:
    """Weeks from the first sale on."""
    return [row for _, row in online_retail(7, 0.5) if row.size > 25]


def daily(*, has_gaps: bool) -> list[np.ndarray]:
    """The shop is closed on Saturdays: these are left out, or unknown."""
    rows = []
    for days, row in online_retail(1, 0.3):
        is_closed = np.asarray(days.dayofweek == SATURDAY)
        rows.append(np.where(is_closed, np.nan, row) if has_gaps else row[~is_closed])
    return [row for row in rows if row.size > 100]


def m4_weekly() -> list[np.ndarray]:
    """Training parts of M4 Weekly, the last 500 weeks."""
    table = pd.read_parquet(DATA / "m4_weekly_hourly.parquet")
    table = table[(table.frequency.str.lower() == "weekly") & (table.part == "train")]
    return [rows.sort_values("step").y.to_numpy(dtype=np.float64)[-500:] for _, rows in table.groupby("series_id")]


def statsmodels_fit(values: np.ndarray, order: Order, seasonal: SeasonalOrder) -> Any:
    """SARIMAX of the same differences in units of their root mean square."""
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    changes = differenced(values, order[1], seasonal[1], seasonal[3])
    unit = np.sqrt(np.nanmean(changes**2))
    p, _, q = order
    inner = (seasonal[0], 0, seasonal[2], seasonal[3]) if seasonal[0] + seasonal[2] else (0, 0, 0, 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = SARIMAX(changes / unit, order=(p, 0, q), seasonal_order=inner, concentrate_scale=True).fit(disp=False)
    return fit.llf - np.log(unit) * np.isfinite(changes).sum()


def timed(call: Callable[[], Any], repeats: int) -> tuple[Any, float]:
    """Result and the shortest of some times, ms."""
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        result = call()
        times.append(1000.0 * (time.perf_counter() - began))
    return result, min(times)


def compare(name: str, rows: list[np.ndarray], order: Order, seasonal: SeasonalOrder) -> None:
    """Print one case."""
    fit_sarima(rows[0], order, seasonal)
    found: dict[str, list[float]] = {"theirs": [], "fast": [], "thorough": []}
    spent: dict[str, list[float]] = {"theirs": [], "fast": [], "thorough": []}
    for row in rows:
        likelihood, elapsed = timed(lambda row=row: statsmodels_fit(row, order, seasonal), 1)
        found["theirs"].append(likelihood)
        spent["theirs"].append(elapsed)
        for setting in ("fast", "thorough"):

            def ours(row: np.ndarray = row, setting: str = setting) -> SarimaFit:
                return fit_sarima(row, order, seasonal, effort=EFFORTS[setting])

            fit, elapsed = timed(ours, 3)
            found[setting].append(fit.log_likelihood)
            spent[setting].append(elapsed)
    theirs = np.mean(spent["theirs"])
    for setting in ("fast", "thorough"):
        gain = np.array(found[setting]) - np.array(found["theirs"])
        low = " / ".join(f"{value:.3g}" for value in np.percentile(gain, [0, 5, 50, 95]))
        print(
            f"{name} {order}{seasonal} {setting}: {len(rows)} series, {np.mean(spent[setting]):.2f} ms, statsmodels "
            f"{theirs:.0f} ms, ratio {theirs / np.mean(spent[setting]):.0f}; gain in nats min/5 %/median/95 % {low}; "
            f"not worse by 0.01: {100 * np.mean(gain > -0.01):.1f} %",
            flush=True,
        )


def main(n_series: int) -> None:
    """All cases."""
    cases: list[Case] = [
        ("Online Retail daily without Saturdays", daily(has_gaps=False), (1, 0, 1), (0, 1, 1, 6)),
        ("Online Retail daily, Saturdays unknown", daily(has_gaps=True), (1, 0, 1), (0, 1, 1, 7)),
        ("Online Retail weekly", weekly(), (1, 1, 1), NO_SEASON),
        ("M4 Weekly", m4_weekly(), (2, 1, 2), NO_SEASON),
    ]
    for name, rows, order, seasonal in cases:
        chosen = np.sort(np.random.default_rng(0).permutation(len(rows))[:n_series])
        compare(name, [rows[i] for i in chosen], order, seasonal)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
