"""A configuration is typed and complete, and its errors say what is wrong."""

import pytest

from pan_keras.config import load_config
from pan_keras.errors import UserError
from pan_keras.runs.network import create_model, with_network


def test_the_width_reaches_the_backbone():
    small = ["model.segments=2", "model.stack=2", "model.size=32", "model.width=0.25"]
    config = load_config(overrides=["model.name=pan_lite_mobilenetv2", *small])
    assert create_model(config, 3).backbone.get_layer("features_0_0").filters == 8


def test_a_width_for_a_backbone_without_one_is_refused():
    config = load_config(overrides=["model.name=pan_lite_micro", "model.width=0.25"])
    with pytest.raises(UserError, match="unknown option of pan_lite_micro 'width'"):
        create_model(config, 3)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("trainin.seed=1", "did you mean training"),
        ("training.sede=1", r"no training\.sede; did you mean training\.seed"),
        ("training.seed=1.5", "must be a whole number"),
        ("training.seed=true", "must be a whole number"),
        ("training.learning_rate=fast", "must be a number"),
        ("augmentation.flip=1", "must be true or false"),
        ("model.size=[1, 2, 3]", r"\[height, width\]"),
        ("data.cache=ram", "one of none, memory, disk"),
        ("training.epochs=0", "at least 1"),
        ("training.learning_rate=-1", "above 0"),
        ("model.dropout=1", r"in \[0, 1\)"),
        ("training.average=1.0", r"in \[0, 1\)"),
        ("training.label_smoothing=-0.1", r"in \[0, 1\)"),
        ("training.mixup=-0.1", "at least 0"),
        ("training.accumulate=3", "does not divide training.batch, 8"),
        ("training.milestones=0.5", "must be a list"),
        ("training.milestones=[0.5]", "schedule is cosine; set it to steps"),
        ("training.milestones=[a]", "must be a list"),
        ("training.precision=float16", "one of float32, mixed_float16, mixed_bfloat16"),
        ("training", "section.key=value"),
        ("training.seed", "section.key=value"),
        ("model.fit=stretch", "one of crop, letterbox, squash"),
        ("model.resizing=3", "one of 1, 2"),
        ("model.resizing=true", "one of 1, 2"),
    ],
)
def test_an_error_names_the_key_and_the_remedy(override, message):
    with pytest.raises(UserError, match=message):
        load_config(overrides=[override])


@pytest.mark.parametrize("marks", ["[0.5, 0.25]", "[0.5, 0.5]", "[1.0]", "[0.0, 0.5]"])
def test_milestones_are_increasing_fractions(marks):
    with pytest.raises(UserError, match=r"fractions of the epochs|above 0 and below 1"):
        load_config(overrides=["training.schedule=steps", f"training.milestones={marks}"])


def test_one_number_makes_a_square():
    assert load_config(overrides=["model.size=112"]).model.size == (112, 112)


def test_whole_frames_need_the_newer_resizing():
    assert load_config(overrides=["model.fit=squash"]).model.resizing == 2
    with pytest.raises(UserError, match=r"model\.fit is squash, which model\.resizing = 1"):
        load_config(overrides=["model.fit=squash", "model.resizing=1"])


def test_depth_encoding_and_kernel_of_pa_reach_the_network():
    asked = {"motion_depth": 2, "motion_encoding": "e2", "motion_kernel": 3}
    overrides = [f"model.{key}={value}" for key, value in asked.items()]
    overrides += ["model.segments=2", "model.stack=3", "model.size=16"]
    config = with_network(load_config("small", overrides=overrides))
    pa = create_model(config, 3).get_layer("persistence_of_appearance")
    assert (pa.depth, pa.encoding, pa.kernel_size) == (2, "attention", 3)
    assert with_network(load_config("small")).model.motion_encoding == "e1"
    with pytest.raises(UserError, match="motion_depth is 3"):
        load_config("small", overrides=["model.motion_depth=3"])
    even = load_config("small", overrides=["model.motion_kernel=4"])
    with pytest.raises(UserError, match="kernel_size must be odd"):
        create_model(with_network(even), 3)
