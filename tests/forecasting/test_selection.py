"""Candidates and champions."""

import numpy as np
import pytest

from skucast.forecasting.registry import METHOD_NAMES, METHODS
from skucast.forecasting.selection import candidate_methods, champions

INF = np.inf


def candidates(classes, allowed, by_class, before, **shares):
    mask = candidate_methods(classes, allowed, by_class, np.array(before), shares, METHODS)
    return [[name for name, is_listed in zip(METHOD_NAMES, row, strict=True) if is_listed] for row in mask]


def test_a_method_must_be_allowed_listed_for_the_class_and_affordable():
    by_class = {"smooth": ("prophet_stan", "ses", "sba"), "lumpy": ("tsb",)}
    found = candidates(
        ["smooth", "smooth", "lumpy", "erratic"],
        ("prophet_stan", "ses", "tsb"),
        by_class,
        [0.0, 0.5, 0.0, 0.0],
        library=0.5,
    )
    assert [["ses", "prophet_stan"], ["ses"], ["tsb"], []] == found


@pytest.mark.parametrize(("allowed", "by_class"), [(("sess",), {}), (("ses",), {"smooth": ("sess",)})])
def test_an_unknown_method_is_refused_with_the_known_ones(allowed, by_class):
    with pytest.raises(ValueError, match="unknown forecasting methods sess; known are naive, mean"):
        candidates(["smooth"], allowed, by_class, [0.0])


def test_the_champion_is_the_lowest_and_of_equals_the_cheaper():
    rmsse = np.array(
        [[2.0, 1.0, 1.0], [1.0 + 1e-13, 2.0, 1.0], [1.0 + 1e-9, 2.0, 1.0], [INF, INF, INF], [INF, 0.0, 0.0]]
    )
    assert [1, 0, 2, -1, 1] == champions(rmsse).tolist()
