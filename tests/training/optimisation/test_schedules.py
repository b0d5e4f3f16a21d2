"""Length and learning rate of a run follow the configuration or the paper."""

import keras
import pytest

from pan_keras.config import load_config
from pan_keras.training.optimisation.schedules import (
    Length,
    describe,
    highest_rate,
    learning_rate,
    length,
    with_length,
)

MANY, FEW = 100_000, 9_537


@pytest.mark.parametrize(
    ("model", "clips", "expected"),
    [
        ("pan_lite_resnet50", MANY, Length(80, (0.375, 0.75))),
        ("pa_resnet50", MANY, Length(80, (0.375, 0.75))),
        ("tsm_resnet50", MANY, Length(50, (0.4, 0.8))),
        ("pan_lite_resnet50", FEW, Length(40, (0.375, 0.75))),
        ("tsn_resnet50", FEW, Length(25, (0.4, 0.8))),
    ],
)
def test_the_paper_trains_by_network_and_size_of_the_data(model, clips, expected):
    assert length(load_config("paper", overrides=[f"model.name={model}"]), clips) == expected


def test_requested_epochs_are_never_halved():
    config = load_config("paper", overrides=["training.epochs=12"])
    assert length(config, FEW) == Length(12, (0.375, 0.75))
    assert with_length(config, FEW).training.epochs == 12


@pytest.mark.parametrize(
    ("epochs", "drops"), [(80, (30, 60)), (40, (15, 30)), (8, (3, 6))], ids=str
)
def test_the_rate_falls_to_a_tenth_with_the_first_step_after_a_milestone(epochs, drops):
    config = load_config("paper", overrides=[f"training.epochs={epochs}"])
    schedule = learning_rate(config, 10, length(config, MANY))
    first, second = (drop * 10 for drop in drops)
    rates = [0.01, 0.01, 1e-3, 1e-3, 1e-4, 1e-4]
    steps = [0, first - 1, first, second - 1, second, epochs * 10 - 1]
    assert [float(schedule(step)) for step in steps] == pytest.approx(rates)


def test_the_rate_follows_the_batch_in_proportion_and_says_so():
    asked = load_config("paper", overrides=["training.batch=16"])
    config = with_length(asked, FEW)
    assert highest_rate(config) == pytest.approx(0.0025)
    assert float(learning_rate(config, 10, length(config, FEW))(0)) == pytest.approx(0.0025)
    epochs, rate = describe(config, asked, FEW)
    assert "40" in epochs
    assert "9537 training clips are few" in epochs
    assert "0.0025" in rate
    assert "64 clips per step" in rate


def test_a_recipe_without_a_reference_batch_keeps_its_rate_and_says_nothing():
    config = load_config("small", overrides=["training.batch=64"])
    assert highest_rate(config) == 2e-3
    assert describe(with_length(config, FEW), config, FEW) == []


def test_a_warmup_rises_in_a_line_and_leaves_the_rest_alone():
    settings = ["training.epochs=10", "training.warmup=0.5"]
    config = load_config("small", overrides=settings)
    plain = learning_rate(load_config("small", overrides=settings[:1]), 8, length(config, MANY))
    warm = learning_rate(config, 8, length(config, MANY))
    shares = [float(warm(step)) / float(plain(step)) for step in range(8)]
    assert shares == pytest.approx([0.25, 0.5, 0.75, 1.0, 1.0, 1.0, 1.0, 1.0])
    twin = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(warm))
    assert [float(twin(step)) for step in range(80)] == [float(warm(step)) for step in range(80)]
