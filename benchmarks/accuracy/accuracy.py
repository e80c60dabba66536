"""Accuracy of the default configuration beside single methods, every statsforecast model, prophet and naive ones.

    python -m benchmarks.accuracy.accuracy [--data m4_weekly,m4_hourly,carparts,weekly,daily,fresh] [--series 300]
                                        [--no-peers] [--handful 20] [--rehearsal]

Each data set is cut at one or several decision dates; what comes after them is scored once. Every row goes through the
same code: forecasts from the same rolling origins, errors of the sum over the protection period pooled and calibrated
in the same way (statsforecast has no law of a sum; adding its normal step intervals up in quadrature would be worse for
it). Models that take seconds a series are shown with their means only, on a handful of series, with ours on the same.
M4's test part is scored here and nowhere else; a rehearsal scores the last horizon of its training part. Without
statsforecast its rows are left out.

sMAPE, MASE, OWA: as in M4, MASE elsewhere with differences of lag 1. RMSSE: of single periods. Pinball: of demand
summed over the horizon, levels 0.5, 0.8, 0.95, 0.99, in units of the series' scale. Core-seconds: of all forecasts of
the row, backtest included; ours are those of all candidates, the training over all series and the choice.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd

from benchmarks.accuracy import m4
from benchmarks.accuracy.held_out import SOURCES, USUAL, HeldOut, Pick, cuts_of, held_out, plan, scores
from benchmarks.accuracy.peers import SLOW, models_of_statsforecast, peers
from skucast.forecasting.backtest.origins import usual_step
from skucast.forecasting.backtest.scores import naive_errors
from skucast.forecasting.engine.engine import ForecastSettings
from skucast.forecasting.models.base import published
from skucast.forecasting.models.registry import METHODS, Method
from skucast.forecasting.panel.panel import FloatArray, Panel
from skucast.forecasting.selection.choice import PINBALL

CLASSES = ("smooth", "erratic", "intermittent", "lumpy")
SINGLE = (
    "seasonal_naive", "ses", "tsb_optimised", "dynamic_theta", "negative_binomial", "ridge_autoregression",
    "theta_lag_year", "direct_regression", "seasonal_smoothing", "ets", "prophet",
)  # fmt: skip
NAMED = (
    "prophet", "ridge_autoregression", "ridge_on_lags", "theta_lag_year", "direct_regression", "seasonal_smoothing",
    "ets", "arima",
)  # fmt: skip
"""Methods beside the default ones that are named for M4."""
COMBINATIONS = ("combination_mean", "combination_median", "combination_weighted")
PACKAGE = "prophet_stan"
OURS = "ours, default"
BY_NAME = {method.name: method for method in METHODS}


@dataclass(frozen=True)
class Data:
    """A data set.

    Attributes:
        make: the panel of so many series.
        dates: decision dates.
        step: periods between them.
        lag: of the differences that scale MASE.
        series: of the default run; None for all.
        is_m4: scored with OWA; other packages on a handful only.
    """

    make: Callable[[int], Panel]
    dates: int
    step: int
    lag: int = 1
    series: int | None = None
    is_m4: bool = False


DATA = {
    "m4_weekly": Data(m4.weekly, 1, 1, 1, 359, is_m4=True),
    "m4_hourly": Data(m4.hourly, 1, 1, 24, 414, is_m4=True),
    "carparts": Data(SOURCES["carparts"][0], 3, 2),
    "weekly": Data(SOURCES["weekly"][0], 3, 3),
    "daily": Data(SOURCES["daily"][0], 2, 10),
    "fresh": Data(SOURCES["fresh"][0], 2, 5),
}


def main() -> None:
    """One table per data set, and one of the slow models."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", default=",".join(DATA))
    parser.add_argument("--series", type=int, default=300, help="of the sets whose size is not fixed")
    parser.add_argument("--handful", type=int, default=20, help="series on which slow models are tried")
    parser.add_argument("--rehearsal", action="store_true", help="leave M4's test part out")
    parser.add_argument("--no-peers", action="store_true", help="leave out other packages")
    arguments = parser.parse_args()
    models = None if arguments.no_peers else models_of_statsforecast()
    if models is None:
        print("without statsforecast (pip install statsforecast==2.1.1): its rows are left out")
    for name in arguments.data.split(","):
        data = DATA[name]
        panel = data.make(data.series or arguments.series)
        if data.is_m4 and arguments.rehearsal:
            panel = panel.until(panel.n_periods - panel.horizon)
        compare(name, data, panel, peers(models), 0 if arguments.no_peers else arguments.handful)


