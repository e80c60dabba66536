"""How well demand is recovered where stock ran out, and what that is worth to forecasts.

    python -m benchmarks.accuracy.stock_outs [--series 300] [--synthetic 200]

(a) Counts with known truth: Poisson and negative binomial demand that arrives at random times of 90 periods and
exhausts a stock level (Poisson about a share of the mean).

(b) FreshRetailNet-50K (Dingdong Inc. 2025, CC BY 4.0): days in stock from 6 to 22 h are the truth. A stock level of
half to three times the mean of the series is set on every one of them, so that it is strong days that run out; within
the day demand follows ``PROFILE``, evenly (each hour its share) or at random (each tenth, the data's smallest amount,
falls in an hour drawn by the profile). Only the whole hour of the stock-out is told; exposure is the profile's share
before it, or the plain share of hours for a shop that does not know its profile. Other days stay unknown. The first 76
days are history, the last 14 are forecast from two origins a week apart, and scored on their in-stock days.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.accuracy.held_out import drawn, law_of, panel_of
from skucast.config.forecast import Forecast
from skucast.forecasting.backtest.origins import usual_step
from skucast.forecasting.engine.engine import ForecastSettings, forecast_panel
from skucast.forecasting.models.smoothing import ses
from skucast.forecasting.panel.panel import FloatArray, Panel
from skucast.forecasting.selection.choice import PINBALL, SelectionRule, choose
from skucast.forecasting.stock_outs.estimate import as_data, recovered
from tests.unit.forecasting.stock_outs.estimate_reference import simulated

SHARED = Path(__file__).parents[3] / "shared" / "data" / "freshretailnet_daily.parquet"
PROFILE: FloatArray = np.array([2, 5, 8, 9, 8, 6, 5, 4, 4, 5, 7, 9, 10, 8, 5, 3]) / 98.0
"""Declared share of a day's demand in each hour from 6 to 22: a morning and an evening peak."""
HOURS = PROFILE.size
SMALLEST = 0.1
STOCKS = {"20 %": (0.8, 3.0), "40 %": (0.7, 1.65), "60 %": (0.5, 1.25)}
"""Lowest and highest stock level, in means of the series, and about how many days then run out."""
HORIZON, DAYS = 7, 90
METHODS = ("ses", "tsb_optimised", "adida", "dynamic_theta")
RULES = Forecast()


