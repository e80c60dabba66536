"""Hyper-parameters that are searched: settings tried beside a method's own, each as a candidate of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from skucast.forecasting.global_model.training import Learner
from skucast.forecasting.models.prophet.settings import ProphetSettings


@dataclass(frozen=True)
class Search:
    """What is tried; the backtest that compares methods compares these too.

    Attributes:
        prophet: settings of ``prophet``, by what is said of them in the candidate's name.
        ses: lowest and highest smoothing constant of ``ses``, likewise.
        learner: models over all series that were trained with other settings, likewise.
    """

    prophet: Mapping[str, ProphetSettings] = field(default_factory=dict)
    ses: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    learner: Mapping[str, Learner] = field(default_factory=dict)
