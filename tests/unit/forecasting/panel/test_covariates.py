"""Drivers as an origin knew them: filled without a gap, and blind to whatever became known later."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skucast.forecasting.panel.covariates import Fill, Record, carried
from tests.unit.forecasting.reference import panel_of

NAN = np.nan
WIDTH, HORIZON = 9, 3
NUMBER = st.one_of(st.just(NAN), st.floats(-5, 5).map(lambda x: round(x, 2)))
ROW = st.lists(NUMBER, min_size=WIDTH, max_size=WIDTH)


def known_by(record: Record, origin: int) -> list[float]:
    """One place, value by value."""
    found = []
    for t in range(origin + HORIZON):
        hidden = record.known_from is not None and record.known_from[0, t] > origin
        hidden |= record.fill is Fill.HELD and t >= origin
        hidden |= record.reach is not None and t >= origin + record.reach[0]
        found.append(NAN if hidden else record.values[0, t])
    return found


def filled(record: Record, origin: int) -> list[float]:
    """``Record.at`` period by period."""
    known = known_by(record, origin)
    given = [value for value in known if not np.isnan(value)]
    usual = sum(given) / len(given) if given else 0.0
    if record.fill is not Fill.HELD:
        blank = usual if record.fill is Fill.USUAL else 0.0
        return [blank if np.isnan(value) else value for value in known]
    plan = record.plan[0] if record.plan is not None else [NAN] * len(known)
    now, path = NAN, []
    for t, value in enumerate(known):
        if not np.isnan(value):
            now = value
        elif not np.isnan(plan[t]):
            begins = t == 0 or np.isnan(plan[t - 1])
            now = plan[t] if begins else now + plan[t] - plan[t - 1]
        path.append(now)
    return [0.0 if np.isnan(value) or not given else value - usual for value in path]


@given(ROW, ROW, st.lists(st.integers(0, 9), min_size=WIDTH, max_size=WIDTH), st.sampled_from(Fill),
       st.integers(0, WIDTH - HORIZON), st.integers(0, 4))  # fmt: skip
@settings(max_examples=300, deadline=None)
def test_an_origin_fills_what_it_does_not_know(values, plan, since, fill, origin, reach):
    held = fill is Fill.HELD
    record = Record(
        np.array([values]), np.array([0, 0]), fill, np.array([since]),
        plan=np.array([plan]) if held else None, reach=None if held else np.array([reach]),
    )  # fmt: skip
    found = record.at(origin, HORIZON)
    np.testing.assert_allclose(found, [filled(record, origin)] * 2, atol=1e-9)
    assert np.isfinite(found).all()


@given(ROW, ROW, st.lists(st.integers(0, 9), min_size=WIDTH, max_size=WIDTH), st.sampled_from(Fill), st.integers(0, 6))
@settings(max_examples=200, deadline=None)
def test_what_becomes_known_after_an_origin_changes_nothing_of_it(values, other, since, fill, origin):
    record = Record(np.array([values]), np.array([0]), fill, np.array([since]))
    is_later = np.array([since]) > origin
    if fill is Fill.HELD:
        is_later = is_later | (np.arange(WIDTH) >= origin)
    changed = dataclasses.replace(record, values=np.where(is_later, np.array([other]), record.values))
    np.testing.assert_array_equal(record.at(origin, HORIZON), changed.at(origin, HORIZON))


def test_a_price_is_held_and_moves_with_its_list():
    sold, plan = np.log([[NAN, 2.0, NAN, 1.8, NAN, NAN]]), np.log([[4.0, 4.0, 4.0, 4.0, 8.0, 8.0]])
    np.testing.assert_allclose(np.exp(carried(sold, plan)), [[4.0, 2.0, 2.0, 1.8, 3.6, 3.6]])
    np.testing.assert_allclose(np.exp(carried(sold, np.full((1, 6), NAN))), [[NAN, 2, 2, 1.8, 1.8, 1.8]])


def test_a_panel_shows_an_origin_the_events_and_drivers_it_knew():
    panel = panel_of([[1.0, 2, 3, 4]], horizon=2)
    strike = np.array([[False, False, True, False, False, True]])
    rain = Record(np.array([[1.0, 3, 5, 7, 9, NAN]]), np.array([0]), Fill.USUAL, np.array([[0, 0, 3, 4, 4, 0]]))
    known_from = {"strike": np.array([[0, 0, 3, 0, 0, 4]])}
    whole = dataclasses.replace(panel, events={"strike": strike}, known_from=known_from, records={"rain": rain})
    assert [[1, 3, 2, 2]] == whole.until(2).drivers["rain"].tolist()
    assert [[1, 3, 5, 3, 3]] == whole.until(3).drivers["rain"].tolist()
    assert [False, False, True, True] == [bool(whole.until(n).events["strike"].any()) for n in range(1, 5)]
    nested, twice = whole.until(4).until(2), whole.until(4).rows(np.array([0, 0])).until(2)
    assert [[1, 3, 2, 2]] == nested.drivers["rain"].tolist()
    assert [[1, 3, 2, 2]] * 2 == twice.drivers["rain"].tolist()
    assert not twice.events["strike"].any()


def test_since_when_events_were_known_must_fit():
    panel = panel_of([[1.0, 2.0]], horizon=2)
    with pytest.raises(ValueError, match=r"known_from\['strike'\] has shape"):
        dataclasses.replace(panel, known_from={"strike": np.zeros((1, 2), dtype=np.int64)})
