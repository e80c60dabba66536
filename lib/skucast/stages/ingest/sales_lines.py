"""Order lines: which are accepted, which are rejected and why, and which sale a cancellation cancels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

import pandas as pd
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from skucast.stages.ingest.inputs import BLANKS, parsed
from skucast.tables.inputs.sales import SALES_LINE


class Reason(StrEnum):
    """Why a line cannot be used. A line may have several."""

    ORDER_MISSING = "order_missing"
    ITEM_MISSING = "item_missing"
    LOCATION_MISSING = "location_missing"
    DATE_MISSING = "date_missing"
    DATE_INVALID = "date_invalid"
    DATE_IMPOSSIBLE = "date_impossible"
    QUANTITY_MISSING = "quantity_missing"
    QUANTITY_INVALID = "quantity_invalid"
    QUANTITY_ZERO = "quantity_zero"
    QUANTITY_OUT_OF_RANGE = "quantity_out_of_range"
    NEGATIVE_CORRECTION = "negative_correction"
    PRICE_MISSING = "price_missing"
    PRICE_INVALID = "price_invalid"
    PRICE_NOT_POSITIVE = "price_not_positive"
    NOT_AN_ITEM = "not_an_item"
    DUPLICATE_LINE = "duplicate_line"


class Fate(StrEnum):
    """What becomes of a delivered row; every row has exactly one."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    DUPLICATE = "duplicate"
    SUPERSEDED = "superseded"


@dataclass(frozen=True)
class LineRules:
    """What makes a line unusable.

    Attributes:
        cancellation_order_pattern: regular expression of order numbers that may carry negative quantities; null:
            every order may.
        not_items: regular expressions of item codes that are no items.
        max_quantity: largest absolute quantity that is believed. [u]
        earliest_date: oldest order date that is believed.
        latest: newest order time that is believed.
        price_expected: the source maps a price.
    """

    cancellation_order_pattern: str | None
    not_items: Sequence[str]
    max_quantity: float
    earliest_date: date
    latest: datetime
    price_expected: bool


NEEDED = ("order_id", "item_id", "location_id", "ordered_at", "quantity")
"""What a source must map; the other columns may be absent."""
_NAMES = ("order_id", "line_id", "item_id", "location_id", "channel_id")
_PARSED = {"ordered_at": "timestamp", "quantity": "double", "unit_price": "double"}
_PART_FILE = r"part-\d+-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"


def classified(mapped: DataFrame, rules: LineRules) -> DataFrame:
    """Every delivered row with its fate.

    Args:
        mapped: the mapped columns of the source with ``_source_row``, ``_source_file`` and ``_delivered_at``.
        rules: what makes a line unusable.

    Returns:
        One row per delivered row: the mapped columns in the contract's types, those that had to be parsed also as they
        came under ``text``, ``customer_id``, ``fate``, ``reasons`` and ``delivery``. The files of one Spark write are
        one delivery; else each file is one.
    """
    typed = _typed(_with_all_columns(mapped))
    fated = _without_repeats(typed, has_line_numbers="line_id" in mapped.columns)
    reasons = _reasons(rules)
    judged = fated.withColumn(
        "reasons", F.when(F.col("fate").isNull(), reasons).otherwise(F.array().cast("array<string>"))
    )
    unusable = F.when(F.size("reasons") > 0, F.lit(Fate.REJECTED)).otherwise(F.lit(Fate.ACCEPTED))
    return judged.withColumn("fate", F.coalesce(F.col("fate"), unusable)).drop("repeat_of_key")


def _with_all_columns(mapped: DataFrame) -> DataFrame:
    wanted = (*_NAMES, *_PARSED, "customer_id", "provenance")
    absent = {name: F.lit(None).cast("string") for name in wanted if name not in mapped.columns}
    return mapped.withColumns(absent)


def _typed(mapped: DataFrame) -> DataFrame:
    def text(name: str) -> Column:
        trimmed = F.regexp_replace(F.col(name).cast("string"), BLANKS, "")
        return F.when(trimmed != "", trimmed)

    delivery = F.regexp_extract("_source_file", _PART_FILE, 1)
    return mapped.select(
        *(text(name).alias(name) for name in _NAMES if name != "line_id"),
        F.coalesce(text("line_id"), F.lower(F.hex("_source_row"))).alias("line_id"),
        *(F.expr(parsed(mapped, name, kind)).alias(name) for name, kind in _PARSED.items()),
        F.struct(*(text(name).alias(name) for name in _PARSED)).alias("text"),
        text("customer_id").alias("customer_id"),
        F.coalesce(text("provenance"), F.lit("measured")).alias("provenance"),
        F.col("_source_row"),
        F.col("_source_file").alias("source_file"),
        F.when(delivery != "", delivery).otherwise(F.col("_source_file")).alias("delivery"),
        F.col("_delivered_at"),
    )


