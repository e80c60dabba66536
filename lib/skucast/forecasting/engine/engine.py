"""Forecast a panel by every candidate: profile, candidates, backtest, combinations, final fits; no series is lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from skucast.forecasting.backtest.backtest import View, backtest
from skucast.forecasting.backtest.origins import rolling_origins
from skucast.forecasting.backtest.trials import BacktestResult
from skucast.forecasting.engine.fit_log import FitLog, Parameters
from skucast.forecasting.engine.refit import FALLBACK_METHOD, FinalFit, final_fit
from skucast.forecasting.global_model.training import Learner
from skucast.forecasting.models.external.own import SECONDS
from skucast.forecasting.models.prophet.settings import ProphetSettings
from skucast.forecasting.models.registry import Method, Tier, methods_with, own_methods
from skucast.forecasting.panel.bursts import without_bursts
from skucast.forecasting.panel.outliers import is_outlier, with_capped
from skucast.forecasting.panel.panel import BoolArray, FloatArray, IntArray, Panel
from skucast.forecasting.panel.profile import Profile, is_count, profile
from skucast.forecasting.seasons.adjustment import Adjusted, adjusted, unadjusted
from skucast.forecasting.seasons.shared import SharedSeasons
from skucast.forecasting.selection.candidates import candidate_methods
from skucast.forecasting.selection.choice import Candidates
from skucast.forecasting.selection.combination import COMBINATIONS, combined, combined_components
from skucast.forecasting.selection.search import Search
from skucast.forecasting.selection.weights import earlier_errors, member_weights
from skucast.forecasting.stock_outs.estimate import Hidden, as_data, hidden, recovered
from skucast.forecasting.uncertainty.error_pool import error_group
from skucast.forecasting.uncertainty.error_scale import spread_scale


@dataclass(frozen=True)
class ForecastSettings:
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
        outlier_treatment: "robust" shows methods bursts within their credible size, seasons and events taken into
            account; "flag" only counts outliers; "cap" shows methods the limit instead.
        with_components: say also what each forecast is made of.
        seconds_per_fit: time that a model of one's own may take for one series from one origin.
        prophet: settings of Prophet.
        search: settings tried beside those of the methods.
        learner: models over all series, trained beforehand; the series that it forecasts need not be among those.
        seasons: curves of groups that series share; None: no season and no event is taken out before methods see it.
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
    seconds_per_fit: float = SECONDS
    prophet: ProphetSettings = field(default_factory=ProphetSettings)
    search: Search = field(default_factory=Search)
    learner: Learner = field(default_factory=Learner)
    seasons: SharedSeasons | None = None

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
        if self.outlier_treatment not in ("robust", "flag", "cap"):
            raise ValueError(f"outlier_treatment must be robust, flag or cap, found {self.outlier_treatment!r}")

    @property
    def filled(self) -> Callable[[Panel], Panel]:
        """A panel as observed -> outliers capped, stock-outs filled."""
        if self.outlier_treatment != "cap" or self.outlier_method == "none":
            return as_data
        method, limit = self.outlier_method, self.outlier_limit
        return lambda panel: as_data(with_capped(panel, method, limit))

    @property
    def view(self) -> View:
        """What each origin does to what it knew before methods see it."""
        filled, seasons, is_robust = self.filled, self.seasons, self.outlier_treatment == "robust"

        def view(panel: Panel) -> Adjusted:
            known = filled(panel)
            sight = unadjusted(known) if seasons is None else adjusted(known, seasons.at(panel.n_periods))
            return sight.with_demand(without_bursts(sight.panel.demand)).at_present_level() if is_robust else sight

        return view

    def shown(self, panel: Panel) -> Panel:
        """What methods see of a panel."""
        return self.view(panel).panel

    def without(self, name: str) -> ForecastSettings:
        """The plan without one method."""
        return replace(
            self,
            methods=tuple(each for each in self.methods if each != name),
            methods_by_class={
                of_class: tuple(each for each in listed if each != name)
                for of_class, listed in self.methods_by_class.items()
            },
        )


@dataclass(frozen=True)
class PanelFits:
    """Forecasts of a panel by every candidate; one value per series of shape (n_series,) unless said.

    Attributes:
        contest: the backtest and the forecasts among which a champion is chosen.
        profile: length, zeros, intervals and class on the whole history as observed.
        n_outliers: known periods above the outlier limit.
        scale: spread scale, units, > 0.
        components: name -> units per period, shape (n_series, n_candidates, horizon), together the mean of each
            candidate; empty unless the plan asks for them.
        parameters: of the final fits, by "method.parameter".
        milliseconds: own time in slow methods plus the share of the batched ones.
        hidden: what stock-outs hid.
        season: factors of seasons and events ahead, shape (n_series, horizon).
        exposure: sum of those factors over the known periods.
    """

    contest: Candidates
    profile: Profile
    n_outliers: IntArray
    scale: FloatArray
    components: Mapping[str, FloatArray]
    parameters: Parameters
    milliseconds: FloatArray
    hidden: Hidden
    season: FloatArray
    exposure: FloatArray


def forecast_panel(
    panel: Panel,
    plan: ForecastSettings,
    revenue_share_before: FloatArray,
    methods: Sequence[Method] | None = None,
    evaluation_span: IntArray | None = None,
) -> PanelFits:
    """Forecast every series of a panel by all its candidates, from its rolling origins and from its end.

    The demand class of the whole history decides which methods a series tries. What a method forecasts from an origin
    depends on what that origin knew and on nothing else: neither on later values nor on other series.

    Args:
        panel: histories up to the cutoff.
        plan: methods, origins and outliers.
        revenue_share_before: share of all revenue made by series that earn more, shape (n_series,).
        methods: cheapest first; None: the registry, with the plan's settings of Prophet and learner.
        evaluation_span: steps whose sum a champion is chosen by, shape (n_series,); None: the horizon.
    """
    methods = candidates_of(plan, _registered(plan) if methods is None else methods)
    found = recovered(panel) if panel.has_stock_outs else None
    drawn = None if found is None else panel.with_demand(found.draw)
    shape, log = profile(panel if drawn is None else drawn), FitLog(panel.n_series)
    listed = _listed(panel, shape, plan, methods, revenue_share_before)
    sold = panel.with_demand(panel.sold)
    origins = rolling_origins(sold, plan.origins, plan.origin_step, plan.min_periods)
    trials = backtest(panel, origins, _with_fallback(listed, methods), methods, plan.view, log, drawn)
    sight = plan.view(panel)
    floor = sight.floor()
    final = final_fit(sight, trials.is_tried, methods, log, with_components=plan.with_components)
    trials, mean, components = _with_combinations(plan, shape, methods, trials, final, floor)
    contest = Candidates(
        n_periods=shape.n_periods,
        demand_class=shape.demand_class,
        group=error_group(profile(sight.panel)),
        has_candidate=np.asarray(listed.any(axis=1)),
        failures=[log.failures_of(row) for row in range(panel.n_series)],
        evaluation_span=_within(panel, evaluation_span),
        trials=trials,
        mean=mean,
        dispersion=sight.dispersion(),
        floor=floor,
        is_count=is_count(sold.demand),
    )
    return PanelFits(
        contest=contest,
        profile=shape,
        n_outliers=is_outlier(panel.demand, plan.outlier_method, plan.outlier_limit).sum(axis=1),
        scale=spread_scale(sight.panel.demand, sight.panel.variance),
        components=components,
        parameters=log.all_parameters(),
        milliseconds=log.milliseconds,
        hidden=hidden(panel, found),
        season=sight.ahead,
        exposure=np.where(sold.is_known, sight.past, 0.0).sum(axis=1),
    )


def _listed(
    panel: Panel, shape: Profile, plan: ForecastSettings, methods: Sequence[Method], revenue_share_before: FloatArray
) -> BoolArray:
    """Methods that each series tries, shape (n_series, n_methods)."""
    return candidate_methods(
        classes=shape.demand_class,
        allowed=plan.methods,
        by_class=plan.methods_by_class,
        revenue_share_before=revenue_share_before,
        tier_shares=plan.tier_shares,
        has_season=shape.n_periods >= 2 * panel.season_length,
        methods=methods,
    )


def candidate_names(plan: ForecastSettings) -> tuple[str, ...]:
    """Names of all candidates of a plan in the order of the arrays: methods, then combinations."""
    methods = candidates_of(plan, _registered(plan))
    return (*(method.name for method in methods), *_combinations(plan))


def _registered(plan: ForecastSettings) -> tuple[Method, ...]:
    """The registry with the plan's own settings and models."""
    known = methods_with(plan.prophet, plan.learner, plan.search)
    return (*known, *own_methods(plan.methods, plan.seconds_per_fit))


