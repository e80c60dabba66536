"""Demand that stock-outs hid: what it was likely to be, how sure that is, and one plausible value of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.special import betainc
from scipy.stats import nbinom

from skucast.forecasting.panel.panel import BoolArray, FloatArray, IntArray, Panel
from skucast.forecasting.stock_outs.timed_kernel import rates
from skucast.forecasting.stock_outs.untimed_kernel import censored_rates

GOLDEN = (5**0.5 - 1) / 2
"""Its multiples, less their whole part, fill the unit interval evenly (Weyl 1916)."""

SEASONS = 3
"""Seasons that a life must have for one to be estimated."""

RECENT_DAYS = 56
"""Days over which demand that is being lost now is averaged."""

SAME = 1e-6
"""Amounts that differ by less than this part of the largest are the same but for rounding."""

STEADY = 1e-6
"""Variability below which a law is taken as that of this one: the incomplete beta function knows no Poisson limit."""


@dataclass(frozen=True)
class Recovered:
    """Demand of a panel with the periods in which stock ran out estimated; each of shape (n_series, n_periods).

    Attributes:
        demand: units per period: known demand as it is, expected demand where stock ran out; NaN where nothing is
            known, which is so of a period that began empty too.
        sd: standard deviation of what is expected, 0 where demand is known, NaN where ``demand`` is.
        lost: expected demand that was not served, 0 where stock lasted; NaN without any exposure in the series.
        law: what is believed of the periods in which stock ran out.
    """

    demand: FloatArray
    sd: FloatArray
    lost: FloatArray
    law: _Law

    @cached_property
    def draw(self) -> FloatArray:
        """As ``demand``, with one plausible value where stock ran out: its spread is that of demand, not of a mean."""
        result = self.demand.copy()
        result[self.law.place] = self.law.quantiles()
        return result


@dataclass(frozen=True)
class _Law:
    """What is believed of the partly available periods, one entry each.

    Attributes:
        place: rows and periods of the entries.
        sold: units.
        rest: expected demand beyond what was sold.
        purchase: φ.
        shape: of the gamma law of the rate, given what was sold; of an unknown time, not given it.
        least: purchases sold, where their time is unknown; NaN elsewhere.
        mean: purchases expected beyond those sold; of an unknown time, of the whole period.
        phase: in [0, 1), even over the periods.
    """

    place: tuple[IntArray, IntArray]
    sold: FloatArray
    rest: FloatArray
    purchase: FloatArray
    shape: FloatArray
    least: FloatArray
    mean: FloatArray
    phase: FloatArray

    def quantiles(self) -> FloatArray:
        """Demand at the phase of each entry, not below what was sold."""
        chance = self.shape / (self.shape + self.mean)
        is_timed = np.isnan(self.least)
        below = np.where(is_timed, 0.0, nbinom.cdf(np.ceil(self.least) - 1.0, self.shape, chance))
        found = nbinom.ppf(np.minimum(below + self.phase * (1.0 - below), 1.0 - 1e-12), self.shape, chance)
        whole: FloatArray = self.purchase * found
        drawn: FloatArray = np.maximum(np.where(is_timed, self.sold + whole, whole), self.sold)
        return drawn


@dataclass(frozen=True)
class Hidden:
    """What stock-outs hid in the history of each series; each of shape (n_series,).

    Attributes:
        share_censored: share of the open periods of its life in which stock ran out; NaN without any.
        lost_demand: expected demand that was not served, units; NaN where nothing was ever seen in stock.
        recent_lost_demand: the same per period of the last ``RECENT_DAYS`` days, units per period.
    """

    share_censored: FloatArray
    lost_demand: FloatArray
    recent_lost_demand: FloatArray


def hidden(panel: Panel, found: Recovered | None) -> Hidden:
    """What stock-outs hid.

    Args:
        panel: as observed.
        found: as recovered from it; None: stock never ran out.
    """
    is_open = ~panel.is_closed[:, : panel.n_periods] & (np.arange(panel.n_periods) >= panel.start[:, None])
    n_open = is_open.sum(axis=1)
    n_censored = (panel.is_censored & is_open).sum(axis=1)
    share = np.where(n_open > 0, n_censored / np.maximum(n_open, 1), np.nan)
    lost = np.zeros(panel.demand.shape) if found is None else found.lost
    n_recent = max(1, min(round(RECENT_DAYS / panel.period_days), panel.n_periods))
    return Hidden(share, lost.sum(axis=1), lost[:, panel.n_periods - n_recent :].sum(axis=1) / n_recent)


def as_data(panel: Panel) -> Panel:
    """The panel as methods see it: expected demand where stock ran out, with its variance."""
    if not panel.has_stock_outs:
        return panel
    found = recovered(panel)
    return panel.with_demand(found.demand, found.sd**2)


def recovered(panel: Panel) -> Recovered:
    """Estimate the demand of partly available periods from what was sold while there was stock.

    With the rate Λ of a period gamma around what the other periods tell, y sold in exposure o leave
    (1 - o)(1 + qy/φ)/(1 + qoμ/φ)·μ to be expected: neither y/o, which goes wrong because the stock that ran out is what
    ended the exposure, nor μ, which goes wrong because strong periods run out. Where the time of the stock-out is
    unknown it is E[D | D >= y]. Series do not touch each other.

    Source: Agrawal & Smith (1996), NRL 43, 839-861, negative binomial demand with lost sales; Bühlmann (1967) for the
    weight of a period's own sales.
    """
    is_partial, n = panel.is_partial, panel.demand.shape
    demand, sd, lost = panel.demand.copy(), np.where(panel.is_known, 0.0, np.nan), np.zeros(n)
    rows = np.flatnonzero(panel.is_censored.any(axis=1))
    part = panel.rows(rows)
    model = _model(part)
    row, period = np.nonzero(is_partial[rows])
    law, variance = _law(part, model, (row, period))
    own = (rows[row], period)
    demand[own], sd[own] = law.sold + law.rest, np.sqrt(variance)
    lost[rows] = np.where(part.is_censored, model.rate, 0.0)
    lost[own] = law.rest
    return Recovered(demand, sd, lost, replace(law, place=own))


@dataclass(frozen=True)
class _Model:
    """Rate μ of every period, purchase size φ and variability q of every series, shapes (n, n_periods) and (n,)."""

    rate: FloatArray
    purchase: FloatArray
    variability: FloatArray


def _model(panel: Panel) -> _Model:
    """Rates from whole and partly available periods; those of unknown exposure are bounds."""
    sold, is_partial = panel.sold, panel.is_partial
    exposure = np.where(panel.is_known, 1.0, 0.0)
    if panel.exposure is not None:
        exposure = np.where(is_partial, panel.exposure, exposure)
    is_untimed: BoolArray = is_partial & ~(exposure > 0.0)
    exposure, amount = np.where(is_untimed, 1.0, exposure), np.nan_to_num(sold)
    quantum = np.array([_quantum(values) for values in sold])
    is_seasonal, length = panel.n_periods - panel.start >= SEASONS * panel.season_length, panel.season_length
    counts, has_bounds = amount / quantum[:, None], is_untimed.any(axis=1)
    model = _Model(np.full(sold.shape, np.nan), np.ones(panel.n_series), np.zeros(panel.n_series))
    for rows in (np.flatnonzero(~has_bounds), np.flatnonzero(has_bounds)):
        cells = (counts[rows], exposure[rows])
        bounds = is_untimed[rows]
        found = (
            censored_rates(*cells, bounds, is_seasonal[rows], length)
            if bounds.any()
            else rates(*cells, is_seasonal[rows], length)
        )
        model.rate[rows], model.purchase[rows], model.variability[rows] = found
    return _Model(model.rate * quantum[:, None], model.purchase * quantum, model.variability)


def _quantum(sold: FloatArray) -> float:
    """Least difference between amounts of a series, 0 among them: the unit in which it is counted.

    The gap to the largest amount counts only where there is no other: a limit for outliers may lie there.
    """
    amounts = np.unique(np.append(sold[~np.isnan(sold)], 0.0))
    gaps = np.diff(amounts)
    gaps = gaps[gaps > SAME * amounts[-1]]
    return float((gaps[:-1] if gaps.size > 1 else gaps).min(initial=np.inf)) if gaps.size else 1.0


def _law(panel: Panel, model: _Model, place: tuple[IntArray, IntArray]) -> tuple[_Law, FloatArray]:
    """What is believed of the entries at ``place``, and its variance."""
    row, period = place
    sold, rate = panel.sold, model.rate[place]
    purchase, q = model.purchase[row], model.variability[row]
    exposure = np.zeros(rate.size) if panel.exposure is None else np.nan_to_num(panel.exposure[place])
    is_timed, y = exposure > 0.0, sold[place]
    rest = (1.0 - exposure) * rate * (purchase + q * y) / (purchase + q * exposure * rate)
    shape = 1.0 / np.maximum(q, STEADY) + np.where(is_timed, y / purchase, 0.0)
    variance = rest * (purchase + rest / shape)
    beyond, its_variance = _beyond(model, sold, row, period)
    law = _Law(
        place=place,
        sold=y,
        rest=np.where(is_timed, rest, beyond),
        purchase=purchase,
        shape=shape,
        least=np.where(is_timed, np.nan, y / purchase),
        mean=np.where(is_timed, rest, rate) / purchase,
        phase=_phases(panel)[place],
    )
    return law, np.where(is_timed, variance, its_variance)


def _beyond(model: _Model, sold: FloatArray, row: IntArray, period: IntArray) -> tuple[FloatArray, FloatArray]:
    """Mean of D - y and variance of D, given D >= y.

    A negative binomial weighted by its value, K·f(K; r), is a negative binomial of shape r + 1 moved by one.
    """
    purchase, q = model.purchase[row], np.maximum(model.variability[row], STEADY)
    m, r, y = model.rate[row, period] / purchase, 1.0 / q, sold[row, period]
    k, chance = np.maximum(y / purchase, 1.0), m / (m + r)
    tail = betainc(k, r, chance)
    with np.errstate(divide="ignore", invalid="ignore"):
        first = m * _reached(k - 1.0, r + 1.0, chance) / tail
        second = m**2 * (1.0 + q) * _reached(k - 2.0, r + 2.0, chance) / tail + first
    is_far = ~(tail > 1e-250)
    mean = np.where(is_far, k + 1.0, np.maximum(first, k))
    variance = np.where(is_far, 1.0, np.maximum(second - first**2, 0.0))
    return np.maximum(purchase * mean - y, 0.0), purchase**2 * variance


def _reached(k: FloatArray, r: FloatArray, chance: FloatArray) -> FloatArray:
    """P(K >= k) of a negative binomial of shape r."""
    return np.where(k > 0.0, betainc(np.maximum(k, STEADY), r, chance), 1.0)


def _phases(panel: Panel) -> FloatArray:
    """Numbers in [0, 1) that fill it evenly along a series and differ between series, shape (n_series, n_periods).

    They follow from the calendar and from the series' own sales so far in units of its largest, which are free of
    the unit of measure.
    """
    sold = np.nan_to_num(panel.sold)
    largest = np.maximum.accumulate(sold, axis=1)
    place = round(panel.first_day.toordinal() / panel.period_days) + np.arange(panel.n_periods)
    own = np.cumsum(sold, axis=1) / np.where(largest > 0.0, largest, 1.0)
    return np.mod(GOLDEN * place + 1000.0 * GOLDEN * own, 1.0)
