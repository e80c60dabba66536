"""Declared tables: every name, type, unit and comment is written once, here, and everything else derives from it."""

from skucast.tables.contract import Column, Table
from skucast.tables.demand import DEMAND
from skucast.tables.forecast import BACKTEST, FORECAST, FORECAST_ACCURACY, FORECAST_COMPONENT, SERIES_STATUS
from skucast.tables.group_forecast import GROUP_FORECAST, HIERARCHY, ITEM_CLUSTER, ITEM_CORRELATION, RECONCILED_FORECAST
from skucast.tables.health import INVENTORY_HEALTH
from skucast.tables.inputs.masters import EVENT, ITEM, ITEM_LOCATION, LOCATION, PRICE_BREAK, SUPPLIER
from skucast.tables.inputs.sales import REJECTED_SALES_LINE, SALES_LINE
from skucast.tables.inputs.stock import AVAILABILITY, OPEN_ORDER, RECEIPT, STOCK
from skucast.tables.outcome import SERVICE_OUTCOME
from skucast.tables.plan import ALERT, ORDER_LIMIT, ORDER_PLAN, POLICY
from skucast.tables.review import FORECAST_REVIEW, FORECAST_REVIEW_CLASS
from skucast.tables.run import RUN

INPUT_TABLES: tuple[Table, ...] = (
    STOCK, AVAILABILITY, OPEN_ORDER, RECEIPT, ITEM, ITEM_LOCATION, SUPPLIER, LOCATION, PRICE_BREAK, EVENT, HIERARCHY,
)  # fmt: skip
"""Tables that come from a source by plain mapping. ``sales_line`` has a pipeline of its own."""

ACCUMULATING: tuple[Table, ...] = (STOCK, AVAILABILITY, RECEIPT)
"""Input tables whose sources may deliver news only: rows are replaced by key and older ones stay."""

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        SALES_LINE,
        REJECTED_SALES_LINE,
        *INPUT_TABLES,
        DEMAND,
        FORECAST,
        FORECAST_COMPONENT,
        FORECAST_ACCURACY,
        BACKTEST,
        SERIES_STATUS,
        GROUP_FORECAST,
        RECONCILED_FORECAST,
        ITEM_CLUSTER,
        ITEM_CORRELATION,
        POLICY,
        ORDER_PLAN,
        ORDER_LIMIT,
        ALERT,
        INVENTORY_HEALTH,
        FORECAST_REVIEW,
        FORECAST_REVIEW_CLASS,
        SERVICE_OUTCOME,
        RUN,
    )
}

__all__ = [
    "ACCUMULATING",
    "ALERT",
    "AVAILABILITY",
    "BACKTEST",
    "DEMAND",
    "EVENT",
    "FORECAST",
    "FORECAST_ACCURACY",
    "FORECAST_COMPONENT",
    "FORECAST_REVIEW",
    "FORECAST_REVIEW_CLASS",
    "GROUP_FORECAST",
    "HIERARCHY",
    "INPUT_TABLES",
    "INVENTORY_HEALTH",
    "ITEM",
    "ITEM_CLUSTER",
    "ITEM_CORRELATION",
    "ITEM_LOCATION",
    "LOCATION",
    "OPEN_ORDER",
    "ORDER_LIMIT",
    "ORDER_PLAN",
    "POLICY",
    "PRICE_BREAK",
    "RECEIPT",
    "RECONCILED_FORECAST",
    "REJECTED_SALES_LINE",
    "RUN",
    "SALES_LINE",
    "SERIES_STATUS",
    "SERVICE_OUTCOME",
    "STOCK",
    "SUPPLIER",
    "TABLES",
    "Column",
    "Table",
]
