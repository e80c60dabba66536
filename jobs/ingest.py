"""Sources to input tables: order lines cleaned, masters and stock checked.

spark-submit jobs/ingest.py --config conf/online_retail.yaml [--decision-date 2011-10-03] [--set KEY=VALUE …]
"""

from skucast.cli.main import job

if __name__ == "__main__":
    job("ingest")
