"""Choice and calibration on decision dates that neither has seen: loss and coverage of demand summed over the span.

    python -m tests.benchmarks.held_out [--data weekly,daily,carparts,fresh] [--series 500] [--dates 8]

For each of several decision dates the panel is cut there, every candidate of the default configuration is backtested
and fitted (``--arima`` lets ARIMA in, ``--no-learner`` leaves out the model over all series, which else is trained
on the same series), errors are pooled as the jobs pool them, champions are chosen with several weights of the class,
and their quantiles held against what came. Steps between the dates: half the horizon.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from skucast.config.forecast import Forecast
from skucast.forecasting.choice import PINBALL, RMSSE, Choice, Contest, Criterion, choose
from skucast.forecasting.engine import Plan, forecast_panel
from skucast.forecasting.error_law import ALL, ErrorLaw, Pool, error_law, pooled
from skucast.forecasting.learner import METHOD, Learner, train_all, training_cutoffs
from skucast.forecasting.panel import BoolArray, FloatArray, Panel
from skucast.forecasting.profile import DemandClass
from skucast.forecasting.quantiles import calibrated_quantiles
from tests.forecasting.models.prophet_reference import online_retail

SHARED = Path(__file__).parents[3] / "shared" / "data"
LEVELS = (0.5, 0.8, 0.9, 0.95, 0.99)
WEIGHTS = (0.0, 5.0, 20.0, 60.0, 200.0, 1e9)
RULES = Forecast()


def main() -> None:
    """Every data set, every rule."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", default=",".join(SOURCES))
    parser.add_argument("--series", type=int, default=500)
    parser.add_argument("--dates", type=int, default=8)
    parser.add_argument("--arima", action="store_true")
    parser.add_argument("--no-learner", action="store_true", help="leave out gradient boosting over all series")
    parser.add_argument("--origins", type=int, default=RULES.origins)
    parser.add_argument("--origin-step", type=int, default=RULES.origin_step)
    arguments = parser.parse_args()
    for name in arguments.data.split(","):
        how = replace(plan(with_arima=arguments.arima), origins=arguments.origins, origin_step=arguments.origin_step)
        how = how.without(METHOD) if arguments.no_learner else how
        results = list(held_out(SOURCES[name](arguments.series), arguments.dates, how))
        print(f"\n{name}: {results[0].actual.size} series, {len(results)} dates, sum over {results[0].span} periods")
        seconds = np.mean([each.training_seconds for each in results])
        print(f"training of the model over all series: {seconds:.1f} s of CPU a date")
        print(
            f"{'':22}{'loss':>8}{'MAE':>8}   coverage at {' '.join(f'{level:g}' for level in LEVELS)}; of 0.95 by class"
        )
        for rule, pick in rules(results[0].contest.trials.names).items():
            report(rule, [each.scored(pick) for each in results])


def plan(*, with_arima: bool) -> Plan:
    """The default configuration, every series worth all methods."""
    methods = tuple(name for name in RULES.methods if with_arima or name != "arima")
    by_class = {str(name): listed for name, listed in RULES.methods_by_class.items()}
    return Plan(methods, by_class, RULES.origins, RULES.origin_step, RULES.min_periods, {}, "none", 3.0, "flag")


Pick = Callable[["HeldOut"], Choice]


def rules(names: tuple[str, ...]) -> dict[str, Pick]:
    """Ways to choose."""
    found: dict[str, Pick] = {"rmsse": lambda each: each.choose(RMSSE, 0.0)}
    for weight in WEIGHTS:
        found[f"weight {weight:g}"] = lambda each, weight=weight: each.choose(PINBALL, weight)
    for place, name in enumerate(names):
        if name.startswith(("combination", "ses", "gradient")):
            found[f"always {name}"] = lambda each, place=place: each.always(place)
    return found


@dataclass(frozen=True)
class HeldOut:
    """One decision date.

    Attributes:
        contest: candidates as of that date.
        law: pooled errors as of that date.
        scale: spread scale, shape (n,).
        is_closed: closed steps ahead, shape (n, horizon).
        actual: demand summed over the horizon, units, shape (n,); NaN where unknown.
        training_seconds: CPU time of training the model over all series.
    """

    contest: Contest
    law: ErrorLaw
    scale: FloatArray
    is_closed: BoolArray
    actual: FloatArray
    training_seconds: float

    @property
    def span(self) -> int:
        """Periods summed: the horizon."""
        return self.contest.mean.shape[2]

    def choose(self, criterion: str, weight: float) -> Choice:
        """As the jobs choose."""
        return choose(self.contest, self.law, Criterion(criterion, weight, RULES.min_periods))

    def always(self, place: int) -> Choice:
        """One candidate for all that tried it, for the others the best by the class."""
        usual, n = self.choose(PINBALL, 60.0), self.actual.size
        column = np.where(self.contest.trials.is_tried[:, place], place, usual.column)
        return replace(usual, column=column, is_scored=np.ones(n, dtype=bool))

    def scored(self, pick: Pick) -> pd.DataFrame:
        """Loss, absolute error and hits of every series with known demand ahead."""
        column, rows = pick(self).column, np.arange(self.actual.size)
        own, mean = (self.law.index(self.contest.demand_class), column), self.contest.mean[rows, column]
        law = (self.law.step_quantiles[own], self.law.sum_quantiles[own])
        _, sums = calibrated_quantiles(mean, self.scale, *law, self.is_closed)
        quantiles, levels = sums[:, -1], np.array(LEVELS)
        missed = self.actual[:, None] - quantiles
        loss = np.maximum(levels * missed, (levels - 1.0) * missed).mean(axis=1) / self.scale
        found = pd.DataFrame({"demand_class": self.contest.demand_class, "loss": np.minimum(loss, 50.0)})
        found["error"] = np.minimum(np.abs(self.actual - mean.sum(axis=1)) / self.scale, 50.0)
        for place, level in enumerate(LEVELS):
            found[level] = self.actual <= quantiles[:, place]
        is_counted = np.isfinite(self.actual) & (found["demand_class"] != DemandClass.NO_DEMAND.value)
        return found[is_counted & self.contest.trials.n_origins.astype(bool)]


