"""A panel without its seasons and events: what methods see, and the factors that lead back."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from skucast.forecasting.panel.level_falls import fall_factors
from skucast.forecasting.panel.panel import BoolArray, FloatArray, IntArray, Panel
from skucast.forecasting.seasons.calendar import calendar_of, clocks_of, folded_days, has_weeks, weeks_of
from skucast.forecasting.seasons.curves import level_line, seasonal_curves
from skucast.forecasting.seasons.events import GroupEffects, effect_curve, event_effects, own_effects
from skucast.forecasting.seasons.shared import GroupCurves, day_curves
from skucast.forecasting.uncertainty.dispersion import Dispersion, dispersion
from skucast.forecasting.uncertainty.floor import least_mean

LEAST_FACTOR = 0.1
"""Factor below which a period says nothing of the level: it is shown to methods as unknown."""


@dataclass(frozen=True)
class Adjusted:
    """A panel as methods see it.

    Attributes:
        panel: demand over its factor and its former level, without events; unknown where the factor is below
            ``LEAST_FACTOR``.
        factor: of seasons and events in every period, history and horizon, >= 0, shape (n, n_periods + horizon).
        former_level: level of each period over the present one, > 0, shape (n, n_periods); None: 1 everywhere.
    """

    panel: Panel
    factor: FloatArray
    former_level: FloatArray | None = None

    @property
    def past(self) -> FloatArray:
        """Factors of the history, > 0 where demand is known, shape (n, n_periods)."""
        past: FloatArray = np.maximum(self.factor[:, : self.panel.n_periods], 1e-9)
        return past

    @property
    def ahead(self) -> FloatArray:
        """Factors of the horizon, shape (n, horizon)."""
        return self.factor[:, self.panel.n_periods :]

    def dispersion(self) -> Dispersion:
        """How much each series varies about its level."""
        scale = self.past if self.former_level is None else self.past * self.former_level
        return dispersion(self.panel.demand, scale)

    def floor(self) -> FloatArray:
        """Least mean of each step, 0 where closed; units per period, shape (n, horizon)."""
        least = least_mean(self.panel.demand)[:, None] * self.ahead
        return np.where(self.panel.is_closed_ahead, 0.0, least)

    def with_demand(self, demand: FloatArray) -> Adjusted:
        """The same with other demand, less seasons and events."""
        return replace(self, panel=replace(self.panel, demand=demand))

    def at_present_level(self) -> Adjusted:
        """The same with the history before a fall of the level brought to the present one."""
        panel = self.panel
        former = fall_factors(panel.demand, self.dispersion().value, panel.period_days)
        variance = None if panel.variance is None else panel.variance / former**2
        return Adjusted(replace(panel, demand=panel.demand / former, variance=variance), self.factor, former)

    def rows(self, index: IntArray) -> Adjusted:
        """The series at ``index``."""
        former = None if self.former_level is None else self.former_level[index]
        return Adjusted(self.panel.rows(index), self.factor[index], former)


def unadjusted(panel: Panel) -> Adjusted:
    """The panel as it is."""
    return Adjusted(panel, np.ones((panel.n_series, panel.n_periods + panel.horizon)))


def adjusted(panel: Panel, groups: GroupCurves | None) -> Adjusted:
    """The panel less its seasons and events.

    Args:
        panel: what an origin knew, stock-outs filled.
        groups: curves of groups as of that origin or an earlier one; None: every series has only its own season.
    """
    if not has_weeks(panel) or panel.n_periods == 0:
        return unadjusted(panel)
    factor = _factors(panel, groups)
    past = factor[:, : panel.n_periods]
    told = (past >= LEAST_FACTOR) & ~_off_season(panel.demand, past)
    with np.errstate(divide="ignore", invalid="ignore"):
        demand = np.where(told, panel.demand / past, np.nan)
        variance = None if panel.variance is None else np.where(told, panel.variance / past**2, 0.0)
    seen = replace(panel, demand=demand, variance=variance, events={}, known_from={})
    return Adjusted(seen, factor)


def _off_season(demand: FloatArray, factor: FloatArray) -> BoolArray:
    """Periods without demand whose factor is below ``LEAST_FACTOR`` of that in season: next to nothing was expected."""
    in_season = np.quantile(factor, 0.95, axis=1, keepdims=True)
    off: BoolArray = (demand == 0) & (factor < LEAST_FACTOR * in_season)
    return off


def _factors(panel: Panel, groups: GroupCurves | None) -> FloatArray:
    curve, known = _curves(panel, groups)
    if not panel.events:
        return curve
    curve, ratio = _beside_events(panel, curve, known)
    effects = event_effects(panel, ratio, curve, _of_groups(panel, groups))
    return np.maximum(curve + effect_curve(panel, effects), 0.0)


def effects_shown(panel: Panel, groups: GroupCurves | None) -> tuple[FloatArray, FloatArray]:
    """What each series shows of each event, sorted by name, and the variance of its error, as ``own_effects`` has it.

    Args:
        panel: what an origin knew.
        groups: as ``adjusted`` takes them.
    """
    if not has_weeks(panel) or panel.n_periods == 0 or not panel.events:
        nothing = np.full((panel.n_series, len(panel.events)), np.nan)
        return nothing, nothing
    curve, known = _curves(panel, groups)
    curve, ratio = _beside_events(panel, curve, known)
    return own_effects(panel, ratio, curve)


def _of_groups(panel: Panel, groups: GroupCurves | None) -> GroupEffects | None:
    """What the group of each series says of the events of a panel."""
    if groups is None or panel.group is None or not groups.effects:
        return None
    none = np.zeros((len(groups.week), 2))
    effects = np.stack([groups.effects.get(name, none) for name in sorted(panel.events)], axis=2)
    own = np.where((panel.group >= 0)[:, None, None], effects[panel.group], 0.0)
    return GroupEffects(own[:, 0], own[:, 1])


def _curves(panel: Panel, groups: GroupCurves | None) -> tuple[FloatArray, BoolArray]:
    """Seasonal factor of every period, and the periods of known demand beside all events."""
    calendar = calendar_of(panel)
    in_event = _strength(panel) > 0
    known = np.isfinite(panel.demand) & ~in_event
    sold = np.where(known, panel.demand, 0.0)
    prior_week, prior_day = _priors(groups, panel.group, panel.n_series, calendar.n_all)
    day = day_curves(folded_days(panel, sold, known.astype(np.float64)), prior_day)
    per_day = day[:, calendar.day]
    if panel.period_days == 7:
        per_day = np.ones_like(per_day)
    weeks = weeks_of(panel, sold, known * per_day[:, : panel.n_periods])
    week = seasonal_curves(weeks, prior_week, clocks_of(calendar))
    return week[:, calendar.week] * per_day, known


def _beside_events(panel: Panel, curve: FloatArray, known: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Seasonal curve and ratios, both relative to the mean of all periods, events among them.

    What is sold in events only has no level beside them: then the curve is 0.
    """
    w, block = panel.n_periods, _block(panel)
    past, seen = curve[:, :w], np.isfinite(panel.demand)
    demand = np.where(seen, panel.demand, 0.0)
    beside = level_line(np.where(known, demand, 0.0), known * past, known.astype(np.float64), block)
    whole = level_line(demand, seen * past, seen.astype(np.float64), block)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(whole > 0, np.clip(beside / whole, 0.0, 1.0), 1.0)
        ratio = np.where(whole > 0, panel.demand / whole, np.nan)
    share = np.nan_to_num(share, nan=1.0)
    ahead = np.repeat(share[:, -1:], panel.horizon, axis=1)
    return curve * np.hstack([share, ahead]), ratio


