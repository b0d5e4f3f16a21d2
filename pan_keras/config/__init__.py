"""Typed configuration: sections with bounds, read from and written to TOML."""

from pan_keras.config.config import Config
from pan_keras.config.loading import load_config, make_config, read_config

__all__ = ["Config", "load_config", "make_config", "read_config"]
