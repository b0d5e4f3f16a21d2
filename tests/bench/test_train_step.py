"""Training steps and their parts are measured; times depend on the machine and are not tested."""

import keras
import numpy as np
import pytest
from keras import layers

from pan_keras.backbones import Backbone, register
from pan_keras.bench import train_step
from pan_keras.bench.benchmark import Budget
from pan_keras.bench.case import Case, Work
from pan_keras.bench.train_step import measure_train_step, open_session
from pan_keras.errors import UserError

WORK = Work(segments=2, stack=2, height=32, width=40, batch=2)
SMALL = {"segments": 2, "stack": 2, "size": (32, 40)}


@pytest.fixture
def open_here(monkeypatch):
    """Opens a session in this process, where TensorFlow's threads are already set."""
    monkeypatch.setattr("pan_keras.bench.targets.keras.set_threads", lambda count: None)

    def open_case(name, *, parts=True, precision="float32", work=WORK):
        options = {"parts": parts}
        return open_session(Case(name, "keras", work=work, precision=precision, options=options))

    return open_case


def test_measures_a_step_and_its_parts(open_here):
    timing = open_here("pan_lite_micro").run(2)
    (step,) = timing.seconds
    assert step > 0
    assert set(timing.parts) == {
        *("forward", "forward_backward", "optimizer", "pa", "backbone", "aggregation")
    }
    assert timing.parts["optimizer"] == max(0, step - timing.parts["forward_backward"])


def test_parts_are_left_out_unless_they_are_asked_for(open_here):
    assert open_here("tsn_micro", parts=False).run(2).parts == {}


def test_the_measured_step_is_that_of_training(open_here, monkeypatch):
    from pan_keras.training.optimisation.training_step import TrainingStep

    steps = []

    class Watched(TrainingStep):
        def __call__(self, batches):
            steps.append(self)
            return super().__call__(batches)

    module = "pan_keras.training.optimisation.training_step.TrainingStep"
    monkeypatch.setattr(module, Watched)
    session = open_here("tsn_micro", parts=False)
    session.run(2)
    session.run(2)
    assert len(steps) == 2
    optimizer = steps[0].optimizer
    assert int(optimizer.iterations) == 2
    assert optimizer.global_clipnorm == 20
    assert optimizer.decay == 1e-4
    assert (5.0, 1.0) in optimizer.multipliers


def test_half_precision_is_that_of_training(open_here):
    session = open_here("tsn_micro", precision="mixed_float16")
    model = session.model
    assert model.backbone.get_layer("conv1").compute_dtype == "float16"
    assert model.get_layer("logits").compute_dtype == "float32"
    assert session.run(2).seconds[0] > 0


def test_a_network_without_pa_has_no_part_for_pa(open_here):
    assert "pa" not in open_here("tsn_micro").run(2).parts


def test_a_network_of_branches_has_the_parts_of_each(open_here):
    parts = open_here("pan_full_micro").run(2).parts
    assert {"rgb/backbone", "rgb/aggregation", "pa/backbone", "pa/pa"} < set(parts)
    assert "rgb/pa" not in parts


def test_a_backbone_that_takes_whole_clips_is_measured_too(open_here):
    @register("volumes")
    class Volumes(Backbone):
        layout = "clip"

        def __init__(self, *, channels=3, segments=None, dtype=None, **kwargs):
            clips = keras.Input((segments, None, None, channels))
            features = layers.GlobalAveragePooling3D()(layers.Conv3D(4, 3, name="conv")(clips))
            configuration = {"channels": channels, "segments": segments}
            super().__init__(
                clips, features, configuration, keras.dtype_policies.get(dtype), **kwargs
            )

    work = Work(segments=4, stack=2, height=16, width=16, batch=2)
    parts = open_here("pan_lite_volumes", work=work).run(2).parts
    assert {"backbone", "aggregation", "pa"} < set(parts)
    assert all(np.isfinite(list(parts.values())))


@pytest.mark.slow
def test_each_batch_and_precision_has_a_row_with_its_memory():
    results = measure_train_step(
        "tsn_micro", **SMALL, batches=[1, 4], budget=Budget(0.0, fewest=1, most=1)
    )
    assert [(row.batch, row.error) for row in results.rows] == [(1, None), (4, None)]
    for row in results.rows:
        assert row.clips_per_second == pytest.approx(row.batch * 1000 / row.p50_ms, rel=1e-3)
        assert row.memory_mb > 100
        assert row.backend.startswith("tensorflow 2.")
    assert "tsn_micro keras step float32 batch 4" in results.to_text()


def test_a_model_or_precision_that_does_not_exist_is_refused():
    with pytest.raises(UserError, match=r"model: .*did you mean 'pan_lite_micro'"):
        measure_train_step("panlite_micro", **SMALL)
    with pytest.raises(UserError, match="precision: 'int8' is not one of float32, mixed_float16"):
        measure_train_step("pan_lite_micro", precisions=["int8"])


def test_without_tensorflow_one_sentence_explains_the_error(monkeypatch):
    monkeypatch.setattr(train_step, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"TensorFlow alone, and tensorflow is not installed; pip"):
        measure_train_step("pan_lite_micro")


def test_another_backend_is_refused(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    with pytest.raises(UserError, match="TensorFlow alone, and KERAS_BACKEND is jax; unset it"):
        measure_train_step("pan_lite_micro")