def held_out(panel: Panel, n_dates: int, how: Plan) -> Iterator[HeldOut]:
    """The panel as of each date, and what came."""
    step = max(1, panel.horizon // 2)
    for back in range(n_dates - 1, -1, -1):
        cut = panel.n_periods - panel.horizon - step * back
        known = panel.until(cut)
        began = time.process_time()
        cutoffs = training_cutoffs(cut, panel.horizon, how.origins, how.origin_step)
        learner = (
            train_all(known, cutoffs, RULES.learner.settings, how.treatment) if METHOD in how.methods else Learner()
        )
        seconds = time.process_time() - began
        fits = forecast_panel(known, replace(how, learner=learner), np.zeros(panel.n_series))
        pools = pools_of(fits.contest)
        law = error_law(pools, fits.contest.trials.names, LEVELS, panel.horizon, RULES.min_pooled_errors)
        actual = panel.actuals(cut).sum(axis=1)
        yield HeldOut(fits.contest, law, fits.scale, known.is_closed_ahead, actual, seconds)


def pools_of(contest: Contest) -> dict[tuple[str, str, int], Pool]:
    """Errors pooled as ``transforms.spread`` does in Spark."""
    classes, trials = np.array(contest.demand_class), contest.trials
    steps, sums = trials.scaled_steps(), trials.scaled_sums()
    found = {}
    for name in (*DemandClass, ALL):
        own = (classes == str(name)) | ((name == ALL) & (classes != DemandClass.NO_DEMAND.value))
        for k, candidate in enumerate(trials.names):
            for h in range(sums.shape[3]):
                x, s = sums[own][:, :, k, h], steps[own][:, :, k, h]
                s, x = s[np.isfinite(x)], x[np.isfinite(x)]
                if x.size:
                    once = np.ones(x.size, dtype=np.int64)
                    found[str(name), candidate, h + 1] = pooled((s, once), (x, once), np.array(LEVELS))
    return found


def report(rule: str, tables: list[pd.DataFrame]) -> None:
    """One line."""
    rows = pd.concat(tables)
    coverage = " ".join(f"{rows[level].mean():.3f}" for level in LEVELS)
    classes = ", ".join(f"{name} {own.mean():.3f} of {own.size}" for name, own in rows.groupby("demand_class")[0.95])
    print(f"{rule:26}{rows['loss'].mean():8.4f}{rows['error'].mean():8.3f}   {coverage}; {classes}", flush=True)


def carparts(count: int) -> Panel:
    """Monthly sales of car parts, horizon 4."""
    demand = pd.read_csv(SHARED / "carparts.csv").select_dtypes("number").to_numpy(dtype=np.float64).T
    return panel_of(drawn(demand[~np.isnan(demand).all(axis=1)], count), 4, 365.25 / 12, 12)


def fresh(count: int) -> Panel:
    """Daily sales of fresh food (FreshRetailNet-50K, CC BY 4.0), horizon 7, stock-outs as they are."""
    table = pd.read_parquet(SHARED / "freshretailnet_daily.parquet")
    table["series"] = table["store_id"].astype(str) + "-" + table["product_id"].astype(str)
    keys = drawn(np.array(sorted(table["series"].unique()), dtype=object), count)
    wide = table[table["series"].isin(set(keys))].pivot_table(index="series", columns="dt", values="sale_amount")
    return panel_of(wide.to_numpy(dtype=np.float64), 7, 1, 7)


def panel_of(demand: FloatArray, horizon: int, period_days: float, season_length: int) -> Panel:
    """A panel without closed days."""
    start = np.argmax(~np.isnan(demand), axis=1).astype(np.int64)
    closed = np.zeros((demand.shape[0], demand.shape[1] + horizon), dtype=bool)
    return Panel(demand, closed, start, date(2024, 3, 28), period_days, season_length, horizon, {})


def drawn(rows: np.ndarray, count: int) -> np.ndarray:
    """Rows drawn by a fixed seed."""
    return rows[np.sort(np.random.default_rng(1).permutation(len(rows))[:count])]


SOURCES: dict[str, Callable[[int], Panel]] = {
    "weekly": lambda count: online_retail(7, count, seed=1, horizon=4, least=3),
    "daily": lambda count: online_retail(1, count, seed=1, horizon=14, least=5),
    "carparts": carparts,
    "fresh": fresh,
}

if __name__ == "__main__":
    main()
