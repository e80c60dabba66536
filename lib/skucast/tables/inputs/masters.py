"""Master data: items, where they are held and on what terms, suppliers, and the calendar of events."""

from skucast.tables.contract import Column, Table
from skucast.tables.inputs.sales import PROVENANCE
from skucast.tables.inputs.stock import ITEM_ID, LOCATION_ID

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
        Column(
            "unit_volume",
            "double",
            "volume/u",
            "Room that a unit takes, in the unit of the capacities.",
            check="unit_volume > 0",
        ),
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
        Column("safety_lead_time_days", "double", "calendar days", "Ordered that much earlier than needed.",
               check="safety_lead_time_days >= 0"),
        Column("review_period_days", "double", "calendar days", "Time between order decisions. [R]",
               check="review_period_days > 0"),
        Column("replenishment_policy", "string", "",
               "base_stock, R_S, R_s_S, s_S or s_Q; base_stock, s_S and s_Q look at the stock in every period.",
               check="replenishment_policy IN ('base_stock', 'R_S', 'R_s_S', 's_S', 's_Q')"),
        Column("min_order_quantity", "double", "u", "Smallest quantity the supplier takes.",
               check="min_order_quantity >= 0"),
        Column("max_order_quantity", "double", "u", "Largest quantity the supplier takes at once.",
               check="max_order_quantity > 0"),
        Column("pack_size", "double", "u", "Orders are multiples of it.", check="pack_size > 0"),
        Column("pallet_size", "double", "u", "Orders of that much and more are multiples of it.",
               check="pallet_size > 0"),
        Column("rounding", "string", "", "To whole packs and pallets: up, down or nearest.",
               check="rounding IN ('up', 'down', 'nearest')"),
        Column("max_stock", "double", "u", "Most that may be there, such as the room on the shelf.",
               check="max_stock > 0"),
        Column("max_cover_days", "double", "calendar days", "Longest time that an order may last at mean demand.",
               check="max_cover_days > 0"),
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
        Column("active_from", "date", "", "First day on which the item may be ordered here; null: always."),
        Column("active_to", "date", "", "Last day on which the item may be ordered here; null: open."),
        Column("do_not_order", "boolean", "", "True: keep selling, never reorder."),
        Column("successor_item_id", "string", "", "Item that takes over: its history begins with this one's demand."),
        _VALID_FROM,
        PROVENANCE,
    ),
    checks=(
        (
            "one_service_target",
            "int(cycle_service_level IS NOT NULL) + int(fill_rate IS NOT NULL) + int(stockout_cost IS NOT NULL) <= 1",
        ),
        ("minimum_below_maximum", "coalesce(min_order_quantity <= max_order_quantity, true)"),
    ),
)  # fmt: skip

SUPPLIER = Table(
    name="supplier",
    comment="Suppliers and their conditions.",
    keys=("supplier_id", "valid_from"),
    columns=(
        Column("supplier_id", "string", "", "The supplier.", required=True),
        Column("name", "string", "", "What people call it."),
        Column(
            "ordering_days",
            "string",
            "",
            "ISO weekdays on which it takes orders, such as 1,4; null or empty: any.",
            check="ordering_days RLIKE '^ *([1-7] *(, *[1-7] *)*)?$'",
        ),
        Column("min_order_value", "double", "money", "Smallest order it takes.", check="min_order_value >= 0"),
        Column("min_order_volume", "double", "volume", "Smallest order it takes.", check="min_order_volume >= 0"),
        Column(
            "container_volume",
            "double",
            "volume",
            "Room of the truck or container that brings an order.",
            check="container_volume > 0",
        ),
        Column("budget", "double", "money", "Most that may be ordered from it in one review.", check="budget >= 0"),
        _VALID_FROM,
        PROVENANCE,
    ),
)

LOCATION = Table(
    name="location",
    comment="Locations and their limits.",
    keys=("location_id", "valid_from"),
    columns=(
        LOCATION_ID,
        Column("name", "string", "", "What people call it."),
        Column("storage_volume", "double", "volume", "Room for stock.", check="storage_volume >= 0"),
        Column("budget", "double", "money", "Most that may be ordered for it in one review.", check="budget >= 0"),
        _VALID_FROM,
        PROVENANCE,
    ),
)

PRICE_BREAK = Table(
    name="price_break",
    comment="Prices that fall with the quantity ordered; an item's newest list replaces the one before it as a whole.",
    keys=("item_id", "min_quantity", "valid_from"),
    columns=(
        ITEM_ID,
        Column("min_quantity", "double", "u", "Quantity from which the price holds; the first is 0.", required=True,
               check="min_quantity >= 0"),
        Column("unit_cost", "double", "money/u", "What a unit costs from there on.", required=True,
               check="unit_cost > 0"),
        Column("scheme", "string", "", "all_units (the default): of the whole order; incremental: of what exceeds it.",
               check="scheme IN ('all_units', 'incremental')"),
        _VALID_FROM,
        PROVENANCE,
    ),
)  # fmt: skip

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