def _combinations(plan: ForecastSettings) -> tuple[str, ...]:
    """The combinations a plan allows."""
    return tuple(name for name in COMBINATIONS if name in plan.methods)


def _within(panel: Panel, evaluation_span: IntArray | None) -> IntArray:
    """The span of every series, within the horizon."""
    whole = np.full(panel.n_series, panel.horizon)
    return whole if evaluation_span is None else np.clip(evaluation_span, 1, whole)


def candidates_of(plan: ForecastSettings, methods: Sequence[Method]) -> tuple[Method, ...]:
    """The methods a plan allows at all, and the fallback method, in the order of the registry.

    Raises:
        ValueError: the plan names a method that is neither in the registry nor a combination.
    """
    known = [*(method.name for method in methods), *COMBINATIONS]
    asked = {*plan.methods, *(name for listed in plan.methods_by_class.values() for name in listed)}
    if unknown := sorted(asked - set(known)):
        raise ValueError(f"unknown forecasting methods {', '.join(unknown)}; known are {', '.join(known)}")
    return tuple(method for method in methods if method.listing in plan.methods or method.name == FALLBACK_METHOD)


def _with_fallback(listed: BoolArray, methods: Sequence[Method]) -> BoolArray:
    """Candidates, with the fallback method where a series has none."""
    is_fallback = np.array([method.name == FALLBACK_METHOD for method in methods])
    return np.where(listed.any(axis=1, keepdims=True), listed, is_fallback)


