"""Choice and calibration on decision dates that neither has seen: loss and coverage of demand over 1 to 4 periods.

    python -m benchmarks.accuracy.held_out [--data weekly,daily,carparts,fresh] [--series 1000] [--dates 8]

For each of several decision dates the panel is cut there, every candidate of the default configuration is backtested
and fitted (``--arima`` lets ARIMA in, ``--no-learner`` leaves out the model over all series, which else is trained on
the same series), errors are pooled as the jobs pool them, champions are chosen with several weights of the group, and
their quantiles held against what came.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from skucast.config.forecast import Forecast
from skucast.forecasting.backtest.origins import origins_of_a_run, usual_step
from skucast.forecasting.engine.engine import ForecastSettings, forecast_panel
from skucast.forecasting.global_model.training import METHOD, Learner, train_all, training_cutoffs
from skucast.forecasting.models.registry import Method
from skucast.forecasting.panel.panel import BoolArray, FloatArray, Panel
from skucast.forecasting.panel.profile import DemandClass
from skucast.forecasting.seasons.calendar import calendar_of, has_weeks
from skucast.forecasting.seasons.shared import ALL, SharedSeasons, group_curves, group_sums
from skucast.forecasting.selection.choice import PINBALL, RMSSE, Candidates, Selection, SelectionRule, choose
from skucast.forecasting.selection.combination import errors_of_classes, reweighed
from skucast.forecasting.uncertainty.distribution import PredictiveDistribution
from skucast.forecasting.uncertainty.error_scale import spread_scale
from skucast.forecasting.uncertainty.evidence import evidence_of
from skucast.forecasting.uncertainty.losses import class_of
from skucast.forecasting.uncertainty.pooled_dispersion import DispersionSums, UsualDispersion
from tests.unit.forecasting.models.prophet.batch_reference import online_retail

SHARED = Path(__file__).parents[3] / "shared" / "data"
LEVELS = (0.5, 0.8, 0.95, 0.99)
WEIGHTS = (0.0, 5.0, 20.0, 60.0, 1e9)
MARGINS = (0.1, 0.2, 0.5)
RULES = Forecast()
SPANS = 4
"""Sums over 1 to so many periods are looked at."""


def main() -> None:
    """Every data set, every rule."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", default=",".join(SOURCES))
    parser.add_argument("--series", type=int, default=1000)
    parser.add_argument("--dates", type=int, default=8)
    parser.add_argument("--arima", action="store_true")
    parser.add_argument("--no-learner", action="store_true", help="leave out gradient boosting over all series")
    parser.add_argument("--origins", type=int, default=RULES.origins)
    parser.add_argument("--origin-step", type=int, default=RULES.origin_step)
    arguments = parser.parse_args()
    for name in arguments.data.split(","):
        make, step = SOURCES[name]
        panel = make(arguments.series)
        origin_step = arguments.origin_step or usual_step(panel.horizon, panel.season_length, panel.period_days)
        how = replace(plan(with_arima=arguments.arima), origins=arguments.origins, origin_step=origin_step)
        how = how.without(METHOD) if arguments.no_learner else how
        results = list(held_out(panel, arguments.dates, step, how))
        print(f"\n{name}: {panel.n_series} series, {len(results)} dates")
        seconds = np.mean([each.training_seconds for each in results])
        print(f"training of the model over all series: {seconds:.1f} s of CPU a date")
        for rule, pick in rules(results[0].contest.trials.names).items():
            report(rule, [each.scored(pick) for each in results], in_full=rule == f"margin {MARGIN:g}")


USUAL, MARGIN = RULES.selection.class_weight, RULES.selection.margin


def plan(*, with_arima: bool) -> ForecastSettings:
    """The default configuration, every series worth all methods."""
    methods = tuple(name for name in RULES.methods if with_arima or name != "arima")
    by_class = {str(name): listed for name, listed in RULES.methods_by_class.items()}
    return ForecastSettings(methods, by_class, RULES.origins, 1, RULES.min_periods, {}, "none", 3.0, "robust")


Pick = Callable[["HeldOut"], Selection]