def compare(name: str, data: Data, panel: Panel, others: Sequence[Method], handful: int) -> None:
    """All rows of a data set."""
    how = replace(plan(with_arima=True), origin_step=usual_step(panel.horizon, panel.season_length, panel.period_days))
    how = with_named(how) if data.is_m4 else how
    print(f"\n{name}: {panel.n_series} series, {data.dates} dates, horizon {panel.horizon}\n{HEADER}", flush=True)
    results, seconds = run(data, panel, how)
    ours = table(data, panel, results, lambda each: each.choose(PINBALL, USUAL))
    yardstick = naive2(data, panel) if data.is_m4 else None
    line(OURS, ours, seconds, ours, yardstick)
    for label in COMBINATIONS:
        place = results[0].contest.trials.names.index(label)
        line(
            f"always {label}", table(data, panel, results, partial(HeldOut.always, place=place)), None, ours, yardstick
        )
    quick = () if data.is_m4 else tuple(each for each in others if each.name not in SLOW)
    for method in (*(BY_NAME[label] for label in SINGLE), *quick):
        alone = replace(how, methods=(method.name,), methods_by_class=dict.fromkeys(CLASSES, (method.name,)))
        found, seconds = run(data, panel, alone, (BY_NAME["mean"], replace(method, needs_season=False)))
        line(method.name, table(data, panel, found, lambda each: each.choose(PINBALL, USUAL)), seconds, ours, yardstick)
    few = np.sort(np.random.default_rng(2).permutation(panel.n_series)[:handful])
    slow = others if data.is_m4 else tuple(each for each in others if each.name in SLOW)
    if few.size:
        sample = [rows.loc[rows.index.isin(few)] for rows in (ours, *([] if yardstick is None else [yardstick]))]
        print(f"means only, {few.size} of the series, the last date, seconds of one fit of each")
        last = [rows[rows["date"] == data.dates - 1] for rows in sample]
        on_a_handful(data, panel, few, (*slow, BY_NAME[PACKAGE]), last)


def with_named(how: ForecastSettings) -> ForecastSettings:
    """The default with the methods that M4's series, which are no retail items and share no season, are made for."""
    by_class = {name: (*listed, *NAMED) for name, listed in how.methods_by_class.items()}
    methods, flagged = (*how.methods, *NAMED), "flag"
    return replace(how, methods=methods, methods_by_class=by_class, outlier_treatment=flagged)


def run(
    data: Data, panel: Panel, how: ForecastSettings, methods: Sequence[Method] | None = None
) -> tuple[list[HeldOut], float]:
    """Forecasts of every date, and core-seconds of all."""
    began = time.process_time()
    found = list(held_out(panel, data.dates, data.step, how, methods, is_shared=not data.is_m4))
    return found, time.process_time() - began


def table(data: Data, panel: Panel, results: Sequence[HeldOut], pick: Pick) -> pd.DataFrame:
    """Scores of each series at each date."""
    tables = []
    for date, (cut, result) in enumerate(zip(cuts_of(panel, data.dates, data.step), results, strict=True)):
        mean, sums = result.forecast(pick)
        actual = panel.actuals(cut)
        found = means_scored(data, panel.until(cut), actual, mean)
        total = scores(actual.sum(axis=1), mean.sum(axis=1), sums[:, -1], result.scale)
        found["loss"], found["at 0.95"] = total["loss"], total["at 0.95"].astype(float)
        found["bias"] = np.clip((mean - actual).sum(axis=1) / result.scale, -50.0, 50.0)
        tables.append(found.assign(date=date)[result.is_counted & np.isfinite(actual).all(axis=1)])
    return pd.concat(tables)


