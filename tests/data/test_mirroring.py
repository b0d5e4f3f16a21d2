"""Class names indicate whether mirrored clips may keep their class."""

import pytest

from pan_keras.data import mirror_doubt


@pytest.mark.parametrize(
    "name",
    [
        "left",
        "Swipe Right",
        "swipeleft",
        "turn-clockwise",
        "counter_clockwise",
        "turnCW",
        "nach links",
        "gauche",
        "mano izquierda",
        "向左",
        "направо",
        "L",
        "tick",
        "circlecc",
        "letter b",
    ],
)
def test_a_name_of_a_side_or_sign_forbids_mirror_images(name):
    assert name in mirror_doubt(["wave", name])


@pytest.mark.parametrize("name", ["0", "12", "class_3", "c07", "b", "Gesture 4"])
def test_an_uninformative_name_forbids_mirror_images(name):
    assert "does not describe" in mirror_doubt([name, "wave"])


def test_other_names_allow_mirror_images():
    names = ["wave", "clap", "pick up", "hand shake", "jump2", "zoom in", "drink", "blink"]
    assert mirror_doubt(names) is None
