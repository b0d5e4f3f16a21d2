"""Benchmarks that are commands: what is measured, where and how."""
