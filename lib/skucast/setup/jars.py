"""Delta's jars, fetched once into Spark's own ``jars`` folder: ``python -m skucast.setup.jars``.

From then on every session, ``spark-submit`` and standalone cluster of this Spark has Delta with no option, no network
and no resolution at start. Where the folder may not be written, a session passes ``DELTA_PACKAGE`` as
``spark.jars.packages`` and ``NEEDLESS`` as ``spark.jars.excludes`` instead.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from skucast.errors import UserError

DELTA_PACKAGE = "io.delta:delta-spark_4.2_2.13:4.4.0"
"""Maven coordinate of Delta for the Spark and Delta versions that pyproject.toml pins."""

NEEDLESS: tuple[str, ...] = ("org.*:*", "com.*:*", "net.*:*", "commons*:*", "jakarta*:*", "javax*:*")
"""Excluded dependencies: second copies of what Spark brings itself. Seven jars of 13 MB are left of 33 of 87 MB."""

_OURS = ("io.delta_", "io.unitycatalog_")
_MARKER = "delta-spark_"
_UNREACHABLE = ("unresolved dependency", "UnknownHostException", "ConnectException", "Connection timed out")


def delta_jars_present(spark_home: Path) -> bool:
    """Whether ``jars`` of this Spark holds Delta in the version of ``DELTA_PACKAGE``, under any vendor's file name."""
    _, artifact, version = DELTA_PACKAGE.split(":")
    names = (f"*{artifact}-{version}.jar", f"*delta-storage-{version}.jar")
    return all(any((spark_home / "jars").glob(name)) for name in names)


def fetch(spark_home: Path) -> int:
    """Resolve Delta through Spark and put its jars into ``spark_home/jars``.

    Returns:
        Number of jars copied; 0 where they were there already.

    Raises:
        UserError: if nothing could be downloaded or the folder may not be written.
    """
    if delta_jars_present(spark_home):
        return 0
    target = spark_home / "jars"
    if not os.access(target, os.W_OK):
        raise UserError(f"no permission to write {target}: run this as the owner of that folder, or use a new .venv")
    with tempfile.TemporaryDirectory(prefix="skucast-jars-") as scratch:
        _resolve(spark_home, Path(scratch))
        return install(Path(scratch) / "jars", target)


def install(source: Path, target: Path) -> int:
    """Move Delta's jars from ``source`` to ``target``, whole files only, and remove those of another version.

    The jar that ``delta_jars_present`` looks for comes last, so an interrupted copy is begun again.

    Returns:
        Number of jars copied.
    """
    found = sorted(
        (jar for jar in source.glob("*.jar") if jar.name.startswith(_OURS)), key=lambda jar: (_MARKER in jar.name, jar)
    )
    for jar in found:
        partial = target / f".{jar.name}.{os.getpid()}"
        shutil.copyfile(jar, partial)
        partial.replace(target / jar.name)
    kept = {jar.name for jar in found}
    for old in target.glob("io.*.jar"):
        if old.name.startswith(_OURS) and old.name not in kept:
            old.unlink()
    return len(found)


def _resolve(spark_home: Path, scratch: Path) -> None:
    """Let spark-submit run an empty program, so that Spark's own resolver fills ``scratch/jars``."""
    (scratch / "nothing.py").touch()
    options = {
        "spark.jars.packages": DELTA_PACKAGE,
        "spark.jars.excludes": ",".join(NEEDLESS),
        "spark.jars.ivy": str(scratch),
    }
    flags = [part for name, value in options.items() for part in ("--conf", f"{name}={value}")]
    command = [str(spark_home / "bin" / "spark-submit"), "--master", "local[1]", *flags, str(scratch / "nothing.py")]
    environment = os.environ | {"SPARK_HOME": str(spark_home), "PYSPARK_PYTHON": sys.executable}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError(explain(done.stdout + done.stderr, spark_home))


def explain(output: str, spark_home: Path) -> str:
    """One sentence for a failed resolution, from what Spark printed: what happened and what to do."""
    if any(sign in output for sign in _UNREACHABLE):
        return (
            f"no network: {DELTA_PACKAGE} could not be downloaded; connect this machine and run the command again, "
            f"or copy the io.* jars from {spark_home / 'jars'} of a machine that has them"
        )
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    said = [line for line in lines if not line.startswith(("at ", "... "))] or ["it printed nothing"]
    return f"spark-submit failed while fetching {DELTA_PACKAGE}: {said[-1]}"


def main() -> int:
    """Fetch the jars into the Spark of this interpreter. Exit code 2 and one sentence if that is impossible."""
    import pyspark

    home = Path(pyspark.__path__[0])
    try:
        copied = fetch(home)
    except UserError as error:
        print(f"skucast: {error}", file=sys.stderr)
        return error.exit_code
    print(f"{copied} Delta jars copied to {home / 'jars'}" if copied else f"Delta is already in {home / 'jars'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
