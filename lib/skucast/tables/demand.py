"""Demand on a complete calendar."""

from skucast.tables.contract import Column, Table
from skucast.tables.inputs.stock import ITEM_ID, LOCATION_ID

DEMAND = Table(
    name="demand",
    comment="What was sold and what was wanted, one row per period from the first sale on.",
    keys=("item_id", "location_id", "period_start"),
    columns=(
        ITEM_ID,
        LOCATION_ID,
        Column("period_start", "date", "", "First day of the period (a day, or a Monday).", required=True),
        Column("sales", "double", "u/p", "Units sold, less what was cancelled before the decision date.",
               required=True, check="sales >= 0"),
        Column("returns", "double", "u/p", "Units that came back in the period; not subtracted from sales.",
               required=True, check="returns >= 0"),
        Column("demand", "double", "u/p", "Units wanted in all: equals sales; null where censored or closed.",
               check="demand >= 0"),
        Column("is_censored", "boolean", "", "Stock ran out: sales is a lower bound of demand.", required=True),
        Column("in_stock_share", "double", "share", "Share of the selling time with stock; null: unknown.",
               check="in_stock_share BETWEEN 0 AND 1"),
        Column("is_closed", "boolean", "", "Nothing could be sold in the whole period.", required=True),
        Column("is_outlier", "boolean", "", "Outside the configured limits for this series.", required=True),
        Column("exceptional", "double", "u/p",
               "Units of one-off orders that base demand leaves out, which is what is forecast; 0: none.",
               check="exceptional >= 0 AND exceptional <= sales"),
        Column("exceptional_reason", "string", "",
               "Why demand is exceptional: bulk_order or one_customer (with several orders); null: it is not.",
               check="exceptional_reason IN ('bulk_order', 'one_customer')"),
        Column("unit_price", "double", "money/u", "Revenue over units sold; null without sales.",
               check="unit_price > 0"),
        Column("promotion", "boolean", "", "A known promotion ran at the location.", required=True),
    ),
)  # fmt: skip
