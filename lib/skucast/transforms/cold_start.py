"""Series of a batch with a short history: their demand follows from the launch law, not from methods."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from skucast.forecasting.choice import Choice, Contest
from skucast.forecasting.launch import MAX_PERIODS, LaunchLaw, Posterior
from skucast.forecasting.panel import BoolArray, FloatArray, IntArray

COLD_START = "cold_start"
"""Method and status of such series."""


@dataclass(frozen=True)
class ColdStart:
    """The series of a batch that start cold, k of n.

    Attributes:
        rows: their places in the batch, shape (k,).
        posterior: what is believed of each.
        is_open: steps that are not closed, shape (k, horizon).
        rungs: whose series the prior is made of, "category" or "all"; length k.
        reasons: why, in a phrase; length k.
    """

    rows: IntArray
    posterior: Posterior
    is_open: BoolArray
    rungs: list[str]
    reasons: list[str]

    @property
    def mean(self) -> FloatArray:
        """Expected demand of each step, units, shape (k, horizon)."""
        return np.where(self.is_open, self.posterior.mean[:, None], 0.0)

    def quantiles(self, levels: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Of the demand of each step, and of demand summed over steps 1 to h: that of as many open periods.

        Returns:
            units, each of shape (k, horizon, n_levels).
        """
        step = np.where(self.is_open[:, :, None], self.posterior.quantiles(1, levels)[:, None, :], 0.0)
        sums = np.zeros_like(step)
        for periods, places in self._by_open_periods():
            sums[places] = self.posterior.quantiles(periods, levels)[places[0]]
        return step, np.maximum.accumulate(sums, axis=1)

    @property
    def cumulative_sd(self) -> FloatArray:
        """Standard deviation of demand summed over steps 1 to h, units, shape (k, horizon)."""
        found = np.zeros(self.is_open.shape)
        for periods, places in self._by_open_periods():
            found[places] = self.posterior.sd(periods)[places[0]]
        return found

    def _by_open_periods(self) -> Iterator[tuple[int, tuple[IntArray, ...]]]:
        """Every number of open periods that steps 1 to h have, and the series and steps with that many."""
        periods = np.cumsum(self.is_open, axis=1)
        for each in np.unique(periods).tolist():
            yield each, np.nonzero(periods == each)


def cold_start(
    law: LaunchLaw | None, fits: pa.RecordBatch, contest: Contest, choice: Choice, closed: BoolArray
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
    nothing = Posterior(np.ones((0, 1)), np.ones((0, 1)), 1.0, 1.5)
    posterior = law.posterior(prior[rows], n_known.astype(np.float64), demand) if law else nothing
    counts, names = (fits.column(each).take(pa.array(rows)).to_pylist() for each in ("prior_series", "prior_category"))
    reasons = [
        f"{n} known period{'' if n == 1 else 's'}, prior of {f'category {name}' if name else 'all categories'} "
        f"({count:,} series)"
        for n, count, name in zip(n_known.tolist(), counts, names, strict=True)
    ]
    return ColdStart(rows, posterior, ~closed[rows], ["category" if name else "all" for name in names], reasons)