def rules(names: tuple[str, ...]) -> dict[str, Pick]:
    """Ways to choose."""
    found: dict[str, Pick] = {"rmsse": lambda each: each.choose(RMSSE, 0.0, 0.0)}
    for weight in WEIGHTS:
        found[f"weight {weight:g}"] = lambda each, weight=weight: each.choose(PINBALL, weight, 0.0)
    for margin in MARGINS:
        found[f"margin {margin:g}"] = lambda each, margin=margin: each.choose(PINBALL, USUAL, margin)
    for place, name in enumerate(names):
        if name.startswith(("combination", "ses", "gradient")):
            found[f"always {name}"] = lambda each, place=place: each.always(place)
    return found


@dataclass(frozen=True)
class HeldOut:
    """One decision date.

    Attributes:
        contest: candidates as of that date.
        law: what all series teach as of that date.
        scale: unit of the losses: spread scale of demand as observed, shape (n,).
        is_closed: closed steps ahead, shape (n, horizon).
        actual: demand summed over 1 to h periods, units, shape (n, horizon); NaN where unknown.
        training_seconds: CPU time of training the model over all series.
    """

    contest: Candidates
    law: PredictiveDistribution
    scale: FloatArray
    is_closed: BoolArray
    actual: FloatArray
    training_seconds: float

    def choose(self, criterion: str, weight: float, margin: float = MARGIN) -> Selection:
        """As the jobs choose."""
        return choose(self.contest, self.law, SelectionRule(criterion, weight, RULES.min_periods, margin))

    def always(self, place: int) -> Selection:
        """One candidate for all that tried it, for the others the best by the group."""
        usual, n = self.choose(PINBALL, 60.0), self.scale.size
        column = np.where(self.contest.trials.is_tried[:, place], place, usual.column)
        return replace(usual, column=column, is_scored=np.ones(n, dtype=bool))

    def forecast(self, pick: Pick) -> tuple[FloatArray, FloatArray]:
        """Means of steps, and quantiles of sums at ``LEVELS``."""
        column, rows = pick(self).column, np.arange(self.scale.size)
        own, mean = (self.contest.group, column), self.contest.mean[rows, column]
        phi = self.law.dispersion(self.contest.dispersion, self.contest.group, self.contest.is_count)
        return mean, self.law.predicted(np.cumsum(mean, axis=1), phi, self.contest.is_count, self.law.scores[own])[0]

    @property
    def is_counted(self) -> BoolArray:
        """Series with demand and at least one origin, shape (n,)."""
        counted: BoolArray = np.array(self.contest.demand_class) != DemandClass.NO_DEMAND.value
        return counted & self.contest.trials.n_origins.astype(bool)

    def scored(self, pick: Pick) -> pd.DataFrame:
        """Loss, absolute error and hits of every series with known demand ahead, one row per span."""
        mean, sums = self.forecast(pick)
        is_open = ~self.is_closed.cumprod(axis=1).astype(bool)
        tables = []
        for span in range(min(SPANS, mean.shape[1])):
            actual = self.actual[:, span]
            found = scores(actual, mean[:, : span + 1].sum(axis=1), sums[:, span], self.scale)
            found["demand_class"] = self.contest.demand_class
            tables.append(found[self.is_counted & np.isfinite(actual) & is_open[:, span]])
        return pd.concat(tables)


def scores(actual: FloatArray, mean: FloatArray, quantiles: FloatArray, scale: FloatArray) -> pd.DataFrame:
    """Of each series; losses in units of the scale, at most 50."""
    missed, levels = actual[:, None] - quantiles, np.array(LEVELS)
    loss = np.maximum(levels * missed, (levels - 1.0) * missed).mean(axis=1) / scale
    found = pd.DataFrame({"loss": np.minimum(loss, 50.0), "error": np.minimum(np.abs(actual - mean) / scale, 50.0)})
    for place, level in enumerate(LEVELS):
        found[f"at {level}"], found[f"below {level}"] = actual <= quantiles[:, place], actual < quantiles[:, place]
    return found


def cuts_of(panel: Panel, n_dates: int, step: int) -> list[int]:
    """Periods known at each decision date; the last leaves exactly the horizon."""
    return [panel.n_periods - panel.horizon - step * back for back in range(n_dates - 1, -1, -1)]


