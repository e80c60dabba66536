"""The replay of policies on held-out demand: its window, what is compared, and how sure the answer is."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field, field_validator

from skucast.config.fields import Positive, Probability, Section
from skucast.config.forecast import Forecast, Method

Variant = Literal[
    "nothing",
    "fixed_cover",
    "textbook",
    "textbook_policy",
    "base_stock",
    "skucast",
    "configured",
    "perfect",
]


class Simulate(Section):
    """What `skucast simulate` replays."""

    periods: Annotated[int, Field(ge=2, le=400)] | None = None
    """Length of the window, which ends before the decision date. Null: four protection periods after the warm-up,
    within a third of the history."""
    warm_up: Annotated[int, Field(ge=0)] | None = None
    """Periods at the start that do not count. Null: the longest lead time, before which no order can be felt."""
    methods: tuple[Method, ...] | None = None
    """Forecasting methods at the reviews. Null: those of `forecast`."""
    variants: tuple[Variant, ...] = get_args(Variant)
    """Policies that are compared."""
    levels: tuple[Probability, ...] = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.925, 0.95, 0.975, 0.99)
    """Cycle service levels that `skucast` is swept over; its rivals also beyond, until they reach its fill rate."""
    covers: tuple[Positive, ...] = (0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0)
    """Stock levels of `fixed_cover`, in protection periods of recent mean demand."""
    constraints: bool = True
    """Whether minimum orders, packs, pallets, lots and maxima hold."""
    truth: Literal["observed", "recovered"] = "observed"
    """Demand where the shop ran out: what was sold, or with what the forecast of the period expected beside it. The
    truth lies between the two."""
    max_items: Annotated[int, Field(ge=1)] | None = None
    """Most items at locations, chosen by a hash. Null: all."""
    draws: Annotated[int, Field(ge=100, le=10_000)] = 1_000
    """Bootstrap samples of the items."""
    seed: Annotated[int, Field(ge=0)] = 20_101_201
    """Seed of the samples."""

    @field_validator("levels", "covers")
    @classmethod
    def _rising(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        if list(values) != sorted(set(values)) or not values:
            raise ValueError("needs at least one value, strictly rising")
        return values

    @field_validator("variants")
    @classmethod
    def _once_each(cls, variants: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(variants)) < len(variants) or not variants:
            raise ValueError("needs at least one variant, each once")
        return variants

    def forecast(self, own: Forecast) -> Forecast:
        """How the reviews forecast: no more than the orders need."""
        groups = own.groups.model_copy(update={"reconciliation": "none", "analysis": False})
        lean = {"groups": groups, "components": False, "accuracy": "none"}
        if self.methods is None:
            return own.model_copy(update=lean)
        of_class = {
            name: tuple(each for each in methods if each in self.methods) or self.methods
            for name, methods in own.methods_by_class.items()
        }
        return own.model_copy(update={**lean, "methods": self.methods, "methods_by_class": of_class})
