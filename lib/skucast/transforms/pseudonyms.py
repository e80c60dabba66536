"""Customer identifiers as keyed hashes. The key travels inside the function, never through a query plan."""

from __future__ import annotations

import hashlib
import hmac

import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T
from pyspark.sql.pandas.functions import pandas_udf


def keyed_hash(customer_id: str, key: bytes) -> str:
    """HMAC-SHA-256 of a customer identifier in hexadecimal (RFC 2104)."""
    return hmac.new(key, customer_id.encode(), hashlib.sha256).hexdigest()


def with_customer_key(lines: DataFrame, key: bytes | None) -> DataFrame:
    """Add ``customer_key``: the keyed hash of ``customer_id``; null without a key or without a customer."""
    return lines.withColumn("customer_key", _hashed(key) if key else F.lit(None).cast("string"))


def _hashed(key: bytes) -> Column:
    def customer_key(ids: pd.Series) -> pd.Series:
        hashes = {each: keyed_hash(each, key) for each in ids.dropna().unique()}
        return ids.map(hashes)

    hashed: Column = pandas_udf(customer_key, T.StringType())("customer_id")
    return hashed
