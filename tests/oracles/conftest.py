"""The vector that a test asks for."""

from __future__ import annotations

import pytest

from tests.oracles.vectors import FILE, Vector, all_vectors


@pytest.fixture
def vector(request: pytest.FixtureRequest) -> Vector:
    """The vector named by ``checks``; the report of the test carries its name."""
    if not FILE.exists():
        pytest.skip(f"{FILE} is not here")
    request.node.user_properties.append(("oracle", request.param))
    return all_vectors()[request.param]
