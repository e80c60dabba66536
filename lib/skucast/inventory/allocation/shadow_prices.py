"""Prices of limits that orders share, found by sums over all rows.

A price per unit of what a limit counts makes every row order what it would if it had to pay it (Everett 1963,
Operations Research 11, 399-417). Suppliers decide first, at the prices of what is outside: an order below its minimum
is topped up at a negative price, or not placed where that gains less than nothing. Orders that were topped up are held
while the limits outside find their prices among all others; otherwise the two would drive each other up without end.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from skucast.inventory.allocation.limits import Limits, Rows, unpriced
from skucast.inventory.allocation.row_choice_kernel import IS_SUPPLIER, ShadowPrices
from skucast.inventory.allocation.row_sums import extents, pressure, survey, trials
from skucast.numerics.arrays import BoolArray, FloatArray, IntArray

SWEEPS = 7
"""Most rounds over the kinds of limits."""

ATTEMPTS = 10
"""Most rounds until all limits hold."""

PATIENCE = 3
"""Rounds after which suppliers below their minimum give up."""

COARSE, FINE = 1, 4
"""Sums that a price is searched with beside the first, while others still move and in the end."""

TRIED = 64
"""Prices that are tried at once, where limits are few."""

MOST_TRIED = 2**19
"""Prices of all limits of a kind that are tried at once."""

SETTLED = 1e-3
"""Share by which prices may still change when the rounds end."""


def limit_prices(rows: Rows, limits: Limits) -> ShadowPrices:
    """Prices and closed suppliers at which every limit holds.

    The prices of limits outside suppliers move by shares that fall from round to round, for otherwise all suppliers
    with a minimum would come and go together.
    """
    priced, counted = unpriced(limits), limits
    decides = bool((limits.lower > 0).any() or np.isfinite(limits.container).any())
    for sweep in range(SWEEPS):
        before = priced
        if sweep < SWEEPS // 2 and np.isfinite(limits.container).any():
            counted = limits.with_containers(_containers(rows, limits, _released(priced)))
        priced = _suppliers_decided(rows, counted, priced)
        for kind in _outside(limits):
            priced = _settled(rows, counted, priced, kind, COARSE)
        if decides:
            share = np.where(limits.is_suppliers, 1.0, 1.0 / (sweep + 1))
            priced = priced._replace(price=before.price + share * (priced.price - before.price))
        moved = np.abs(priced.price - before.price) > SETTLED * np.abs(priced.price)
        if sweep and not moved.any() and (priced.is_closed == before.is_closed).all():
            break
    return _feasible(rows, counted, priced)


def _feasible(rows: Rows, limits: Limits, priced: ShadowPrices) -> ShadowPrices:
    """Prices and closed suppliers at which every limit holds; of suppliers that stand against it, a third gives up."""
    for attempt in range(ATTEMPTS):
        priced = _suppliers_decided(rows, limits, priced, priced.is_closed)
        for kind in _outside(limits):
            priced = _settled(rows, limits, priced, kind, COARSE)
        for kind in _outside(limits):
            priced = _raised(rows, limits, priced, kind)
        used, net = rows.total(partial(survey, priced=priced))
        is_over = limits.exceeded(used) & ~limits.is_suppliers
        unmet = limits.is_suppliers & (limits.unmet(used) | limits.exceeded(used)) & ~priced.is_closed
        if not (is_over | unmet).any():
            break
        pressing = rows.total(partial(pressure, priced=priced, is_over=is_over))
        giving_up = priced.is_held & (pressing > 0) if is_over.any() else unmet
        if is_over.any() or attempt >= PATIENCE:
            worth = np.where(giving_up, net / np.maximum(pressing, 1), np.inf)
            worst = worth <= np.quantile(worth[giving_up], 0.3, method="higher")
            priced = priced._replace(is_closed=priced.is_closed | giving_up & (worst | (attempt == ATTEMPTS - 2)))
    return priced._replace(is_closed=priced.is_closed | _failing(rows, limits, priced))


def _failing(rows: Rows, limits: Limits, priced: ShadowPrices) -> BoolArray:
    """Suppliers that break a limit of their own; where one outside is exceeded, all that are held: the rest fits."""
    used = rows.total(partial(survey, priced=priced))[0]
    unmet = limits.is_suppliers & (limits.unmet(used) | limits.exceeded(used))
    return unmet | priced.is_held if (limits.exceeded(used) & ~limits.is_suppliers).any() else unmet


def _outside(limits: Limits) -> list[int]:
    return [kind for kind in limits.kinds if not IS_SUPPLIER[kind]]


def _released(priced: ShadowPrices) -> ShadowPrices:
    return priced._replace(is_held=np.zeros_like(priced.is_held))


def _suppliers_decided(
    rows: Rows, limits: Limits, priced: ShadowPrices, closed: BoolArray | None = None
) -> ShadowPrices:
    """Suppliers' orders at the prices outside: within their limits, topped up and held, or closed.

    Closed are those that are given; where none are, those whose minimum cannot be reached, or whose order at its
    minimum gains less than nothing.
    """
    priced, kinds = _released(priced), [kind for kind in limits.kinds if IS_SUPPLIER[kind]]
    if not kinds:
        return priced
    for kind in kinds * len(kinds):
        priced = _settled(rows, limits, priced, kind, COARSE)
    for kind in kinds:
        priced = _raised(rows, limits, priced, kind)
    if closed is None:
        used, net = rows.total(partial(survey, priced=priced._replace(is_closed=np.zeros_like(priced.is_closed))))
        broken = limits.unmet(used) | (limits.lower > 0) & (net <= 0)
        closed = limits.is_suppliers & broken
    held = limits.is_suppliers & (priced.price < 0) & ~closed
    return priced._replace(is_closed=closed, is_held=held, held=priced.price.copy())


def _settled(rows: Rows, limits: Limits, priced: ShadowPrices, kind: int, passes: int) -> ShadowPrices:
    """The prices nearest to 0 at which one kind's limits hold, the others staying."""
    own = limits.of_kind(kind)
    guess = priced.price[own]
    price = priced.price.copy()
    price[own] = 0.0
    asked = priced._replace(price=price)
    if IS_SUPPLIER[kind]:  # what a closed supplier's price would be says whether it should open
        asked = asked._replace(is_closed=np.zeros_like(priced.is_closed))
    price[own] = _searched(rows, limits, asked, kind, guess, passes)
    return priced._replace(price=price)


