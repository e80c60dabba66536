"""What known events add to a series, measured once: its own occurrences beside those of its group."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skucast.forecasting.panel.panel import BoolArray, FloatArray, Panel

DOUBTED = 1.5
"""Standard deviations of an effect up to which it may be chance."""


@dataclass(frozen=True)
class EventEffects:
    """Effects of events on n series.

    Attributes:
        names: of the events.
        size: added to the factor of a period by one unit of the event's strength, shape (n, n_events).
    """

    names: tuple[str, ...]
    size: FloatArray


@dataclass(frozen=True)
class GroupEffects:
    """What the group of each series says of events, sorted by name; each of shape (n, n_events).

    Attributes:
        mean: effect on the series of the group, levels.
        variance: of the effects of its series about that mean.
    """

    mean: FloatArray
    variance: FloatArray

    @property
    def alike(self) -> FloatArray:
        """How far the series of the group react alike, from 0 to 1: 0 also where they do not react."""
        square = self.mean**2
        with np.errstate(invalid="ignore"):
            found = np.where(square > 0, square / (square + self.variance), 0.0)
        return np.nan_to_num(found)


def event_effects(
    panel: Panel, ratio: FloatArray, curve: FloatArray, group: GroupEffects | None = None
) -> EventEffects:
    """Effects of every event of a panel on each of its series, one event after the other.

    The ratio of a period with the event, less what the season expects and other events add, is the effect plus noise.
    The noise is that of the periods without event, or of the effects among each other where these disagree. As far as
    the series of the group react alike, an effect is the mean of group and series, weighted by their variances (Efron &
    Morris 1975). As far as they do not, it is the series' own, as far as that exceeds the noise (James & Stein 1961,
    positive part), or that mean where it is smaller.

    Args:
        panel: what an origin knew.
        ratio: demand in units of the own level, NaN where unknown, shape (n, n_periods).
        curve: factor that the season expects, shape (n, >= n_periods).
        group: what the groups of the series say; None: nothing.
    """
    names = tuple(sorted(panel.events))
    own, error = own_effects(panel, ratio, curve)
    seen = np.isfinite(own)
    own, error = np.where(seen, own, 0.0), np.where(seen, error, np.inf)
    alone = _beyond_chance(own, error)
    if group is None:
        return EventEffects(names, alone)
    with np.errstate(invalid="ignore"):
        share = np.where(seen, group.variance / (group.variance + np.where(seen, error, 1.0)), 0.0)
    together = group.mean + np.nan_to_num(share) * (own - group.mean)
    apart = np.where(np.abs(together) < np.abs(alone), together, alone)
    return EventEffects(names, group.alike * together + (1.0 - group.alike) * apart)


def own_effects(panel: Panel, ratio: FloatArray, curve: FloatArray) -> tuple[FloatArray, FloatArray]:
    """What each series shows of each event, sorted by name, by least squares, and the variance of its error.

    Args:
        panel: what an origin knew.
        ratio: as ``event_effects`` takes it.
        curve: the same.

    Returns:
        Two arrays of shape (n, n_events), NaN where the event was never seen.
    """
    names = sorted(panel.events)
    size, error = np.zeros((panel.n_series, len(names))), np.full((panel.n_series, len(names)), np.nan)
    if not names:
        return size, error
    strength = np.stack([panel.events[name][:, : panel.n_periods].astype(np.float64) for name in names], axis=1)
    left = np.where(np.isfinite(ratio), ratio - curve[:, : panel.n_periods], np.nan)
    noise = _noise(left, np.asarray(strength.any(axis=1)))
    believed = size.copy()
    for _ in range(2):
        for place in range(len(names)):
            others = np.einsum("net,ne->nt", np.delete(strength, place, axis=1), np.delete(believed, place, axis=1))
            size[:, place], error[:, place] = _least_squares(left - others, strength[:, place], noise)
            believed[:, place] = np.nan_to_num(_beyond_chance(size[:, place], error[:, place]))
    return np.where(np.isfinite(error), size, np.nan), error


def _beyond_chance(own: FloatArray, error: FloatArray) -> FloatArray:
    """Effects as far as they exceed their errors, of their shape."""
    with np.errstate(divide="ignore", invalid="ignore"):
        doubt = np.where(own != 0, DOUBTED**2 * error / own**2, 1.0)
    found: FloatArray = np.clip(1.0 - doubt, 0.0, 1.0) * own
    return found


def _noise(left: FloatArray, in_event: BoolArray) -> FloatArray:
    """Robust variance of the ratios of periods without event, shape (n,)."""
    outside = np.where(in_event | ~np.isfinite(left), np.nan, np.abs(left))
    limit = 3.0 * mean_of_known(outside)
    return mean_of_known(np.minimum(outside, limit[:, None]) ** 2)


def mean_of_known(values: FloatArray) -> FloatArray:
    """Mean of the finite values of each row, 0 without any; shape (n,)."""
    known = np.isfinite(values)
    found: FloatArray = np.where(known, values, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return found


def _least_squares(left: FloatArray, strength: FloatArray, noise: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Effect of one event and the variance of its error, NaN where it was never seen; each of shape (n,)."""
    x = np.where(np.isfinite(left), strength, 0.0)
    mass, n = (x**2).sum(axis=1), (x > 0).sum(axis=1)
    own: FloatArray = (x * np.nan_to_num(left)).sum(axis=1) / np.maximum(mass, 1e-300)
    around = np.where(x > 0, np.nan_to_num(left) - x * own[:, None], 0.0)
    between = (around**2).sum(axis=1) / np.maximum(n - 1, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return own, np.where(mass > 0, np.maximum(noise, between) / mass, np.nan)


def effect_curve(panel: Panel, effects: EventEffects) -> FloatArray:
    """What the events add to the factor of every period, history and horizon, shape (n, n_periods + horizon)."""
    total = np.zeros((panel.n_series, panel.n_periods + panel.horizon))
    for place, name in enumerate(effects.names):
        total += effects.size[:, [place]] * panel.events[name]
    return total