def held_out(
    panel: Panel,
    n_dates: int,
    step: int,
    how: ForecastSettings,
    methods: Sequence[Method] | None = None,
    *,
    is_shared: bool = True,
) -> Iterator[HeldOut]:
    """The panel as of each date, and what came; by methods of one's own if given; seasons shared or not."""
    for cut in cuts_of(panel, n_dates, step):
        plan_at, known = with_seasons(how, panel, cut) if is_shared and has_weeks(panel) else (how, panel.until(cut))
        began, cutoffs = time.process_time(), training_cutoffs(cut, panel.horizon, how.origins, how.origin_step)
        is_learnt = METHOD in how.methods
        learner = train_all(known, cutoffs, RULES.learner.settings, plan_at.shown) if is_learnt else Learner()
        seconds = time.process_time() - began
        fits = forecast_panel(known, replace(plan_at, learner=learner), np.zeros(panel.n_series), methods)
        contest = reweighed(fits.contest, errors_of_classes(fits.contest))
        law = law_of(contest)
        actual = np.cumsum(panel.actuals(cut), axis=1)
        yield HeldOut(contest, law, spread_scale(known.demand), known.is_closed_ahead, actual, seconds)


def law_of(contest: Candidates) -> PredictiveDistribution:
    """What all series teach, as ``stages.forecast`` learns it in Spark."""
    usual = UsualDispersion.of(DispersionSums.of(contest.dispersion, class_of(contest.group)))
    return PredictiveDistribution.of(contest.trials.names, LEVELS, usual, evidence_of(contest, usual), 200)


def with_seasons(how: ForecastSettings, panel: Panel, cut: int) -> tuple[ForecastSettings, Panel]:
    """The plan with the season of all series together, and the panel whose series share it."""
    curves = {}
    for origin in origins_of_a_run(cut, panel.horizon, how.origins, how.origin_step, panel.period_days):
        known = panel.until(origin)
        sums = group_sums(known, np.ones((1, panel.n_series)))
        curves[origin] = group_curves(sums, [()], calendar_of(known))
    shared = replace(panel.until(cut), group=np.zeros(panel.n_series, dtype=np.int64))
    return replace(how, seasons=SharedSeasons({ALL: 0}, curves)), shared


def report(rule: str, dates: list[pd.DataFrame], *, in_full: bool) -> None:
    """Loss, absolute error, coverage; in full also by class, with 95 % intervals over whole dates."""
    rows = pd.concat(dates, keys=range(len(dates)), names=["date", "row"])
    print(f"{rule:26}{rows['loss'].mean():8.4f}{rows['error'].mean():8.3f}   {coverage(rows)}", flush=True)
    if in_full:
        for name, own in rows.groupby("demand_class"):
            print(f"  {name:16}{own['loss'].mean():16.4f}{own['error'].mean():8.3f}   {coverage(own)}  of {len(own)}")
        by_date = rows.groupby("date")["at 0.95"].mean()
        print("  at 0.95 by date: " + " ".join(f"{each:.3f}" for each in by_date), flush=True)


def coverage(rows: pd.DataFrame) -> str:
    """Share below and not above each quantile, and half the interval over dates; ! where a level is missed by > .02."""
    found = []
    for level in LEVELS:
        below, at, dates = rows[f"below {level}"], rows[f"at {level}"], rows.groupby("date")[f"at {level}"].mean()
        margin = 1.96 * dates.std() / np.sqrt(len(dates))
        missed = "" if below.mean() - 0.02 <= level <= at.mean() + 0.02 else "!"
        found.append(f"{level:g}: {below.mean():.3f}-{at.mean():.3f}±{margin:.3f}{missed}")
    return "  ".join(found)


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


def retail(period_days: int, horizon: int, least: int) -> Callable[[int], Panel]:
    """Online Retail without its last period, which is not whole."""

    def panel(count: int) -> Panel:
        found = online_retail(period_days, count, seed=1, horizon=horizon, least=least)
        return found.until(found.n_periods - 1)

    return panel


SOURCES: dict[str, tuple[Callable[[int], Panel], int]] = {
    "weekly": (retail(7, 4, 3), 2),
    "daily": (retail(1, 14, 5), 5),
    "carparts": (carparts, 2),
    "fresh": (fresh, 5),
}
"""Panels, and periods between the decision dates; days apart by no multiple of a week, so that each weekday comes."""

if __name__ == "__main__":
    main()
