"""What known events add to a series, measured once: own occurrences, shrunk to those of its group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from skucast.forecasting.panel import BoolArray, FloatArray, Panel

DOUBTED = 1.5
"""Standard deviations of an effect up to which it may be chance."""


LARGEST_EFFECT = 10.0
"""Levels that an event adds with which a series counts in its groups at most."""


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
    strength = _strength(panel, names)
    left = np.where(np.isfinite(ratio), ratio - curve[:, :w], np.nan)
    noise = _noise(left, np.asarray(strength.any(axis=1)))
    for _ in range(2):
        for place in range(len(names)):
            others = np.einsum("net,ne->nt", np.delete(strength, place, axis=1), np.delete(size, place, axis=1))
            prior = 0.0 if group is None else group[:, place]
            size[:, place] = _shrunk(left - others, strength[:, place], noise, prior)
    return EventEffects(names, size)


def own_effects(panel: Panel, ratio: FloatArray, curve: FloatArray) -> FloatArray:
    """What each series shows of each event, sorted by name, by least squares; NaN where never; shape (n, n_events)."""
    names = tuple(sorted(panel.events))
    size = np.zeros((panel.n_series, len(names)))
    strength = _strength(panel, names)
    left = np.where(np.isfinite(ratio), ratio - curve[:, : panel.n_periods], np.nan)
    mass = (np.where(np.isfinite(left)[:, None], strength, 0.0) ** 2).sum(axis=2)
    for _ in range(2):
        for place in range(len(names)):
            others = np.einsum("net,ne->nt", np.delete(strength, place, axis=1), np.delete(size, place, axis=1))
            size[:, place] = _least_squares(left - others, strength[:, place])
    return np.where(mass > 0, size, np.nan)


def _strength(panel: Panel, names: Sequence[str]) -> FloatArray:
    """Strength of the events in each period of the history, shape (n, n_events, n_periods)."""
    if not names:
        return np.zeros((panel.n_series, 0, panel.n_periods))
    return np.stack([panel.events[name][:, : panel.n_periods].astype(np.float64) for name in names], axis=1)


def _least_squares(left: FloatArray, strength: FloatArray) -> FloatArray:
    x = np.where(np.isfinite(left), strength, 0.0)
    found: FloatArray = (x * np.nan_to_num(left)).sum(axis=1) / np.maximum((x**2).sum(axis=1), 1e-300)
    return found


def effect_sums(own: FloatArray, vote: FloatArray, membership: FloatArray) -> FloatArray:
    """Sums over the series of g groups from which their effects follow, shape (g, 5, n_events); exact in any order.

    Args:
        own: effects that the series show, NaN where none, shape (n, n_events).
        vote: weight of each series, shape (n,).
        membership: 1 where a series belongs to a group, shape (g, n).
    """
    seen = np.where(np.isfinite(own), vote[:, None], 0.0)
    size = np.clip(np.nan_to_num(own), -1.0, LARGEST_EFFECT)
    parts = np.stack([seen, seen * size, seen**2, seen**2 * size, seen**2 * size**2], axis=1)
    rounded = np.rint(2.0**20 * parts) / 2.0**20
    found: FloatArray = np.tensordot(membership, rounded, axes=1)
    return found


def group_effects(sums: FloatArray, parents: Sequence[Sequence[int]]) -> FloatArray:
    """Effect of each event in each group, shrunk toward its first parent's, that toward none; shape (g, n_events).

    Args:
        sums: as ``effect_sums`` gives them.
        parents: of each group, which come before it.
    """
    found = np.zeros((sums.shape[0], sums.shape[2]))
    for row, own in enumerate(parents):
        weight, first, squares, cross, second = sums[row]
        prior = found[own[-1]] if own else np.zeros(sums.shape[2])
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = np.where(weight > 0, first / weight, prior)
            variance = np.maximum(second - 2.0 * mean * cross + mean**2 * squares, 0.0) / weight**2
            # One series alone says nothing of how much series differ.
            alone = squares >= weight**2 * (1.0 - 1e-9)
            doubt = np.where(alone, 1.0, DOUBTED**2 * variance / (mean - prior) ** 2)
        belief = np.where((weight > 0) & (mean != prior), np.clip(1.0 - doubt, 0.0, 1.0), 0.0)
        found[row] = prior + belief * (mean - prior)
    return found


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
    own = _least_squares(left, strength)
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
