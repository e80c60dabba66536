"""What the champion of a series is made of: its own parameters and components, or its members' shares of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skucast.forecasting.engine.status import Status
from skucast.forecasting.panel.panel import FloatArray, IntArray
from skucast.forecasting.selection.choice import Candidates, Selection
from skucast.forecasting.selection.combination import WEIGHTED
from skucast.spark.arrow_columns import entries_of, maps, names_at

LEAST_SHARE = 0.005
"""Share of a combination from which a member is told."""


def reasons(fits: pa.RecordBatch, choice: Selection, found: Sequence[tuple[Status, str]]) -> list[str]:
    """Why each champion is it: kept since when, chosen anew for what was found of its forecasts, or what scores say.

    Args:
        fits: rows of ``FITS_SCHEMA``.
        choice: their champions.
        found: status and reason by the scores.
    """
    due, since = (fits.column(name).to_pylist() for name in ("due", "kept_since"))
    told = []
    for (status, reason), is_kept, why, day in zip(found, choice.is_kept.tolist(), due, since, strict=True):
        if is_kept:
            kept = f"kept since {day}: its forecasts went as promised"
            told.append(kept if status is Status.FITTED else f"{kept}; {reason}")
        else:
            told.append(f"re-selected, {why}; {reason}" if why and status is Status.FITTED else reason)
    return told


def own_parameters(parameters: pa.MapArray, choice: Selection, contest: Candidates) -> pa.Array:
    """Of ``method.parameter`` those of the champion, by parameter; of a weighted combination its shares, by method."""
    names = contest.trials.names
    row = entries_of(parameters)
    parts = pc.list_flatten(pc.split_pattern(parameters.keys, ".", max_splits=1, reverse=True))
    method, name = parts.take(pa.array(np.arange(row.size) * 2)), parts.take(pa.array(np.arange(row.size) * 2 + 1))
    code = pc.index_in(method, value_set=pa.array(names)).to_numpy(zero_copy_only=False)
    own = np.flatnonzero(code == choice.column[row])
    series, member, share = _shares(choice, contest)
    entry = np.concatenate([row[own], series])
    place = np.argsort(entry, kind="stable")
    offsets = np.concatenate([[0], np.cumsum(np.bincount(entry, minlength=len(parameters)))])
    keys = pa.concat_arrays([name.take(pa.array(own)), names_at(names, member)])
    values = pa.concat_arrays([parameters.items.take(pa.array(own)), pa.array(share)])
    return maps(offsets, keys.take(pa.array(place)), values.take(pa.array(place)))


def _shares(choice: Selection, contest: Candidates) -> tuple[IntArray, IntArray, FloatArray]:
    """Series, member and share of the weighted combinations that were chosen, one entry per share that counts."""
    if contest.weights is None:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0)
    is_weighted = choice.column == contest.trials.names.index(WEIGHTED)
    series, member = np.nonzero(is_weighted[:, None] & (contest.weights >= LEAST_SHARE))
    return series, member, contest.weights[series, member]


def own_components(parts: FloatArray, row: IntArray, choice: Selection, contest: Candidates) -> FloatArray:
    """Components of the champion of each entry's series; those of the weighted combination are its members'.

    Args:
        parts: of every candidate, shape (n_entries, k, h).
        row: series of each entry, shape (n_entries,).
        choice: champions.
        contest: candidates.
    """
    column, names, weights = choice.column[row], contest.trials.names, contest.weights
    values: FloatArray = parts[np.arange(row.size), column]
    if weights is not None:
        own = np.flatnonzero(column == names.index(WEIGHTED))
        values[own] = np.einsum("ekh,ek->eh", np.nan_to_num(parts[own]), weights[row[own]])
    return values
