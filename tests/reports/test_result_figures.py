"""The figure of an ablation."""

import cv2

from pan_keras.evaluation.ablation import Row, Variant
from pan_keras.reports.result_figures import ablation_figure, write_ablation_figure


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
