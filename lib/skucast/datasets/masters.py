"""Master data beside the real order lines: items, suppliers, terms of supply and events.

Descriptions and prices of items and the UK bank holidays are real; all else is drawn from one seed or written by hand.
"""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

SEED = 20101201
LOCATION = "GB-1"
START, END = pd.Timestamp("2010-12-01"), pd.Timestamp("2011-12-09")
DAYS = (END - START).days + 1
REVIEW = 7  # days between order decisions

Ints = NDArray[np.int64]

# supplier_id, name, typical lead time in days, standard deviation of it, ordering days (ISO), minimum order in GBP
SUPPLIERS = (
    ("S01", "Local stockist", 5, 1.0, None, None),
    ("S02", "Paper and card printer", 7, 1.5, "1,4", 1000.0),
    ("S03", "Glass and candle works", 10, 2.0, None, 2000.0),
    ("S04", "Kitchenware importer", 14, 3.0, "1", 2500.0),
    ("S05", "Textile mill", 14, 2.5, "1,3,5", 1500.0),
    ("S06", "Jewellery importer", 21, 4.0, "1", 1000.0),
    ("S07", "Toy and craft wholesaler", 12, 2.0, "1,2,3,4,5", None),
    ("S08", "Seasonal decorations importer", 28, 5.0, "1", 2500.0),
    ("S09", "Metal and wood workshop", 18, 3.0, "1,3", 2000.0),
)
# category: its usual supplier, and the nouns that tell it
CATEGORIES = {
    "bags": ("S05", "BAG PURSE SHOPPER BACKPACK BASKET HANDBAG WASHBAG"),
    "bathroom": ("S01", "SOAP BATH BATHROOM TOWEL SPONGE TISSUE INCENSE SHOWER"),
    "cake and baking": ("S04", "CAKE CAKESTAND BAKING CUTTER MOULD JELLY JAM RECIPE"),
    "candles and lights": ("S03", "CANDLE T-LIGHT TLIGHT LIGHT LANTERN LAMP CANDLESTICK CHANDELIER LAMPSHADE"),
    "cards and wrap": ("S02", "CARD WRAP PAPER TAPE RIBBON TAG POSTCARD"),
    "christmas": ("S08", "CHRISTMAS XMAS SANTA REINDEER SNOWMAN ADVENT STOCKING BAUBLE WREATH ANGEL NOEL"),
    "decoration": ("S08", "DECORATION GARLAND BUNTING ORNAMENT CHIME VASE EGG EASTER FEATHER BELL MOBILE STRING"),
    "furniture and frames": ("S09", "FRAME MIRROR CABINET TABLE CHAIR STOOL SHELF CLOCK ART PICTURE HANGER DRAWER"),
    "garden": ("S09", "GARDEN PLANTER POT WATERING PARASOL BIRDHOUSE FEEDER SEED TROWEL THERMOMETER PICNIC"),
    "hooks and signs": ("S09", "SIGN HOOK KNOB DOORMAT DOORSTOP BLOCK LETTER MAGNET KEY-RING KEYRING TILE BLACKBOARD"),
    "jewellery": ("S06", "NECKLACE EARRING BRACELET BRACLET BANGLE RING BROOCH CHARM HAIR HAIRCLIP NECKLAC NECKL"),
    "kitchen and table": (
        "S04",
        "MUG CUP BOWL PLATE DISH TEA TEAPOT JUG TRAY CUTLERY NAPKIN DOILY GLASS COASTER PLACEMAT",
    ),
    "linen and textile": ("S05", "CUSHION APRON CLOTH COVER QUILT THROW RUG WARMER GLOVE SCARF COSY UMBRELLA BOTTLE"),
    "stationery": ("S02", "NOTEBOOK PENCIL PEN JOTTER STICKER DIARY BOOK ALBUM STAMP RULER ERASER CALCULATOR CHALK"),
    "storage": ("S03", "BOX TIN JAR CASE STORAGE HOLDER RACK CRATE BUCKET STAND DRUM CHEST CONTAINER"),
    "toys and craft": ("S07", "TOY GAME PUZZLE DOLL DOLLY JIGSAW FELTCRAFT KIT SKITTLE SOLDIER PUPPET BALL RABBIT"),
}
BANK_HOLIDAYS = (
    ("2010-12-27", "Christmas Day (substitute)"),
    ("2010-12-28", "Boxing Day (substitute)"),
    ("2011-01-03", "New Year's Day (substitute)"),
    ("2011-04-22", "Good Friday"),
    ("2011-04-25", "Easter Monday"),
    ("2011-04-29", "Royal wedding"),
    ("2011-05-02", "Early May bank holiday"),
    ("2011-05-30", "Spring bank holiday"),
    ("2011-08-29", "Summer bank holiday"),
    ("2011-12-26", "Boxing Day"),
    ("2011-12-27", "Christmas Day (substitute)"),
    ("2012-01-02", "New Year's Day (substitute)"),
)


def random_stream(stream: int) -> np.random.Generator:
    """A generator of its own for each purpose, so that a change in one leaves the others as they are."""
    return np.random.default_rng([SEED, stream])


