"""Order lines as they were accepted, and the ones that were not, with the reasons."""

from skucast.tables.contract import Column, Table

PROVENANCE = Column("provenance", "string", "", "Where the row comes from: measured, simulated or default.")

_SALES = (
    Column("order_id", "string", "", "Order number of the shop.", required=True),
    Column("line_id", "string", "", "Line within the order; a hash of the line's content where none is given.",
           required=True),
    Column("item_id", "string", "", "What was ordered.", required=True),
    Column("location_id", "string", "", "Location that holds the stock for the order.", required=True),
    Column("channel_id", "string", "", "Sales channel that the order came through."),
    Column("ordered_at", "timestamp", "", "When the customer ordered.", required=True),
    Column("quantity", "double", "u", "Units ordered; negative for returns and cancellations.", required=True,
           check="quantity <> 0"),
    Column("unit_price", "double", "money/u", "Price per unit as sold.", check="unit_price > 0"),
    Column("cancels_line", "string", "", "On a cancellation: order_id/line_id of the sale that it cancels."),
    Column("cancelled_at", "timestamp", "", "On a sale: when it was cancelled whole; unknown to runs before that."),
    Column("customer_key", "string", "", "Keyed hash (HMAC-SHA-256) of the customer; null without a key."),
    Column("source_file", "string", "", "File that delivered the line.", required=True),
    Column("batch_id", "string", "", "Hash of the content of the delivery that the line came with.", required=True),
    PROVENANCE,
)  # fmt: skip

SALES_LINE = Table(
    name="sales_line",
    comment="Accepted order lines: sales, returns and cancellations.",
    keys=("order_id", "line_id"),
    columns=_SALES,
)

REJECTED_SALES_LINE = Table(
    name="rejected_sales_line",
    comment="Order lines that could not be used, as text, with the reasons.",
    keys=("source_file", "line_id", "order_id"),
    columns=(
        *(
            Column(c.name, "string", c.unit, c.comment, required=c.name in ("line_id", "source_file", "batch_id"))
            for c in _SALES
        ),
        Column("reasons", "array<string>", "", "Why the line was rejected; at least one.", required=True,
               check="size(reasons) > 0"),
    ),
)  # fmt: skip
