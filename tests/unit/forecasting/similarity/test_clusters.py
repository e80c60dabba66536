"""k-means on counted points: its laws, and the same centres whatever the order."""

from __future__ import annotations

import hypothesis.extra.numpy as hnp
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from skucast.forecasting.similarity.clusters import cluster_centres, squared_distances
from tests.unit.forecasting.reference import examples

POINTS = hnp.arrays(np.int64, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=12),
                    elements=st.integers(-6, 6))  # fmt: skip


def counted(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    found, counts = np.unique(points.astype(float), axis=0, return_counts=True)
    return found, counts.astype(float)


def test_groups_that_lie_apart_are_found():
    rng = np.random.default_rng(2)
    true = np.array([[-10.0, 0.0], [0.0, 9.0], [12.0, -3.0]])
    points, counts = counted(np.round(np.concatenate([centre + rng.normal(0, 1, (200, 2)) for centre in true]), 1))
    np.testing.assert_allclose(cluster_centres(points, counts, 3), true, atol=0.3)


@examples
@given(POINTS, st.integers(1, 5), st.integers(0, 100))
def test_centres_are_the_means_of_their_points_in_any_order(drawn: np.ndarray, k: int, seed: int):
    points, counts = counted(drawn)
    centres = cluster_centres(points, counts, k)
    assert min(k, len(points)) == len(centres)
    nearest = squared_distances(points, centres).argmin(axis=1)
    for number in set(nearest.tolist()):
        own = nearest == number
        np.testing.assert_allclose(np.average(points[own], axis=0, weights=counts[own]), centres[number], atol=1e-9)
    shuffled = np.random.default_rng(seed).permutation(len(points))
    np.testing.assert_array_equal(centres, cluster_centres(points[shuffled], counts[shuffled], k))


@examples
@given(POINTS, st.integers(1, 4))
def test_a_count_is_as_good_as_that_many_points(drawn: np.ndarray, k: int):
    points, counts = counted(drawn)
    doubled = cluster_centres(points, 2 * counts, k)
    np.testing.assert_allclose(cluster_centres(points, counts, k), doubled, atol=1e-9)
