"""What fitting leaves behind on the way through the origins: start values, time, failures."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from skucast.forecasting.models.base import NOT_TRIED, ModelFit
from skucast.forecasting.models.registry import Method
from skucast.forecasting.panel.panel import FloatArray, IntArray, Panel


@dataclass(frozen=True)
class Parameters:
    """Finite parameters of each series, as a sequence of mappings that is held in arrays.

    Attributes:
        offsets: entries of series i are those from ``offsets[i]`` to ``offsets[i + 1]``, shape (n_series + 1,).
        names: every name that occurs, sorted.
        name: index into ``names`` of each entry, rising within a series.
        value: of each entry.
    """

    offsets: IntArray
    names: tuple[str, ...]
    name: IntArray
    value: FloatArray

    def __len__(self) -> int:
        """Number of series."""
        return self.offsets.size - 1

    def __getitem__(self, series: int) -> Mapping[str, float]:
        """Parameters of one series by name."""
        own = slice(self.offsets[series], self.offsets[series + 1])
        return {self.names[name]: float(value) for name, value in zip(self.name[own], self.value[own], strict=True)}


@dataclass
class FitLog:
    """What fitting left behind: start values for the next origin, time, and failures. Filled in order of origins.

    Attributes:
        n_series: number of series in the panel.
        milliseconds: time spent on each series, shape (n_series,).
        parameters: method name -> parameter name -> latest value per series, shape (n_series,).
        failures: series -> method name -> phrase of its first failure.
    """

    n_series: int
    milliseconds: FloatArray = field(init=False)
    parameters: dict[str, dict[str, FloatArray]] = field(default_factory=dict)
    failures: dict[int, dict[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Start the clocks at 0."""
        self.milliseconds = np.zeros(self.n_series)

    def fit(self, method: Method, panel: Panel, series: IntArray) -> ModelFit:
        """Fit ``method`` to ``panel``, which holds the rows ``series`` of the whole; note time and failures."""
        latest = self.parameters.setdefault(method.name, {})
        began = time.perf_counter()
        fits = method.fit(panel, {name: values[series] for name, values in latest.items()})
        shared = 1000.0 * (time.perf_counter() - began) / series.size
        self.milliseconds[series] += shared if fits.milliseconds is None else fits.milliseconds
        for values in latest.values():
            values[series] = np.nan
        for name, values in fits.parameters.items():
            latest.setdefault(name, np.full(self.n_series, np.nan))[series] = values
        self._note_failures(method, fits, series)
        return fits

    def all_parameters(self) -> Parameters:
        """Latest finite parameters of each series under every method it tried, named "method.parameter"."""
        every = {f"{method}.{name}": v for method, found in self.parameters.items() for name, v in found.items()}
        names = tuple(sorted(every))
        values = np.array([every[name] for name in names]).reshape(len(names), self.n_series).T
        row, name = np.nonzero(np.isfinite(values))
        offsets = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=self.n_series))])
        return Parameters(offsets, names, name, values[row, name])

    def failures_of(self, series: int) -> Mapping[str, str]:
        """Method name -> what it failed with on one series."""
        return self.failures.get(series, {})

    def _note_failures(self, method: Method, fits: ModelFit, series: IntArray) -> None:
        for row in np.flatnonzero(~np.isfinite(fits.mean).all(axis=1)):
            phrase = fits.failures.get(int(row), "no finite forecast")
            if phrase != NOT_TRIED:
                self.failures.setdefault(int(series[row]), {}).setdefault(method.name, phrase)
