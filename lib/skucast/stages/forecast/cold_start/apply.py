"""Series of a batch with a short history: their demand follows from the launch law, not from methods."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from skucast.forecasting.cold_start.model import MAX_PERIODS, ColdStartModel, Posterior
from skucast.forecasting.panel.panel import BoolArray, FloatArray, IntArray
from skucast.forecasting.selection.choice import Candidates, Selection
from skucast.stages.forecast.fitting import matrix

COLD_START = "cold_start"
"""Method and status of such series."""


@dataclass(frozen=True)
class ColdStart:
    """The series of a batch that start cold, k of n.

    Attributes:
        rows: their places in the batch, shape (k,).
        posterior: what is believed of each.
        season: factor of each step by the season and events of their group, 0 at closed steps, shape (k, horizon).
        is_whole: has sold, and in whole units only, shape (k,).
        rungs: whose series the prior is made of, "category" or "all"; length k.
        reasons: why, in a phrase; length k.
    """

    rows: IntArray
    posterior: Posterior
    season: FloatArray
    is_whole: BoolArray
    rungs: list[str]
    reasons: list[str]

    @property
    def mean(self) -> FloatArray:
        """Expected demand of each step, units, shape (k, horizon)."""
        return self.posterior.mean[:, None] * self.season

    def quantiles(self, levels: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Of the demand of each step, and of demand summed over steps 1 to h: that of as many usual periods.

        Of whole goods the nearest whole units, as if the distribution were rounded.

        Returns:
            units, each of shape (k, horizon, n_levels).
        """
        found = []
        for usual in (self.season, np.cumsum(self.season, axis=1)):
            values = np.zeros((*usual.shape, levels.size))
            for periods, places in _by_periods(usual):
                values[places] = self.posterior.quantiles(periods, levels)[places[0]]
            found.append(np.where(self.is_whole[:, None, None], np.ceil(values - 0.5), values))
        return found[0], np.maximum.accumulate(found[1], axis=1)

    @property
    def cumulative_sd(self) -> FloatArray:
        """Standard deviation of demand summed over steps 1 to h, units, shape (k, horizon)."""
        found = np.zeros(self.season.shape)
        for periods, places in _by_periods(np.cumsum(self.season, axis=1)):
            found[places] = self.posterior.sd(periods)[places[0]]
        return found


def _by_periods(usual: FloatArray) -> Iterator[tuple[float, tuple[IntArray, ...]]]:
    """Every number of usual periods, to a hundredth, and the series and steps that are worth as many."""
    rounded = np.round(usual, 2)
    for each in np.unique(rounded).tolist():
        yield each, np.nonzero(rounded == each)


def cold_start(
    law: ColdStartModel | None, fits: pa.RecordBatch, contest: Candidates, choice: Selection, closed: BoolArray
) -> ColdStart:
    """The series that have a prior, few known periods and no origin that could be scored.

    Args:
        law: what is believed of all series; None: nothing, and no series starts cold.
        fits: rows of ``FITS_SCHEMA``, n.
        contest: the same.
        choice: their champions.
        closed: closed steps, shape (n, horizon).
    """
    prior = fits.column("prior_log_mean").to_numpy(zero_copy_only=False)
    is_short = (contest.n_periods <= MAX_PERIODS) & (contest.trials.n_origins == 0) & ~choice.is_scored
    rows = np.flatnonzero(is_short & np.isfinite(prior)) if law else np.zeros(0, dtype=np.int64)
    n_known, demand = contest.n_periods[rows], fits.column("known_demand").to_numpy()[rows]
    exposure = fits.column("exposure").to_numpy()[rows]
    ahead = matrix(fits.column("season"), closed.shape[1])[rows]
    nothing = Posterior(np.ones((0, 1)), np.ones((0, 1)), 1.0, 1.5)
    posterior = law.posterior(prior[rows], exposure, demand) if law else nothing
    counts, names = (fits.column(each).take(pa.array(rows)).to_pylist() for each in ("prior_series", "prior_category"))
    reasons = [
        f"{n} known period{'' if n == 1 else 's'}, prior of {f'category {name}' if name else 'all categories'} "
        f"({count:,} series)"
        for n, count, name in zip(n_known.tolist(), counts, names, strict=True)
    ]
    rungs = ["category" if name else "all" for name in names]
    is_whole = contest.is_count[rows] & (demand > 0)
    return ColdStart(rows, posterior, np.where(closed[rows], 0.0, ahead), is_whole, rungs, reasons)