def _with_combinations(
    plan: ForecastSettings,
    shape: Profile,
    methods: Sequence[Method],
    trials: BacktestResult,
    final: FinalFit,
    floor: FloatArray,
) -> tuple[BacktestResult, FloatArray, Mapping[str, FloatArray]]:
    """Trials, means and components with the combinations that the class of a series lists, of all but its anchors."""
    names = _combinations(plan)
    if not names:
        return trials, final.mean, final.components
    places = [COMBINATIONS.index(name) for name in names]
    listed = np.array([[name in plan.methods_by_class.get(each, ()) for name in names] for each in shape.demand_class])
    listed = listed.reshape(len(shape.demand_class), len(names))
    is_member = np.array([not method.is_anchor and method.variant_of is None for method in methods])
    members = trials.is_tried & np.isfinite(final.mean).all(axis=2) & is_member
    weights = member_weights(earlier_errors(trials, members), members, np.ones(1))
    tried = np.maximum(combined(trials.forecasts, members, weights[:, :-1])[:, :, places], trials.floor[:, :, None, :])
    tried = np.where(listed[:, None, :, None], tried, np.nan)
    every = np.maximum(combined(final.mean, members, weights[:, -1]), floor[:, None, :])
    ahead = np.where(listed[:, :, None], every[:, places], np.nan)
    mean = np.concatenate([final.mean, ahead], axis=1)
    own = combined_components(final.components, members, weights[:, -1], every)
    parts = {name: np.concatenate([each, own[name][:, places]], axis=1) for name, each in final.components.items()}
    return trials.with_candidates(names, tried), mean, parts
