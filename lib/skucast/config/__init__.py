"""The configuration: one YAML file plus overrides, checked whole before Spark starts. Defaults stand here only."""

from skucast.config.loading import load_config
from skucast.config.root import Config

__all__ = ["Config", "load_config"]
