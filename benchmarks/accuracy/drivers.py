"""What drivers gain on FreshRetailNet (CC BY 4.0): forecasts with and without them, from origins of the last weeks.

    python -m benchmarks.accuracy.drivers [--series 400] [--methods prophet,arima,ridge_autoregression]

Discount (as the price, log), activity and holiday are taken as planned ahead; "price held" takes the discount of the
last day instead. Weather (rain, temperature, humidity, wind) is taken as a forecast that comes true, and once not at
all. Days with hours out of stock are unknown demand, to the methods and to the scores. RMSSE and WAPE are of single
days; the pinball loss is of demand summed over the days in stock of seven, in units of the series' scale, over levels
0.5 to 0.99, its quantiles those of the errors from the other origins. "gain" is of the pinball loss over no drivers,
with its standard error over series.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pandas as pd

from benchmarks.accuracy.held_out import SHARED
from skucast.datasets import dataset_path
from skucast.forecasting.models.base import published
from skucast.forecasting.models.registry import METHODS
from skucast.forecasting.panel.covariates import Fill, Record
from skucast.forecasting.panel.panel import BoolArray, FloatArray, Panel
from skucast.forecasting.uncertainty.error_scale import spread_scale
from tests.unit.forecasting.models.prophet.batch_reference import online_retail

ORIGINS = (57, 63, 69, 75)
LEVELS = np.array([0.5, 0.8, 0.9, 0.95, 0.99])
PLANNED = ("price", "activity", "holiday")
WEATHER = {"rain": "precpt", "temperature": "avg_temperature", "humidity": "avg_humidity", "wind": "avg_wind_level"}
LEAST_KNOWN = 20
VARIANTS: dict[str, tuple[str, ...]] = {
    "none": (),
    "holiday": ("holiday",),
    "activity": ("activity",),
    "price": ("price",),
    "price held": ("price held",),
    "planned": PLANNED,
    "planned, price held": ("price held", "activity", "holiday"),
    "weather": tuple(WEATHER),
    "planned and weather": (*PLANNED, *WEATHER),
}


def main() -> None:
    """Every method, every variant."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--series", type=int, default=400)
    parser.add_argument("--methods", default="prophet,arima,ridge_autoregression")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--data", choices=SOURCES, default="fresh")
    arguments = parser.parse_args()
    panel, facts, origins = SOURCES[arguments.data](arguments.series, arguments.seed)
    print(f"{panel.n_series} series, origins {origins}, {np.isnan(panel.demand).mean():.0%} of demand unknown")
    for method in arguments.methods.split(","):
        print(f"\n{method:30}{'RMSSE':>8}{'WAPE':>8}{'pinball':>9}{'gain':>8}{'±':>7}{'origins with less loss':>25}")
        before = None
        for name, chosen in VARIANTS.items():
            if not {each.removesuffix(" held") for each in chosen} <= set(facts) or (
                chosen and "price" in chosen and arguments.data != "fresh"
            ):
                continue
            score = scored(with_drivers(panel, facts, chosen), method, origins)
            before = before or score
            print(f"{name:30}{score.row(before)}", flush=True)


Source = tuple[Panel, dict[str, FloatArray], tuple[int, ...]]
"""A panel, what drives it, each of shape (n_series, n_periods), and origins."""


def fresh(count: int, seed: int) -> Source:
    """FreshRetailNet: series with enough days in stock."""
    table = pd.read_parquet(SHARED / "freshretailnet_daily.parquet")
    table["series"] = table["store_id"] * 1000 + table["product_id"]
    keys = np.random.default_rng(seed).permutation(table["series"].unique())[: 3 * count]
    wide = table[table["series"].isin(keys)].pivot(index="series", columns="dt")
    in_stock = wide["stockout_hours_6_22"].to_numpy() == 0
    is_enough = in_stock[:, : ORIGINS[0]].sum(axis=1) >= LEAST_KNOWN
    rows = np.flatnonzero(is_enough)[:count]
    facts = {name: wide[column].to_numpy(dtype=np.float64)[rows] for name, column in WEATHER.items()}
    facts["price"] = np.log(np.maximum(wide["discount"].to_numpy(dtype=np.float64)[rows], 0.01))
    facts["activity"] = wide["activity_flag"].to_numpy(dtype=np.float64)[rows]
    facts["holiday"] = wide["holiday_flag"].to_numpy(dtype=np.float64)[rows]
    sold = wide["sale_amount"].to_numpy(dtype=np.float64)
    demand = np.where(in_stock, sold, np.nan)[rows]
    horizon, closed = 7, np.zeros((rows.size, demand.shape[1] + 7), dtype=bool)
    start = np.zeros(rows.size, dtype=np.int64)
    return Panel(demand, closed, start, date(2024, 3, 28), 1, 7, horizon, {}), facts, ORIGINS


