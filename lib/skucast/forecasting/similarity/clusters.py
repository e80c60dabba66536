"""k-means on counted cells: the same centres in any order of the rows, and on any number of machines."""

from __future__ import annotations

import numpy as np

from skucast.forecasting.panel.panel import FloatArray

MOST_ROUNDS = 300


def cluster_centres(points: FloatArray, counts: FloatArray, k: int) -> FloatArray:
    """Centres of clusters of weighted points.

    The first centre is the point nearest to the mean; each next one the point that takes most of the remaining squared
    distance, its count times the squared distance to the nearest centre so far. Then points and means are assigned in
    turn until nothing changes. Nothing is drawn at random.

    Args:
        points: distinct points, shape (n, dimensions).
        counts: how often each occurs, > 0, shape (n,).
        k: clusters asked for; fewer if there are fewer points.

    Returns:
        Shape (at most k, dimensions), sorted by coordinates.

    Source: Lloyd (1982), IEEE Trans. Inf. Theory 28, 129-137, with a greedy start after Arthur & Vassilvitskii (2007).
    """
    order = np.lexsort(points.T[::-1])
    points, counts = points[order], counts[order]
    centres = _start(points, counts, k)
    nearest = np.full(len(points), -1)
    for _ in range(MOST_ROUNDS):
        before, nearest = nearest, squared_distances(points, centres).argmin(axis=1)
        if (nearest == before).all():
            break
        weight = np.bincount(nearest, counts, len(centres))
        sums = np.stack([np.bincount(nearest, counts * column, len(centres)) for column in points.T], axis=1)
        # A centre that lost its last point stays where it was.
        centres = np.where(weight[:, None] > 0, sums / np.maximum(weight, 1e-300)[:, None], centres)
    result: FloatArray = centres[np.lexsort(centres.T[::-1])]
    return result


def squared_distances(points: FloatArray, centres: FloatArray) -> FloatArray:
    """Squared distance of every point from every centre, shape (n_points, n_centres)."""
    result: FloatArray = ((points[:, None, :] - centres[None, :, :]) ** 2).sum(axis=2)
    return result


def _start(points: FloatArray, counts: FloatArray, k: int) -> FloatArray:
    mean = np.average(points, axis=0, weights=counts)
    chosen = [int(squared_distances(points, mean[None, :])[:, 0].argmin())]
    while len(chosen) < min(k, len(points)):
        remaining = counts * squared_distances(points, points[chosen]).min(axis=1)
        chosen.append(int(remaining.argmax()))
    result: FloatArray = points[chosen]
    return result