def means_scored(data: Data, known: Panel, actual: FloatArray, mean: FloatArray) -> pd.DataFrame:
    """Of each series sMAPE in per cent, MASE and RMSSE; steps in closed periods do not count."""
    squared, absolute = naive_errors(known.demand)
    if data.lag > 1:
        absolute = np.nanmean(np.abs(known.demand[:, data.lag :] - known.demand[:, : -data.lag]), axis=1)
    missed, is_open = np.abs(actual - mean), ~known.is_closed_ahead
    steps = np.maximum(is_open.sum(axis=1), 1)
    size = np.abs(actual) + np.abs(mean)
    with np.errstate(invalid="ignore", divide="ignore"):
        relative = np.where(size > 0, missed / size, 0.0 * size)
    return pd.DataFrame(
        {
            "smape": 200.0 * (relative * is_open).sum(axis=1) / steps,
            "mase": (missed * is_open).sum(axis=1) / steps / absolute,
            "rmsse": np.sqrt((missed**2 * is_open).sum(axis=1) / steps / squared),
        }
    )


def naive2(data: Data, panel: Panel) -> pd.DataFrame:
    """The yardstick of OWA, to be held against the published one."""
    cut = panel.n_periods - panel.horizon
    known, actual = panel.until(cut), panel.actuals(cut)
    found = means_scored(data, known, actual, m4.naive2(known, data.lag)).assign(date=0)
    print(f"{'Naive2':26}{found['smape'].mean():9.3f}{found['mase'].mean():8.3f}{1:8.3f}{found['rmsse'].mean():8.3f}")
    return found


def line(
    label: str, rows: pd.DataFrame, seconds: float | None, ours: pd.DataFrame, yardstick: pd.DataFrame | None
) -> None:
    """One row of the table; its loss beside ours with a 95 % interval over series, and ! where it is better."""
    shown = f"{label:26}{rows['smape'].mean():9.3f}{rows['mase'].mean():8.3f}{owa(rows, yardstick)}"
    shown += f"{rows['rmsse'].mean():8.4f}"
    if "loss" in rows:
        more = rows.groupby(level=0)["loss"].mean() - ours.groupby(level=0)["loss"].mean()
        base = ours["loss"].mean()
        chance = f"{more.mean() / base:+7.1%}±{1.96 * more.sem() / base:.1%}"
        shown += f"{rows['loss'].mean():9.4f} {chance:14}{rows['at 0.95'].mean():7.1%}{rows['bias'].mean():+8.3f}"
    shown += f"{seconds:9.1f}" if seconds is not None else " " * 9
    better = rows["rmsse"].mean() < ours["rmsse"].mean() or ("loss" in rows and rows["loss"].mean() < base)
    print(shown + ("  !" if better else ""), flush=True)


HEADER = (
    f"{'':26}{'sMAPE':>9}{'MASE':>8}{'OWA':>8}{'RMSSE':>8}{'pinball':>9} {'beside ours':14}{'≤ 95 %':>7}{'bias':>8}"
    f"{'core-s':>9}"
)


def owa(rows: pd.DataFrame, yardstick: pd.DataFrame | None) -> str:
    """Overall weighted average, blank outside M4."""
    if yardstick is None:
        return " " * 8
    relative = [rows[each].mean() / yardstick[each].mean() for each in ("smape", "mase")]
    return f"{np.mean(relative):8.3f}"


def on_a_handful(
    data: Data, panel: Panel, few: np.ndarray, methods: Sequence[Method], sample: Sequence[pd.DataFrame]
) -> None:
    """Ours, and models of other packages fitted once to each of a few series."""
    ours, yardstick = sample[0], sample[1] if len(sample) > 1 else None
    line(OURS, ours[["smape", "mase", "rmsse"]], None, ours, yardstick)
    cut = panel.n_periods - panel.horizon
    known, actual = panel.until(cut).rows(few), panel.actuals(cut)[few]
    for method in methods:
        began = time.process_time()
        mean = method.fit(known, {}).mean
        seconds = time.process_time() - began
        mean = published(
            np.where(np.isfinite(mean), mean, np.nanmean(known.demand, axis=1)[:, None]), known.is_closed_ahead
        )
        rows = means_scored(data, known, actual, mean).set_index(few)
        line(method.name, rows[rows.index.isin(ours.index)], seconds, ours, yardstick)


if __name__ == "__main__":
    main()
