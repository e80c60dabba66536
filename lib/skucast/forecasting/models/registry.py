"""Every forecasting method by name. A new method is one file of pure functions over a panel and one line here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial

from skucast.forecasting.global_model.method import gradient_boosting
from skucast.forecasting.global_model.training import METHOD as LEARNER_METHOD
from skucast.forecasting.global_model.training import Learner
from skucast.forecasting.models.arima.auto_arima import arima_batched
from skucast.forecasting.models.base import Components, FitPanel, batched, level_only, per_series
from skucast.forecasting.models.baselines import mean, naive, seasonal_naive
from skucast.forecasting.models.counts.methods import best_count, negative_binomial
from skucast.forecasting.models.ets.ets import ets, ets_components
from skucast.forecasting.models.ets.multiplicative import ets_multiplicative
from skucast.forecasting.models.external import arima as library_arima
from skucast.forecasting.models.external import prophet as library_prophet
from skucast.forecasting.models.external.own import own_method
from skucast.forecasting.models.intermittent.aggregation import adida, imapa
from skucast.forecasting.models.intermittent.croston import croston, sba, tsb
from skucast.forecasting.models.intermittent.croston_optimised import croston_optimised, sba_optimised, tsb_optimised
from skucast.forecasting.models.multi_seasonal.multi_seasonal import seasonal_smoothing
from skucast.forecasting.models.prophet.batch import prophet_batched, prophet_components
from skucast.forecasting.models.prophet.settings import ProphetSettings
from skucast.forecasting.models.regression.direct import direct_regression
from skucast.forecasting.models.regression.ridge import ridge_autoregression, ridge_on_lags
from skucast.forecasting.models.smoothing import alphas_within, ses
from skucast.forecasting.models.theta.seasonal_growth import theta_lag_year
from skucast.forecasting.models.theta.theta import dynamic_theta, theta, theta_components
from skucast.forecasting.selection.search import Search


class Tier(StrEnum):
    """What a method costs, and so on which series it is tried: on all, or on those that make most of the revenue."""

    CHEAP = "cheap"
    """Microseconds a series."""
    FULL = "full"
    """Up to milliseconds a series: a search for parameters."""
    LIBRARY = "library"
    """A tenth of a second and more: one series after the other through another package."""


@dataclass(frozen=True)
class Method:
    """A forecasting method.

    Attributes:
        name: what configuration and tables call it.
        fit: fits all series of a panel.
        tier: what it costs.
        components: what its forecasts are made of.
        is_anchor: what others are held against, and so no member of a combination.
        needs_season: tried only on histories that have the panel's season twice: it learns from earlier cycles.
        variant_of: the method of which this is one with other settings: tried where that is, and no member either.
    """

    name: str
    fit: FitPanel
    tier: Tier = Tier.CHEAP
    components: Components = level_only
    is_anchor: bool = False
    needs_season: bool = False
    variant_of: str | None = None

    @property
    def listing(self) -> str:
        """The name under which plans list it."""
        return self.variant_of or self.name


def prophets(settings: ProphetSettings) -> tuple[Method, ...]:
    """Both forms of Prophet, with settings of one's own."""
    multiplicative = replace(settings, seasonality_mode="multiplicative")
    return tuple(
        Method(
            name,
            batched(partial(prophet_batched, settings=chosen)),
            Tier.FULL,
            partial(prophet_components, settings=chosen),
        )
        for name, chosen in (("prophet", settings), ("prophet_multiplicative", multiplicative))
    )


def learnt(learner: Learner) -> Method:
    """The model over all series, as trained for a run."""
    return Method(LEARNER_METHOD, batched(partial(gradient_boosting, learner=learner)))


METHODS: tuple[Method, ...] = (
    Method("naive", batched(naive), is_anchor=True),
    Method("mean", batched(mean), is_anchor=True),
    Method("seasonal_naive", batched(seasonal_naive), is_anchor=True),
    Method("croston", batched(croston)),
    Method("sba", batched(sba)),
    Method("tsb", batched(tsb)),
    Method("ses", batched(ses)),
    Method("adida", batched(adida)),
    Method("theta", batched(theta), Tier.CHEAP, theta_components),
    Method("dynamic_theta", batched(dynamic_theta), Tier.CHEAP, theta_components),
    Method("croston_optimised", batched(croston_optimised)),
    Method("sba_optimised", batched(sba_optimised)),
    Method("tsb_optimised", batched(tsb_optimised)),
    Method("imapa", batched(imapa)),
    Method("negative_binomial", batched(negative_binomial)),
    learnt(Learner()),
    *prophets(ProphetSettings()),
    Method("ridge_autoregression", batched(ridge_autoregression), Tier.FULL, needs_season=True),
    Method("ridge_on_lags", batched(ridge_on_lags), Tier.FULL, needs_season=True),
    Method("theta_lag_year", batched(theta_lag_year), Tier.FULL, needs_season=True),
    Method("direct_regression", batched(direct_regression), Tier.FULL, needs_season=True),
    Method("seasonal_smoothing", batched(seasonal_smoothing), Tier.FULL),
    Method("ets", batched(ets), Tier.FULL, ets_components),
    Method("ets_multiplicative", batched(ets_multiplicative), Tier.FULL),
    Method("best_count", batched(best_count), Tier.FULL),
    Method("arima", arima_batched, Tier.FULL),
    Method("arima_statsmodels", per_series(library_arima.arima), Tier.LIBRARY),
    Method("prophet_stan", per_series(library_prophet.prophet), Tier.LIBRARY),
)
"""Cheapest first: of two equally good methods the earlier one is chosen."""

METHOD_NAMES: tuple[str, ...] = tuple(method.name for method in METHODS)


def variants(search: Search) -> tuple[Method, ...]:
    """Methods with other settings than their own, named after both."""
    with_prophet = {f"prophet({label})": prophets(settings)[0] for label, settings in search.prophet.items()}
    with_ses = {
        f"ses({label})": Method("ses", batched(partial(ses, alphas=alphas_within(lowest, highest))))
        for label, (lowest, highest) in search.ses.items()
    }
    with_learner = {f"{LEARNER_METHOD}({label})": learnt(learner) for label, learner in search.learner.items()}
    found = with_prophet | with_ses | with_learner
    return tuple(replace(each, name=name, variant_of=each.name) for name, each in found.items())


def methods_with(settings: ProphetSettings, learner: Learner, search: Search) -> tuple[Method, ...]:
    """The registry with settings of one's own for Prophet, what was learnt from all series, and what is searched."""
    chosen = {method.name: method for method in (*prophets(settings), learnt(learner))}
    tried = variants(search)
    return tuple(
        each
        for method in METHODS
        for each in (chosen.get(method.name, method), *(one for one in tried if one.variant_of == method.name))
    )


def is_own(name: str) -> bool:
    """Whether a name is the import path of a model of one's own."""
    return ":" in name


def own_methods(names: Iterable[str], seconds: float) -> tuple[Method, ...]:
    """Models of one's own, among the names of methods; tried on every series whose class lists them.

    Args:
        names: of methods.
        seconds: that a model may take for one series from one origin.
    """
    return tuple(Method(name, own_method(name, seconds)) for name in names if is_own(name))
