"""What known events add to a series, measured once: own occurrences, shrunk to those of its group."""

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


def event_effects(panel: Panel, ratio: FloatArray, curve: FloatArray, group: FloatArray | None = None) -> EventEffects:
    """Effects of every event of a panel on each of its series, one event after the other.

    The ratio of a period with the event, less what the season expects and other events add, is the effect plus noise.
    The noise is that of the periods without event, or of the effects among each other where these disagree. What an own
    effect differs from its group's is believed as far as it exceeds the noise (James & Stein 1961, positive part).

    Args:
        panel: what an origin knew.
        ratio: demand in units of the own level, NaN where unknown, shape (n, n_periods).
        curve: factor that the season expects, shape (n, >= n_periods).
        group: effects believed before, in the order of the sorted names, shape (n, n_events); None: none.
    """
    names = tuple(sorted(panel.events))
    w = panel.n_periods
    size = np.zeros((panel.n_series, len(names))) if group is None else group.copy()
    if not names:
        return EventEffects(names, size)
    strength = np.stack([panel.events[name][:, :w].astype(np.float64) for name in names], axis=1)
    left = np.where(np.isfinite(ratio), ratio - curve[:, :w], np.nan)
    noise = _noise(left, np.asarray(strength.any(axis=1)))
    for _ in range(2):
        for place in range(len(names)):
            others = np.einsum("net,ne->nt", np.delete(strength, place, axis=1), np.delete(size, place, axis=1))
            prior = 0.0 if group is None else group[:, place]
            size[:, place] = _shrunk(left - others, strength[:, place], noise, prior)
    return EventEffects(names, size)


def _noise(left: FloatArray, in_event: BoolArray) -> FloatArray:
    """Robust variance of the ratios of periods without event, shape (n,)."""
    outside = np.where(in_event | ~np.isfinite(left), np.nan, np.abs(left))
    limit = 3.0 * _mean(outside)
    return _mean(np.minimum(outside, limit[:, None]) ** 2)


def _mean(values: FloatArray) -> FloatArray:
    known = np.isfinite(values)
    found: FloatArray = np.where(known, values, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return found


def _shrunk(left: FloatArray, strength: FloatArray, noise: FloatArray, prior: FloatArray | float) -> FloatArray:
    """Effect of one event, shape (n,)."""
    x = np.where(np.isfinite(left), strength, 0.0)
    mass, n = (x**2).sum(axis=1), (x > 0).sum(axis=1)
    own = (x * np.nan_to_num(left)).sum(axis=1) / np.maximum(mass, 1e-300)
    around = np.where(x > 0, np.nan_to_num(left) - x * own[:, None], 0.0)
    between = (around**2).sum(axis=1) / np.maximum(n - 1, 1)
    change = own - prior
    with np.errstate(divide="ignore", invalid="ignore"):
        doubt = DOUBTED**2 * np.maximum(noise, between) / (mass * change**2)
    belief = np.where((mass > 0) & (change != 0), np.clip(1.0 - doubt, 0.0, 1.0), 0.0)
    found: FloatArray = prior + belief * change
    return found


def effect_curve(panel: Panel, effects: EventEffects) -> FloatArray:
    """What the events add to the factor of every period, history and horizon, shape (n, n_periods + horizon)."""
    total = np.zeros((panel.n_series, panel.n_periods + panel.horizon))
    for place, name in enumerate(effects.names):
        total += effects.size[:, [place]] * panel.events[name]
    return total
