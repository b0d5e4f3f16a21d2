"""The benchmark measures steps and their parts; figures depend on the machine, so none is here."""

import json

import pytest
import tensorflow as tf

from pan_keras.bench.train_step import measure_train_step
from pan_keras.errors import UserError


@pytest.fixture
def threads(monkeypatch):
    """The threads TensorFlow has here, whatever they are."""
    threading = tf.config.threading
    tf.constant(0)
    monkeypatch.setattr(threading, "get_intra_op_parallelism_threads", lambda: 2)
    monkeypatch.setattr(threading, "get_inter_op_parallelism_threads", lambda: 2)
    return 2


def measure(name, threads, **options):
    return measure_train_step(
        name, segments=2, stack=2, size=(32, 40), batch=2, threads=threads, steps=2, **options
    )


def test_measures_a_step_and_its_parts(threads):
    result = measure("pan_lite_micro", threads)
    seconds = result.seconds
    assert 0 < seconds["min"] <= seconds["median"] <= seconds["max"]
    assert result.clips_per_second == pytest.approx(2 / seconds["median"])
    assert set(result.breakdown) == {
        *("forward", "forward_backward", "optimizer", "pa", "backbone", "aggregation")
    }
    assert result.size == (32, 40)


def test_the_step_is_that_of_training(threads, monkeypatch):
    from pan_keras.training.optimisation.training_step import TrainingStep

    steps = []

    class Watched(TrainingStep):
        def __call__(self, batches):
            steps.append(self)
            return super().__call__(batches)

    module = "pan_keras.training.optimisation.training_step.TrainingStep"
    monkeypatch.setattr(module, Watched)
    measure("pan_lite_micro", threads)
    assert len(steps) == 4  # two to warm up
    optimizer = steps[0].optimizer
    assert int(optimizer.iterations) == 4
    assert optimizer.global_clipnorm == 20
    assert optimizer.decay == 1e-4
    assert (5.0, 1.0) in optimizer.multipliers


def test_a_network_without_pa_has_no_such_part(threads):
    assert "pa" not in measure("tsn_micro", threads).breakdown


def test_a_network_of_branches_has_the_parts_of_each(threads):
    breakdown = measure("pan_full_micro", threads).breakdown
    assert {"rgb/backbone", "rgb/aggregation", "pa/backbone", "pa/pa"} < set(breakdown)
    assert "rgb/pa" not in breakdown


def test_prints_one_json_object_or_a_line_per_part(threads):
    result = measure("pan_lite_micro", threads)
    assert json.loads(result.to_json())["seconds"] == result.seconds
    assert len(result.to_text().splitlines()) == 2 + len(result.breakdown)


def test_other_threads_than_tensorflow_started_with_are_refused(threads):
    with pytest.raises(UserError, match="measure with 3 in a new process"):
        measure("pan_lite_micro", 3)


def test_a_model_that_does_not_exist_is_refused(threads):
    with pytest.raises(UserError, match="did you mean 'pan_lite_micro'"):
        measure("panlite_micro", threads)
