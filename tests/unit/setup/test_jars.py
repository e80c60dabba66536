"""Delta's jars come whole, once, and in one version."""

import tomllib
from pathlib import Path

import pytest

from skucast.errors import UserError
from skucast.setup.jars import DELTA_PACKAGE, NEEDLESS, delta_jars_present, explain, fetch, install
from tests.places import ROOT

SPARK_JAR = "io.delta_delta-spark_4.2_2.13-4.4.0.jar"
STORAGE_JAR = "io.delta_delta-storage-4.4.0.jar"


@pytest.fixture
def spark_home(tmp_path: Path) -> Path:
    """An installed Spark that knows no Delta."""
    (tmp_path / "spark" / "jars").mkdir(parents=True)
    return tmp_path / "spark"


@pytest.fixture
def resolved(tmp_path: Path) -> Path:
    """What Spark's resolver left: Delta, its catalogue client and a second copy of something else."""
    folder = tmp_path / "resolved"
    folder.mkdir()
    for name in (SPARK_JAR, STORAGE_JAR, "io.unitycatalog_unitycatalog-client-0.6.0.jar", "org.slf4j_slf4j-api-2.jar"):
        (folder / name).write_text(name)
    return folder


def test_package_matches_the_pinned_versions() -> None:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    pins = dict(d.split("==") for d in pyproject["project"]["dependencies"] if "==" in d)

    spark = pins["pyspark"].rpartition(".")[0]
    assert DELTA_PACKAGE == f"io.delta:delta-spark_{spark}_2.13:{pins['delta-spark']}"


def test_excludes_are_group_and_artifact() -> None:
    """Spark refuses an exclude of another form, but only when a session starts."""
    assert all(exclude.count(":") == 1 for exclude in NEEDLESS)
    assert not any(exclude.startswith(("io.", "*")) for exclude in NEEDLESS)


def test_install_takes_delta_only_and_makes_it_present(spark_home: Path, resolved: Path) -> None:
    assert not delta_jars_present(spark_home)

    assert install(resolved, spark_home / "jars") == 3
    assert delta_jars_present(spark_home)
    assert sorted(jar.name for jar in (spark_home / "jars").iterdir()) == [
        SPARK_JAR,
        STORAGE_JAR,
        "io.unitycatalog_unitycatalog-client-0.6.0.jar",
    ]


def test_install_removes_another_version_and_nothing_else(spark_home: Path, resolved: Path) -> None:
    """Two Delta versions on one class path fail at random."""
    old, foreign = (spark_home / "jars" / n for n in ("io.delta_delta-storage-4.3.0.jar", "io.netty_netty.jar"))
    old.touch()
    foreign.touch()
    install(resolved, spark_home / "jars")

    assert not old.exists()
    assert foreign.exists()


def test_interrupted_copy_is_not_taken_for_a_whole_one(
    spark_home: Path, resolved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop_at_delta(source: Path, target: Path) -> None:
        target.write_text("half")
        if source.name == SPARK_JAR:
            raise KeyboardInterrupt

    monkeypatch.setattr("shutil.copyfile", stop_at_delta)
    with pytest.raises(KeyboardInterrupt):
        install(resolved, spark_home / "jars")

    assert not delta_jars_present(spark_home)


def test_nothing_is_fetched_where_delta_is_present(spark_home: Path, resolved: Path) -> None:
    """This Spark has no ``bin``: an attempt to resolve would raise."""
    install(resolved, spark_home / "jars")

    assert fetch(spark_home) == 0


def test_vendor_file_names_count(spark_home: Path) -> None:
    for name in ("delta-spark_4.2_2.13-4.4.0.jar", "delta-storage-4.4.0.jar"):
        (spark_home / "jars" / name).touch()

    assert delta_jars_present(spark_home)


def test_folder_without_permission_is_one_sentence(spark_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)

    with pytest.raises(UserError, match=r"no permission to write .*jars: run this as the owner") as raised:
        fetch(spark_home)
    assert raised.value.exit_code == 2


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("long log\n:: unresolved dependency: io.delta#delta-spark_4.2_2.13;4.4.0: not found\n", "no network: "),
        ("java.net.UnknownHostException: somewhere", "no network: "),
        ("JAVA_HOME is not set\n", "spark-submit failed while fetching .*: JAVA_HOME is not set"),
        (
            "Exception in main\n\tat a.b(C.java)\nCaused by: X: no room\n\tat a.b\n\t... 10 more\n",
            r"Caused by: X: no room$",
        ),
        ("", "it printed nothing"),
    ],
)
def test_failed_resolution_is_one_sentence(output: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence) as raised:
        raise UserError(explain(output, Path("spark")))
    assert "\n" not in str(raised.value)


def test_resolver_failure_reaches_the_user(spark_home: Path) -> None:
    """A Spark whose spark-submit fails as it does without a network."""
    submit = spark_home / "bin" / "spark-submit"
    submit.parent.mkdir()
    submit.write_text("#!/bin/sh\necho 'unresolved dependency: io.delta#delta-spark' >&2\nexit 1\n")
    submit.chmod(0o755)

    with pytest.raises(UserError, match="no network"):
        fetch(spark_home)
