"""The model over all series as one method among the others."""

from __future__ import annotations

import numpy as np

from skucast.forecasting.global_model.features import features
from skucast.forecasting.global_model.training import Learner
from skucast.forecasting.models.base import NOT_TRIED, ModelFit
from skucast.forecasting.panel.panel import Panel


def gradient_boosting(panel: Panel, learner: Learner) -> ModelFit:
    """The level times what the newest model that the origin may use predicts for each step.

    A series without known demand has no forecast, one without any demand 0. Without a model nothing is tried.
    """
    model = learner.at(panel.n_periods)
    if model is None:
        mean = np.full((panel.n_series, panel.horizon), np.nan)
        return ModelFit(mean, failures=dict.fromkeys(range(panel.n_series), NOT_TRIED))
    seen = features(panel, model.known)
    return ModelFit(seen.level[:, None] * model.trees.predicted(seen.of_series, seen.of_step))
