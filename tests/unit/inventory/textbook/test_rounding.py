"""Packs, minimum orders and limits of cover."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skucast.inventory.textbook.rounding import Rounding, orderable_quantity, round_to_packs
from tests.unit.inventory.reference import examples


@pytest.mark.parametrize(
    ("rounding", "expected"),
    [(Rounding.UP, [0, 12, 12, 24, 36]), (Rounding.DOWN, [0, 0, 12, 12, 24]), (Rounding.NEAREST, [0, 0, 12, 12, 36])],
)  # fmt: skip
def test_the_direction_is_a_policy(rounding: Rounding, expected: list[float]) -> None:
    assert round_to_packs([0, 5, 12, 17, 30], 12, rounding).tolist() == expected


def test_nearest_is_what_costs_least() -> None:
    def cost(quantity: np.ndarray) -> np.ndarray:
        return 9 * np.maximum(17 - quantity, 0) + np.maximum(quantity - 17, 0)

    assert round_to_packs(17, 12, Rounding.NEAREST, cost) == 24
    assert round_to_packs(17, 12, Rounding.NEAREST) == 12


def test_rounding_noise_is_no_pack() -> None:
    assert round_to_packs(0.1 + 0.2, 0.1, Rounding.UP) == pytest.approx(0.3)
    assert round_to_packs(0.3 - 1e-13, 0.1, Rounding.DOWN) == pytest.approx(0.3)


@examples
@given(st.floats(-20, 300), st.floats(0, 80), st.integers(1, 30), st.sampled_from(Rounding), st.floats(0, 400))
def test_an_order_is_whole_packs_between_its_limits(
    needed: float, least: float, pack: int, rounding: Rounding, most: float
) -> None:
    found = float(orderable_quantity(needed, least, pack, rounding, most))
    assert found % pack == 0
    assert found <= most
    if found > 0:
        assert found >= least - 1e-6
        assert found < max(needed, least) + pack
    elif needed > 1e-6 and rounding == Rounding.UP:  # less is rounding noise
        assert most < np.ceil(max(least, 1e-9) / pack) * pack or most < pack


def test_pack_size_0_is_named() -> None:
    with pytest.raises(ValueError, match="pack_size must be above 0, found 0: correct the row"):
        orderable_quantity([5, 5], 1, [6, 0])