def retail(count: int, seed: int, period_days: int) -> Source:
    """Online Retail: bank holidays, and the price as sold, which is nothing that anybody planned."""
    horizon = 4 if period_days == 7 else 14
    panel = online_retail(period_days, count, seed=seed, horizon=horizon, least=20)
    price = realised_price(period_days, count, seed, panel)
    facts = {"holiday": panel.events["bank_holiday"][:, : panel.n_periods].astype(np.float64), "price": price}
    last = panel.n_periods - horizon
    origins = tuple(range(last - 3 * horizon - 1, last, horizon))
    return replace(panel, events={}), facts, origins


def realised_price(period_days: int, count: int, seed: int, panel: Panel) -> FloatArray:
    """Logarithm of revenue over units, of the same items as the panel; NaN without sales."""
    lines = pd.read_parquet(dataset_path("online_retail.parquet"))
    lines = lines[(lines["Quantity"] > 0) & lines["StockCode"].str.match(r"^\d{5}")]
    lines["period"] = (lines["InvoiceDate"] - pd.Timestamp(panel.first_day)).dt.days // period_days
    lines["revenue"] = lines["Quantity"] * lines["UnitPrice"]
    sums = lines.groupby(["StockCode", "period"])[["Quantity", "revenue"]].sum()
    price = (sums["revenue"] / sums["Quantity"]).where(sums["revenue"] > 0).unstack("period")
    price = price[sums["Quantity"].unstack("period").notna().sum(axis=1) >= 20].reindex(columns=range(panel.n_periods))
    rows = np.sort(np.random.default_rng(seed).choice(len(price), min(count, len(price)), replace=False))
    return np.log(price.to_numpy(dtype=np.float64)[rows])


SOURCES = {
    "fresh": fresh,
    "weekly": lambda count, seed: retail(count, seed, 7),
    "daily": lambda count, seed: retail(count, seed, 1),
}


def with_drivers(panel: Panel, facts: dict[str, FloatArray], chosen: tuple[str, ...]) -> Panel:
    """The panel with the chosen drivers; what lies beyond the last day is never looked at and repeats it."""
    wide = {name: np.hstack([each, np.repeat(each[:, -1:], panel.horizon, axis=1)]) for name, each in facts.items()}
    drivers = {name: wide[name] for name in chosen if name in (*WEATHER, "price")}
    held = Record(wide["price"], np.arange(panel.n_series), Fill.HELD)
    return replace(
        panel,
        events={name: wide[name] > 0 for name in chosen if name in ("activity", "holiday")},
        drivers=drivers,
        records={"price": held} if "price held" in chosen else {},
    )


@dataclass(frozen=True)
class Score:
    """Squared and absolute errors, sums and losses of one variant; the losses of shape (n_origins, n_series)."""

    rmsse: float
    wape: float
    loss: FloatArray

    def row(self, before: Score) -> str:
        """One line of the table."""
        by_series, base = np.nanmean(self.loss, axis=0), np.nanmean(before.loss, axis=0)
        is_scored = np.isfinite(by_series) & np.isfinite(base)
        gain = (base - by_series)[is_scored] / base[is_scored].mean()
        error, won = gain.std(ddof=1) / np.sqrt(gain.size), np.nanmean(before.loss - self.loss, axis=1) > 0
        return (
            f"{self.rmsse:8.4f}{self.wape:8.4f}{np.nanmean(self.loss):9.4f}{gain.mean():8.2%}{error:7.2%}"
            f"{int(won.sum()):>17} of {won.size}"
        )


def scored(panel: Panel, method: str, origins: tuple[int, ...]) -> Score:
    """Forecast from every origin and score on the days in stock."""
    fit = next(each.fit for each in METHODS if each.name == method)
    means, actuals, scales = [], [], []
    for origin in origins:
        known = panel.until(origin)
        mean = published(fit(known, {}).mean, known.is_closed_ahead)
        means.append(np.where(np.isfinite(mean), mean, np.nanmean(known.demand, axis=1, keepdims=True)))
        actuals.append(panel.actuals(origin))
        scales.append(spread_scale(known.demand))
    mean, actual, scale = np.array(means), np.array(actuals), np.array(scales)
    error = np.where(np.isfinite(actual), actual - mean, np.nan)
    squared = np.nanmean(error**2, axis=2) / scale**2
    rmsse = float(np.nanmean(np.sqrt(squared)))
    return Score(rmsse, float(np.nansum(np.abs(error)) / np.nansum(actual)), losses(error, scale))


def losses(error: FloatArray, scale: FloatArray) -> FloatArray:
    """Pinball loss of the sum over the days in stock, quantiles from the other origins, shape (n_origins, n_series)."""
    is_known: BoolArray = np.isfinite(error)
    days = is_known.sum(axis=2)
    total = np.where(days > 0, np.nansum(error, axis=2), np.nan) / (scale * np.sqrt(np.maximum(days, 1)))
    found = np.full(total.shape, np.nan)
    for origin in range(len(total)):
        others = np.delete(total, origin, axis=0)
        missed = total[origin][:, None] - np.nanquantile(others, LEVELS)
        found[origin] = np.maximum(LEVELS * missed, (LEVELS - 1.0) * missed).mean(axis=1)
    return found


if __name__ == "__main__":
    main()
