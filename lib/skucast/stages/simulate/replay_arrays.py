"""One Arrow row per item and location ↔ the arrays of a replay and what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from skucast.inventory.ordering.order_quantity import OrderConstraints
from skucast.inventory.projection.net_requirement import ServiceTarget
from skucast.inventory.simulation import replay_policies as policies
from skucast.inventory.simulation.outcome import CostRates, Outcome
from skucast.inventory.simulation.replay import Replay, ReviewForecasts
from skucast.inventory.simulation.replay_policies import Calibration
from skucast.inventory.simulation.replay_rivals import base_stock, fixed_cover, textbook, textbook_policy
from skucast.inventory.simulation.setup import InitialStock, UnmetDemand
from skucast.numerics.arrays import FloatArray, IntArray
from skucast.spark.arrow_columns import floats_of, numbers

WORDS = ("replenishment_policy", "rounding")
RIVALS = {"textbook": textbook, "textbook_policy": textbook_policy, "base_stock": base_stock}
"""Variants that raise the inventory position to a level for a cycle service level."""
FURTHER_LEVELS = (0.995, 0.999, 0.9999, 0.99999)
"""How much further rivals are swept, for their normal law promises more than it keeps."""


@dataclass(frozen=True)
class Comparison:
    """What is compared, and how.

    Attributes:
        variants: names of the policies.
        levels: cycle service levels that are swept.
        covers: stock levels of ``fixed_cover``, in protection periods of recent mean demand.
        score_from: first period of the window that counts.
        unmet_demand: what happens to demand that finds no stock.
        is_constrained: lots and limits hold.
        truth: demand where the shop ran out: ``observed`` is what was sold, a lower bound; ``recovered`` adds what the
            forecast of the period expected for the time without stock.
        n_before: periods before the window.
        period_days: length of a period.
    """

    variants: tuple[str, ...]
    levels: tuple[float, ...]
    covers: tuple[float, ...]
    score_from: int
    unmet_demand: Literal["lost_sales", "backorders"]
    is_constrained: bool
    truth: Literal["observed", "recovered"]
    n_before: int
    period_days: int

    @property
    def sweep(self) -> list[tuple[str, float]]:
        """Variants with their target levels, 0 where nothing is swept."""
        beyond = (*self.levels, *(level for level in FURTHER_LEVELS if level > self.levels[-1]))
        swept = {"fixed_cover": self.covers, "skucast": self.levels, **dict.fromkeys(RIVALS, beyond)}
        return [(name, level) for name in self.variants for level in swept.get(name, (0.0,))]


@dataclass(frozen=True)
class Replayed:
    """A replay and what is counted beside it.

    Attributes:
        replay: of n items.
        aim: service that the plan was asked for.
        value: money per unit of stock, shape (n,).
        margin: money per unit sold, shape (n,).
        rates: prices.
        censored: scored periods in which the shop ran out, shape (n,).
    """

    replay: Replay
    aim: ServiceTarget
    value: FloatArray
    margin: FloatArray
    rates: CostRates
    censored: FloatArray


def replay_of(batch: pa.RecordBatch, n_periods: int, how: Comparison) -> Replayed:
    """The arrays of the rows that ``replay_rows`` made."""
    forecasts, n_before = _forecasts(batch), how.n_before
    shape = (batch.num_rows, n_before + n_periods)
    known, censored, missing = (
        _placed(batch["history"], name, ("period",), shape, shift=n_before)
        for name in ("wanted", "censored", "share_without_stock")
    )
    demand = known[:, n_before:]
    if how.truth == "recovered":
        demand[:, forecasts.period] += missing[:, n_before + forecasts.period] * forecasts.cumulative_mean[:, :, 0]
    whole = {name: _numbers(batch, name).astype(np.int64) for name in ("lead_time", "review_period", "first_review")}
    replay = Replay(
        demand=demand, before=known[:, :n_before], forecasts=forecasts, opening=_opening(batch, n_periods),
        lead_time_law=_lists(batch["lead_time_law"]), terms=_terms(batch), fixed_cost=_numbers(batch, "fixed_cost"),
        holding_cost=_numbers(batch, "holding_cost"),
        max_cover=_numbers(batch, "max_cover_days") / how.period_days, seeds=batch["seed"].to_numpy(),
        score_from=how.score_from, world=UnmetDemand(how.unmet_demand), is_constrained=how.is_constrained, **whole,
    )  # fmt: skip
    cost, price = _numbers(batch, "unit_cost"), _numbers(batch, "unit_price")
    asks_fill = np.array(batch["target_kind"].to_pylist()) == "fill_rate"
    wanted = np.where(asks_fill, _numbers(batch, "fill_rate_asked"), np.nan)
    aim = ServiceTarget(_numbers(batch, "cycle_service_level"), wanted, np.full(batch.num_rows, np.nan))
    rates = CostRates(
        holding=_numbers(batch, "holding_cost"), shortage=_numbers(batch, "shortage_cost"),
        ordering=_numbers(batch, "fixed_cost"),
    )  # fmt: skip
    counted = censored[:, n_before + how.score_from :].sum(axis=1)
    return Replayed(replay, aim, np.where(np.isnan(cost), price, cost), price - cost, rates, counted)


def outcome_columns(batch: pa.RecordBatch, given: Replayed, how: Comparison) -> Iterator[dict[str, object]]:
    """Columns of ``service_outcome``, once per variant and target level."""
    replay, n = given.replay, batch.num_rows
    same = {name: batch[name] for name in ("item_id", "location_id", "abc_class", "xyz_class")}
    for variant, level in how.sweep:
        own = given.aim if variant == "configured" else _aim(level, n)
        promised = _aim(np.nan, n)
        expected: Calibration | None = None
        if variant in ("skucast", "configured"):
            decide, expected = policies.planned(replay, own)
            promised = own._replace(
                cycle_service_level=np.where(np.isnan(own.fill_rate), own.cycle_service_level, np.nan)
            )
        elif variant in RIVALS:
            decide, promised = RIVALS[variant](replay, level), own
        elif variant == "fixed_cover":
            decide = fixed_cover(replay, level)
        else:
            decide = {"nothing": policies.nothing, "perfect": policies.perfect}[variant](replay)
        yield {
            **same, "variant": variant, "target_level": level, "is_constrained": how.is_constrained,
            "demand_class": batch["demand_class"].fill_null("no_demand"),
            "promised_cycle_service_level": numbers(promised.cycle_service_level),
            "promised_fill_rate": numbers(promised.fill_rate), "censored_periods": numbers(given.censored),
            **_measured(replay.run(decide), given), **_expected(expected),
        }  # fmt: skip


def _aim(level: float, n: int) -> ServiceTarget:
    """One level for all; lots follow at each review."""
    return ServiceTarget(np.full(n, level), *(np.full(n, np.nan) for _ in range(2)))


def _measured(found: Outcome, given: Replayed) -> dict[str, pa.Array]:
    costs = found.costs(given.rates)
    columns = {
        "periods": found.periods, "periods_with_demand": found.periods_with_demand, "demanded": found.demanded,
        "filled": found.filled, "lost": found.unmet, "cycles": found.cycles,
        "cycles_without_stock_out": found.cycles_without_stock_out, "stock_outs": found.stock_outs,
        "stock_outs_with_demand": found.stock_outs_with_demand, "average_stock": found.average_on_hand,
        "stock_value": found.average_on_hand * given.value, "demanded_value": found.demanded * given.value,
        "filled_value": found.filled * given.value, "lost_margin": found.unmet * given.margin, "orders": found.orders,
        "ordered": found.ordered, "total_holding_cost": costs.holding, "total_ordering_cost": costs.ordering,
        "total_shortage_cost": costs.shortage,
    }  # fmt: skip
    return {name: numbers(values) for name, values in columns.items()}


def _expected(found: Calibration | None) -> Mapping[str, pa.Array]:
    if found is None:
        return {}
    return {
        "expected_cycles": numbers(found.cycles),
        "expected_cycles_without_stock_out": numbers(found.without_stock_out),
    }  # fmt: skip


def _forecasts(batch: pa.RecordBatch) -> ReviewForecasts:
    levels = _lists(batch["levels"])
    if (levels != levels[0]).any():
        raise ValueError("forecasts of the window have different quantile levels: forecast all of its reviews anew")
    column, steps = batch["forecasts"], batch["forecasts"].flatten()
    periods, review = np.unique(steps.field("period").to_numpy(), return_inverse=True)
    step = steps.field("step").to_numpy()
    place = (_rows(column), review, step - 1)
    shape = (batch.num_rows, periods.size, int(step.max()))
    n_steps = np.zeros(shape[:2], dtype=np.int64)
    np.maximum.at(n_steps, place[:2], step)
    quantiles, sums, mean, sd = (
        np.zeros((*shape, levels.shape[1])), np.zeros((*shape, levels.shape[1])), np.zeros(shape), np.zeros(shape)
    )  # fmt: skip
    for into, name in ((quantiles, "quantiles"), (sums, "cumulative_quantiles")):
        into[place] = steps.field(name).flatten().to_numpy().reshape(-1, levels.shape[1])
    for into, name in ((mean, "cumulative_mean"), (sd, "cumulative_sd")):
        into[place] = steps.field(name).to_numpy()
    return ReviewForecasts(
        periods.astype(np.int64),
        levels[0],
        n_steps,
        quantiles,
        sums,
        np.maximum.accumulate(mean, axis=2),
        np.maximum.accumulate(sd, axis=2),
    )


def _opening(batch: pa.RecordBatch, n_periods: int) -> InitialStock:
    """The stock that was there; where it is unknown, the level that would have been ordered up to."""
    on_hand, level = _numbers(batch, "on_hand") - _numbers(batch, "reserved"), _numbers(batch, "order_up_to_level")
    is_known = ~np.isnan(on_hand)
    arrivals = batch["arrivals"]
    near = np.zeros((batch.num_rows, n_periods))
    items, row = arrivals.flatten(), _rows(arrivals)
    if row.size > 0:
        period = items.field("period").to_numpy()
        inside = (period < n_periods) & is_known[row]
        np.add.at(near, (row[inside], period[inside]), items.field("units").to_numpy()[inside])
    return InitialStock(np.maximum(np.where(is_known, on_hand, level), 0.0), near)


def _terms(batch: pa.RecordBatch) -> OrderConstraints:
    words = {name: np.array(batch[name].to_pylist(), dtype=object) for name in WORDS}
    numbers_of = (name for name in OrderConstraints._fields if name not in (*WORDS, "max_cover"))
    values: dict[str, Any] = {**words, **{name: _numbers(batch, name) for name in numbers_of}}
    return OrderConstraints(**values, max_cover=np.full(batch.num_rows, np.nan))


def _numbers(batch: pa.RecordBatch, name: str) -> FloatArray:
    return floats_of(batch[name])


def _rows(column: pa.ListArray) -> IntArray:
    """Row of each value of lists."""
    lengths = column.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
    return np.repeat(np.arange(len(column)), lengths)


def _lists(column: pa.ListArray) -> FloatArray:
    """Lists as rows of a matrix, the shorter ones filled up with 0."""
    lengths = column.value_lengths().to_numpy()
    found: FloatArray = np.zeros((len(column), int(lengths.max())))
    found[np.arange(found.shape[1]) < lengths[:, None]] = column.flatten().cast(pa.float64()).to_numpy()
    return found


def _placed(
    column: pa.ListArray, field: str, index: tuple[str, ...], shape: tuple[int, ...], *, shift: int = 0
) -> FloatArray:
    """Values of lists of structs, each at its row and place."""
    items, found = column.flatten(), np.zeros(shape)
    found[(_rows(column), *(items.field(name).to_numpy() + shift for name in index))] = items.field(field).to_numpy()
    return found
