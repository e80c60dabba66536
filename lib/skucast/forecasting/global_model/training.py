"""One model over all series: training rows, gradient boosting, and which of the models an origin may use."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from skucast.forecasting.global_model.features import DAYS_PER_YEAR, Known, features
from skucast.forecasting.global_model.trees import Growth, Trees, boosted
from skucast.forecasting.panel.panel import FloatArray, IntArray, Panel

Treatment = Callable[[Panel], Panel]
"""Demand as observed -> demand as the methods see it, row by row."""

METHOD = "gradient_boosting"
"""Name of the method that applies the models."""

MOST_ORIGINS = 26
"""Origins that rows are taken from."""

FARTHEST = 5.0
"""Spreads above the level beyond which a demand teaches no more: one bulk order would rule the leaves of many series,
and what errors it leads to is told by the pooled errors. Source: Huber (1964), for a bounded influence."""


@dataclass(frozen=True)
class LearnerSettings:
    """How the model over all series is trained.

    Attributes:
        max_series: series that it learns from; of more a sample is drawn by their keys.
        max_rows: rows (series × origins × steps) that it learns from; of more every origin takes a part.
        min_rows: with fewer there is no model.
        growth: of the trees.
    """

    max_series: int = 1_000
    max_rows: int = 50_000
    min_rows: int = 2_000
    growth: Growth = field(default_factory=Growth)


@dataclass(frozen=True)
class Model:
    """What was learnt from all that one cutoff knew.

    Attributes:
        cutoff: periods it knew.
        known: events and drivers it looks for.
        trees: of the ratio of demand to level.
        n_rows: rows it was trained on.
        n_series: series they came from.
    """

    cutoff: int
    known: Known
    trees: Trees
    n_rows: int
    n_series: int


@dataclass(frozen=True)
class Learner:
    """The trained models of a run, by cutoff.

    Attributes:
        models: periods known -> model.
    """

    models: Mapping[int, Model] = field(default_factory=dict)

    def at(self, n_periods: int) -> Model | None:
        """The newest model that knew no more than an origin; None where there is none."""
        usable = [cutoff for cutoff in self.models if cutoff <= n_periods]
        return self.models[max(usable)] if usable else None


@dataclass(frozen=True)
class TrainingRows:
    """What a model is trained on; k rows.

    Attributes:
        inputs: shape (k, n_features).
        ratio: demand in units of the level, not ``FARTHEST`` spreads above it, shape (k,).
        weight: level in units of the spread scale: it makes the deviance one of demand in units of the scale.
        series: row of the panel each came from, shape (k,).
    """

    inputs: FloatArray
    ratio: FloatArray
    weight: FloatArray
    series: IntArray


def training_cutoffs(n_periods: int, horizon: int, origins: int, origin_step: int) -> tuple[int, ...]:
    """Periods known at the cutoffs that get a model of their own: the earliest origin, the end, and others between.

    A later origin uses the model of an earlier one while that is less than a horizon old: the models would hardly
    differ, and the backtest shows the learner rather too old than too young.
    """
    found: list[int] = []
    for back in range(origins - 1, -1, -1):
        origin = n_periods - horizon - origin_step * back
        if origin > 0 and (not found or origin - found[-1] >= horizon):
            found.append(origin)
    return (*found, n_periods)


def train(panel: Panel, cutoff: int, settings: LearnerSettings, treatment: Treatment) -> Model | None:
    """A model of everything that a cutoff knew; None with too few rows. The order of the series matters.

    Args:
        panel: the sample, ordered by key.
        cutoff: periods that it knew.
        settings: size of sample and trees.
        treatment: what is done to what it knew before methods see it.
    """
    seen = treatment(panel.until(cutoff))
    known = Known.of(seen)
    rows = training_rows(seen, known, settings)
    if rows.ratio.size < settings.min_rows or not rows.ratio.any():
        return None
    trees = boosted(rows.inputs, rows.ratio, rows.weight, settings.growth)
    return Model(cutoff, known, trees, rows.ratio.size, np.unique(rows.series).size)


def train_all(panel: Panel, cutoffs: Sequence[int], settings: LearnerSettings, treatment: Treatment) -> Learner:
    """Models of several cutoffs of one panel, one after the other."""
    models = [train(panel, cutoff, settings, treatment) for cutoff in cutoffs]
    return Learner({model.cutoff: model for model in models if model})


def training_rows(panel: Panel, known: Known, settings: LearnerSettings) -> TrainingRows:
    """Series at many origins, with what came after each, all of it before the panel's end.

    Of too many rows every origin takes another part of the series: what happened to all of them at once, seen at few
    origins, would be learnt as if it always happened.
    """
    origins = _training_origins(panel)
    part = -(-panel.n_series * panel.horizon * len(origins) // settings.max_rows)
    parts = [
        _rows_at(panel, origin, np.arange(place % part, panel.n_series, part), known)
        for place, origin in enumerate(origins)
    ]
    columns = zip(*((each.inputs, each.ratio, each.weight, each.series) for each in parts), strict=True)
    return TrainingRows(*(np.concatenate(column) for column in columns))


def _training_origins(panel: Panel) -> list[int]:
    """Origins whose whole horizon is known, spread over the last two years; at least one."""
    latest = max(panel.n_periods - panel.horizon, 1)
    years = round(2 * DAYS_PER_YEAR / panel.period_days)
    earliest = max(latest - max(years, 2 * panel.horizon), min(latest, 4))
    found: list[int] = np.unique(np.linspace(earliest, latest, MOST_ORIGINS).round().astype(np.int64)).tolist()
    return found


def _rows_at(panel: Panel, origin: int, series: IntArray, known: Known) -> TrainingRows:
    """Rows of some series at one origin: open steps of known demand, of series with a level."""
    own = panel.rows(series)
    seen, actual = features(own.until(origin), known), own.actuals(origin)
    is_open = ~own.is_closed[:, origin : origin + panel.horizon]
    with np.errstate(invalid="ignore"):
        row, step = np.nonzero((seen.level > 0)[:, None] & np.isfinite(actual) & is_open)
    level, scale = seen.level[row], seen.scale[row]
    return TrainingRows(
        inputs=np.hstack([seen.of_series[row], seen.of_step[row, step]]),
        ratio=np.minimum(actual[row, step], level + FARTHEST * scale) / level,
        weight=level / scale,
        series=series[row],
    )
