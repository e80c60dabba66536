"""The tiny shop of each test."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.scenarios.shop import Shop, weekly


@pytest.fixture
def shop(spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shop:
    """A shop with two items that sell every week, and a good configuration."""
    made = Shop(spark, tmp_path, capsys)
    made.write("lines.csv", weekly("A") + weekly("B"))
    made.config()
    return made
