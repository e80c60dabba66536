"""Forecasts of groups and the analysis of items, as part of the forecast stage."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from skucast.forecasting.engine.engine import ForecastSettings
from skucast.runtime.context import Context
from skucast.stages.demand.stage import calendar_of
from skucast.stages.forecast.fitting import CandidateArrays, fitted
from skucast.stages.forecast.groups.group_forecast import group_rows, leaf_bases, series_rows
from skucast.stages.forecast.groups.group_series import company_calendar, node_bases, node_demand, node_series
from skucast.stages.forecast.groups.hierarchy import DIMENSIONS, series_paths
from skucast.stages.forecast.groups.item_clusters import clustered, demand_features
from skucast.stages.forecast.groups.item_correlation import correlated_items
from skucast.stages.forecast.groups.reconciliation import branching_nodes, cut, reconciled
from skucast.stages.forecast.panel.buckets import long_panel
from skucast.stages.forecast.span import Span
from skucast.tables import (
    BACKTEST,
    FORECAST,
    GROUP_FORECAST,
    HIERARCHY,
    ITEM,
    ITEM_CLUSTER,
    ITEM_CORRELATION,
    RECONCILED_FORECAST,
    SERIES_STATUS,
    Table,
)

WLS = "wls"


@dataclass(frozen=True)
class GroupRun:
    """What forecasts of groups are made from.

    Attributes:
        context: the run.
        demand: known demand.
        series: ``start`` and ``revenue_share_before`` of every series.
        span: the shared calendar.
        plan: methods and origins.
    """

    context: Context
    demand: DataFrame
    series: DataFrame
    span: Span
    plan: ForecastSettings

    def of_cutoff(self, table: Table) -> DataFrame:
        """What was written for this cutoff."""
        return self.context.warehouse.read(table).where(F.col("cutoff") == F.lit(self.span.cutoff))

    def publish(self, table: Table, rows: list[DataFrame]) -> None:
        """Replace the rows of this cutoff; without any the rows of an earlier run go."""
        tables = self.context.warehouse
        if not rows and not tables.exists(table):
            return
        frame = reduce(DataFrame.unionByName, rows) if rows else table.frame(self.context.spark)
        marked = frame.withColumns({"cutoff": F.lit(self.span.cutoff), "run_id": F.lit(self.context.record.run_id)})
        tables.replace_where(table, marked, f"cutoff = DATE '{self.span.cutoff}'")


def forecast_groups(run: GroupRun) -> None:
    """``forecast`` → ``group_forecast``, and ``reconciled_forecast`` where means change."""
    rules = run.context.config.forecast.groups
    groups: list[DataFrame] = []
    series: list[DataFrame] = []
    for name in rules.dimensions if rules.reconciliation != "none" else ():
        paths = cut(_paths(run, name))
        leaves, bases = _leaves(run, paths), None
        means = leaves.withColumnRenamed("base_mean", "mean")
        if rules.reconciliation == WLS:
            nodes = cut(branching_nodes(paths))
            bases = cut(_node_bases(run, paths, nodes, name))
            means = cut(reconciled(cut(leaves), bases))
            series.append(series_rows(means, name))
        groups.append(group_rows(means, bases, name, rules.reconciliation))
    run.publish(GROUP_FORECAST, groups)
    run.publish(RECONCILED_FORECAST, series)


def analyse_items(run: GroupRun) -> None:
    """``demand`` → ``item_cluster`` and ``item_correlation``, where they are asked for."""
    rules = run.context.config.forecast.groups
    clusters: list[DataFrame] = []
    pairs: list[DataFrame] = []
    if rules.analysis:
        features = demand_features(run.demand, run.span.frequency)
        clusters = [clustered(run.of_cutoff(SERIES_STATUS), features, rules.clusters)]
        items, partners = rules.correlation_items, rules.correlation_partners
        pairs = [correlated_items(run.demand, run.series, run.span, items=items, partners=partners)]
    run.publish(ITEM_CLUSTER, clusters)
    run.publish(ITEM_CORRELATION, pairs)


def _leaves(run: GroupRun, paths: DataFrame) -> DataFrame:
    return leaf_bases(run.of_cutoff(FORECAST), run.of_cutoff(BACKTEST), run.of_cutoff(SERIES_STATUS), paths)


def _paths(run: GroupRun, dimension: str) -> DataFrame:
    tables, day = run.context.warehouse, run.context.clock.decision_date
    return series_paths(run.series, tables.read(HIERARCHY), tables.read(ITEM), DIMENSIONS[dimension], day)


def _node_bases(run: GroupRun, paths: DataFrame, nodes: DataFrame, dimension: str) -> DataFrame:
    """Forecasts of the nodes' own histories; a node with a single child would only repeat the child's."""
    span, plan = run.span, replace(run.plan, with_components=False)
    n_rows = nodes.count() * (span.n_periods + span.horizon)
    panel = long_panel(
        node_demand(run.demand, paths, nodes, dimension),
        company_calendar(calendar_of(run.context, span.first, span.last), dimension),
        node_series(run.series, paths, nodes, dimension, span.horizon),
        span,
        max(1, -(-n_rows // run.context.config.forecast.rows_per_bucket)),
    )
    return node_bases(fitted(panel, span, plan), CandidateArrays.of(plan, span), nodes)
