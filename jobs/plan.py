"""Forecast and stock to policy and order plan.

spark-submit jobs/plan.py --config conf/online_retail.yaml [--decision-date 2011-10-03] [--set KEY=VALUE …]
"""

from skucast.cli.main import job

if __name__ == "__main__":
    job("plan")
