"""The packaged sample: a year of real order lines of a UK gift shop, with simulated stock and purchasing beside them.

A source path of the form ``package://NAME`` means the file ``NAME`` of this folder. Where the data come from, their
licence, and what is simulated is in ``README.md`` here.
"""

from pathlib import Path

from skucast.errors import SourceError

SCHEME = "package://"
FOLDER = Path(__file__).resolve().parent


def dataset_path(name: str) -> Path:
    """Find a packaged data file.

    Args:
        name: Name of the file relative to this folder, with or without ``package://`` before it, such as
            ``package://online_retail.parquet`` or ``online_retail_simulated/stock.parquet``.

    Returns:
        The absolute path of the file.

    Raises:
        SourceError: If no packaged file has that name; the message lists those that exist.
    """
    known = {path.relative_to(FOLDER).as_posix(): path for path in sorted(FOLDER.rglob("*.parquet"))}
    wanted = name.removeprefix(SCHEME)
    if wanted not in known:
        names = ", ".join(SCHEME + each for each in known)
        raise SourceError(f"no packaged data set {wanted!r}; there are: {names}")
    return known[wanted]
