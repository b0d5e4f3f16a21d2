"""Runs benchmarks in a process that cannot import TensorFlow; neither can its child processes."""

import json
import sys

from pan_keras.bench.benchmark import Budget
from pan_keras.bench.case import Work
from pan_keras.bench.model import measure_model
from pan_keras.bench.motion import measure_motion

if __name__ == "__main__":
    motion = measure_motion(
        Work(1, 2, 32, 32),
        threads=1,
        methods=["pa"],
        targets=["keras"],
        quick=True,
        budget=Budget(0.0, 1, 1),
    )
    model = measure_model(
        "pan_lite_micro", segments=2, stack=2, size=32, targets=["keras"], threads=1, quick=True
    )
    assert "tensorflow" not in sys.modules
    sys.stdout.write(json.dumps([motion.to_json()["rows"], model.to_json()["rows"]]))
