"""What is forecast, by which methods and how they are tested."""

from __future__ import annotations

from typing import Annotated, Literal, Self, TypeVar

from pydantic import AfterValidator, Field, field_validator, model_validator

from skucast.config.fields import Positive, Probability, Section, Share
from skucast.config.groups import Groups
from skucast.forecasting.global_model import trees as boosting
from skucast.forecasting.global_model.training import LearnerSettings
from skucast.forecasting.models.external.own import SECONDS, own_model
from skucast.forecasting.models.prophet import settings as prophet_settings
from skucast.forecasting.models.registry import METHOD_NAMES, is_own
from skucast.forecasting.selection import search
from skucast.forecasting.selection.combination import COMBINATIONS


def _known(name: str) -> str:
    if is_own(name):
        own_model(name)
    elif name not in (*METHOD_NAMES, *COMBINATIONS):
        known = ", ".join((*METHOD_NAMES, *COMBINATIONS))
        raise ValueError(f"must be one of {known}, or a function of your own as package.module:function")
    return name


Method = Annotated[str, AfterValidator(_known)]
"""Name of a method or of a combination, or the import path of a model of one's own."""
DemandClass = Literal["smooth", "erratic", "intermittent", "lumpy"]
BASELINES: tuple[Method, ...] = ("naive", "mean", "seasonal_naive")
OFTEN: tuple[Method, ...] = ("ses", "dynamic_theta")
SELDOM: tuple[Method, ...] = ("ses", "tsb_optimised", "imapa")
"""What series that sell often, and seldom, are forecast by beside the model over all series. With shared seasons and
events taken out beforehand, no further method lowered the loss on held-out dates: see docs/models.md."""
AnySection = TypeVar("AnySection", bound=Section)


class Season(Section):
    """A season of your own in Prophet, as a Fourier series."""

    period: Positive
    """Length, calendar days."""
    order: Annotated[int, Field(ge=1, le=50)]
    """Number of sine and cosine pairs."""
    prior_scale: Positive | None = None
    """Prior scale. Null: `seasonality_prior_scale`."""


class Prophet(Section):
    """Settings of ``prophet`` and ``prophet_multiplicative``; names and defaults are Prophet's."""

    growth: Literal["linear", "flat"] = "linear"
    """Trend: piecewise linear, or none."""
    seasonality_prior_scale: Positive = 10.0
    """Prior scale of seasons: larger lets them vary more."""
    holidays_prior_scale: Positive = 10.0
    """Prior scale of events."""
    changepoint_prior_scale: Positive = 0.05
    """Prior scale of changes of the trend."""
    n_changepoints: Annotated[int, Field(ge=0, le=200)] = 25
    """Number of possible changes of the trend."""
    changepoint_range: Annotated[float, Field(gt=0, le=1)] = 0.8
    """Share of the history in which the trend may change."""
    daily: bool | None = None
    """Season of the day. Null: when the data allow."""
    weekly: bool | None = None
    """Season of the week. Null: when the data allow."""
    yearly: bool | None = None
    """Season of the year. Null: when the data allow."""
    seasons: tuple[Season, ...] = ()
    """Further seasons."""
    event_windows: dict[str, tuple[int, int]] = {}
    """Event → days before (0 or negative) and after it that it touches."""

    @property
    def settings(self) -> prophet_settings.ProphetSettings:
        """As the model takes them."""
        seasons = tuple(prophet_settings.Fourier(each.period, each.order, each.prior_scale) for each in self.seasons)
        values = {name: getattr(self, name) for name in Prophet.model_fields}
        return prophet_settings.ProphetSettings(**{**values, "seasons": seasons})


class Learner(Section):
    """The model over all series, method ``gradient_boosting``: what it is trained on and how its trees grow."""

    enabled: bool = True
    """Whether it is trained."""
    max_series: Annotated[int, Field(ge=1)] = 1_000
    """Most series it is trained on."""
    max_rows: Annotated[int, Field(ge=1, le=10_000_000)] = 50_000
    """Most rows it is trained on."""
    min_rows: Annotated[int, Field(ge=100)] = 2_000
    """Fewest rows from which it is trained."""
    rounds: Annotated[int, Field(ge=1, le=10_000)] = 100
    """Number of trees."""
    leaves: Annotated[int, Field(ge=2, le=1_000)] = 15
    """Leaves of a tree."""
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.05
    """Share of each tree that is added."""
    min_leaf_rows: Annotated[int, Field(ge=1)] = 200
    """Fewest rows in a leaf."""

    @property
    def settings(self) -> LearnerSettings:
        """As the training takes them."""
        growth = boosting.Growth(self.rounds, self.leaves, self.learning_rate, self.min_leaf_rows)
        return LearnerSettings(self.max_series, self.max_rows, self.min_rows, growth)


class SmoothingBounds(Section):
    """Bounds between which the smoothing constant of `ses` is searched."""

    lowest: Annotated[float, Field(gt=0, le=1)]
    """Smallest smoothing constant."""
    highest: Annotated[float, Field(gt=0, le=1)]
    """Largest smoothing constant."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.lowest > self.highest:
            raise ValueError(f"lowest {self.lowest} is above highest {self.highest}")
        return self


class Search(Section):
    """Settings that are tried beside those of a method, each as a candidate. What is not given is as in the method."""

    prophet: tuple[Prophet, ...] = ()
    """Settings of `prophet`."""
    ses: tuple[SmoothingBounds, ...] = ()
    """Bounds of `ses`."""
    learner: tuple[Learner, ...] = ()
    """Settings of `gradient_boosting`."""

    def beside(self, own: Prophet) -> search.Search:
        """As the engine takes them, but for those of the learner, which has to be trained first."""
        settings = {_said(each): _over(own, each).settings for each in self.prophet}
        return search.Search(settings, {_said(each): (each.lowest, each.highest) for each in self.ses})

    def learners(self, own: Learner) -> dict[str, LearnerSettings]:
        """Settings to train the model over all series with, by what is said of them."""
        return {_said(each): _over(own, each).settings for each in self.learner}


def _over(own: AnySection, given: AnySection) -> AnySection:
    """A method's own settings with those that are given in their place."""
    return own.model_copy(update={name: getattr(given, name) for name in given.model_fields_set})


