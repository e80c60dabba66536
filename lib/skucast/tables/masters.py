"""Master data: items, where they are held and on what terms, suppliers, and the calendar of events."""

from skucast.tables.contract import Column, Table
from skucast.tables.sales import PROVENANCE
from skucast.tables.stock import ITEM_ID, LOCATION_ID

_VALID_FROM = Column("valid_from", "date", "", "Day from which the row holds; 1900-01-01 where none is given.",
                     required=True)  # fmt: skip

ITEM = Table(
    name="item",
    comment="Items and what they cost.",
    keys=("item_id", "valid_from"),
    columns=(
        ITEM_ID,
        Column("description", "string", "", "What people call it."),
        Column("category", "string", "", "Group that the item belongs to."),
        Column("unit_cost", "double", "money/u", "What a unit costs to buy.", check="unit_cost > 0"),
        Column("unit_price", "double", "money/u", "List price of a unit.", check="unit_price > 0"),
        Column("shelf_life_days", "int", "calendar days", "How long a unit keeps.", check="shelf_life_days > 0"),
        _VALID_FROM,
        PROVENANCE,
    ),
)

ITEM_LOCATION = Table(
    name="item_location",
    comment="Terms on which an item is held at a location; fields that are absent take the configured defaults.",
    keys=("item_id", "location_id", "valid_from"),
    columns=(
        ITEM_ID,
        LOCATION_ID,
        Column("supplier_id", "string", "", "Who delivers it."),
        Column("lead_time_days", "double", "calendar days", "Order to usable stock. [L]",
               check="lead_time_days >= 0"),
        Column("lead_time_sd_days", "double", "calendar days", "Standard deviation of the lead time.",
               check="lead_time_sd_days >= 0"),
        Column("review_period_days", "double", "calendar days", "Time between order decisions. [R]",
               check="review_period_days > 0"),
        Column("min_order_quantity", "double", "u", "Smallest quantity the supplier takes.",
               check="min_order_quantity >= 0"),
        Column("pack_size", "double", "u", "Orders are multiples of it.", check="pack_size > 0"),
        Column("cycle_service_level", "double", "share", "Wanted P(no stock-out in a replenishment cycle).",
               check="cycle_service_level > 0 AND cycle_service_level < 1"),
        Column("fill_rate", "double", "share", "Wanted share of demand served from stock.",
               check="fill_rate > 0 AND fill_rate < 1"),
        Column("stockout_cost", "double", "money/u", "Cost of a unit that cannot be served. [b]",
               check="stockout_cost > 0"),
        Column("holding_cost", "double", "money/u/p", "Cost of keeping a unit for a period. [h]",
               check="holding_cost > 0"),
        Column("holding_rate_per_year", "double", "share/year", "Holding cost per year as a share of unit cost.",
               check="holding_rate_per_year > 0"),
        Column("fixed_cost", "double", "money/order", "Cost of placing one order line. [K]", check="fixed_cost >= 0"),
        Column("active_from", "date", "", "First day the item is replenished here; null: always."),
        Column("active_to", "date", "", "Last day the item is replenished here; null: open."),
        Column("do_not_order", "boolean", "", "True: keep selling, never reorder."),
        Column("successor_item_id", "string", "", "Item that takes over the demand."),
        _VALID_FROM,
        PROVENANCE,
    ),
    checks=(
        (
            "one_service_target",
            "int(cycle_service_level IS NOT NULL) + int(fill_rate IS NOT NULL) + int(stockout_cost IS NOT NULL) <= 1",
        ),
    ),
)  # fmt: skip

SUPPLIER = Table(
    name="supplier",
    comment="Suppliers and their conditions.",
    keys=("supplier_id", "valid_from"),
    columns=(
        Column("supplier_id", "string", "", "The supplier.", required=True),
        Column("name", "string", "", "What people call it."),
        Column("ordering_days", "string", "", "ISO weekdays on which it takes orders, such as 1,4; null: any."),
        Column("min_order_value", "double", "money", "Smallest order it takes.", check="min_order_value >= 0"),
        Column("budget", "double", "money", "Most that may be ordered from it in one review.", check="budget >= 0"),
        _VALID_FROM,
        PROVENANCE,
    ),
)

EVENT = Table(
    name="event",
    comment="Holidays, closures, promotions and other dated facts; used only from the day they were known.",
    keys=("location_id", "event_date", "name"),
    columns=(
        LOCATION_ID,
        Column("event_date", "date", "", "Day of the event.", required=True),
        Column("name", "string", "", "What it is; the same event has the same name each time.", required=True),
        Column("kind", "string", "", "holiday, closure, promotion, price or weather; null: any other event.",
               check="kind IN ('holiday', 'closure', 'promotion', 'price', 'weather')"),
        Column("value", "double", "", "Of a promotion, price or weather: how much of it; null: the event as such."),
        Column("known_at", "date", "", "Day it became known; null: always known."),
        PROVENANCE,
    ),
)  # fmt: skip
