"""Print the table map of the README: ``python -m skucast.tables``."""

from skucast.tables import TABLES
from skucast.tables.contract import table_map

if __name__ == "__main__":
    print(table_map(list(TABLES.values())))  # noqa: T201 - printing is what this command does
