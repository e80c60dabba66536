"""What became of the past forecasts of every series: measures, tests, verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.stats import binom

from skucast.forecasting.monitoring.drift import cusum, cusum_limit, mean_limit, mean_score, tracking_signal
from skucast.forecasting.monitoring.realised import Measures, Past
from skucast.forecasting.monitoring.recalibration import covered_at_factors, fitted_factor, shrunk
from skucast.forecasting.monitoring.verdict import ReviewOutcome, Rules, words
from skucast.forecasting.panel.panel import FloatArray, IntArray


@dataclass(frozen=True)
class Findings:
    """What is found of n series, each of shape (n,).

    Attributes:
        measures: of ``Past.measures``.
        n_scores: scores.
        mean_score: Σz/√n.
        cusum_above: C⁺.
        cusum_below: C⁻.
        tracking_signal: NaN without any error.
        spread_factor: of the next forecast.
        verdict: on each.
        explanation: of it.
    """

    measures: Measures
    n_scores: IntArray
    mean_score: FloatArray
    cusum_above: FloatArray
    cusum_below: FloatArray
    tracking_signal: FloatArray
    spread_factor: FloatArray
    verdict: list[ReviewOutcome]
    explanation: list[str]


def review_series(past: Past, of_class: FloatArray, rules: Rules) -> Findings:
    """Verdicts on series, each test at its share of false alarms; one that is miscovered gets a factor of its own.

    Args:
        past: their forecasts.
        of_class: spread factor of the class of each, shape (n,).
        rules: when something is found.
    """
    measures, levels = past.measures(), past.protection.levels
    scores = past.following.scores
    total, n = mean_score(scores)
    above, below = cusum(scores)
    place = int(np.argmin(np.abs(levels - rules.coverage_level)))
    n_windows, level = measures["n_windows"], levels[place]
    # Exact binomial: few windows not above the quantile, or many below it.
    rare = rules.share_of_test / 2
    under = binom.cdf(measures["not_above"][:, place], n_windows, level) <= rare
    over = binom.sf(measures["below"][:, place] - 1, n_windows, level) <= rare
    biased = np.abs(total) > mean_limit(rules.share_of_test)
    drifted = np.maximum(above, below) > cusum_limit(rules.share_of_test)
    enough = n >= rules.min_windows
    conditions = [~enough, biased & (total > 0), biased, drifted, under & (n_windows > 0), over & (n_windows > 0)]
    kinds = [
        ReviewOutcome.TOO_FEW,
        ReviewOutcome.BIASED_LOW,
        ReviewOutcome.BIASED_HIGH,
        ReviewOutcome.DRIFTED,
        ReviewOutcome.UNDER_COVERED,
        ReviewOutcome.OVER_COVERED,
    ]
    code = np.select(conditions, list(range(len(kinds))), len(kinds))
    verdict = [[*kinds, ReviewOutcome.STABLE][each] for each in code.tolist()]
    miscovered = np.isin(code, [4, 5])
    factor = _own_factor(past, of_class, np.flatnonzero(miscovered), rules)
    found = Findings(measures, n, total, above, below, tracking_signal(past.following.errors), factor, verdict, [])
    return _explained(found, place, rules, float(level))


def _own_factor(past: Past, of_class: FloatArray, rows: IntArray, rules: Rules) -> FloatArray:
    """The factor of the class; for the series at ``rows`` their own factor, shrunk toward that of the class."""
    factor = of_class.copy()
    if rows.size:
        apart = past.protection.rows(rows).apart()
        below, not_above = covered_at_factors(apart, past.factor[rows])
        n = apart.is_there.sum(axis=1)
        own = fitted_factor(below, not_above, n, apart.levels)
        factor[rows] = np.clip(shrunk(own, n.astype(float), np.full(rows.size, np.inf), of_class[rows]), *rules.bounds)
    return factor


def _explained(found: Findings, place: int, rules: Rules, level: float) -> Findings:
    """With a phrase for every verdict."""
    limits = {
        "n": rules.min_windows,
        "mean": mean_limit(rules.share_of_test),
        "cusum": cusum_limit(rules.share_of_test),
    }
    columns = zip(
        found.verdict, found.n_scores.tolist(), found.mean_score.tolist(), found.cusum_above.tolist(),
        found.cusum_below.tolist(), found.measures["not_above"][:, place].tolist(),
        found.measures["n_windows"].tolist(), strict=True,
    )  # fmt: skip
    found.explanation.extend(
        _phrase(verdict, limits, n=n, mean=mean, above=above, below=below, covered=(covered, windows, level))
        for verdict, n, mean, above, below, covered, windows in columns
    )
    return found


def _phrase(
    verdict: ReviewOutcome,
    limits: Mapping[str, float],
    *,
    n: int,
    mean: float,
    above: float,
    below: float,
    covered: tuple[float, float, float],
) -> str:
    if verdict is ReviewOutcome.TOO_FEW:
        return f"{n} forecasts with demand after them, {limits['n']:.0f} are needed"
    if verdict in (ReviewOutcome.BIASED_LOW, ReviewOutcome.BIASED_HIGH):
        return f"{words(verdict)}: mean score {mean:+.1f} over {n} forecasts (limit {limits['mean']:.1f})"
    if verdict is ReviewOutcome.DRIFTED:
        side, value = ("above", above) if above > below else ("below", below)
        return f"drifted: demand lately {side} forecasts, cumulative score {value:.1f} (limit {limits['cusum']:.1f})"
    if verdict in (ReviewOutcome.UNDER_COVERED, ReviewOutcome.OVER_COVERED):
        within, windows, level = covered
        return f"{words(verdict)}: demand of {within:.0f} of {windows:.0f} windows not above the {level:g} quantile"
    return f"as promised over {n} forecasts"
