"""Groups of series that share seasons: their names, their order, and who belongs to which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from skucast.forecasting.panel import FloatArray, IntArray, Panel
from skucast.forecasting.seasons.shared import ALL, SharedSeasons
from skucast.transforms.panel import Bucket


@dataclass(frozen=True)
class SeasonGroups:
    """Groups of series that share seasons, each after its parents.

    Attributes:
        places: group name -> its row.
        parents: of each group.
    """

    places: Mapping[str, int]
    parents: tuple[tuple[int, ...], ...]

    def rows_of(self, bucket: Bucket) -> IntArray:
        """Narrowest group of each series of a bucket, shape (n,)."""
        names = zip(bucket.locations, bucket.categories, strict=True)
        found = [next(self.places[name] for name in group_names(*each) if name in self.places) for each in names]
        return np.array(found, dtype=np.int64)

    def membership(self, bucket: Bucket) -> FloatArray:
        """1 where a series belongs to a group, shape (n_groups, n)."""
        found = np.zeros((len(self.parents), len(bucket.items)))
        for row, (location, category) in enumerate(zip(bucket.locations, bucket.categories, strict=True)):
            own = [self.places[name] for name in group_names(location, category) if name in self.places]
            found[own, row] = 1.0
        return found


def group_names(location: str, category: str | None) -> tuple[str, ...]:
    """Groups that a series may belong to, the narrowest first."""
    of_category = (f"both {location}\n{category}", f"category {category}") if category else ()
    return (*of_category, f"location {location}", ALL)


def grouped(bucket: Bucket, seasons: SharedSeasons | None) -> Panel:
    """The panel of a bucket whose series know their groups."""
    if seasons is None or not seasons.places:
        return bucket.panel
    groups = SeasonGroups(seasons.places, ())
    return replace(bucket.panel, group=groups.rows_of(bucket))
