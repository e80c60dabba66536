"""No vector is forgotten."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.oracles.vectors import FILE, NOT_APPLICABLE, all_vectors, checked_by


def test_every_vector_is_checked_or_named_with_a_reason(request: pytest.FixtureRequest) -> None:
    if not FILE.exists():
        pytest.skip(f"{FILE} is not here")
    collected = {item.path for item in request.session.items}
    is_chosen = request.config.option.keyword or not set(Path(__file__).parent.glob("test_*.py")) <= collected
    if is_chosen:
        pytest.skip("only a part of the oracle was asked for")
    checked = checked_by(request.session.items)
    assert checked | set(NOT_APPLICABLE) == set(all_vectors())
    assert not checked & set(NOT_APPLICABLE)
