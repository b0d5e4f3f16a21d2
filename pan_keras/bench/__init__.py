"""Benchmarks of models and training."""
