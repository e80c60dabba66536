"""Customer identifiers as keyed hashes. The key travels inside the function, never through a query plan."""

from __future__ import annotations

import hashlib
import hmac

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F


def keyed_hash(customer_id: str, key: bytes) -> str:
    """HMAC-SHA-256 of a customer identifier in hexadecimal (RFC 2104)."""
    return hmac.new(key, customer_id.encode(), hashlib.sha256).hexdigest()


def with_customer_key(lines: DataFrame, key: bytes | None) -> DataFrame:
    """Add ``customer_key``: the keyed hash of ``customer_id``; null without a key or without a customer."""
    return lines.withColumn("customer_key", _hashed(key) if key else F.lit(None).cast("string"))


def _hashed(key: bytes) -> Column:
    def customer_key(customer_id: str | None) -> str | None:
        return keyed_hash(customer_id, key) if customer_id is not None else None

    return F.udf(customer_key, "string", useArrow=True)("customer_id")
