"""Which series err alike: demand class and activity, as known at an origin."""

from __future__ import annotations

from enum import StrEnum

import numpy as np

from skucast.forecasting.panel.panel import IntArray
from skucast.forecasting.panel.profile import DemandClass, Profile


class Activity(StrEnum):
    """Whether demand still comes as it used to. The value is what the tables store."""

    ACTIVE = "active"
    QUIET = "quiet"
    DORMANT = "dormant"


QUIET_PROBABILITY, DORMANT_PROBABILITY = 0.2, 0.02
"""A series is quiet, or dormant, when a gap as long as the present one had less than this probability at its rate."""

GROUPS: tuple[tuple[DemandClass, Activity], ...] = tuple((each, state) for each in DemandClass for state in Activity)
"""Demand class and activity of each group."""

_CLASS_PLACES = {str(name): place for place, name in enumerate(DemandClass)}


def activity(shape: Profile) -> IntArray:
    """Place of each series' state in ``Activity``, shape (n_series,).

    With one demand in ADI periods, a gap of g known periods has a probability of about exp(-g / ADI).
    """
    gaps_missed = np.nan_to_num(shape.gap / shape.adi)
    return np.digitize(gaps_missed, [-np.log(QUIET_PROBABILITY), -np.log(DORMANT_PROBABILITY)]).astype(np.int64)


def error_group(shape: Profile) -> IntArray:
    """Place of each series in ``GROUPS``, shape (n_series,)."""
    places = np.array([_CLASS_PLACES[name] for name in shape.demand_class], dtype=np.int64)
    return places * len(Activity) + activity(shape)
