"""All four stages in order: ingest, demand, forecast, plan.

spark-submit jobs/nightly.py --config conf/online_retail.yaml [--decision-date 2011-10-03] [--set KEY=VALUE …]
"""

from skucast.cli.main import job

if __name__ == "__main__":
    job("nightly")