def events() -> pd.DataFrame:
    """UK bank holidays (real), and the days on which the shop shipped nothing although it was no Saturday.

    The closure of the winter after the data is assumed to be that of the winter within.
    """
    holidays = pd.DataFrame(BANK_HOLIDAYS, columns=["event_date", "name"])
    holidays["event_date"] = pd.to_datetime(holidays["event_date"])
    holidays = holidays.assign(kind="holiday", known_at=pd.Timestamp("2010-01-01"), provenance="measured")
    holidays.loc[holidays["name"] == "Royal wedding", "known_at"] = pd.Timestamp("2010-11-23")
    winter = pd.date_range("2010-12-24", "2011-01-03").union(pd.date_range("2011-12-24", "2012-01-03"))
    spring = holidays["event_date"][holidays["event_date"].between("2011-04-01", "2011-08-31")]
    closed = winter.union(pd.DatetimeIndex(spring)).union(pd.DatetimeIndex(["2011-04-24"]))
    closures = pd.DataFrame({"event_date": closed, "name": "shop closed", "kind": "closure"})
    closures = closures.assign(known_at=closed - pd.Timedelta(days=60), provenance="simulated")
    table = pd.concat([holidays, closures]).sort_values(["event_date", "name"], ignore_index=True)
    return table.assign(location_id=LOCATION, value=np.nan)


def items_table(sales: pd.DataFrame) -> pd.DataFrame:
    """One row per item: its commonest description, a category, its median price and a drawn cost."""
    counts = sales.assign(description=sales["description"].str.strip()).groupby(["item_id", "description"]).size()
    ranked = counts.rename("lines").reset_index().sort_values("lines", ascending=False, kind="stable")
    table = ranked.drop_duplicates("item_id").sort_values("item_id", ignore_index=True)
    price = sales.groupby("item_id")["price"].median().to_numpy()
    share = random_stream(1).uniform(0.45, 0.65, len(table))
    cost = np.maximum(np.round(price * share, 2), 0.01)
    table = table.assign(category=_categories(table["description"]), unit_cost=cost, unit_price=price)
    return table.assign(shelf_life_days=None, valid_from=START)


def _categories(descriptions: pd.Series) -> pd.Series:
    """The category of the last noun of the description that CATEGORIES knows; "other" if it knows none."""
    known = {noun: category for category, (_, nouns) in CATEGORIES.items() for noun in nouns.split()}
    found = descriptions.str.upper().str.findall(rf"(?<![A-Z-])({'|'.join(known)})(?:E?S)?(?![A-Z-])")
    return found.str[-1].map(known).fillna("other")


def suppliers_table() -> pd.DataFrame:
    """One row per supplier."""
    table = pd.DataFrame(SUPPLIERS, columns=["supplier_id", "name", "lead", "sd", "ordering_days", "min_order_value"])
    return table.assign(budget=None, valid_from=START)


def item_locations_table(sales: pd.DataFrame, items: pd.DataFrame) -> pd.DataFrame:
    """One row per item: who delivers it, how fast, in what packs, and whether it may still be ordered."""
    random, n = random_stream(2), len(items)
    usual = items["category"].map({category: supplier for category, (supplier, _) in CATEGORIES.items()}).fillna("S01")
    ids = [row[0] for row in SUPPLIERS]
    supplier = np.where(random.random(n) < 0.15, random.choice(ids, n), usual)
    terms = suppliers_table().set_index("supplier_id").loc[supplier]
    pack, minimum = _lot_sizes(sales, random)
    table = pd.DataFrame({"item_id": items["item_id"], "location_id": LOCATION, "supplier_id": supplier})
    table["lead_time_days"] = np.minimum(terms["lead"].to_numpy() + random.choice([0, 0, 0, 2], n), 28)
    table["lead_time_sd_days"] = terms["sd"].to_numpy()
    table["pack_size"], table["min_order_quantity"] = pack, minimum
    table["cycle_service_level"] = random.choice([0.98, 0.9, np.nan], n, p=[0.05, 0.05, 0.9])
    table["active_to"], table["do_not_order"] = _discontinued(sales, random)
    unset = ("fill_rate", "holding_rate_per_year", "fixed_cost", "stockout_cost", "active_from", "successor_item_id")
    return table.assign(review_period_days=REVIEW, valid_from=START, **dict.fromkeys(unset))


def _lot_sizes(sales: pd.DataFrame, random: np.random.Generator) -> tuple[Ints, Ints]:
    """Pack size and minimum order: from the typical order line, and no more than a few weeks of sales."""
    by_item = sales[sales["net"]].groupby("item_id")
    names = np.sort(sales["item_id"].unique())
    line = by_item["quantity"].median().reindex(names, fill_value=1).to_numpy()
    week = by_item["quantity"].sum().reindex(names, fill_value=0).to_numpy() * 7 / DAYS
    sizes = np.array([1, 2, 4, 6, 12, 24, 48])
    wanted = np.minimum(2 * line * random.choice([1, 2, 4], len(line)), 2 * week)
    pack = sizes[np.maximum(np.searchsorted(sizes, wanted, side="right") - 1, 0)]
    minimum = pack * random.choice([1, 1, 2, 4], len(line))
    return pack, np.where(minimum <= 3 * week, minimum, pack)


def _discontinued(sales: pd.DataFrame, random: np.random.Generator) -> tuple[pd.Series, Any]:
    """Last active day of a dozen items that died early (NaT for all others), and ten items not to be ordered."""
    by_item = sales.groupby("item_id")
    lines, units, last = by_item.size(), by_item["quantity"].sum(), by_item["day"].max()
    died = np.flatnonzero((lines >= 20) & (last < 200))
    fading = np.flatnonzero((by_item["day"].min() < 20) & units.between(24, 400) & last.between(200, 340))
    active_to = pd.Series(pd.NaT, index=range(len(lines)), dtype="datetime64[ns]")
    chosen = random.choice(died, 12, replace=False)
    active_to[chosen] = START + pd.to_timedelta(last.to_numpy()[chosen] + 28, unit="D")
    return active_to, np.isin(active_to.index, random.choice(fading, 10, replace=False))
