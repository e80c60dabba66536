"""Order lines: told as scenarios, and matched beside a plain loop."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from skucast.stages.ingest.pseudonyms import with_customer_key
from skucast.stages.ingest.sales_lines import (
    COUNTS_SCHEMA,
    Fate,
    LineRules,
    Reason,
    accepted_lines,
    batch_ids,
    classified,
    fate_counts,
    matched_cancellations,
    not_delivered_again,
    rejected_lines,
    row_counts,
)
from skucast.tables import REJECTED_SALES_LINE, SALES_LINE
from skucast.tables.check import check
from tests.places import ROOT
from tests.spark.stages.ingest.cancellations_reference import Line, pairs

pytestmark = pytest.mark.spark

FOLDER = ROOT / "tests" / "scenarios" / "sales_lines"
STORIES = sorted(path.name.removesuffix("_input.csv") for path in FOLDER.glob("*_input.csv"))
CANCELS = "^C"
RULES = LineRules(
    cancellation_order_pattern=CANCELS,
    not_items=["^POST$", "^GIFT_"],
    max_quantity=1e6,
    earliest_date=date(1990, 1, 1),
    latest=datetime(2012, 1, 1, tzinfo=ZoneInfo("Europe/London")),
    price_expected=True,
)
MAPPED = ["order_id", "line_id", "item_id", "location_id", "ordered_at", "quantity", "unit_price", "customer_id"]
SEEN = ["order_id", "line_id", "item_id", "quantity", "fate", "reasons", "cancels_line", "cancelled_at"]


def story(name: str, kind: str) -> pd.DataFrame:
    """The rows of a file as text, null where empty."""
    return pd.read_csv(FOLDER / f"{name}_{kind}.csv", skiprows=1, dtype=str, keep_default_na=False).replace("", None)


def delivered(spark: SparkSession, rows: pd.DataFrame) -> DataFrame:
    """Rows as a source delivers them: hashed, with file and time."""
    frame = spark.createDataFrame(rows.astype(object).values.tolist(), ", ".join(f"{name} string" for name in rows))
    return frame.select(
        *MAPPED,
        F.xxhash64(F.to_json(F.struct(*MAPPED))).alias("_source_row"),
        F.col("file").alias("_source_file"),
        F.col("delivered_at").cast("timestamp").alias("_delivered_at"),
    )


@pytest.fixture(scope="module")
def told(spark: SparkSession) -> pd.DataFrame:
    """All stories in one run, kept apart by a mark on orders, customers and files."""
    parts = [story(name, "input") for name in STORIES]
    for name, part in zip(STORIES, parts, strict=True):
        for column in ("order_id", "customer_id", "file"):
            part[column] = part[column].map(lambda text, name=name: text and f"{text}@{name}")
    lines = classified(delivered(spark, pd.concat(parts)), RULES).persist()
    matched = matched_cancellations(lines.where("fate = 'accepted'"), cancellation_order_pattern=CANCELS)
    pairing = matched.select("order_id", "line_id", "cancels_line", F.col("cancelled_at").cast("string"))
    reasons = F.concat_ws(";", "reasons").alias("reasons")
    found = lines.select("order_id", "line_id", "item_id", "text.quantity", "source_file", "fate", reasons).toPandas()
    accepted, keys = found["fate"] == "accepted", ["order_id", "line_id"]
    found = pd.concat([found[accepted].merge(pairing.toPandas(), on=keys, how="left"), found[~accepted]])
    # Lines without a number of their own were named by a hash.
    found["line_id"] = found["line_id"].where(found["line_id"].str.len() < 4)
    lines.unpersist()
    return found.astype(object).where(found.notna(), None).replace("", None)


@pytest.mark.parametrize("name", STORIES)
def test_story(told: pd.DataFrame, name: str):
    mark = f"@{name}"
    found = told[told["source_file"].str.endswith(mark)].copy()
    for column in ("order_id", "cancels_line"):
        found[column] = found[column].map(lambda text: text and text.replace(mark, ""))
    expected = story(name, "expected")
    assert SEEN == list(expected.columns)
    assert Counter(expected.itertuples(index=False, name=None)) == Counter(
        found[SEEN].itertuples(index=False, name=None)
    )
    assert len(story(name, "input")) == len(expected)


def test_every_reason_and_fate_is_told():
    every = pd.concat(story(name, "expected") for name in STORIES)
    assert {str(fate) for fate in Fate} == set(every["fate"])
    told = {reason for reasons in every["reasons"].dropna() for reason in reasons.split(";")}
    # Two lines with one number: which of them is the second one depends on a hash; it has a test of its own.
    assert {str(reason) for reason in Reason} - {"duplicate_line"} == told


def delivery(order: str, *quantities: str, line: str | None = None, file: str = "a.csv") -> pd.DataFrame:
    rows = [[order, line, "A", "GB-1", "2011-05-02", each, "2", "7", file, "2011-06-01"] for each in quantities]
    return pd.DataFrame(rows, columns=[*MAPPED, "file", "delivered_at"])


def test_of_two_lines_with_one_number_one_is_rejected(spark):
    rows = classified(delivered(spark, delivery("1", "3", "4", line="1")), RULES).select("fate", "reasons").collect()
    assert [("accepted", []), ("rejected", ["duplicate_line"])] == sorted((row.fate, row.reasons) for row in rows)


def test_every_row_is_counted_once_and_a_superseded_one_as_a_duplicate(told, spark):
    counts = told.assign(rows=1, reasons=told["reasons"].map(lambda text: text.split(";") if text else []).map(tuple))
    grouped = counts.groupby(["fate", "reasons"], as_index=False)["rows"].sum()
    grouped["reasons"] = grouped["reasons"].map(list)
    found = row_counts(grouped)
    assert len(told) == found["accepted"] + found["rejected"] + found["duplicates"]
    assert (told["fate"] == "superseded").sum() == found["superseded"] <= found["duplicates"]
    assert 5 == found["rejected.price_missing"] + found["rejected.order_missing"]


def test_the_optional_columns_may_be_absent_and_a_price_is_then_not_missed(spark):
    mapped = delivered(spark, delivery("1", "3")).drop("unit_price", "customer_id", "line_id")
    row = classified(mapped, replace(RULES, price_expected=False)).first()
    assert ("accepted", None, "measured") == (row.fate, row.unit_price, row.provenance)
    assert int(row.line_id, 16) == row._source_row % 2**64


def test_without_a_pattern_every_order_may_carry_returns(spark):
    rules = replace(RULES, cancellation_order_pattern=None, not_items=[])
    assert "accepted" == classified(delivered(spark, delivery("1", "-3")), rules).first().fate


def test_accepted_and_rejected_rows_keep_their_contracts_and_batches_are_of_content(spark):
    """The batch of a delivery depends on its rows: not on its name, nor on their order."""
    rows = pd.concat(
        [
            delivery("1", "3", "4", "x", file="a.csv"),
            delivery("2", "5", file="b.csv"),
            delivery("2", "5", file="b2.csv").assign(order_id="3"),
        ]
    )
    lines = classified(delivered(spark, rows), RULES).persist()
    counts = fate_counts(lines).toPandas()
    assert {
        "accepted": 4,
        "rejected": 1,
        "duplicates": 0,
        "superseded": 0,
        "rejected.quantity_invalid": 1,
    } == row_counts(counts)
    batches = batch_ids(spark.createDataFrame(counts, COUNTS_SCHEMA))
    renamed = rows.iloc[::-1].assign(file=rows.iloc[::-1]["file"].str.replace(".csv", ".txt"))
    again = fate_counts(classified(delivered(spark, renamed), RULES)).toPandas()
    by_name = {row.delivery: row.batch_id for row in batches.collect()}
    by_other_name = {
        row.delivery.replace(".txt", ".csv"): row.batch_id
        for row in batch_ids(spark.createDataFrame(again, COUNTS_SCHEMA)).collect()
    }
    assert by_name == by_other_name
    assert 3 == len(set(by_name.values()))

    matched = matched_cancellations(
        with_customer_key(lines.where("fate = 'accepted'"), None), cancellation_order_pattern=CANCELS
    )
    accepted, rejected = accepted_lines(matched, batches), rejected_lines(lines, batches)
    check(accepted, SALES_LINE, "accepted")
    check(REJECTED_SALES_LINE.select(rejected), REJECTED_SALES_LINE, "rejected")
    assert 4 == accepted.count()
    assert [("x", ["quantity_invalid"], by_name["a.csv"])] == [
        (row.quantity, row.reasons, row.batch_id) for row in rejected.collect()
    ]
    # An order that comes again takes its stored lines away, others stay.
    kept = not_delivered_again(accepted, lines.where("order_id = '1'"))
    assert {"2", "3"} == {row.order_id for row in kept.collect()}
    lines.unpersist()


START = datetime(2011, 5, 2, tzinfo=ZoneInfo("Europe/London"))


def random_lines(seed: int, size: int, party: str) -> list[Line]:
    """Sales and cancellations of few kinds of goods within few hours, so that most have several possible partners."""
    rng = np.random.default_rng(seed)
    lines = []
    for number in range(size):
        sign = 1 if rng.random() < 0.55 else -1
        order = f"{'' if sign > 0 else 'C'}{rng.integers(100, 105)}"
        customer = None if rng.random() < 0.3 else f"{party}{rng.integers(2)}"
        order = order if customer else f"{order}{party}"
        at = START + timedelta(hours=int(rng.integers(12)))
        price = [2.0, 3.0, None][rng.integers(3)]
        pieces = float(sign * rng.integers(1, 3))
        lines.append(Line(order, f"{party}{number}", f"i{rng.integers(2)}", "GB-1", customer, at, pieces, price))
    return lines


def matched(spark: SparkSession, lines: Sequence[Line]) -> DataFrame:
    schema = (
        "order_id string, line_id string, item_id string, location_id string, customer_id string, "
        "ordered_at timestamp, quantity double, unit_price double"
    )
    return matched_cancellations(spark.createDataFrame(lines, schema), cancellation_order_pattern=CANCELS)


def test_pairs_are_those_of_a_plain_loop_and_no_later_line_changes_an_earlier_pair(spark):
    """Random histories, each whole and cut off at several times; the cut ones must keep the pairs made before."""
    histories = [random_lines(seed, 120, f"s{seed}_") for seed in range(6)]
    everything: list[Line] = []
    for number, lines in enumerate(histories):
        for hours in (3, 6, 9, 12):
            # A history of its own: other customers, other anonymous orders.
            mark = f"h{number}t{hours}"
            known = [line for line in lines if line.ordered_at < START + timedelta(hours=hours)]
            everything += [
                line._replace(
                    order_id=f"{line.order_id}{mark}",
                    customer_id=line.customer_id and f"{line.customer_id}{mark}",
                )
                for line in known
            ]
    rows = matched(spark, everything).collect()
    found = {(f"{row.order_id}/{row.line_id}", row.cancels_line) for row in rows if row.cancels_line}
    assert pairs(everything, CANCELS) == found
    assert len(found) > 200
    # Both ends tell of the same pair, and no sale is cancelled twice.
    sold = {f"{row.order_id}/{row.line_id}": row for row in rows if row.quantity > 0}
    times = {f"{row.order_id}/{row.line_id}": row.ordered_at for row in rows}
    assert {sale: times[cancel] for cancel, sale in found} == {
        name: row.cancelled_at for name, row in sold.items() if row.cancelled_at
    }
    assert len({sale for _, sale in found}) == len(found)
    for number in range(len(histories)):
        whole = {pair for pair in found if f"h{number}t12" in pair[0]}
        for hours in (3, 6, 9):
            # Spark gives times in the zone of this machine.
            end = (START + timedelta(hours=hours)).astimezone().replace(tzinfo=None)
            before = {pair for pair in whole if times[pair[0]] < end}
            cut = {pair for pair in found if f"h{number}t{hours}/" in pair[0]}
            assert {tuple(text.replace("t12", f"t{hours}") for text in pair) for pair in before} == cut
