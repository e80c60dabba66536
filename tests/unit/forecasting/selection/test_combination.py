"""Combinations against the definition, and what they may know."""

import numpy as np

from skucast.forecasting.selection.combination import combined, combined_components

NAN = np.nan


def test_combined_by_hand():
    forecasts = np.array([[[1.0], [2.0], [9.0]], [[1.0], [5.0], [NAN]], [[1.0], [NAN], [NAN]]])
    members = np.array([[True, True, True], [True, True, False], [True, False, False]])
    weights = np.array([[0.5, 0.5, 0.0], [0.25, 0.75, 0.0], [1.0, 0.0, 0.0]])
    found = combined(forecasts, members, weights)[:, :, 0]
    np.testing.assert_array_equal(found, [[4.0, 2.0, 1.5], [3.0, 3.0, 4.0], [NAN] * 3])


def test_components_of_means_are_the_members_in_their_shares_and_of_a_median_all_level():
    rng = np.random.default_rng(5)
    parts = {name: rng.normal(size=(3, 3, 4)) for name in ("level", "season")}
    members = np.array([[True, True, True], [True, True, False], [True, False, False]])
    parts["season"][1, 2] = NAN
    weights = np.where(members, [0.5, 0.3, 0.2], 0.0)
    weights /= weights.sum(axis=1, keepdims=True)
    mean = combined(sum(parts.values()), members, weights)
    found = combined_components(parts, members, weights, mean)
    np.testing.assert_allclose(found["level"] + found["season"], mean, atol=1e-12)
    np.testing.assert_allclose(found["season"][0, 0], parts["season"][0].mean(axis=0))
    np.testing.assert_allclose(found["season"][0, 2], [0.5, 0.3, 0.2] @ parts["season"][0])
    np.testing.assert_allclose(found["season"][1, 2], [0.625, 0.375] @ parts["season"][1, :2])
    assert (found["season"][:2, 1] == 0).all()
    assert np.isnan(found["level"][2]).all()
    assert combined_components({}, members, weights, mean) == {}