def _without_repeats(typed: DataFrame, *, has_line_numbers: bool) -> DataFrame:
    """Mark rows of an older version of their order, exact repeats, and further lines with the same number.

    One shuffle: the rows of an order together, equal rows of a delivery side by side whichever of its files has them.
    """
    of_order = Window.partitionBy("order_id")
    side_by_side = of_order.orderBy("delivery", "_source_row", "source_file")
    newest = F.max(F.struct("_delivered_at", "delivery")).over(of_order)["delivery"]
    same_delivery = F.lag("delivery").over(side_by_side) == F.col("delivery")
    is_copy = same_delivery & (F.lag("_source_row").over(side_by_side) == F.col("_source_row"))
    is_old = F.col("order_id").isNotNull() & (F.col("delivery") != newest)
    fate = F.when(is_old, Fate.SUPERSEDED).when(F.coalesce(is_copy, F.lit(False)), Fate.DUPLICATE)
    fated = typed.withColumn("fate", fate).drop("_delivered_at")
    if not has_line_numbers:
        return fated.withColumn("repeat_of_key", F.lit(False))
    same_line = Window.partitionBy("order_id", "fate", "line_id").orderBy("_source_row")
    return fated.withColumn("repeat_of_key", F.col("fate").isNull() & (F.row_number().over(same_line) > 1))


def _reasons(rules: LineRules) -> Column:
    text = F.col("text")
    quantity, price = F.col("quantity"), F.col("unit_price")
    is_number = quantity.isNotNull() & ~F.isnan(quantity) & (F.abs(quantity) != float("inf"))
    is_price = price.isNotNull() & ~F.isnan(price) & (F.abs(price) != float("inf"))
    negative_allowed = (
        F.col("order_id").rlike(rules.cancellation_order_pattern) if rules.cancellation_order_pattern else F.lit(True)
    )
    ordered_on = F.to_date("ordered_at")
    tests = {
        Reason.ORDER_MISSING: F.col("order_id").isNull(),
        Reason.ITEM_MISSING: F.col("item_id").isNull(),
        Reason.LOCATION_MISSING: F.col("location_id").isNull(),
        Reason.DATE_MISSING: text["ordered_at"].isNull(),
        Reason.DATE_INVALID: text["ordered_at"].isNotNull() & F.col("ordered_at").isNull(),
        Reason.DATE_IMPOSSIBLE: (ordered_on < F.lit(rules.earliest_date)) | (F.col("ordered_at") > F.lit(rules.latest)),
        Reason.QUANTITY_MISSING: text["quantity"].isNull(),
        Reason.QUANTITY_INVALID: text["quantity"].isNotNull() & ~is_number,
        Reason.QUANTITY_ZERO: is_number & (quantity == 0),
        Reason.QUANTITY_OUT_OF_RANGE: is_number & (F.abs(quantity) > rules.max_quantity),
        Reason.NEGATIVE_CORRECTION: is_number & (quantity < 0) & ~F.coalesce(negative_allowed, F.lit(False)),
        Reason.PRICE_MISSING: F.lit(rules.price_expected) & text["unit_price"].isNull(),
        Reason.PRICE_INVALID: text["unit_price"].isNotNull() & ~is_price,
        Reason.PRICE_NOT_POSITIVE: is_price & (price <= 0),
        Reason.NOT_AN_ITEM: F.col("item_id").rlike("|".join(f"(?:{p})" for p in rules.not_items) or r"(?!)"),
        Reason.DUPLICATE_LINE: F.col("repeat_of_key"),
    }
    return F.array_compact(F.array(*(F.when(test, F.lit(reason.value)) for reason, test in tests.items())))


def fate_counts(lines: DataFrame) -> DataFrame:
    """One row per delivery, fate and first reason combination: ``rows``, and the delivery's content hash parts."""
    return lines.groupBy("delivery", "fate", "reasons").agg(
        F.count(F.lit(1)).alias("rows"), F.bit_xor("_source_row").alias("content")
    )


COUNTS_SCHEMA = "delivery string, fate string, reasons array<string>, rows bigint, content bigint"


def row_counts(counts: pd.DataFrame) -> dict[str, int]:
    """Rows by fate and by reason; a superseded row counts as a duplicate, a row with two reasons under both."""
    by_fate = {fate.value: int(counts.loc[counts["fate"] == fate.value, "rows"].sum()) for fate in Fate}
    rejected = counts[counts["fate"] == Fate.REJECTED.value].explode("reasons")
    by_reason = rejected.groupby("reasons")["rows"].sum().sort_index()
    return {
        "accepted": by_fate[Fate.ACCEPTED],
        "rejected": by_fate[Fate.REJECTED],
        "duplicates": by_fate[Fate.DUPLICATE] + by_fate[Fate.SUPERSEDED],
        "superseded": by_fate[Fate.SUPERSEDED],
        **{f"rejected.{reason}": int(rows) for reason, rows in by_reason.items()},
    }


