"""Forecasts of groups, and which items are alike."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from skucast.config.fields import Section


class Groups(Section):
    """What is said of categories, regions and the total, and of items among each other."""

    reconciliation: Literal["none", "bottom_up", "wls"] = "bottom_up"
    dimensions: Annotated[tuple[Literal["item", "location"], ...], Field(min_length=1)] = ("item", "location")
    analysis: bool = False
    clusters: Annotated[int, Field(ge=2, le=50)] = 6
    correlation_items: Annotated[int, Field(ge=2, le=5000)] = 200
    correlation_partners: Annotated[int, Field(ge=1)] = 10

    @field_validator("dimensions")
    @classmethod
    def _once_each(cls, dimensions: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(dimensions)) < len(dimensions):
            raise ValueError("names a dimension twice")
        return dimensions
