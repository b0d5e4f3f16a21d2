"""The figure of an ablation."""

import cv2
import numpy as np

from pan_keras import models
from pan_keras.evaluation.ablation import Row
from pan_keras.evaluation.variants import Variant
from pan_keras.models.cost import cost
from pan_keras.reports.result_figures import ablation_figure, circles_figure, write_ablation_figure


def test_each_network_is_a_bar_as_long_as_its_mean(tmp_path):
    rows = [
        Row(Variant("RGB", "tsn_micro"), (0.5, 0.7)),
        Row(Variant("PA", "pa_micro"), (0.9,)),
    ]
    (axes,) = ablation_figure(rows).axes
    assert [bar.get_width() for bar in axes.patches] == [row.mean for row in rows]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["RGB", "PA"]
    write_ablation_figure(rows, tmp_path / "results.png")
    assert cv2.imread(str(tmp_path / "results.png")).std() > 1


def test_circles_have_the_area_of_their_cost():
    costs = [
        cost(models.create("pa_micro", classes=2, segments=2, stack=2, size=32, motion_depth=depth))
        for depth in (0, 1, 2)
    ]
    rows = [
        Row(Variant(f"depth {depth}", "pa_micro"), (0.4, 0.5), each)
        for depth, each in enumerate(costs)
    ]
    (axes,) = circles_figure(rows).axes
    areas = np.array([circle.get_sizes()[0] for circle in axes.collections])
    macs = np.array([row.figures["motion_macs"] for row in rows])
    np.testing.assert_allclose(
        (areas - areas[0]) / (areas[-1] - areas[0]), (macs - macs[0]) / (macs[-1] - macs[0])
    )
    assert [label.get_text() for label in axes.get_xticklabels()] == [
        "depth 0",
        "depth 1",
        "depth 2",
    ]
    assert [tuple(circle.get_offsets()[0]) for circle in axes.collections] == [
        (0, 0.45),
        (1, 0.45),
        (2, 0.45),
    ]
