"""What every section of the configuration is made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Probability = Annotated[float, Field(gt=0, lt=1)]
"""A share strictly between 0 and 1: 97.5 is an error, not silently 1."""
Share = Annotated[float, Field(ge=0, le=1)]
Days = Annotated[float, Field(ge=0, lt=3660)]
PositiveDays = Annotated[float, Field(gt=0, lt=3660)]
Weekday = Annotated[int, Field(ge=1, le=7)]
Positive = Annotated[float, Field(gt=0)]
Amount = Annotated[float, Field(ge=0)]


class Section(BaseModel):
    """A part of the configuration: unknown keys are errors, values are not coerced from text.

    The string below a field is its description in the reference of the configuration.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True)
