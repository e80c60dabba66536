"""The champion of every series among its candidates, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from skucast.forecasting.backtest.trials import BacktestResult
from skucast.forecasting.engine.refit import FALLBACK_METHOD
from skucast.forecasting.engine.status import FitFacts, Status, explain
from skucast.forecasting.panel.panel import BoolArray, FloatArray, IntArray
from skucast.forecasting.selection.candidates import champions, drawn_scores
from skucast.forecasting.uncertainty.dispersion import Dispersion
from skucast.forecasting.uncertainty.distribution import PredictiveDistribution
from skucast.forecasting.uncertainty.losses import origin_losses

PINBALL, RMSSE = "pinball", "rmsse"
"""Criteria by which a champion is chosen."""

INCUMBENT = "combination_weighted"
"""Default champion. Another candidate replaces it only if its loss is smaller by the margin: with few origins,
differences of losses are mostly noise."""


@dataclass(frozen=True)
class Candidates:
    """Candidates of many series and what is known of them; one value per series unless said.

    Attributes:
        n_periods: known periods, shape (n,).
        demand_class: on the whole history.
        group: place in ``error_group.GROUPS`` on the whole history, shape (n,).
        has_candidate: the plan lists at least one method that the series may try, shape (n,).
        failures: method name -> what it failed with.
        evaluation_span: steps whose sum matters, shape (n,).
        trials: the backtest.
        mean: forecasts, units per period, shape (n, k, h); NaN where there is none.
        dispersion: of the whole history, each of shape (n,).
        floor: least that combinations expect, units per period, shape (n, h).
        is_count: demand comes in whole numbers, shape (n,).
        weights: shares of the candidates in the weighted combination, shape (n, k); None without one.
        kept: candidate that was the champion and stays it as long as it is one, -1 for none, shape (n,); None: none.
        is_due: forecasts of the champion went wrong in one direction, so that the margin of ``INCUMBENT`` falls away,
            shape (n,); None: of no series.
    """

    n_periods: IntArray
    demand_class: Sequence[str]
    group: IntArray
    has_candidate: BoolArray
    failures: Sequence[Mapping[str, str]]
    evaluation_span: IntArray
    trials: BacktestResult
    mean: FloatArray
    dispersion: Dispersion
    floor: FloatArray
    is_count: BoolArray
    weights: FloatArray | None = None
    kept: IntArray | None = None
    is_due: BoolArray | None = None


@dataclass(frozen=True)
class SelectionRule:
    """By what a champion is chosen.

    Attributes:
        name: ``PINBALL`` of demand summed over the span, or ``RMSSE`` of single periods.
        class_weight: origins that the group of a series counts for beside its own; pinball only.
        min_periods: known periods that an origin needed.
        margin: share of the score of ``INCUMBENT`` that another candidate must save to take its place.
    """

    name: str
    class_weight: float
    min_periods: int
    margin: float = 0.0


@dataclass(frozen=True)
class Selection:
    """The forecast of every series.

    Attributes:
        column: candidate whose mean it is, shape (n,).
        is_scored: whether that is a champion and not the fallback of a series without one, shape (n,).
        method: its name; "naive" for the mean of a single value.
        scores: of every candidate by the criterion, the lower the better, shape (n, k); infinite where not scored.
        is_kept: whether it is that of the run before because nothing spoke against it, shape (n,).
    """

    column: IntArray
    is_scored: BoolArray
    method: tuple[str, ...]
    scores: FloatArray
    is_kept: BoolArray


def choose(contest: Candidates, law: PredictiveDistribution, criterion: SelectionRule) -> Selection:
    """The champion that is kept, else the best candidate by the criterion, else the mean of known demand.

    Args:
        contest: the candidates.
        law: what is usual in each group; its names are those of the trials.
        criterion: what counts.
    """
    trials, names, n = contest.trials, contest.trials.names, contest.n_periods.size
    is_due = np.zeros(n, dtype=bool) if contest.is_due is None else contest.is_due
    if criterion.name == RMSSE:
        scores = trials.pooled_rmsse()
    else:
        own = origin_losses(contest, law.usual)
        scores = drawn_scores(own, law.losses[contest.group], trials.is_tried, criterion.class_weight)
    scores = np.where(np.isfinite(contest.mean).all(axis=2), scores, np.inf)
    best = _with_incumbent(champions(scores), scores, names, np.where(is_due, 0.0, criterion.margin))
    kept = np.full(n, -1) if contest.kept is None else contest.kept
    is_kept = (kept >= 0) & np.isfinite(scores[np.arange(n), kept])
    best = np.where(is_kept, kept, best)
    column = np.where(best >= 0, best, names.index(FALLBACK_METHOD))
    used = np.array(names, dtype=object)[column]
    used[(best < 0) & (contest.n_periods == 1)] = "naive"
    return Selection(column, best >= 0, tuple(used.tolist()), scores, is_kept)


def _with_incumbent(best: IntArray, scores: FloatArray, names: Sequence[str], margin: FloatArray) -> IntArray:
    """Champions, with the incumbent wherever the best does not save the margin; shape (n,), -1 where none is scored."""
    if INCUMBENT not in names:
        return best
    place = names.index(INCUMBENT)
    own, lowest = scores[:, place], scores.min(axis=1)
    kept: IntArray = np.where(np.isfinite(own) & (lowest > (1.0 - margin) * own), place, best)
    return kept


def verdicts(contest: Candidates, choice: Selection, criterion: SelectionRule) -> list[tuple[Status, str]]:
    """Status and reason of every series."""
    names, rows = contest.trials.names, np.arange(choice.column.size)
    others = choice.scores.copy()
    others[rows, choice.column] = np.inf
    second = others.argmin(axis=1)
    columns = zip(
        contest.n_periods.tolist(),
        contest.demand_class,
        contest.has_candidate.tolist(),
        contest.trials.n_origins.tolist(),
        choice.method,
        choice.scores[rows, choice.column].tolist(),
        second.tolist(),
        others[rows, second].tolist(),
        contest.failures,
        strict=True,
    )
    return [
        explain(
            FitFacts(
                n_periods=n_periods,
                demand_class=demand_class,
                has_candidate=has_candidate,
                n_origins=n_origins,
                min_periods=criterion.min_periods,
                method=method,
                criterion=criterion.name,
                score=score,
                runner_up=names[runner_up] if np.isfinite(its_score) else "",
                runner_up_score=its_score,
                failures=failures,
            )
        )
        for n_periods, demand_class, has_candidate, n_origins, method, score, runner_up, its_score, failures in columns
    ]