def main() -> None:
    """Both proofs."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--series", type=int, default=300)
    parser.add_argument("--synthetic", type=int, default=200)
    arguments = parser.parse_args()
    print("(a) relative bias of the mean, counts of known truth")
    print(f"{'mean':>6}{'CV² of rate':>12}{'stock/mean':>11}{'ran out':>9}{'as is':>9}{'dropped':>9}{'recovered':>10}")
    for mean in (1.0, 4.0, 10.0, 50.0):
        for variability in (0.0, 0.3, 1.0):
            for stock in (0.9, 1.3):
                counts(arguments.synthetic, mean, variability, stock)
    print("\n(b) FreshRetailNet: relative bias of the mean; WAPE on later in-stock days: ses, chosen")
    print(f"{'split':8}{'exposure':9}{'ran out':>9}   " + "".join(f"{name:28}" for name in TREATMENTS))
    truth = in_stock_days(arguments.series)
    whole = " ".join(f"{100 * value:5.1f}" for value in wapes(panel_of(truth, HORIZON, 1, 7), truth))
    print(f"{'without stock-outs':26}WAPE {whole}", flush=True)
    for split in ("even", "random"):
        for stock in STOCKS.values():
            cut = impose(truth, stock, split)
            for exposure in ("profile", "hours"):
                report(truth, cut, exposure, split)


def counts(n_series: int, mean: float, variability: float, stock: float) -> None:
    """One line of (a)."""
    demand, panel = simulated(n_series, DAYS, mean, variability, stock)
    whole, known = demand.mean(), np.nanmean(panel.demand)
    biases = (panel.sold.mean() / whole - 1, known / whole - 1, recovered(panel).demand.mean() / whole - 1)
    told = "".join(f"{100 * bias:>8.1f}%" for bias in biases)
    print(f"{mean:>6g}{variability:>12g}{stock:>11g}{100 * panel.is_censored.mean():>8.0f}%{told}", flush=True)


@dataclass(frozen=True)
class Cut:
    """Truth with stock-outs imposed, each of shape (n_series, DAYS).

    Attributes:
        sold: units; NaN where the truth is unknown.
        hour: whole hours with stock, in the middle of the one in which it ran out; ``HOURS`` where it lasted.
    """

    sold: FloatArray
    hour: FloatArray

    def panel(self, exposure: str) -> Panel:
        """As the shop knows it."""
        share = np.interp(self.hour, np.arange(HOURS + 1), np.append(0.0, PROFILE.cumsum()))
        ran_out = self.hour < HOURS
        panel = panel_of(np.where(ran_out, np.nan, self.sold), HORIZON, 1, 7)
        panel = replace(panel, start=np.zeros(panel.n_series, dtype=np.int64))
        seen = share if exposure == "profile" else self.hour / HOURS
        return replace(
            panel,
            lower_bound=np.where(ran_out, self.sold, np.nan),
            exposure=np.where(ran_out, np.minimum(seen, 1 - 1e-9), np.nan),
        )


def in_stock_days(count: int) -> FloatArray:
    """Sales of days wholly in stock, of series with at least 45 of them; NaN on the others."""
    columns = ["store_id", "product_id", "dt", "sale_amount", "stockout_hours_6_22"]
    table = pd.read_parquet(SHARED, columns=columns).sort_values(columns[:3], kind="stable")
    sales, out = (table[name].to_numpy(dtype=np.float64).reshape(-1, DAYS) for name in columns[3:])
    known = np.where(out == 0, np.round(sales, 6), np.nan)
    return drawn(known[(~np.isnan(known)).sum(axis=1) >= 45], count)


def impose(truth: FloatArray, stock: tuple[float, float], split: str) -> Cut:
    """Stock levels that strong days reach."""
    rng = np.random.default_rng(7)
    mean = np.nanmean(truth, axis=1, keepdims=True)
    level = np.maximum(np.round(mean * rng.uniform(*stock, truth.shape), 1), SMALLEST)
    sold, hour = truth.copy(), np.full(truth.shape, float(HOURS))
    for place in zip(*np.nonzero(truth >= level), strict=True):
        shares = PROFILE
        if split == "random":
            n = max(round(truth[place] / SMALLEST), 1)
            shares = rng.multinomial(n, PROFILE) / n
        reached = np.cumsum(shares) * truth[place] >= level[place] - 1e-9
        sold[place], hour[place] = level[place], float(np.argmax(reached)) + 0.5
    return Cut(sold, hour)


Treatment = Callable[[Panel], Panel]
TREATMENTS: dict[str, Treatment] = {
    "as is": lambda panel: panel.with_demand(panel.sold),
    "dropped": lambda panel: panel.with_demand(panel.demand),
    "recovered": lambda panel: panel,
}
"""What is shown to the engine, which recovers what it is shown as having run out."""


def report(truth: FloatArray, cut: Cut, exposure: str, split: str) -> None:
    """One line of (b)."""
    panel = cut.panel(exposure)
    told = []
    for treatment in TREATMENTS.values():
        shown = treatment(panel)
        bias = np.nansum(np.where(np.isnan(truth), np.nan, as_data(shown).demand))
        n_seen = (~np.isnan(truth) & ~np.isnan(as_data(shown).demand)).sum()
        relative = bias / n_seen / np.nanmean(truth) - 1
        errors = " ".join(f"{100 * value:5.1f}" for value in wapes(shown, truth))
        told.append(f"{100 * relative:+6.1f}%  WAPE {errors}    ")
    share = panel.is_censored.sum() / (~np.isnan(truth)).sum()
    print(f"{split:8}{exposure:9}{100 * share:>8.0f}%   " + "".join(told), flush=True)


def wapes(panel: Panel, truth: FloatArray) -> tuple[float, float]:
    """Absolute errors over demand on in-stock days ahead, of ``ses`` and of the champion of the engine."""
    error, total = np.zeros(2), 0.0
    for origin in (DAYS - 2 * HORIZON, DAYS - HORIZON):
        known, actual = panel.until(origin), truth[:, origin : origin + HORIZON]
        means = (np.nan_to_num(ses(as_data(known)).mean), chosen(known))
        error += [np.nansum(np.abs(actual - mean)) for mean in means]
        total += np.nansum(actual)
    return tuple((error / total).tolist())


def chosen(panel: Panel) -> FloatArray:
    """Means of the champions among ``METHODS``."""
    by_class = dict.fromkeys(("smooth", "erratic", "intermittent", "lumpy"), METHODS)
    step = usual_step(panel.horizon, panel.season_length, panel.period_days)
    plan = ForecastSettings(METHODS, by_class, RULES.origins, step, RULES.min_periods, {}, "none", 3.0, "flag")
    contest = forecast_panel(panel, plan, np.zeros(panel.n_series)).contest
    choice = choose(contest, law_of(contest), SelectionRule(PINBALL, RULES.selection.class_weight, RULES.min_periods))
    mean: FloatArray = contest.mean[np.arange(panel.n_series), choice.column]
    return mean


if __name__ == "__main__":
    main()
