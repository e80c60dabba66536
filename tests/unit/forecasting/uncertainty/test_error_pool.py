"""Groups of series that err alike."""

import numpy as np
import pytest

from skucast.forecasting.panel.profile import DemandClass, profile
from skucast.forecasting.uncertainty.error_pool import GROUPS, Activity, activity, error_group
from tests.unit.forecasting.reference import panel_of

NAN = np.nan


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([5, 5, 6, 5], (DemandClass.SMOOTH, Activity.ACTIVE)),
        # Gaps of 2, 6 and 40 known periods at intervals of 2, 3 and 6: probabilities exp(-1), exp(-2), exp(-6.7).
        ([5, 5, 0, 0], (DemandClass.INTERMITTENT, Activity.ACTIVE)),
        ([5, 5, 5, 0, 0, 0, 0, 0, 0], (DemandClass.INTERMITTENT, Activity.QUIET)),
        ([5] * 8 + [0] * 40, (DemandClass.INTERMITTENT, Activity.DORMANT)),
        ([5] * 8 + [0] * 2 + [NAN] * 40, (DemandClass.SMOOTH, Activity.ACTIVE)),
        ([0, 0], (DemandClass.NO_DEMAND, Activity.ACTIVE)),
        ([NAN, NAN], (DemandClass.NO_DEMAND, Activity.ACTIVE)),
    ],
)
def test_a_series_falls_silent_when_its_gap_is_unlikely_at_its_rate(values, expected):
    assert expected == GROUPS[int(error_group(profile(panel_of([values])))[0])]


def test_activity_is_the_probability_of_the_gap():
    """Beside the definition, on random histories."""
    rng = np.random.default_rng(2)
    demand = np.where(rng.random((200, 30)) < rng.random((200, 1)), rng.poisson(4, (200, 30)) + 1.0, 0.0)
    demand[:100, 20:] = 0.0
    demand[rng.random(demand.shape) < 0.1] = NAN
    found = activity(profile(panel_of(demand)))
    for row, state in zip(demand, found.tolist(), strict=True):
        known = row[~np.isnan(row)].tolist()
        positive = [place for place, value in enumerate(known) if value > 0]
        gap = len(known) - 1 - positive[-1] if positive else 0
        probability = np.exp(-gap * len(positive) / (len(known) - positive[0])) if positive else 1.0
        assert ["active", "quiet", "dormant"][state] == (
            "active" if probability > 0.2 else "quiet" if probability > 0.02 else "dormant"
        )
    assert {0, 1, 2} == set(found.tolist())
