"""The mathematics of arrays that the planning SQL calls by name.

In Spark SQL a function over a list costs microseconds per element; here a batch of rows is one call of compiled code.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from scipy.special import ndtri

from skucast.inventory.demand.quantile_grid import Lists, lines_at, quantiles_at, shortages_of, stocks_for_fill_rates
from skucast.inventory.lead_time.lead_time import Seen, arrival_shares, credible_laws, laws
from skucast.inventory.lead_time.mixture import DemandSums, demand_over, units_of
from skucast.inventory.lead_time.open_orders import arrivals
from skucast.inventory.ordering.order_gains import OrderEconomics, order_outcomes
from skucast.inventory.ordering.order_quantity import (
    LotCosts,
    OrderConstraints,
    OrderQuantities,
    PriceBreaks,
    order_quantities,
    purchase_costs,
    quantity_by_policy,
)
from skucast.inventory.projection.net_requirement import NEED_LEVELS
from skucast.numerics.arrays import FloatArray, IntArray
from skucast.spark.arrow_columns import floats_of, places

_NUMBERS = ("mean", "sd", "sd_of_demand", "unit")
_DEMAND_OVER = f"struct<levels: array<double>, quantiles: array<double>, {', '.join(f'{n}: double' for n in _NUMBERS)}>"
_LAW = "struct<days: double, squared_days: double, by_period: array<double>>"
_LATENESS = "array<struct<days: double, share: double>>"
_ARRIVAL = "struct<by_step: array<double>, days: double>"
_QUANTITIES = f"struct<{', '.join(f'{name}: double' for name in OrderQuantities._fields)}>"
_OUTCOMES = "struct<gain: array<double>, missed: array<double>, served: array<double>>"


def register_array_functions(spark: SparkSession) -> None:
    """Make the functions known to the session's SQL; each is worked out once, where it stands.

    ``interpolate(x, xs, ys)``: y at x on the lines through points, the ends holding outside; null without points.

    ``normal_quantile(p)``: z with Φ(z) = p; null at 0 and 1, and beyond.

    ``expected_shortages(stocks, levels, quantiles)``: E[(D − stock)⁺] of each stock, units; nulls without quantiles.

    ``quantile_of(p, levels, quantiles)``: the quantile of demand at a probability, whole where all quantiles are;
    beyond the outer level the tail is continued; null without quantiles.

    ``stock_for_fill_rate(fill_rate, levels, quantiles, quantiles_before, demand)``: the least stock that serves that
    share of the demand of a cycle, and the probability that it is enough; null without quantiles or demand.

    ``law_of_days(days_late, arrived, open, stated_days, offset_days, period_days)``: the law of a lead time from what
    was seen, as :func:`skucast.inventory.lead_time.lead_time.laws` has it.

    ``credible_law(credibility, own, shared)``: shares that take 0, 1, 2… periods, between an item's own and its
    supplier's; the last period holds what takes longer.

    ``lateness_of(days, arrived, open)``: days and the share of the units that arrives as late, the product-limit law.

    ``arrival_of(days, shares, until_due, period_days)``: when an open order arrives, by the distribution of lateness,
    as :func:`skucast.inventory.lead_time.open_orders.arrivals` has it.

    ``demand_over(periods, further, levels, means, sds, quantiles)``: demand over a random number of periods, of which
    ``periods`` has the probabilities of 0, 1, …, and ``further`` ones, from mean, standard deviation and quantiles of
    demand summed over the first 1, 2, … periods; null without sums, or if no period is possible. ``unit`` is 1 where
    all sums are of whole goods, else 0.

    ``order_quantities(is_ordered, shortfall, replenishment_policy, rounding, lot, smallest_lot, min_order_quantity,
    pack_size, pallet_size, max_order_quantity, max_stock, cover, stock_at_arrival, price_breaks, is_incremental,
    fixed_cost, holding_cost, mean_per_period)``: the way from what is lacking to what is ordered, as
    :class:`skucast.inventory.ordering.order_quantity.OrderQuantities` has it.

    ``purchase_costs(quantities, price_breaks, is_incremental)``: what orders cost to buy; null without prices.

    ``order_outcomes(ordered, need, shortage, lacking, wanted, …)``: what comes of orders, the arguments being those of
    :class:`skucast.inventory.ordering.order_gains.OrderEconomics` in their order; the last of them may be left out.
    """
    functions: dict[str, tuple[Callable[..., pa.Array], str]] = {
        "interpolate": (_interpolate, "double"),
        "normal_quantile": (_normal_quantile, "double"),
        "quantile_of": (_quantile_of, "double"),
        "stock_for_fill_rate": (_stock_for_fill_rate, "struct<stock: double, level: double>"),
        "expected_shortages": (_expected_shortages, "array<double>"),
        "law_of_days": (_laws, _LAW),
        "credible_law": (_credible, "array<double>"),
        "lateness_of": (_lateness, _LATENESS),
        "arrival_of": (_arrival, _ARRIVAL),
        "demand_over": (_demand_over, _DEMAND_OVER),
        "order_quantities": (_order_quantities, _QUANTITIES),
        "purchase_costs": (_purchase_costs, "array<double>"),
        "order_outcomes": (_outcomes, _OUTCOMES),
    }
    for name, (function, kind) in functions.items():
        # Spark would repeat the call in every expression that reads its answer, were it not for this word.
        spark.udf.register(name, F.arrow_udf(function, kind).asNondeterministic())  # type: ignore[attr-defined]


def _interpolate(x: pa.Array, xs: pa.Array, ys: pa.Array) -> pa.Array:
    at = Lists.of(floats_of(x)[:, None])
    return pa.array(lines_at(at, Lists(*_flat(xs)), Lists(*_flat(ys))), from_pandas=True)


def _normal_quantile(p: pa.Array) -> pa.Array:
    z = ndtri(floats_of(p))
    return pa.array(np.where(np.isfinite(z), z, np.nan), from_pandas=True)


def _quantile_of(p: pa.Array, levels: pa.Array, quantiles: pa.Array) -> pa.Array:
    found = quantiles_at(floats_of(p), Lists(*_flat(levels)), Lists(*_flat(quantiles)))
    return pa.array(found, from_pandas=True)


def _stock_for_fill_rate(
    wanted: pa.Array, levels: pa.Array, quantiles: pa.Array, before: pa.Array, demand: pa.Array
) -> pa.Array:
    known, of, of_before = (Lists(*_flat(each)) for each in (levels, quantiles, before))
    stock, level = stocks_for_fill_rates(floats_of(wanted), known, of, of_before, floats_of(demand))
    columns = [pa.array(each, from_pandas=True) for each in (stock, level)]
    return pa.StructArray.from_arrays(columns, ["stock", "level"])


def _expected_shortages(stocks: pa.Array, levels: pa.Array, quantiles: pa.Array) -> pa.Array:
    given = Lists(*_flat(stocks))
    short = shortages_of(given, Lists(*_flat(levels)), Lists(*_flat(quantiles)))
    return _lists(given.starts, short, stocks.is_null())


def _laws(
    days_late: pa.Array, arrived: pa.Array, still_open: pa.Array, stated: pa.Array, offset: pa.Array, period: pa.Array
) -> pa.Array:
    (late, starts), (came, _), (rest, _) = (_flat(column) for column in (days_late, arrived, still_open))
    period_days = int(period[0].as_py()) if len(period) else 1
    found = laws(Seen(late, came, rest, starts), stated.to_numpy(), offset.to_numpy(), period_days)
    by_period = pa.ListArray.from_arrays(pa.array(found.offsets.astype(np.int32)), pa.array(found.by_period))
    columns = [pa.array(found.days), pa.array(found.squared_days), by_period]
    return pa.StructArray.from_arrays(columns, ["days", "squared_days", "by_period"])


def _credible(credibility: pa.Array, own: pa.Array, shared: pa.Array) -> pa.Array:
    law = credible_laws(floats_of(credibility), Lists(*_flat(own)), Lists(*_flat(shared)))
    return _lists(law.starts, law.values, shared.is_null())


def _lateness(days_late: pa.Array, arrived: pa.Array, still_open: pa.Array) -> pa.Array:
    (late, starts), (came, _), (rest, _) = (_flat(column) for column in (days_late, arrived, still_open))
    entries = [pa.array(late), pa.array(arrival_shares(Seen(late, came, rest, starts)))]
    return pa.ListArray.from_arrays(
        pa.array(starts.astype(np.int32)), pa.StructArray.from_arrays(entries, ["days", "share"])
    )


def _arrival(days: pa.Array, shares: pa.Array, until_due: pa.Array, period: pa.Array) -> pa.Array:
    period_days = int(period[0].as_py()) if len(period) else 1
    found = arrivals(Lists(*_flat(days)), _flat(shares)[0], floats_of(until_due), period_days)
    laws_by_step = pa.ListArray.from_arrays(
        pa.array(found.by_step.starts.astype(np.int32)), pa.array(found.by_step.values)
    )
    return pa.StructArray.from_arrays([laws_by_step, pa.array(found.days)], ["by_step", "days"])


def _demand_over(
    periods: pa.Array, further: pa.Array, levels: pa.Array, means: pa.Array, sds: pa.Array, quantiles: pa.Array
) -> pa.Array:
    at, values = Lists(*_flat(levels)), floats_of(quantiles.flatten().flatten())
    known = DemandSums(at, Lists(*_flat(means)), _flat(sds)[0], values)
    found = demand_over(Lists(*_flat(periods)), further.to_numpy().astype(np.int64), known)
    mixed = _lists(at.starts, found.quantiles, levels.is_null())
    columns = [levels, mixed, *(pa.array(each) for each in (*found[1:], units_of(known)))]
    return pa.StructArray.from_arrays(columns, ["levels", "quantiles", *_NUMBERS], mask=pa.array(np.isnan(found.mean)))


def _order_quantities(is_ordered: pa.Array, shortfall: pa.Array, *columns: pa.Array) -> pa.Array:
    words = [each.to_numpy(zero_copy_only=False) for each in columns[:2]]
    terms = OrderConstraints(*words, *(floats_of(each) for each in columns[2:10]))
    at_arrival, breaks, is_incremental, *costs = columns[10:]
    raw = np.where(is_ordered.to_numpy(zero_copy_only=False), quantity_by_policy(floats_of(shortfall), terms), 0.0)
    prices, of_lot = _prices(breaks, is_incremental), LotCosts(*(floats_of(each) for each in costs))
    found = order_quantities(raw, terms, floats_of(at_arrival), prices, of_lot)
    return pa.StructArray.from_arrays([pa.array(each) for each in found], list(OrderQuantities._fields))


def _purchase_costs(quantities: pa.Array, breaks: pa.Array, is_incremental: pa.Array) -> pa.Array:
    asked = Lists(*_flat(quantities))
    table = asked.table(np.nan)
    found = purchase_costs(table, _prices(breaks, is_incremental))
    unknown = pa.compute.or_(quantities.is_null(), breaks.is_null())
    return _lists(asked.starts, found[places(np.diff(asked.starts))], unknown)


def _prices(breaks: pa.Array, is_incremental: pa.Array) -> PriceBreaks:
    entries, lengths = breaks.flatten(), breaks.value_lengths().fill_null(0).to_numpy().astype(np.int64)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    quantity, cost = (Lists(floats_of(entries.field(i)), starts).table(np.nan) for i in range(2))
    return PriceBreaks(quantity, cost, is_incremental.fill_null(False).to_numpy(zero_copy_only=False))


def _outcomes(ordered: pa.Array, need: pa.Array, shortage: pa.Array, *numbers: pa.Array) -> pa.Array:
    columns = [floats_of(each) for each in numbers]
    if len(columns) == len(OrderEconomics._fields) - 3:  # a unit too many is kept until the next order
        columns.append(columns[OrderEconomics._fields.index("review_period") - 2])
    fixed_cost = OrderEconomics._fields.index("fixed_cost") - 2
    columns[fixed_cost] = np.nan_to_num(columns[fixed_cost])
    n_levels = len(NEED_LEVELS)
    quantities = Lists(*_flat(ordered))
    worth = OrderEconomics(*(Lists(*_flat(each)).table(np.nan, n_levels) for each in (need, shortage)), *columns)
    found = order_outcomes(quantities.table(np.nan), worth)
    at = places(np.diff(quantities.starts))
    parts = [_lists(quantities.starts, each[at], ordered.is_null()) for each in found]
    return pa.StructArray.from_arrays(parts, ["gain", "missed", "served"])


def _flat(column: pa.ListArray) -> tuple[FloatArray, IntArray]:
    lengths = column.value_lengths().fill_null(0).to_numpy().astype(np.int64)
    return floats_of(column.flatten()), np.concatenate([[0], np.cumsum(lengths)])


def _lists(starts: IntArray, values: FloatArray, is_null: pa.Array) -> pa.Array:
    """Lists of numbers, NaN being null."""
    return pa.ListArray.from_arrays(
        pa.array(starts.astype(np.int32)), pa.array(values, from_pandas=True), mask=is_null.cast(pa.bool_())
    )
