"""The closed loop on held-out weeks: nightly forecasts, reviews of what became of them, and what these change.

    python -m benchmarks.accuracy.loop --series 300 --dates 12 [--shift 1.5] [--spread 0.7]

Weekly demand of Online Retail. A fifth of the series is multiplied by ``--shift`` from half of the dates on; spreads
are held ``--spread`` times as wide as the backtest says. Prints the pinball loss of demand summed over the protection
period, in units of the scale, of every way to close the loop: of series as they were and of those that were shifted,
with the share of champions that changed from night to night and of series that the reviews found due.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from benchmarks.accuracy.held_out import LEVELS, RULES, HeldOut, cuts_of, held_out, plan, retail
from skucast.forecasting.monitoring.class_review import ClassSums, review_class
from skucast.forecasting.monitoring.realised import Past, Windows
from skucast.forecasting.monitoring.series_review import Findings, review_series
from skucast.forecasting.monitoring.verdict import ACTIONS, RESELECT, ReviewOutcome, Rules
from skucast.forecasting.panel.panel import BoolArray, FloatArray, IntArray, Panel
from skucast.forecasting.selection.choice import PINBALL, Selection, SelectionRule, choose

SPAN = 3
CHEAP = {"prophet", "arima", "ridge_autoregression", "ridge_on_lags", "theta_lag_year", "direct_regression",
         "gradient_boosting"}  # fmt: skip
BOUNDS = (0.7, 1.5)


@dataclass(frozen=True)
class Way:
    """A way to close the loop.

    Attributes:
        keeps: champions stay unless they are due.
        heeds: a series that is due is chosen anew without the margin of the incumbent.
        bounds: of the spread factors.
    """

    keeps: bool
    heeds: bool
    bounds: tuple[float, float]


WAYS = {
    "always anew": Way(keeps=False, heeds=False, bounds=(1.0, 1.0)),
    "kept unless due": Way(keeps=True, heeds=True, bounds=(1.0, 1.0)),
    "recalibrated": Way(keeps=False, heeds=False, bounds=BOUNDS),
    "all of it": Way(keeps=True, heeds=True, bounds=BOUNDS),
}


@dataclass
class Run:
    """What one way has done so far: means, quantiles and factors of each date, shapes (n, h), (n, h, k) and (n,)."""

    means: list[FloatArray] = field(default_factory=list)
    quantiles: list[FloatArray] = field(default_factory=list)
    factors: list[FloatArray] = field(default_factory=list)
    methods: list[tuple[str, ...]] = field(default_factory=list)
    losses: list[FloatArray] = field(default_factory=list)
    covered: list[FloatArray] = field(default_factory=list)
    verdicts: list[list[ReviewOutcome]] = field(default_factory=list)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=300)
    parser.add_argument("--dates", type=int, default=12)
    parser.add_argument("--shift", type=float, default=1.0)
    parser.add_argument("--spread", type=float, default=1.0)
    arguments = parser.parse_args()
    panel = retail(7, 4, 3)(arguments.series)
    cuts = cuts_of(panel, arguments.dates, 1)
    panel, is_shifted = shifted(panel, cuts[len(cuts) // 2], arguments.shift)
    how = plan(with_arima=False)
    for name in CHEAP:
        how = how.without(name)
    runs = {name: Run() for name in WAYS}
    for date, honest in enumerate(held_out(panel, arguments.dates, 1, how)):
        found = replace(honest, scale=honest.scale * arguments.spread)
        for name, way in WAYS.items():
            night(runs[name], way, found, panel, cuts[: date + 1])
    for name, run in runs.items():
        report(name, run, is_shifted, len(cuts) // 2)


def shifted(panel: Panel, since: int, by: float) -> tuple[Panel, BoolArray]:
    """A fifth of the series with another level from a period on."""
    chosen = np.random.default_rng(3).random(panel.n_series) < 0.2
    demand = panel.demand.copy()
    demand[chosen, since:] = np.round(demand[chosen, since:] * by)
    return panel.with_demand(demand), chosen


def night(run: Run, way: Way, found: HeldOut, panel: Panel, cuts: list[int]) -> None:
    """One forecast as the review of the night before asks for it, and its score."""
    n = panel.n_series
    reviewed = review(run, way, panel, cuts[:-1], found) if len(cuts) > 2 else None
    kept, due, factor = np.full(n, -1), np.zeros(n, dtype=bool), np.ones(n)
    if reviewed is not None:
        run.verdicts.append(reviewed.verdict)
        due = np.array([ACTIONS[each] == RESELECT for each in reviewed.verdict]) & way.heeds
        stays = np.array([each is not ReviewOutcome.TOO_FEW for each in reviewed.verdict]) & ~due & way.keeps
        names = found.contest.trials.names
        kept = np.where(stays, [names.index(each) for each in run.methods[-1]], -1)
        factor = reviewed.spread_factor
    rules = RULES.selection
    criterion = SelectionRule(PINBALL, rules.class_weight, RULES.min_periods, rules.margin)
    contest = replace(found.contest, kept=kept, is_due=due)
    publish(run, found, choose(contest, found.law, criterion), factor)


def publish(run: Run, found: HeldOut, choice: Selection, factor: FloatArray) -> None:
    rows = np.arange(factor.size)
    own, mean = (found.contest.group, choice.column), found.contest.mean[rows, choice.column]
    is_count, law = found.contest.is_count, found.law
    phi = law.dispersion(found.contest.dispersion, found.contest.group, is_count) * factor**2
    sums, _ = law.predicted(np.cumsum(mean, axis=1), phi, is_count, law.scores[own])
    actual, q = found.actual[:, SPAN - 1], sums[:, SPAN - 1]
    missed, levels = actual[:, None] - q, np.array(LEVELS)
    loss = np.minimum(np.maximum(levels * missed, (levels - 1) * missed).mean(axis=1) / found.scale, 50.0)
    run.losses.append(np.where(found.is_counted, loss, np.nan))
    run.covered.append(np.where((found.is_counted & np.isfinite(actual))[:, None], missed <= 0, np.nan))
    for kind, values in (("means", np.cumsum(mean, axis=1)), ("quantiles", sums), ("factors", factor)):
        getattr(run, kind).append(values)
    run.methods.append(tuple(np.array(found.contest.trials.names)[choice.column].tolist()))


def review(run: Run, way: Way, panel: Panel, cuts: list[int], found: HeldOut) -> Findings:
    """As ``skucast monitor`` at the last of the cuts: forecasts of those before it."""
    starts, last = np.array(cuts[:-1]), cuts[-1]
    protection, following = (windows(run, panel, starts, last, length) for length in (SPAN, 1))
    nothing = np.full(protection.length.shape, np.nan)
    past = Past(protection, following, np.array(run.factors[: starts.size]).T, nothing, nothing)
    rules = Rules(4, 0.02, 0.9, way.bounds)
    classes = np.array(found.contest.demand_class)
    of_class = np.ones(classes.size)
    for name in np.unique(classes):
        own = classes == name
        of_class[own] = review_class(ClassSums.of(past, own), np.array(LEVELS), rules).spread_factor
    return review_series(past, of_class, rules)


def windows(run: Run, panel: Panel, starts: IntArray, last: int, length: int) -> Windows:
    n, step = panel.n_series, length - 1
    mean = np.array(run.means[: starts.size])[:, :, step].T
    quantiles = np.array(run.quantiles[: starts.size])[:, :, step].transpose(1, 0, 2)
    demand = np.full((n, starts.size), np.nan)
    for place, start in enumerate(starts.tolist()):
        if start + length <= last:
            demand[:, place] = panel.demand[:, start : start + length].sum(axis=1)
    lengths = np.full(demand.shape, length)
    return Windows(np.array(LEVELS), starts, lengths, demand, np.isfinite(demand), mean, np.ones_like(mean), quantiles)


def report(name: str, run: Run, is_shifted: BoolArray, since: int) -> None:
    loss, late = np.array(run.losses), np.array(run.losses)[since + 2 :]
    covered = np.array(run.covered)[3:]
    changed = np.mean([np.mean([a != b for a, b in zip(*each, strict=True)]) for each in pairwise(run.methods)])
    flagged = np.array([[ACTIONS[each] == RESELECT for each in of_date] for of_date in run.verdicts])
    steady = flagged[:, ~is_shifted].mean()
    print(f"{name:22} loss {np.nanmean(loss[3:]):.4f}  steady {np.nanmean(late[:, ~is_shifted]):.4f}  "
          f"shifted {np.nanmean(late[:, is_shifted]):.4f}  changed {changed:.3f}  due: steady {steady:.3f}, "
          f"shifted {' '.join(f'{each:.2f}' for each in flagged[since - 2 :, is_shifted].mean(axis=1))}  covered "
          + " ".join(f"{level:g}: {np.nanmean(covered[:, :, k]):.3f}" for k, level in enumerate(LEVELS)))  # fmt: skip


if __name__ == "__main__":
    main()
