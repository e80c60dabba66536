"""The sample, warehouses that jobs have filled, and ways to run jobs."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from skucast.cli.main import main
from tests.jobs.running import KEY, KEY_VARIABLE, Processes
from tests.jobs.sample import Sample, write_sample

PAST = date(2011, 10, 3)
LATEST = date(2011, 12, 5)
"""The decision date that follows from the sample: its newest line is of Friday, 2011-12-09."""

Job = Callable[..., int]


@dataclass(frozen=True)
class Filled:
    """A warehouse that jobs have written.

    Attributes:
        folder: the warehouse.
        config: its configuration.
        sample: what it was filled from.
        log: what the jobs printed, Spark's log included.
    """

    folder: Path
    config: Path
    sample: Sample
    log: str = ""


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """Some sixty items of the packaged sample."""
    return write_sample(tmp_path_factory.mktemp("sample") / "files")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """Fewer items of it, among them every kind, and fewer methods: for tests in which stages run again and again."""
    return write_sample(tmp_path_factory.mktemp("tiny") / "files", few=True)


@pytest.fixture(scope="session")
def job(spark: SparkSession) -> Job:
    """Runs the command line in this process, on the session of the tests; with the customer key unless told."""

    def run(*words: object, key: str | None = KEY) -> int:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(KEY_VARIABLE, key) if key else patch.delenv(KEY_VARIABLE, raising=False)
            try:
                return main([str(word) for word in words])
            finally:
                _restore(spark, before)

    before = spark.conf.getAll
    return run


def _restore(spark: SparkSession, before: Mapping[str, str]) -> None:
    """Take back what the configuration of a job set in the session that all tests share."""
    for name, value in spark.conf.getAll.items():
        if spark.conf.isModifiable(name) and before.get(name) != value:
            spark.conf.set(name, before[name]) if name in before else spark.conf.unset(name)


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    """Starts processes; none outlives the test."""
    started = Processes(tmp_path)
    yield started
    started.end_all()


@pytest.fixture(scope="session")
def reference(sample: Sample, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    """A fresh warehouse after one nightly run in a process of its own that logs what it is warned of."""
    work = tmp_path_factory.mktemp("reference")
    folder = work / "warehouse"
    config = sample.config(folder)
    started = Processes(work)
    process = started.skucast("nightly", "--config", str(config), "--set", "spark.spark.log.level=WARN")
    try:
        assert process.end() == 0, process.text[-3000:]
        yield Filled(folder, config, sample, process.text)
    finally:
        started.end_all()


@pytest.fixture(scope="session")
def tiny_reference(tiny: Sample, job: Job, tmp_path_factory: pytest.TempPathFactory) -> Filled:
    """A warehouse of the tiny sample after one nightly run in this process."""
    folder = tmp_path_factory.mktemp("tiny_reference") / "warehouse"
    config = tiny.config(folder)
    assert job("nightly", "--config", config) == 0
    return Filled(folder, config, tiny)


@pytest.fixture(scope="session")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Filled], Filled]:
    """Copies a warehouse, so that a test may change it."""

    def copy(original: Filled) -> Filled:
        folder = Path(shutil.copytree(original.folder, tmp_path_factory.mktemp("copy") / "warehouse"))
        return Filled(folder, original.sample.config(folder), original.sample, original.log)

    return copy
