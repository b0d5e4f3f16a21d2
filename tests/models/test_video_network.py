"""Behaviour common to all video networks: bytes as input, training, saving, intermediates."""

import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from differentiate import differentiate

from pan_keras import backbones, models
from pan_keras.models import PANetwork, PANLite, RGBNetwork

FAMILIES = ("pan_lite", "pa", "tsm", "tsn")
ROOT = Path(__file__).parents[2]
LOAD = """
import sys
import keras, numpy as np
import pan_keras.models
frames = np.load(sys.argv[1])
for path in sys.argv[2:]:
    model = keras.saving.load_model(path, safe_mode=True)
    np.save(path + ".npy", model.predict_on_batch(frames))
"""


def create(family="pan_lite", **options):
    options = {"classes": 3, "segments": 4, "stack": 3, "size": (32, 40), **options}
    return models.create(f"{family}_micro", **options)


def clips(batch=2, size=(32, 40), segments=4, stack=3):
    shape = (batch, segments, stack, *size, 3)
    return np.random.default_rng(0).integers(0, 256, shape, dtype="uint8")


def fit(model):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.1), loss)
    history = model.fit(clips(), np.array([0, 1]), verbose=0)
    return history.history["loss"]


@pytest.mark.parametrize("family", FAMILIES)
def test_trains(family):
    assert np.isfinite(fit(create(family))).all()


def test_training_with_a_seed_repeats():
    def train():
        keras.utils.set_random_seed(0)
        model = create(seed=1)
        fit(model)
        return model.get_weights()

    for first, second in zip(train(), train(), strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("family", FAMILIES)
def test_bytes_and_floats_give_the_same(family):
    model = create(family)
    as_bytes, as_floats = clips(), clips().astype("float32")
    np.testing.assert_array_equal(
        model.predict_on_batch(as_bytes), model.predict_on_batch(as_floats)
    )


def test_every_family_loads_in_a_fresh_process(tmp_path):
    frames = tmp_path / "frames.npy"
    np.save(frames, clips())
    expected = {}
    for family in FAMILIES:
        model = create(family, dtype="mixed_bfloat16" if family == "pa" else None)
        model.save(tmp_path / f"{family}.keras")
        expected[str(tmp_path / f"{family}.keras")] = model.predict_on_batch(clips())
    subprocess.run([sys.executable, "-c", LOAD, str(frames), *expected], cwd=ROOT, check=True)
    for path, logits in expected.items():
        np.testing.assert_allclose(np.load(f"{path}.npy"), logits, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_logits_are_float32_and_gradients_finite_in_mixed_precision(policy):
    model = create(dtype=policy)
    frames = clips()
    frames[:, :, 1] = frames[:, :, 0]
    tensors = model.intermediates(frames)
    half = keras.DTypePolicy(policy).compute_dtype
    dtypes = {key: keras.backend.standardize_dtype(value.dtype) for key, value in tensors.items()}
    assert dtypes.pop("logits") == "float32"
    assert set(dtypes.values()) == {half}
    weights, _ = differentiate(model, frames.astype("float32"), np.ones((2, 3), "float32"))
    assert all(np.isfinite(gradient.astype("float32")).all() for gradient in weights)


def test_a_global_policy_is_kept_in_the_configuration():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        config = create().get_config()
    finally:
        keras.config.set_dtype_policy("float32")
    assert PANLite.from_config(config).backbone.compute_dtype == "bfloat16"


def test_takes_any_number_of_clips():
    model = create()
    together = model.predict(clips(batch=5), batch_size=2, verbose=0)
    one_by_one = [model.predict_on_batch(clip[None])[0] for clip in clips(batch=5)]
    np.testing.assert_allclose(together, one_by_one, rtol=1e-4, atol=1e-6)


def test_the_same_weights_work_at_another_size():
    model = create()
    larger = type(model).from_config({**model.get_config(), "size": (48, 36)})
    larger.set_weights(model.get_weights())
    assert larger.predict_on_batch(clips(size=(48, 36))).shape == (2, 3)
    assert tuple(larger.size) == (48, 36)


@pytest.mark.parametrize(
    ("family", "names"),
    [
        ("pan_lite", {"motion", "features", "timescales", "weights", "video_feature", "logits"}),
        ("pa", {"motion", "features", "timescales", "weights", "video_feature", "logits"}),
        ("tsm", {"features", "video_feature", "logits"}),
    ],
)
def test_intermediates_have_the_documented_names_and_shapes(family, names):
    shapes = {
        "motion": (2, 4, 32, 40, 2),
        "features": (2, 4, 96),
        "timescales": (2, 3, 96),
        "weights": (2, 3),
        "video_feature": (2, 96),
        "logits": (2, 3),
    }
    tensors = create(family).intermediates(clips())
    assert {key: tuple(value.shape) for key, value in tensors.items()} == {
        name: shapes[name] for name in names
    }


def test_intermediate_logits_are_the_models_output():
    model = create(aggregation="vip")
    logits = keras.ops.convert_to_numpy(model.intermediates(clips())["logits"])
    np.testing.assert_allclose(logits, model.predict_on_batch(clips()), rtol=1e-5, atol=1e-7)


def test_rgb_networks_use_only_the_first_frame_of_each_stack():
    frames = clips()
    changed = frames.copy()
    changed[:, :, 1:] = 0
    model = create("tsn")
    np.testing.assert_array_equal(model.predict_on_batch(frames), model.predict_on_batch(changed))


def test_a_name_alone_means_the_backbone_with_shift():
    model = PANLite(classes=3, backbone="micro", segments=4, stack=2, size=32)
    assert model.backbone.segments == 4
    assert tuple(model.size) == (32, 32)


def test_one_frame_per_stack_is_enough_for_rgb_and_too_few_for_pa():
    assert create("tsn", stack=1).input_shape[2] == 1
    with pytest.raises(ValueError, match="use a longer stack"):
        create("pan_lite", stack=1)


def test_one_segment_is_enough_for_the_average_and_too_few_for_vap():
    assert create("tsn", segments=1).input_shape[1] == 1
    with pytest.raises(ValueError, match="at least 2 segments"):
        create("pan_lite", segments=1)


def test_a_backbone_of_other_channels_is_refused():
    with pytest.raises(ValueError, match="create it with channels=2"):
        PANetwork(classes=3, backbone=backbones.create("micro", channels=3), stack=3, size=32)


def test_a_backbone_of_other_segments_is_refused():
    backbone = backbones.create("micro", segments=8)
    with pytest.raises(ValueError, match="create it with segments=4"):
        RGBNetwork(classes=3, backbone=backbone, segments=4, size=32)
