"""How healthy the stock is: what it sold, held, missed and cost."""

from skucast.tables.contract import Column, Table

_YEARLY = "over the last 365 days, or a shorter history as if it were a year"

INVENTORY_HEALTH = Table(
    name="inventory_health",
    comment="Turnover, cover, margin on stock, service and costs, by item, class, category, location and over all.",
    keys=("decision_date", "grouping", "group_id"),
    partitioned_by=("decision_date",),
    columns=(
        Column("decision_date", "date", "", "First day of the period in which is decided. [D]", required=True),
        Column("grouping", "string", "", "item, class (ABC and XYZ), category, location or all.", required=True,
               check="grouping IN ('item', 'class', 'category', 'location', 'all')"),
        Column("group_id", "string", "", "Which: 'item at location', the class, the category, the location; all.",
               required=True),
        Column("n_items", "bigint", "", "Item-locations in the group.", required=True),
        Column("annual_cost_of_sales", "double", "money/year", f"Units sold at cost, {_YEARLY}."),
        Column("average_stock_value", "double", "money",
               "Mean over the last 365 days at cost; what was counted stands until the next count."),
        Column("stock_value", "double", "money", "Stock on the decision date at cost."),
        Column("turnover", "double", "1/year", "annual_cost_of_sales over average_stock_value: cost over cost."),
        Column("days_of_cover", "double", "calendar days",
               "Stock value over the forecast demand of a day at cost; null: more than ten years, or no demand."),
        Column("gmroi", "double", "1/year",
               "Revenue less cost of sales, over average_stock_value; where no price is known, at that of the others."),
        Column("stock_out_share", "double", "share",
               "Periods cut by a stock-out over the open periods in which it is known whether stock lasted.",
               check="stock_out_share BETWEEN 0 AND 1"),
        Column("stock_out_share_wanted", "double", "share",
               "Periods cut by a stock-out over those in which something was wanted.",
               check="stock_out_share_wanted BETWEEN 0 AND 1"),
        Column("fill_rate", "double", "share",
               "Units sold over units wanted, where it is known whether stock lasted; the units missed are estimated.",
               check="fill_rate BETWEEN 0 AND 1"),
        Column("annual_holding_cost", "double", "money/year", "Cost of keeping the average stock."),
        Column("annual_ordering_cost", "double", "money/year", f"Purchase order lines at their fixed cost, {_YEARLY}."),
        Column("annual_shortage_cost", "double", "money/year", f"Margin of the units missed, {_YEARLY}."),
        Column("excess_value", "double", "money",
               "Position above the order-up-to level and the cover that alerts allow, at cost."),
        Column("run_id", "string", "", "Run that wrote the row.", required=True, volatile=True),
    ),
)  # fmt: skip
