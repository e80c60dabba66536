"""Demand to forecasts, their backtest and the status of every series.

spark-submit jobs/forecast.py --config conf/online_retail.yaml [--decision-date 2011-10-03] [--set KEY=VALUE …]
"""

from skucast.cli.main import job

if __name__ == "__main__":
    job("forecast")
