"""Past forecasts and policies beside the demand that came after them.

spark-submit jobs/monitor.py --config conf/online_retail.yaml [--decision-date 2011-10-03] [--set KEY=VALUE …]
"""

from skucast.cli.main import job

if __name__ == "__main__":
    job("monitor")
