"""Slow, obvious versions of the forecasting formulas, written from the literature: one series, plain loops."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import date
from types import SimpleNamespace
from typing import Any

import numpy as np
from hypothesis import settings

from skucast.forecasting.backtest.trials import BacktestResult
from skucast.forecasting.engine.engine import ForecastSettings, forecast_panel
from skucast.forecasting.panel.panel import BoolArray, FloatArray, IntArray, Panel
from skucast.forecasting.selection.choice import RMSSE, Candidates, SelectionRule, choose, verdicts
from skucast.forecasting.uncertainty.dispersion import Dispersion
from skucast.forecasting.uncertainty.distribution import PredictiveDistribution
from skucast.forecasting.uncertainty.evidence import Evidence
from skucast.forecasting.uncertainty.pooled_dispersion import DispersionSums, UsualDispersion

MONDAY = date(2010, 11, 29)
FAST = ("naive", "mean", "seasonal_naive", "croston", "sba", "tsb", "ses")
examples = settings(deadline=None)
"""Of the property tests: a shared machine has no deadline."""

CLASSES = ("smooth", "erratic", "intermittent", "lumpy")


def panel_of(
    rows: Sequence[Sequence[float]], horizon: int = 3, season_length: int = 52, closed: Iterable[int] = ()
) -> Panel:
    """A panel whose series start at their first known value; ``closed`` periods are closed for all of them."""
    demand = np.atleast_2d(np.array(rows, dtype=np.float64))
    known = ~np.isnan(demand)
    start = (
        np.where(known.any(axis=1), np.argmax(known, axis=1), demand.shape[1]) if demand.size else np.zeros(len(rows))
    )
    is_closed = np.zeros((demand.shape[0], demand.shape[1] + horizon), dtype=bool)
    is_closed[:, list(closed)] = True
    period_days = 1 if season_length == 7 else 7
    return Panel(demand, is_closed, start.astype(np.int64), MONDAY, period_days, season_length, horizon, {})


def plan_of(*methods: str, **changes: Any) -> ForecastSettings:
    """A plan that allows ``methods`` to every class."""
    defaults = {"origins": 4, "origin_step": 1, "min_periods": 4, "tier_shares": {}}
    defaults |= {"outlier_method": "none", "outlier_limit": 3.0, "outlier_treatment": "flag"}
    return ForecastSettings(methods=methods, methods_by_class=dict.fromkeys(CLASSES, methods), **(defaults | changes))


LEVELS = (0.1, 0.5, 0.9)


def usual_of(dispersion: Dispersion, place: IntArray) -> UsualDispersion:
    """Usual dispersion of some series, whose classes have these places."""
    return UsualDispersion.of(DispersionSums.of(dispersion, place))


def unlearned_law(names: Sequence[str], horizon: int, levels: Sequence[float] = LEVELS) -> PredictiveDistribution:
    """The law before any series has taught anything: levels read where they stand, a dispersion of 1."""
    nothing = np.full(1, np.nan)
    usual = usual_of(Dispersion(nothing, nothing, nothing), np.zeros(1, dtype=np.int64))
    return PredictiveDistribution.of(names, levels, usual, Evidence.none(len(names), horizon), 50)


def trials_of(
    names: tuple[str, ...],
    forecasts: FloatArray,
    actuals: FloatArray,
    *,
    group: IntArray | None = None,
    origin: IntArray | None = None,
    scale: FloatArray | None = None,
    dispersion: Dispersion | None = None,
    floor: FloatArray | None = None,
) -> BacktestResult:
    """Trials of forecasts (n, o, k, h) and actuals (n, o, h); what is not given is 1, group and floor 0."""
    n, o, _, _ = forecasts.shape
    once = np.ones((n, o))
    return BacktestResult(
        names=names,
        origin=np.tile(np.arange(8, 8 + o), (n, 1)) if origin is None else origin,
        forecasts=forecasts,
        actuals=actuals,
        is_scored=~np.isnan(actuals),
        scale=once if scale is None else scale,
        naive_mean_square=once,
        naive_mean_absolute=once,
        group=np.zeros((n, o), dtype=np.int64) if group is None else group,
        dispersion=Dispersion(once, 4.0 * once, 20.0 * once) if dispersion is None else dispersion,
        floor=np.zeros(actuals.shape) if floor is None else floor,
    )


def contest_of(
    trials: BacktestResult,
    *,
    span: IntArray | None = None,
    group: IntArray | None = None,
    is_count: BoolArray | None = None,
    **changes: Any,
) -> Candidates:
    """A contest of these trials; the forecasts are those of the last origin."""
    n, horizon = trials.origin.shape[0], trials.forecasts.shape[3]
    defaults: dict[str, Any] = {
        "n_periods": np.full(n, 20),
        "demand_class": ["smooth"] * n,
        "has_candidate": np.ones(n, dtype=bool),
        "failures": [{}] * n,
        "mean": trials.forecasts[:, -1],
        "dispersion": Dispersion(*(each[:, -1] for each in trials.dispersion)),
        "floor": np.zeros((n, horizon)),
    }
    return Candidates(
        trials=trials,
        evaluation_span=np.full(n, horizon) if span is None else span,
        group=trials.group[:, -1] if group is None else group,
        is_count=np.zeros(n, dtype=bool) if is_count is None else is_count,
        **(defaults | changes),
    )


def decided(
    panel: Panel, plan: ForecastSettings, revenue_share_before: Any = None, methods: Any = None, criterion: str = RMSSE
) -> Any:
    """Everything about a panel's forecasts in one place, champions chosen without knowledge of other series."""
    share = np.zeros(panel.n_series) if revenue_share_before is None else revenue_share_before
    fits = forecast_panel(panel, plan, share, methods)
    contest, rule = fits.contest, SelectionRule(RMSSE, 0.0, plan.min_periods)
    choice = choose(contest, unlearned_law(contest.trials.names, panel.horizon), rule)
    why, rows = verdicts(contest, choice, rule), np.arange(panel.n_series)
    return SimpleNamespace(
        method=choice.method,
        status=tuple(str(status) for status, _ in why),
        reason=tuple(reason for _, reason in why),
        mean=contest.mean[rows, choice.column],
        components={name: values[rows, choice.column] for name, values in fits.components.items()},
        scale=fits.scale,
        n_outliers=fits.n_outliers,
        milliseconds=fits.milliseconds,
        profile=fits.profile,
        trials=contest.trials,
        column=choice.column,
        parameters=[
            {
                name.partition(".")[2]: value
                for name, value in found.items()
                if name.startswith(f"{contest.trials.names[place]}.")
            }
            for found, place in zip(fits.parameters, choice.column.tolist(), strict=True)
        ],
    )


