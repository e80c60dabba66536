"""What is in stock, on its way, and has arrived."""

from skucast.tables.contract import Column, Table
from skucast.tables.inputs.sales import PROVENANCE

ITEM_ID = Column("item_id", "string", "", "The item.", required=True)
LOCATION_ID = Column("location_id", "string", "", "The location that holds the stock.", required=True)
_SUPPLIER = Column("supplier_id", "string", "", "Who delivers.")
_ORDER = (
    Column("order_id", "string", "", "Purchase order number.", required=True),
    Column("line_id", "string", "", "Line within the purchase order.", required=True),
)

_REFERENCE = Column(
    "reference", "string", "", "Proposal that the order answers, as item_id/location_id/decision_date; null: not said."
)

STOCK = Table(
    name="stock",
    comment="Stock snapshots, at the start of a day before that day's receipts.",
    keys=("item_id", "location_id", "as_of"),
    columns=(
        ITEM_ID,
        LOCATION_ID,
        Column("as_of", "date", "", "Day at whose start the stock was counted.", required=True),
        Column("on_hand", "double", "u", "Units physically there; a negative book value is kept and taken as 0.",
               required=True),
        Column("reserved", "double", "u", "Units on hand that are promised already.", check="reserved >= 0"),
        Column("backorders", "double", "u", "Units sold and not delivered yet.", check="backorders >= 0"),
        PROVENANCE,
    ),
)  # fmt: skip

AVAILABILITY = Table(
    name="availability",
    comment="Share of the selling time with stock, where a source measures it.",
    keys=("item_id", "location_id", "period_start"),
    columns=(
        ITEM_ID,
        LOCATION_ID,
        Column("period_start", "date", "", "First day of the period.", required=True),
        Column("in_stock_share", "double", "share", "Share of the selling time with stock.", required=True,
               check="in_stock_share BETWEEN 0 AND 1"),
        PROVENANCE,
    ),
)  # fmt: skip

OPEN_ORDER = Table(
    name="open_order",
    comment="Purchase order lines placed with suppliers; open while receipts are less than the quantity.",
    keys=("order_id", "line_id"),
    columns=(
        *_ORDER,
        ITEM_ID,
        LOCATION_ID,
        _SUPPLIER,
        Column("ordered_on", "date", "", "Day the order was placed.", required=True),
        Column("due_date", "date", "", "Day the goods are promised; null: when the stated lead time has passed."),
        Column("quantity", "double", "u", "Units ordered.", required=True, check="quantity > 0"),
        _REFERENCE,
        PROVENANCE,
    ),
)

RECEIPT = Table(
    name="receipt",
    comment="Goods received; partial deliveries are rows of their own.",
    keys=("order_id", "line_id", "received_on"),
    columns=(
        *_ORDER,
        Column("received_on", "date", "", "Day the goods became usable.", required=True),
        ITEM_ID,
        LOCATION_ID,
        _SUPPLIER,
        Column("ordered_on", "date", "", "Day the order was placed."),
        Column("quantity", "double", "u", "Units received.", required=True, check="quantity > 0"),
        _REFERENCE,
        PROVENANCE,
    ),
)
