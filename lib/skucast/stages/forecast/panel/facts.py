"""Facts of long rows → events and drivers of a panel."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skucast.forecasting.panel.covariates import Fill, Record
from skucast.forecasting.panel.panel import BoolArray, FloatArray, IntArray
from skucast.stages.forecast.covariates.drivers import ITEM_PRICE, Catalogue, ItemPrice


@dataclass(frozen=True)
class Facts:
    """Events and drivers as ``Panel`` takes them."""

    events: dict[str, BoolArray | FloatArray] = field(default_factory=dict)
    known_from: dict[str, IntArray] = field(default_factory=dict)
    records: dict[str, Record] = field(default_factory=dict)


@dataclass(frozen=True)
class _Entries:
    """One fact per entry: series, period, code, value and the origin that first knew it."""

    series: IntArray
    t: IntArray
    code: IntArray
    value: FloatArray
    since: IntArray

    def of(self, code: int) -> _Entries:
        own = self.code == code
        return _Entries(self.series[own], self.t[own], self.code[own], self.value[own], self.since[own])


def facts_of(
    rows: pa.Table, series: IntArray, n_series: int, n_periods: int, horizon: int, catalogue: Catalogue
) -> Facts:
    """Events and drivers of a bucket.

    Args:
        rows: as ``long_panel`` makes them.
        series: of each row.
        n_series: number of series.
        n_periods: periods of history.
        horizon: steps.
        catalogue: names of the facts.
    """
    found, shape = Facts(), (n_series, n_periods + horizon)
    if catalogue.events or catalogue.drivers:
        entries = _entries(rows, series)
        for code, name in enumerate(catalogue.events):
            _add_event(found, name, entries.of(code), shape)
        for code, (name, fill) in enumerate(catalogue.drivers, len(catalogue.events)):
            found.records[name] = _record(entries.of(code), fill, n_periods, shape)
    if catalogue.item_price is not ItemPrice.NONE:
        found.records[ITEM_PRICE] = _price(rows, series, shape, catalogue.item_price)
    return found


def _entries(rows: pa.Table, series: IntArray) -> _Entries:
    facts = rows["facts"].combine_chunks()
    row, fact = pc.list_parent_indices(facts).to_numpy(), pc.list_flatten(facts)
    code, value, since = (fact.field(name).to_numpy() for name in ("code", "value", "known_from"))
    return _Entries(series[row], rows["t"].to_numpy()[row], code, value, since.astype(np.int64))


def _add_event(found: Facts, name: str, own: _Entries, shape: tuple[int, int]) -> None:
    """Flags, or numbers of days where a period has more than one; an event that none of the series has is left out."""
    if own.t.size:
        strength: FloatArray = np.zeros(shape)
        strength[own.series, own.t] = own.value
        found.events[name] = strength if own.value.max() > 1 else strength > 0
    if own.since.any():
        found.known_from[name] = _placed(own.series, own.t, own.since, shape)


def _record(own: _Entries, fill: Fill, n_periods: int, shape: tuple[int, int]) -> Record:
    """A driver, from the first period of each series on: what is usual must not depend on series beside it."""
    values = np.full(shape, np.nan)
    values[own.series, own.t] = own.value
    since = _placed(own.series, own.t, own.since, shape) if own.since.any() else None
    if fill is not Fill.USUAL:
        return Record(values, np.arange(shape[0]), fill, since)
    ahead = np.where(np.isfinite(values), np.arange(shape[1]) - n_periods + 1, 0)
    return Record(values, np.arange(shape[0]), fill, since, reach=np.maximum(ahead.max(axis=1, initial=0), 0))


def _price(rows: pa.Table, series: IntArray, shape: tuple[int, int], which: ItemPrice) -> Record:
    """Logarithms of prices as sold and, known to all origins, of the price list; no price where it is 0 or missing."""
    t, sold, listed = (rows[name].to_numpy() for name in ("t", "price", "list_price"))
    values, starts = np.full(shape, np.nan), np.full(shape, np.nan)
    with np.errstate(invalid="ignore"):
        for given, into in ((sold, values), (listed, starts)):
            is_price = (given > 0) & np.isfinite(given) & (t >= 0)
            into[series[is_price], t[is_price]] = np.log(given[is_price])
    last = np.maximum.accumulate(np.where(np.isfinite(starts), np.arange(shape[1]), -1), axis=1)
    plan = np.where(last < 0, np.nan, np.take_along_axis(starts, np.maximum(last, 0), axis=1))
    if which is ItemPrice.LISTED:
        values[~np.isfinite(plan).any(axis=1)] = np.nan
    return Record(values, np.arange(shape[0]), Fill.HELD, plan=plan)


def _placed(row: IntArray, t: IntArray, values: IntArray, shape: tuple[int, int]) -> IntArray:
    found: IntArray = np.zeros(shape, dtype=np.int64)
    found[row, t] = values
    return found
