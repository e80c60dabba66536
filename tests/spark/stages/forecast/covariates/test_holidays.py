"""Public holidays of every location, and names of regions that do not exist."""

from __future__ import annotations

from datetime import date

import pytest
from pyspark.sql import SparkSession

from skucast.calendars import Region
from skucast.stages.forecast.covariates.holidays import with_holidays
from skucast.tables import EVENT

ENGLAND, SCOTLAND = Region("GB", "ENG"), Region("GB", "SCT")


def test_regions_have_their_own_holidays():
    assert [date(2024, 8, 26)] == [day for day, _ in ENGLAND.days(date(2024, 7, 29), date(2024, 8, 31))]
    assert [date(2024, 8, 5)] == [day for day, _ in SCOTLAND.days(date(2024, 7, 29), date(2024, 8, 31))]
    assert [] == ENGLAND.days(date(2024, 8, 27), date(2024, 8, 31))


def test_a_holiday_kept_in_the_next_year_is_found():
    """New Year's Day of 2022 was a Saturday, Christmas Day of 2021 too."""
    days = {day for day, _ in ENGLAND.days(date(2021, 12, 20), date(2022, 1, 9))}
    assert {date(2021, 12, 27), date(2021, 12, 28), date(2022, 1, 3)} <= days


def test_two_holidays_on_one_day_are_two():
    """Labour Day and Ascension Day fell on 1 May 2008."""
    assert 2 == len(Region("DE").days(date(2008, 5, 1), date(2008, 5, 1)))


def test_what_does_not_exist_is_named_with_what_does():
    assert ENGLAND.problem() is None
    assert Region("GB").problem() is None
    assert "country 'XX' has no holidays here; there are AD, AE, AF" in str(Region("XX").problem())
    assert "subdivision 'QQ' of country GB is unknown; there are ENG, NIR, SCT, WLS" == Region("GB", "QQ").problem()
    assert str(Region("VA", "X").problem()).endswith("is unknown; it has none")


@pytest.mark.spark
def test_locations_keep_their_own_holidays_or_those_of_all(spark: SparkSession):
    locations = spark.createDataFrame([("L1",), ("L2",), ("L3",)], "location_id string")
    own = {"location_id": "L1", "event_date": date(2024, 8, 7), "name": "fair", "kind": None}

    def days(everywhere: Region | None) -> set[tuple[str, int, str]]:
        event = with_holidays(
            EVENT.frame(spark, [own]), locations, everywhere=everywhere,
            regions={"L2": SCOTLAND, "elsewhere": SCOTLAND}, first=date(2024, 8, 1), last=date(2024, 8, 31),
        )  # fmt: skip
        return {(row["location_id"], row["event_date"].day, row["kind"]) for row in event.collect()}

    fair, summer = ("L1", 7, None), ("L2", 5, "holiday")
    assert {fair, summer} == days(None)
    assert {fair, summer, ("L1", 26, "holiday"), ("L3", 26, "holiday")} == days(ENGLAND)