def _block(panel: Panel) -> int:
    """Periods over which the level beside events is taken: a year where there are two, else a quarter."""
    year = round(364 / panel.period_days)
    return year if panel.n_periods >= 2 * year else max(4, year // 4)


def _strength(panel: Panel) -> FloatArray:
    total = np.zeros(panel.demand.shape)
    for flags in panel.events.values():
        total += flags[:, : panel.n_periods]
    return total


def _priors(groups: GroupCurves | None, group: IntArray | None, n: int, n_weeks: int) -> tuple[FloatArray, FloatArray]:
    """Factors of weeks and days of the week that the group of each series has; 1 without one."""
    if groups is None or group is None:
        return np.ones((n, n_weeks)), np.ones((n, 7))
    has_group = (group >= 0)[:, None]
    week = np.where(has_group, groups.week[group], 1.0)
    return _fitting(week, n_weeks), np.where(has_group, groups.day[group], 1.0)


def _fitting(week: FloatArray, n_weeks: int) -> FloatArray:
    """Curves of an earlier origin carried on to as many weeks: by what they had 52 weeks before."""
    missing = n_weeks - week.shape[1]
    if missing <= 0:
        return week[:, :n_weeks]
    back = week[:, -52:] if week.shape[1] >= 52 else np.ones((week.shape[0], 52))
    return np.hstack([week, np.tile(back, (1, -(-missing // 52)))[:, :missing]])
