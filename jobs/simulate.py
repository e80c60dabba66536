"""Policies on held-out demand: promised beside realised service, stock and money.

spark-submit jobs/simulate.py --config conf/online_retail.yaml [--decision-date 2011-12-05] [--set KEY=VALUE …]
"""

from skucast.cli.main import job

if __name__ == "__main__":
    job("simulate")
