"""Forecast a panel: profile, candidates, backtest, champion, final fit. Every series appears in the result."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from skucast.forecasting.backtest import Backtest, Treatment, backtest
from skucast.forecasting.final import FALLBACK_METHOD, final_fit
from skucast.forecasting.fitlog import FitLog, Parameters
from skucast.forecasting.models.prophet_settings import ProphetSettings
from skucast.forecasting.origins import rolling_origins
from skucast.forecasting.outliers import capped, is_outlier
from skucast.forecasting.panel import BoolArray, FloatArray, IntArray, Panel
from skucast.forecasting.profile import Profile, profile
from skucast.forecasting.registry import Method, Tier, methods_with
from skucast.forecasting.selection import candidate_methods
from skucast.forecasting.spread import spread_scale
from skucast.forecasting.status import Verdict, explain


@dataclass(frozen=True)
class Plan:
    """How to forecast, from the configuration.

    Attributes:
        methods: names of the methods allowed at all.
        methods_by_class: demand class -> names of its candidates.
        origins: rolling origins of the backtest, at least 3.
        origin_step: periods between origins.
        min_periods: known periods an origin needs; with less a series is too short to be scored.
        tier_shares: tier -> share of revenue whose series try its methods; a tier that is absent is for all.
        outlier_method: "none", "iqr", "zscore" or "hampel".
        outlier_limit: spreads above the centre, see ``outliers.upper_limits``.
        outlier_treatment: "flag" only counts outliers; "cap" shows methods the limit instead.
        with_components: say also what each forecast is made of.
        prophet: settings of Prophet.
    """

    methods: tuple[str, ...]
    methods_by_class: Mapping[str, tuple[str, ...]]
    origins: int
    origin_step: int
    min_periods: int
    tier_shares: Mapping[Tier, float]
    outlier_method: str
    outlier_limit: float
    outlier_treatment: str
    with_components: bool = False
    prophet: ProphetSettings = field(default_factory=ProphetSettings)

    def __post_init__(self) -> None:
        """Refuse a plan that cannot be carried out.

        Raises:
            ValueError: a value out of range.
        """
        if self.origins < 3 or self.origin_step < 1 or self.min_periods < 1:
            raise ValueError(
                f"a plan needs origins >= 3, origin_step >= 1 and min_periods >= 1, found {self.origins}, "
                f"{self.origin_step} and {self.min_periods}"
            )
        if self.outlier_treatment not in ("flag", "cap"):
            raise ValueError(f"outlier_treatment must be flag or cap, found {self.outlier_treatment!r}")

    @property
    def treatment(self) -> Treatment:
        """What each origin does to the demand it knew before methods see it."""
        if self.outlier_treatment == "flag" or self.outlier_method == "none":
            return lambda demand: demand
        return partial(capped, method=self.outlier_method, limit=self.outlier_limit)


@dataclass(frozen=True)
class PanelForecast:
    """Forecasts of a panel and how they came about; one value per series of shape (n_series,) unless said.

    Attributes:
        profile: length, zeros, intervals and class on the whole history as observed.
        n_outliers: known periods above the outlier limit.
        method: name of the method that made ``mean``.
        status: a ``Status`` value.
        reason: one clear phrase.
        milliseconds: own time in slow methods plus the share of the batched ones.
        mean: units per period, shape (n_series, horizon); finite, never negative, 0 at closed steps.
        components: name -> units per period, same shape, together ``mean``; empty unless the plan asks for them.
        scale: spread scale, units, > 0.
        parameters: of the final fit.
        backtest: one row per series, origin and method; ``backtest.method`` indexes ``method_names``.
        champion_backtest: its rows of each series' own method, by series, then origin.
        method_names: the registry's names.
    """

    profile: Profile
    n_outliers: IntArray
    method: tuple[str, ...]
    status: tuple[str, ...]
    reason: tuple[str, ...]
    milliseconds: FloatArray
    mean: FloatArray
    components: Mapping[str, FloatArray]
    scale: FloatArray
    parameters: Parameters
    backtest: Backtest
    champion_backtest: Backtest
    method_names: tuple[str, ...]


def forecast_panel(
    panel: Panel, plan: Plan, revenue_share_before: FloatArray, methods: Sequence[Method] | None = None
) -> PanelForecast:
    """Forecast every series of a panel with the method that did best from its rolling origins.

    The demand class of the whole history decides which methods a series tries. What a method forecasts from an origin
    depends on what that origin knew and on nothing else: neither on later values nor on other series.

    Args:
        panel: histories up to the cutoff.
        plan: methods, origins and outliers.
        revenue_share_before: share of all revenue made by series that earn more, shape (n_series,).
        methods: cheapest first; None: the registry, with the plan's settings of Prophet.
    """
    methods = methods_with(plan.prophet) if methods is None else methods
    shape, log = profile(panel), FitLog(panel.n_series)
    listed = candidate_methods(
        shape.demand_class, plan.methods, plan.methods_by_class, revenue_share_before, plan.tier_shares, methods
    )
    origins = rolling_origins(panel, plan.origins, plan.origin_step, plan.min_periods)
    trials = backtest(panel, origins, _with_fallback(listed, methods), methods, plan.treatment, log)
    scores = trials.pooled_rmsse(panel.n_series, len(methods))
    seen = replace(panel, demand=plan.treatment(panel.demand))
    final = final_fit(seen, scores, methods, log, with_components=plan.with_components)
    names = tuple(method.name for method in methods)
    used = _methods_used(names, final.method, shape)
    compared = _Comparison.of(scores, final.method, names)
    verdicts = [explain(facts) for facts in _facts(plan, shape, listed, origins, compared, used, log)]
    return PanelForecast(
        profile=shape,
        n_outliers=is_outlier(panel.demand, plan.outlier_method, plan.outlier_limit).sum(axis=1),
        method=used,
        status=tuple(status.value for status, _ in verdicts),
        reason=tuple(reason for _, reason in verdicts),
        milliseconds=log.milliseconds,
        mean=final.mean,
        components=final.components,
        scale=spread_scale(seen.demand),
        parameters=log.parameters_of(used),
        backtest=trials,
        champion_backtest=trials.rows(final.method[trials.series] == trials.method),
        method_names=names,
    )


def _with_fallback(listed: BoolArray, methods: Sequence[Method]) -> BoolArray:
    """Candidates, with the fallback method where a series has none."""
    is_fallback = np.array([method.name == FALLBACK_METHOD for method in methods])
    return np.where(listed.any(axis=1, keepdims=True), listed, is_fallback)


def _methods_used(names: Sequence[str], chosen: IntArray, shape: Profile) -> tuple[str, ...]:
    """Name of the method behind each forecast; of one known value the mean is the naive forecast."""
    unscored = ["naive" if count == 1 else FALLBACK_METHOD for count in shape.n_periods.tolist()]
    return tuple(names[index] if index >= 0 else other for index, other in zip(chosen.tolist(), unscored, strict=True))


@dataclass(frozen=True)
class _Comparison:
    """Each series' method beside the best of its others; one value per series."""

    score: list[float]
    runner_up: list[str]
    runner_up_score: list[float]

    @classmethod
    def of(cls, scores: FloatArray, chosen: IntArray, names: Sequence[str]) -> _Comparison:
        """From scores of shape (n_series, n_methods), infinite where not scored, and the method chosen or -1."""
        rows = np.arange(chosen.size)
        others = scores.copy()
        others[rows[chosen >= 0], chosen[chosen >= 0]] = np.inf
        best = others.argmin(axis=1)
        second = others[rows, best]
        named = [names[index] if finite else "" for index, finite in zip(best, np.isfinite(second), strict=True)]
        return cls(np.where(chosen >= 0, scores[rows, chosen], np.nan).tolist(), named, second.tolist())


def _facts(
    plan: Plan,
    shape: Profile,
    listed: BoolArray,
    origins: IntArray,
    compared: _Comparison,
    used: Sequence[str],
    log: FitLog,
) -> Iterator[Verdict]:
    """The facts of each series that its status follows from."""
    has_candidate: list[bool] = np.asarray(listed.any(axis=1)).tolist()
    n_origins: list[int] = (origins >= 0).sum(axis=1).tolist()
    n_periods = shape.n_periods.tolist()
    for row, method in enumerate(used):
        yield Verdict(
            n_periods=n_periods[row],
            demand_class=shape.demand_class[row],
            has_candidate=has_candidate[row],
            n_origins=n_origins[row],
            min_periods=plan.min_periods,
            method=method,
            score=compared.score[row],
            runner_up=compared.runner_up[row],
            runner_up_score=compared.runner_up_score[row],
            failures=log.failures_of(row),
        )
