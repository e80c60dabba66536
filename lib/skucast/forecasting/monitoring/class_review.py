"""What became of the past forecasts of a class of series: its bias, and the spread factor that they ask for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np
from scipy.stats import t as student

from skucast.forecasting.monitoring.realised import Measures, Past
from skucast.forecasting.monitoring.recalibration import agreed, covered_at_factors, fitted_factor, shrunk
from skucast.forecasting.monitoring.verdict import NONE, RECALIBRATE, ReviewOutcome, Rules, words
from skucast.forecasting.panel.panel import BoolArray, FloatArray, IntArray

FEWEST_CUTOFFS = 4
"""Cutoffs from which on the bias of a class is tested."""

SCORE_UNIT = 2.0**-20
"""Scores are added up in whole multiples of it, so that no sum depends on the order of its parts."""


@dataclass(frozen=True)
class ClassSums:
    """Sums over the series of one class.

    Attributes:
        n_series: series.
        measures: sums of ``Past.measures``.
        below: of ``covered_at_factors``, of the older and the newer half of the cutoffs, shape (2, k, n_factors).
        not_above: the same.
        n_halves: windows of each half, shape (2,).
        scores: sums of the scores of ``following`` at each cutoff, in units of ``SCORE_UNIT``, shape (w,).
        n_scores: how many, shape (w,).
    """

    n_series: int
    measures: Measures
    below: IntArray
    not_above: IntArray
    n_halves: IntArray
    scores: IntArray
    n_scores: IntArray

    @classmethod
    def of(cls, past: Past, rows: BoolArray) -> ClassSums:
        """Of those of the series that are told by ``rows``, shape (n,)."""
        apart = past.protection.rows(np.flatnonzero(rows)).apart()
        halves = [apart.where(half) for half in (apart.start < apart.middle, apart.start >= apart.middle)]
        covered = [covered_at_factors(half, past.factor[rows]) for half in halves]
        below, not_above = (np.stack([each.sum(axis=0) for each in both]) for both in zip(*covered, strict=True))
        scores = past.following.scores[rows]
        units = np.rint(np.nan_to_num(scores) / SCORE_UNIT).astype(np.int64)
        return cls(
            n_series=int(rows.sum()),
            measures={name: values[rows].sum(axis=0) for name, values in past.measures().items()},
            below=below,
            not_above=not_above,
            n_halves=np.array([half.is_there.sum() for half in halves]),
            scores=units.sum(axis=0),
            n_scores=np.isfinite(scores).sum(axis=0),
        )

    def __add__(self, other: ClassSums) -> ClassSums:
        """Of the series of both."""
        return ClassSums(
            self.n_series + other.n_series,
            {name: values + other.measures[name] for name, values in self.measures.items()},
            self.below + other.below,
            self.not_above + other.not_above,
            self.n_halves + other.n_halves,
            self.scores + other.scores,
            self.n_scores + other.n_scores,
        )


def added(parts: list[ClassSums]) -> ClassSums:
    """The sum of at least one part."""
    return reduce(ClassSums.__add__, parts)


@dataclass(frozen=True)
class ClassFinding:
    """What is found of a class.

    Attributes:
        sums: what it is found from.
        n_cutoffs: cutoffs with scores.
        mean_score: mean over the cutoffs of the mean score of the series.
        student_t: that mean over its standard error between cutoffs; NaN below two cutoffs.
        fitted_factor: spread factor that both halves of the windows ask for.
        spread_factor: the same as far as there is evidence, within the bounds.
        verdict: on the class.
        explanation: of it.
    """

    sums: ClassSums
    n_cutoffs: int
    mean_score: float
    student_t: float
    fitted_factor: float
    spread_factor: float
    verdict: ReviewOutcome
    explanation: str

    @property
    def action(self) -> str:
        """What the next forecast does about the class as a whole."""
        return RECALIBRATE if self.spread_factor != 1.0 else NONE


def review_class(sums: ClassSums, levels: FloatArray, rules: Rules) -> ClassFinding:
    """Bias of a class by a t-test over cutoffs, at each of which its series err together, and its spread factor."""
    there = sums.n_scores > 0
    means = sums.scores[there] * SCORE_UNIT / sums.n_scores[there]
    n, mean = means.size, float(means.mean()) if means.size else 0.0
    error = float(means.std(ddof=1) / np.sqrt(n)) if n > 1 else 0.0
    t = mean / error if error > 0 else np.nan
    n_windows = sums.measures["n_windows"]
    found = np.atleast_1d(agreed(fitted_factor(sums.below, sums.not_above, sums.n_halves, levels)))
    factor = shrunk(found, np.atleast_1d(n_windows / sums.n_series), np.atleast_1d(n_windows))
    factor = np.where(np.abs(np.log(factor)) < np.log(1.01), 1.0, np.clip(factor, *rules.bounds))
    limit = float(student.isf(rules.false_alarm_share / 2, n - 1)) if n >= FEWEST_CUTOFFS else np.inf
    verdict, explanation = _of_class(mean, t, limit, n, float(factor[0]))
    return ClassFinding(sums, n, mean, float(t), float(found[0]), float(factor[0]), verdict, explanation)


def _of_class(mean: float, t: float, limit: float, n: int, factor: float) -> tuple[ReviewOutcome, str]:
    if n < FEWEST_CUTOFFS:
        return ReviewOutcome.TOO_FEW, f"{n} cutoffs with demand after them, {FEWEST_CUTOFFS} are needed"
    if abs(t) > limit:
        verdict = ReviewOutcome.BIASED_LOW if mean > 0 else ReviewOutcome.BIASED_HIGH
        return verdict, f"{words(verdict)}: mean score {mean:+.2f} over {n} cutoffs, t {t:+.1f} (limit {limit:.1f})"
    if factor != 1.0:
        verdict = ReviewOutcome.UNDER_COVERED if factor > 1.0 else ReviewOutcome.OVER_COVERED
        return verdict, f"{words(verdict)}: distances from the mean are multiplied by {factor:.2f}"
    return ReviewOutcome.STABLE, f"as promised: mean score {mean:+.2f} over {n} cutoffs"
