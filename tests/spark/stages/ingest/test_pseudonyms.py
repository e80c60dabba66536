"""Customer keys: the published HMAC-SHA-256 vectors, and nothing where there is nothing to hash."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from skucast.stages.ingest.pseudonyms import keyed_hash, with_customer_key


@pytest.mark.parametrize(
    ("key", "text", "expected"),
    [
        # RFC 4231, test cases 1, 2 and 6: RFC 2104 with SHA-256.
        (b"\x0b" * 20, "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
        (b"Jefe", "what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        (
            b"\xaa" * 131,
            "Test Using Larger Than Block-Size Key - Hash Key First",
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
        ),
    ],
)
def test_the_hash_is_that_of_the_standard(key, text, expected):
    assert expected == keyed_hash(text, key)


@pytest.mark.spark
def test_customers_are_hashed_and_absent_ones_stay_absent(spark):
    lines = spark.createDataFrame([("12345",), (None,), ("客户",), ("12345",)], "customer_id string")
    keys = [row["customer_key"] for row in with_customer_key(lines, b"secret").collect()]
    expected = [hmac.new(b"secret", text.encode(), hashlib.sha256).hexdigest() for text in ("12345", "客户")]
    assert [expected[0], None, expected[1], expected[0]] == keys
    assert keys[0] != with_customer_key(lines, b"other").first()["customer_key"]
    without = with_customer_key(lines, None)
    assert [None] * 4 == [row["customer_key"] for row in without.collect()]
    assert "string" == dict(without.dtypes)["customer_key"]


@pytest.mark.spark
def test_the_key_is_in_no_query_plan(spark):
    frame = with_customer_key(spark.createDataFrame([("1",)], "customer_id string"), b"the-secret-key")
    plan = frame._jdf.queryExecution().toString()
    assert "customer_key" in plan
    assert "the-secret-key" not in plan
