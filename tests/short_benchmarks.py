"""Shortens benchmarks to two rounds, to test that they run."""

from importlib import import_module

from pan_keras.bench.benchmark import Budget

QUICK = ("benchmark", "decode", "model", "motion", "peers", "train_step", "video")


def cut_benchmarks(monkeypatch):
    """Limits quick benchmarks to two rounds."""
    for name in QUICK:
        module = import_module(f"pan_keras.bench.{name}")
        monkeypatch.setattr(module, "QUICK", Budget(0.0, fewest=2, most=2))
