"""Figures for arbitrary class names and short runs."""

import numpy as np

from pan_keras.drawing.figures import confusion_figure, curve_figure, pixels, svg


def test_figures_take_any_name_and_any_number_of_classes():
    names = ["$x$ < 手 " + "long" * 10, "b"]
    drawing = svg(confusion_figure(np.array([[3, 1], [0, 0]]), names), "a & b")
    assert "&lt; 手" in drawing
    assert "$x$" in drawing
    assert "var(--accent)" in drawing
    many = confusion_figure(np.eye(174, dtype=int), [f"class {i}" for i in range(174)])
    assert pixels(many, 72).std() > 1


def test_curves_need_no_validation():
    row = {"epoch": 1.0, "loss": 1.0, "accuracy": 0.5}
    assert svg(curve_figure([row], "loss"), "loss").count(">val<") == 0
