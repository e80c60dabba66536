"""Demand profiles and the Syntetos-Boylan-Croston classes."""

import numpy as np
import pytest

from skucast.forecasting.panel.profile import demand_classes, profile
from tests.unit.forecasting.reference import panel_of

NAN = np.nan


@pytest.mark.parametrize(
    ("values", "adi", "cv2", "expected"),
    [
        ([5, 5, 6, 5], 1.0, 0.0068027, "smooth"),
        ([1, 9, 1, 30], 1.0, 1.3275105, "erratic"),
        ([5, 0, 0, 5], 2.0, 0.0, "intermittent"),
        ([1, 0, 0, 9, 0, 30], 2.0, 0.8127778, "lumpy"),
        ([0, 0, 5, 5], 1.0, 0.0, "smooth"),
        ([5, 5, 0, 0], 2.0, 0.0, "intermittent"),
        ([5, NAN, NAN, 5], 1.0, 0.0, "smooth"),
        ([0, 0, 0, 0], NAN, NAN, "no_demand"),
        ([NAN, NAN], NAN, NAN, "no_demand"),
    ],
)
def test_class_follows_from_interval_and_size_variation(values, adi, cv2, expected):
    """Leading zeros and unknown periods do not count, trailing zeros do; the variance is the population's."""
    shape = profile(panel_of([values]))
    assert (expected,) == shape.demand_class
    np.testing.assert_allclose(shape.adi, [adi])
    sizes = [v for v in values if v > 0]
    np.testing.assert_allclose(shape.cv2, [np.var(sizes) / np.mean(sizes) ** 2 if sizes else NAN], atol=1e-15)


def test_a_value_on_the_limit_belongs_to_the_smaller_side():
    classes = demand_classes(np.array([1.32, 1.3200001]), np.array([0.49, 0.4900001]))
    assert ("smooth", "lumpy") == classes


def test_counts_are_of_known_periods():
    shape = profile(panel_of([[0, 1, NAN, 0], [NAN, NAN, NAN, NAN]]))
    assert [3, 0] == shape.n_periods.tolist()
    np.testing.assert_allclose(shape.share_zeros, [2 / 3, NAN])
