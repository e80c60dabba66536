"""Forecasts of groups, and which items are alike."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from skucast.config.fields import Section


class Groups(Section):
    """Forecasts of categories, regions and the total, and which items are alike."""

    reconciliation: Literal["none", "bottom_up", "wls"] = "bottom_up"
    """How forecasts of groups and of series are made to add up; `none`: no forecasts of groups."""
    dimensions: Annotated[tuple[Literal["item", "location"], ...], Field(min_length=1)] = ("item", "location")
    """Hierarchies that are forecast."""
    analysis: bool = False
    """Whether items are clustered and correlated."""
    clusters: Annotated[int, Field(ge=2, le=50)] = 6
    """Number of clusters."""
    correlation_items: Annotated[int, Field(ge=2, le=5000)] = 200
    """Items that earn most, among which correlations are taken."""
    correlation_partners: Annotated[int, Field(ge=1)] = 10
    """Partners stored for each item."""

    @field_validator("dimensions")
    @classmethod
    def _once_each(cls, dimensions: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(dimensions)) < len(dimensions):
            raise ValueError("names a dimension twice")
        return dimensions
