"""What came of policies that were replayed on held-out demand."""

from skucast.tables.contract import Column, Table
from skucast.tables.inputs.stock import ITEM_ID, LOCATION_ID

VARIANTS = (
    "nothing",
    "fixed_cover",
    "textbook",
    "textbook_policy",
    "base_stock",
    "skucast",
    "configured",
    "perfect",
)


def _count(name: str, comment: str) -> Column:
    return Column(name, "double", "", comment, required=True, check=f"{name} >= 0")


def _units(name: str, comment: str) -> Column:
    return Column(name, "double", "u", comment, required=True, check=f"{name} >= 0")


def _money(name: str, comment: str) -> Column:
    return Column(name, "double", "money", comment)


SERVICE_OUTCOME = Table(
    name="service_outcome",
    comment="What each policy made of held-out demand: promised beside realised service, stock and money. Any roll-up "
    "is a ratio of sums.",
    keys=("variant", "target_level", "item_id", "location_id", "decision_date", "is_constrained"),
    partitioned_by=("decision_date",),
    columns=(
        Column("variant", "string", "", "nothing, fixed_cover, textbook, textbook_policy, "
               "base_stock, skucast (these at the target level), "
               "configured (as the plan would) or perfect (demand known beforehand).", required=True,
               check=f"variant IN ({', '.join(map(repr, VARIANTS))})"),
        Column("target_level", "double", "",
               "What is swept: cycle service level of skucast, the textbooks and base_stock; of fixed_cover protection "
               "periods of "
               "recent mean demand; else 0.", required=True, check="target_level >= 0"),
        ITEM_ID,
        LOCATION_ID,
        Column("decision_date", "date", "", "First day of the window: that of its first review.", required=True),
        Column("is_constrained", "boolean", "", "Lots, minimum orders, packs and maxima held.", required=True),
        Column("window_end", "date", "", "First day after the window.", required=True),
        Column("promised_cycle_service_level", "double", "share", "Asked of each cycle; null where none was.",
               check="promised_cycle_service_level BETWEEN 0 AND 1"),
        Column("promised_fill_rate", "double", "share", "Asked for instead, where it was.",
               check="promised_fill_rate BETWEEN 0 AND 1"),
        Column("expected_cycles", "double", "", "Scored cycles for which skucast told the chance of a stock-out."),
        Column("expected_cycles_without_stock_out", "double", "",
               "Sum over them of the chance that nothing is missed, given what was ordered: above the promise where "
               "packs or old stock give more than was asked for."),
        _count("periods", "Scored periods."),
        _count("periods_with_demand", "Of them, those with demand."),
        _count("censored_periods", "Of them, those in which the shop ran out, so that true demand may have been more."),
        _units("demanded", "Demand."),
        _units("filled", "Served from stock in the period it was asked for."),
        _units("lost", "Not served: lost, or with backorders delayed."),
        _count("cycles", "Replenishment cycles."),
        _count("cycles_without_stock_out", "Of them, those in which nothing was missed."),
        _count("stock_outs", "Periods in which something was missed."),
        _count("stock_outs_with_demand", "Of them, those with demand."),
        _units("average_stock", "On hand at the end of a period, on average."),
        _money("stock_value", "The same at cost; at the selling price where the cost is not known."),
        _money("demanded_value", "Demand at that value."),
        _money("filled_value", "Served demand at that value."),
        _money("lost_margin", "What lost units would have earned; null where cost or price is not known."),
        _count("orders", "Orders."),
        _units("ordered", "Units ordered."),
        _money("total_holding_cost", "Cost of keeping the stock; null where not known."),
        _money("total_ordering_cost", "Fixed costs of the orders; null where not known."),
        _money("total_shortage_cost", "Cost of what was not served; null where not known."),
        Column("abc_class", "string", "", "At the beginning of the window.", required=True),
        Column("xyz_class", "string", "", "At the beginning of the window.", required=True),
        Column("demand_class", "string", "", "At the beginning of the window.", required=True),
        Column("run_id", "string", "", "Run that wrote the row.", required=True, volatile=True),
    ),
)  # fmt: skip