def batch_ids(counts: DataFrame) -> DataFrame:
    """One row per delivery: ``batch_id``, a hash of its content that does not depend on names or order of rows."""
    content = counts.groupBy("delivery").agg(F.sum("rows").alias("rows"), F.bit_xor("content").alias("content"))
    return content.select("delivery", F.lower(F.hex(F.xxhash64("rows", "content"))).alias("batch_id"))


def matched_cancellations(lines: DataFrame, *, cancellation_order_pattern: str | None) -> DataFrame:
    """Pair each cancellation with the newest earlier sale of the same item, customer, quantity and price.

    Sales open a bracket and cancellations close one; the pairs are the matching brackets, found with running sums.
    A pair depends only on what happened up to the cancellation, so later rows never change an earlier pair. Lines
    without a customer are matched inside their own order (less the cancellation prefix of its number).

    Args:
        lines: accepted lines with ``customer_id``.
        cancellation_order_pattern: regular expression that marks orders which cancel.

    Returns:
        The same rows with ``cancels_line`` on matched cancellations and ``cancelled_at`` on the sales they cancel.
    """
    prefix = cancellation_order_pattern
    order = F.regexp_replace("order_id", prefix, "") if prefix else F.col("order_id")
    party = F.coalesce(F.concat(F.lit("c:"), "customer_id"), F.concat(F.lit("o:"), order))
    events = lines.select(
        "order_id", "line_id", "item_id", "location_id", "unit_price", "ordered_at",
        party.alias("party"), F.abs("quantity").alias("pieces"), (F.col("quantity") < 0).alias("closes"),
    )  # fmt: skip
    cancelled_goods = events.where("closes").select(*_SAME_GOODS).distinct()
    is_same = F.lit(True)
    for name in _SAME_GOODS:
        is_same = is_same & events[name].eqNullSafe(cancelled_goods[name])
    pairs = _paired(events.join(cancelled_goods, is_same, "left_semi"))
    return lines.join(pairs, on=["order_id", "line_id"], how="left")


_SAME_GOODS = ("item_id", "location_id", "party", "pieces", "unit_price")


def _paired(events: DataFrame) -> DataFrame:
    """Matching brackets: one row per event that has a partner, with ``cancels_line`` or ``cancelled_at``."""
    order = ("ordered_at", "closes", "order_id", "line_id")
    in_time = Window.partitionBy(*_SAME_GOODS).orderBy(*order)
    so_far = in_time.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    before = in_time.rowsBetween(Window.unboundedPreceding, -1)
    at_level = Window.partitionBy(*_SAME_GOODS, "level").orderBy(*order)
    opened = events.withColumn("open", F.sum(F.when(F.col("closes"), -1).otherwise(1)).over(so_far))
    lowest_before = F.least(F.lit(0), F.coalesce(F.min("open").over(before), F.lit(0)))
    height = F.col("open") - F.col("floor")
    closes = F.col("closes")
    level = F.when(~closes, height).when(height >= 0, height + 1)
    levelled = opened.withColumn("floor", lowest_before).withColumn("level", level).where("level IS NOT NULL")
    sale = F.concat_ws("/", F.lag("order_id").over(at_level), F.lag("line_id").over(at_level))
    cancelled_at = F.when(F.lead("closes").over(at_level), F.lead("ordered_at").over(at_level))
    return levelled.select(
        "order_id",
        "line_id",
        F.when(closes, sale).alias("cancels_line"),
        F.when(~closes, cancelled_at).alias("cancelled_at"),
    )


def accepted_lines(matched: DataFrame, batches: DataFrame) -> DataFrame:
    """Rows of ``sales_line`` from matched lines that carry ``customer_key``."""
    return SALES_LINE.select(matched.join(F.broadcast(batches), on="delivery", how="inner"))


def rejected_lines(lines: DataFrame, batches: DataFrame) -> DataFrame:
    """Rows of ``rejected_sales_line``: the mapped columns as they came, as text, with the reasons."""
    rejected = lines.where(F.col("fate") == Fate.REJECTED.value)
    return rejected.join(F.broadcast(batches), on="delivery", how="inner").select(
        *_NAMES,
        *(F.col("text")[name].alias(name) for name in _PARSED),
        "source_file",
        "batch_id",
        "provenance",
        "reasons",
    )


def not_delivered_again(stored: DataFrame, incoming: DataFrame) -> DataFrame:
    """Stored lines of orders that were not delivered again.

    Args:
        stored: lines of earlier runs.
        incoming: every delivered row of this run, whatever its fate.
    """
    delivered = incoming.select("order_id").where("order_id IS NOT NULL").distinct()
    return stored.join(delivered, on="order_id", how="left_anti").select(*stored.columns)
