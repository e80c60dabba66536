"""The panel: what an origin may see, and what is refused."""

import dataclasses
from datetime import date

import numpy as np
import pytest

from skucast.forecasting.panel.panel import Panel
from tests.unit.forecasting.reference import panel_of

NAN = np.nan


def test_until_hides_everything_after_the_origin():
    panel = panel_of([[1, 2, 3, 4], [NAN, NAN, NAN, 5]], horizon=2, closed=[5])
    panel = dataclasses.replace(panel, events={"sale": panel.is_closed})
    known = panel.until(2)
    np.testing.assert_array_equal(known.demand, [[1, 2], [NAN, NAN]])
    assert (2, 4) == known.is_closed.shape == known.events["sale"].shape
    assert [0, 2] == known.start.tolist()


def test_the_horizon_of_an_origin_reaches_into_the_calendar_but_not_into_demand():
    panel = panel_of([[1, 2, 3, 4]], horizon=2, closed=[3])
    assert [[False, True]] == panel.until(2).is_closed_ahead.tolist()


def test_actuals_are_zero_when_closed_and_unknown_beyond_the_history():
    panel = panel_of([[1, 2, 9, NAN, 5]], horizon=4, closed=[2])
    np.testing.assert_array_equal(panel.actuals(2), [[0, NAN, 5, NAN]])
    np.testing.assert_array_equal(panel.actuals(5), [[NAN] * 4])


def test_values_of_closed_periods_are_dropped():
    panel = panel_of([[1, 9, 3]], closed=[1])
    np.testing.assert_array_equal(panel.demand, [[1, NAN, 3]])


def test_day_counts_periods_from_the_first():
    assert date(2010, 12, 13) == panel_of([[1.0]]).day(2)


@pytest.mark.parametrize("value", [-1.0, np.inf])
def test_impossible_demand_is_refused_with_its_place(value):
    with pytest.raises(ValueError, match=r"series 1, period 0"):
        panel_of([[1.0], [value]])


def test_arrays_that_do_not_fit_are_named_together():
    flags = np.zeros((1, 9), dtype=bool)
    with pytest.raises(ValueError, match=r"is_closed has shape.*start has shape.*events\['sale'\] has shape"):
        Panel(np.ones((1, 4)), flags, np.zeros(2, dtype=np.int64), date(2010, 1, 4), 7, 52, 3, {"sale": flags})


def test_a_horizon_of_nothing_is_refused():
    with pytest.raises(ValueError, match="horizon"):
        panel_of([[1.0]], horizon=0)
    with pytest.raises(ValueError, match="an origin knows 0 to 1"):
        panel_of([[1.0]]).until(2)


def test_drivers_are_known_ahead_or_refused():
    panel = panel_of([[1.0, 2.0, 3.0]], horizon=2)
    price = np.array([[1.0, 2.0, 3.0, 4.0, 5.0]])
    known = dataclasses.replace(panel, drivers={"price": price}).until(1)
    np.testing.assert_array_equal(known.drivers["price"], [[1.0, 2.0, 3.0]])
    price[0, 4] = NAN
    with pytest.raises(ValueError, match="drivers must be known in every period and step, found gaps in price"):
        dataclasses.replace(panel, drivers={"price": price})
    with pytest.raises(ValueError, match=r"drivers\['price'\] has shape \(1, 4\), expected \(1, 5\)"):
        dataclasses.replace(panel, drivers={"price": price[:, :4]})


def test_seasons_are_listed_from_the_shortest_on():
    panel = dataclasses.replace(panel_of([[1.0]], season_length=7), longer_seasons=(365,))
    assert (7, 365) == panel.season_lengths
