"""A planner's word on proposals.

spark-submit jobs/decide.py approve --config conf/online_retail.yaml --item 23084 --by ann [--quantity 12000]
"""

from skucast.cli.main import job

if __name__ == "__main__":
    job("decide")