def known(values: Iterable[float]) -> list[float]:
    return [float(value) for value in values if not math.isnan(value)]


def ses(values: Iterable[float], alpha: float, *, starts_as_mean: bool) -> tuple[float, float, int]:
    """Level, sum of squared one-step errors, number of them."""
    level, squared, count = math.nan, 0.0, 0
    for index, value in enumerate(known(values), 1):
        if index == 1:
            level = value
            continue
        squared, count = squared + (value - level) ** 2, count + 1
        level += (max(alpha, 1 / index) if starts_as_mean else alpha) * (value - level)
    return level, squared, count


def best_ses(values: Sequence[float], alphas: Iterable[float]) -> float:
    """Level under the first alpha with the smallest squared error."""
    return min((ses(values, alpha, starts_as_mean=True) for alpha in alphas), key=lambda fit: fit[1])[0]


def croston(values: Iterable[float], alpha: float) -> float:
    size, interval, waited = math.nan, math.nan, 0
    for value in known(values):
        waited += 1
        if value > 0:
            size = value if math.isnan(size) else size + alpha * (value - size)
            interval = waited if math.isnan(interval) else interval + alpha * (waited - interval)
            waited = 0
    return 0.0 if math.isnan(size) else size / interval


def tsb(values: Iterable[float], alpha: float, beta: float) -> float:
    size, probability = math.nan, 0.0
    for index, value in enumerate(known(values), 1):
        probability += max(beta, 1 / index) * (float(value > 0) - probability)
        if value > 0:
            size = value if math.isnan(size) else size + alpha * (value - size)
    return 0.0 if math.isnan(size) else size * probability


def naive(values: Iterable[float]) -> float:
    return (known(values) or [math.nan])[-1]


def seasonal_naive(values: Sequence[float], start: int, season_length: int, horizon: int) -> list[float]:
    forecast = [naive(values)] * horizon
    if len(values) - start < 2 * season_length:
        return forecast
    for step in range(horizon):
        period = len(values) + step % season_length - season_length
        while period >= 0:
            if not math.isnan(values[period]):
                forecast[step] = values[period]
                break
            period -= season_length
    return forecast


def naive_mean(values: Iterable[float], power: int) -> float:
    """The denominator of RMSSE (power 2) or MASE (power 1)."""
    numbers = known(values)
    first = next((i for i, value in enumerate(numbers) if value > 0), len(numbers))
    pairs = list(zip(numbers[first:], numbers[first + 1 :], strict=False))
    changes = [abs(after - before) ** power for before, after in pairs]
    if sum(changes) > 0:
        return sum(changes) / len(changes)
    return (sum(value**power for value in numbers) / len(numbers) if numbers else 0.0) or 1.0


def mean_forecasts(
    values: Sequence[float], start: int, season_length: int, horizon: int, alphas: Iterable[float]
) -> dict[str, list[float]]:
    """Every batched method on one series."""
    flat = {
        "naive": naive(values),
        "mean": float(np.mean(known(values))),
        "croston": croston(values, 0.1),
        "sba": 0.95 * croston(values, 0.1),
        "tsb": tsb(values, 0.1, 0.1),
        "ses": best_ses(values, alphas),
    }
    forecasts = {name: [level] * horizon for name, level in flat.items()}
    return forecasts | {"seasonal_naive": seasonal_naive(values, start, season_length, horizon)}
