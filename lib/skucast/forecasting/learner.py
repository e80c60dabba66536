"""One model over all series: training rows, gradient boosting, and which of the models an origin may use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from skucast.forecasting.boosting import Growth, Trees, boosted
from skucast.forecasting.learner_features import Known, features
from skucast.forecasting.panel import FloatArray, IntArray, Panel


@dataclass(frozen=True)
class LearnerSettings:
    """How the model over all series is trained.

    Attributes:
        max_series: series that it learns from; of more a sample is drawn by their keys.
        max_rows: rows (series × origins × steps) that it learns from; of more fewer origins are taken.
        min_rows: with fewer there is no model.
        growth: of the trees.
    """

    max_series: int = 1_000
    max_rows: int = 100_000
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
        ratio: demand in units of the level, shape (k,).
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


def train(panel: Panel, settings: LearnerSettings) -> Model | None:
    """A model of everything that a panel knows; None with too few rows. The order of the series matters.

    Args:
        panel: the sample as of a cutoff, ordered by key, demand as the methods see it.
        settings: size of sample and trees.
    """
    known = Known.of(panel)
    rows = training_rows(panel, known, settings.max_rows)
    if rows.ratio.size < settings.min_rows or not rows.ratio.any():
        return None
    trees = boosted(rows.inputs, rows.ratio, rows.weight, settings.growth)
    return Model(panel.n_periods, known, trees, rows.ratio.size, np.unique(rows.series).size)


def train_all(panel: Panel, cutoffs: Sequence[int], settings: LearnerSettings) -> Learner:
    """Models of several cutoffs of one panel of not too many series."""
    models = [train(panel.until(cutoff), settings) for cutoff in cutoffs]
    return Learner({model.cutoff: model for model in models if model})


def training_rows(panel: Panel, known: Known, max_rows: int) -> TrainingRows:
    """Every series at several origins, with what came after each. Nothing is unknown at the panel's end."""
    parts = [_rows_at(panel, origin, known) for origin in _training_origins(panel, max_rows)]
    columns = zip(*((part.inputs, part.ratio, part.weight, part.series) for part in parts), strict=True)
    return TrainingRows(*(np.concatenate(column) for column in columns))


def _training_origins(panel: Panel, max_rows: int) -> list[int]:
    """Latest origins whose whole horizon is known, spread over the last two years; at least one."""
    latest = max(panel.n_periods - panel.horizon, 1)
    years = round(2 * 365.25 / panel.period_days)
    count = int(np.clip(max_rows // max(panel.n_series * panel.horizon, 1), 1, latest))
    earliest = max(latest - max(years, 2 * panel.horizon), min(latest, 4))
    return np.unique(np.linspace(earliest, latest, min(count, latest - earliest + 1)).round().astype(int)).tolist()


def _rows_at(panel: Panel, origin: int, known: Known) -> TrainingRows:
    seen = features(panel.until(origin), known)
    actual = panel.actuals(origin)
    closed = panel.is_closed[:, origin : origin + panel.horizon]
    with np.errstate(invalid="ignore"):
        usable = (seen.level > 0)[:, None] & np.isfinite(actual) & ~closed
    series, step = np.nonzero(usable)
    return TrainingRows(
        inputs=np.hstack([seen.of_series[series], seen.of_step[series, step]]),
        ratio=actual[series, step] / seen.level[series],
        weight=seen.level[series] / seen.scale[series],
        series=series,
    )