def _raised(rows: Rows, limits: Limits, priced: ShadowPrices, kind: int) -> ShadowPrices:
    """Higher prices where one kind's limits are exceeded: then no row orders more, and no other limit is exceeded."""
    own = limits.of_kind(kind)
    bare = limits.at(np.arange(own.start, own.stop))
    only = replace(limits, lower=np.zeros_like(limits.lower))
    used = _tried(rows, limits, priced, kind, priced.price[own][:, None])[:, 0]
    if not bare.exceeded(used).any():
        return priced
    price = priced.price.copy()
    price[own] = _searched(rows, only, priced, kind, np.zeros(used.size), FINE)
    return priced._replace(price=price)


def _searched(
    rows: Rows, limits: Limits, priced: ShadowPrices, kind: int, guess: FloatArray, passes: int
) -> FloatArray:
    """Prices above or below the present ones, as near to them as can be, from which on one kind's limits hold.

    Args:
        rows: the rows.
        limits: all limits.
        priced: prices; those of the kind are where the search begins.
        kind: whose prices are searched.
        guess: how far from there they may be, shape (limits of the kind,); 0: no idea.
        passes: sums that the search may take, beside the first.
    """
    own = limits.of_kind(kind)
    origin, parts = priced.price[own], limits.at(np.arange(own.start, own.stop))
    reach = rows.highest(partial(extents, priced=priced, kind=kind, first=own.start, n_limits=origin.size))
    far = np.maximum(np.stack([reach[0] - origin, reach[1] + origin]) * 1.001, 1e-9)
    half = int(np.clip(MOST_TRIED // origin.size, 16, TRIED)) // 2
    steps = np.stack([_around(far[side], np.abs(guess), half) for side in (0, 1)])
    tried = origin[:, None] + np.concatenate([-steps[1, :, ::-1], np.zeros((origin.size, 1)), steps[0]], axis=1)
    used = _tried(rows, limits, priced, kind, tried)
    side = parts.exceeded(used[:, half]).astype(np.int64) - parts.unmet(used[:, half])
    if not side.any():
        return origin
    steps = np.where(side[:, None] < 0, steps[1], steps[0])
    used = np.where(side[:, None] < 0, used[:, half - 1 :: -1], used[:, half + 1 :])
    for each in range(passes + 1):
        holds = np.where(side[:, None] > 0, ~parts.exceeded(used.T).T, ~parts.unmet(used.T).T)
        place = np.where(holds.any(axis=1), holds.argmax(axis=1), steps.shape[1] - 1)
        far, near = (np.take_along_axis(steps, at[:, None], 1)[:, 0] for at in (place, np.maximum(place - 1, 0)))
        near = np.where(place == 0, 1e-3 * far, near)
        if each == passes or (far <= near * (1.0 + 1e-9))[side != 0].all():
            break
        steps = near[:, None] * (far / near)[:, None] ** np.linspace(0.0, 1.0, 2 * half)
        tried = np.sort(origin[:, None] + side[:, None] * steps, axis=1)
        used = _tried(rows, limits, priced, kind, tried)
        used = np.where(side[:, None] < 0, used[:, ::-1], used)
    return np.where(side == 0, origin, origin + side * far)


def _around(far: FloatArray, guess: FloatArray, count: int) -> FloatArray:
    """Ascending steps up to the farthest, half of them near the guess, shape (n, count)."""
    few = count // 2
    wide = far[:, None] * np.geomspace(1e-5, 1.0, count - few)
    middle = np.where((guess > 0) & (guess < far), guess, np.sqrt(1e-5) * far)
    close = np.minimum(middle[:, None] * np.geomspace(0.7, 1.4, few), far[:, None])
    return np.sort(np.concatenate([wide, close], axis=1), axis=1)


def _tried(rows: Rows, limits: Limits, priced: ShadowPrices, kind: int, tried: FloatArray) -> IntArray:
    return rows.total(partial(trials, priced=priced, kind=kind, first=limits.of_kind(kind).start, tried=tried))


def _containers(rows: Rows, limits: Limits, priced: ShadowPrices) -> FloatArray:
    """Full containers of each supplier's order: as many as it needs, or one less, whichever gains more; NaN: none."""
    counts = np.full(limits.container.shape, np.nan)
    free = priced._replace(price=np.where(np.isfinite(limits.container), 0.0, priced.price))
    volume = rows.total(partial(survey, priced=free))[0] * limits.unit / limits.container
    up = np.ceil(volume - 1e-9)
    down = np.floor(volume + 1e-9)
    nets = []
    for tried in (up, down):
        counted = limits.with_containers(np.maximum(tried, 1.0))
        settled = _settled(rows, counted, free, 2, COARSE)
        used, net = rows.total(partial(survey, priced=settled._replace(is_closed=np.zeros_like(priced.is_closed))))
        fits = ~counted.unmet(used) & ~counted.exceeded(used)
        nets.append(np.where(tried > 0, np.where(fits, net, np.iinfo(np.int64).min), 0))
    is_given = np.isfinite(limits.container)
    counts[is_given] = np.maximum(np.where(nets[0] >= nets[1], up, down), 1.0)[is_given]
    return counts
