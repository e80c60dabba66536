"""Sources → input tables."""

from __future__ import annotations

import os
from datetime import timedelta

from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from skucast.errors import ConfigError, SkucastError, SourceError, TooManyRejectedError
from skucast.runtime.context import Context
from skucast.stages.ingest import sales_lines as to_lines
from skucast.stages.ingest.hierarchy import hierarchy_violations
from skucast.stages.ingest.inputs import conforming, invalid_values
from skucast.stages.ingest.pseudonyms import with_customer_key
from skucast.store.runs import Stage
from skucast.store.sources import mapped_source, source_errors
from skucast.tables import ACCUMULATING, HIERARCHY, INPUT_TABLES, REJECTED_SALES_LINE, SALES_LINE, Table
from skucast.tables.check import check


def ingest(context: Context) -> None:
    """Read the sources into the input tables: order lines are cleaned, all other rows must keep their contract."""
    with context.record.stage("ingest") as stage:
        asked = [table for table in INPUT_TABLES if table.name in context.config.sources]
        checked = [(table, checked_source(context, table)) for table in asked]
        _ingest_sales_lines(context, stage)
        for table, frame in checked:
            write = context.warehouse.replace_matching if table in ACCUMULATING else context.warehouse.overwrite
            with source_errors(table.name, "the source"):
                write(table, frame)
            stage.rows[table.name] = context.warehouse.read(table).count()


def checked_source(context: Context, table: Table) -> DataFrame:
    """The rows of a configured source in the columns of its table; reads the source and writes nothing.

    Args:
        context: session and configuration.
        table: the input table that the source feeds.

    Raises:
        SourceError: if the source cannot be read or mapped.
        ContractError: if its rows break the contract of the table.
    """
    mapped = mapped_source(context.spark, table.name, context.config.sources[table.name].model_dump())
    frame = conforming(mapped, table)
    with source_errors(table.name, "the source"):
        also = hierarchy_violations(frame) if table == HIERARCHY else []
        check(frame, table, f"source {table.name}", also=[*invalid_values(mapped, table), *also])
    return frame


def mapped_lines(context: Context) -> DataFrame:
    """The order lines of the configured source, not yet cleaned; writes nothing.

    Raises:
        ConfigError: if there is no source of order lines.
        SourceError: if it cannot be read or mapped, or a column that every line needs is not mapped.
    """
    sources = context.config.sources
    if "sales_line" not in sources:
        raise ConfigError("sources.sales_line: missing; order lines are the one input that skucast cannot do without")
    mapped = mapped_source(context.spark, "sales_line", sources["sales_line"].model_dump())
    _require_mapped(mapped)
    return mapped


def _ingest_sales_lines(context: Context, stage: Stage) -> None:
    config, mapped = context.config, mapped_lines(context)
    with source_errors("sales_line", config.sources["sales_line"].path or "the database"):
        lines = to_lines.classified(mapped, _line_rules(context, mapped)).persist(StorageLevel.DISK_ONLY)
        counts = to_lines.fate_counts(lines).toPandas()
        stage.rows |= {"rows_in": mapped.count(), **to_lines.row_counts(counts)}
    _require_balanced(stage.rows, config.ingest.max_rejected_share)
    batches = to_lines.batch_ids(context.spark.createDataFrame(counts, to_lines.COUNTS_SCHEMA))
    stored = context.warehouse.read(SALES_LINE)
    key = os.environ.get(config.ingest.customer_key_variable, "").encode()
    accepted = with_customer_key(lines.where(F.col("fate") == to_lines.Fate.ACCEPTED.value), key or None)
    pattern = config.ingest.cancellation_order_pattern
    matched = to_lines.matched_cancellations(accepted, cancellation_order_pattern=pattern)
    kept = to_lines.not_delivered_again(stored, lines)
    context.warehouse.overwrite(SALES_LINE, kept.unionByName(to_lines.accepted_lines(matched, batches)))
    context.warehouse.replace_matching(REJECTED_SALES_LINE, to_lines.rejected_lines(lines, batches), "source_file")
    lines.unpersist()
    sold = context.warehouse.read(SALES_LINE).agg(
        F.count(F.lit(1)).alias("sales_line"), F.count("cancelled_at").alias("cancelled_sales")
    )
    stage.rows |= {str(name): int(value) for name, value in sold.toPandas().iloc[0].items()}
    if not key:
        stage.message = f"no customer key in {config.ingest.customer_key_variable}: customer_key is null"


def _require_mapped(mapped: DataFrame) -> None:
    absent = [name for name in to_lines.NEEDED if name not in mapped.columns]
    if absent:
        raise SourceError(
            f"source sales_line: nothing is mapped to {', '.join(absent)}; an order line needs "
            f"{', '.join(to_lines.NEEDED)}: add them to sources.sales_line.columns"
        )


def _line_rules(context: Context, mapped: DataFrame) -> to_lines.LineRules:
    rules = context.config.ingest
    return to_lines.LineRules(
        cancellation_order_pattern=rules.cancellation_order_pattern,
        not_items=rules.not_items,
        max_quantity=rules.max_quantity,
        earliest_date=rules.earliest_date,
        latest=context.now + timedelta(days=1),
        price_expected="unit_price" in mapped.columns,
    )


def _require_balanced(rows: dict[str, int], max_rejected_share: float) -> None:
    total = rows["accepted"] + rows["rejected"] + rows["duplicates"]
    if rows["rows_in"] != total:
        raise SkucastError(
            f"{rows['rows_in']} rows came in but {total} are accounted for ({rows}); the source changed while it was "
            "read: run again when nothing writes to it"
        )
    if rows["rejected"] > max_rejected_share * rows["rows_in"]:
        reasons = ", ".join(f"{name[9:]} {n}" for name, n in rows.items() if name.startswith("rejected."))
        raise TooManyRejectedError(
            f"{rows['rejected']} of {rows['rows_in']} order lines were rejected, more than the allowed share "
            f"{max_rejected_share:g} (ingest.max_rejected_share): {reasons}; correct the source or its mapping"
        )
