"""Accuracy of int8 and float32 exports of a trained network, with measured limits."""

import importlib.util
from pathlib import Path

import keras
import numpy as np
import pytest
from deployed import last_logits

from pan_keras.deploy.formats.tflite import to_tflite

# Measured: 0.984 and 0.038; calibrated with a single clip, 0.953 and 0.100.
AGREEMENT, OFF = 0.97, 0.06
MAKE = Path(__file__).parents[1] / "golden" / "trained" / "make.py"


@pytest.fixture(scope="module")
def made():
    """The script that trained the network."""
    spec = importlib.util.spec_from_file_location("make_trained", MAKE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def trained(made):
    """The network, unseen clips, their classes, and the network's logits."""
    model = made.load_model()
    clips, labels = made.make_clips(64, seed=3)
    return model, clips, labels, keras.ops.convert_to_numpy(model(clips, training=False))


@pytest.fixture(scope="module")
def calibration(made):
    return made.make_clips(48, seed=1)[0]


def test_the_network_has_learnt(trained):
    _, _, labels, logits = trained
    assert (logits.argmax(-1) == labels).mean() >= 0.35  # chance is 0.125


def test_float32_is_exact(trained):
    model, clips, _, logits = trained
    found = last_logits(to_tflite(model), clips[:24])
    np.testing.assert_allclose(found, logits[:24], atol=1e-4)


def test_int8_keeps_classes_and_logits(trained, calibration):
    agreement, off = compared(trained, calibration)
    assert agreement >= AGREEMENT
    assert off <= OFF


def test_int8_calibrated_on_one_clip_exceeds_the_limits(trained, calibration):
    """The limits are tight enough to detect poor calibration."""
    agreement, off = compared(trained, np.repeat(calibration[:1], 48, axis=0))
    assert agreement < AGREEMENT
    assert off > OFF


def compared(trained, calibration):
    """Returns the share of clips that keep their class, and the mean error over the spread."""
    model, clips, _, logits = trained
    found = last_logits(to_tflite(model, "int8", calibration=calibration), clips)
    off = np.abs(found - logits).mean() / logits.std()
    return (found.argmax(-1) == logits.argmax(-1)).mean(), off
