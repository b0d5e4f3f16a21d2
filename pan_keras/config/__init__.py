"""Typed configuration: sections with bounds, read from and written to TOML."""