def _said(settings: Section) -> str:
    """What was set, in the order of the declaration."""
    given = settings.model_dump(include=settings.model_fields_set)
    return ", ".join(f"{name}={value}" for name, value in given.items())


class RevenueShares(Section):
    """On which series the dearer methods are tried: those that earn most, up to a share of all revenue."""

    full: Share = 0.8
    """Share for methods that take milliseconds a series."""
    library: Share = 0.5
    """Share for methods of other packages, which take seconds."""


class Selection(Section):
    """How the champion of a series is chosen among its candidates."""

    criterion: Literal["pinball", "rmsse"] = "pinball"
    """Loss that the choice minimises."""
    class_weight: Annotated[float, Field(ge=0)] = 20.0
    """Origins that the mean loss of the class counts for beside those of the series."""
    margin: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Share by which the loss of another candidate must be smaller than that of the default."""
    reselect: Literal["always", "when_due"] = "when_due"
    """Whether champions are chosen anew each night, or when a review finds that it is due."""


class Forecast(Section):
    """What is forecast, by which methods, and how it is tested."""

    horizon: Annotated[int, Field(ge=1, le=400)] | None = None
    """Periods to forecast. Null: the longest protection period, with late deliveries."""
    quantile_levels: tuple[Probability, ...] = (
        0.01, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.525, 0.55, 0.575, 0.6, 0.625, 0.65, 0.675, 0.7,
        0.725, 0.75, 0.775, 0.8, 0.825, 0.85, 0.875, 0.9, 0.925, 0.95, 0.975, 0.99, 0.995, 0.999,
    )  # fmt: skip
    """Levels of the stored quantiles."""
    methods: tuple[Method, ...] = (*BASELINES, *OFTEN, *SELDOM[1:], "gradient_boosting", *COMBINATIONS)
    """Methods that are allowed at all: names of [methods](../models.md), or [models of your
    own](../how_to/own_model.md) as `package.module:function`. A method that no class lists is tried in every class."""
    methods_by_class: dict[DemandClass, tuple[Method, ...]] = {
        "smooth": (*BASELINES, *OFTEN, "gradient_boosting", *COMBINATIONS),
        "erratic": (*BASELINES, *OFTEN, "gradient_boosting", *COMBINATIONS),
        "intermittent": (*BASELINES, *SELDOM, "gradient_boosting", *COMBINATIONS),
        "lumpy": (*BASELINES, *SELDOM, "gradient_boosting", *COMBINATIONS),
    }
    """Demand class → its candidates."""
    shared_seasons: bool = True
    """Whether seasons and events of many series are taken out before methods see a series."""
    drivers: bool | tuple[str, ...] = True
    """Covariates for methods that take them: all, none, or these."""
    selection: Selection = Selection()
    """How a champion is chosen."""
    origins: Annotated[int, Field(ge=3, le=52)] = 4
    """Rolling origins of the backtest."""
    origin_step: Annotated[int, Field(ge=1)] | None = None
    """Periods between origins. Null: a quarter of the horizon, in whole seasons."""
    min_periods: Annotated[int, Field(ge=2)] = 6
    """Known periods before an origin. A series with fewer is not scored."""
    revenue_shares: RevenueShares = RevenueShares()
    """On which series the dearer methods are tried."""
    min_buckets: Annotated[int, Field(ge=1)] = 8
    """Fewest tasks of the forecast."""
    rows_per_bucket: Annotated[int, Field(ge=1)] = 200_000
    """Rows of one task."""
    min_pooled_errors: Annotated[int, Field(ge=10)] = 200
    """Cases from which a group of series gives its name to the calibration of its intervals."""
    seconds_per_fit: Positive = SECONDS
    """Time that a model of your own may take for one series from one origin, seconds."""
    max_fallback_share: Share = 0.2
    """The run stops if a larger share of the series gets a fallback forecast."""
    components: bool = False
    """Whether table `forecast_component` is written."""
    accuracy: Literal["champion", "all", "none"] = "champion"
    """Whose scores table `forecast_accuracy` holds."""
    groups: Groups = Groups()
    """Forecasts of categories, regions and the total."""
    prophet: Prophet = Prophet()
    """Settings of Prophet."""
    search: Search = Search()
    """Settings tried beside those of a method."""
    learner: Learner = Learner()
    """The model over all series."""

    @property
    def candidates(self) -> dict[str, tuple[str, ...]]:
        """Demand class → its candidates, with every allowed method that no class lists."""
        listed = {name for methods in self.methods_by_class.values() for name in methods}
        also = tuple(name for name in self.methods if name not in listed)
        return {str(name): (*methods, *also) for name, methods in self.methods_by_class.items()}

    @field_validator("quantile_levels")
    @classmethod
    def _rising(cls, levels: tuple[float, ...]) -> tuple[float, ...]:
        if list(levels) != sorted(set(levels)) or len(levels) < 2:
            raise ValueError("needs at least two levels, strictly rising")
        return levels
