"""The benchmark page is self-contained and shows the results."""

from results_made import made_results

from pan_keras.bench.paper_tables import Accuracy
from pan_keras.drawing.scatter import Point, scatter_figure
from pan_keras.reports.benchmark_page import write_benchmarks


def test_the_page_has_charts_tables_and_reasons(tmp_path):
    accuracies = {"pa": Accuracy(0.9, 0.85, 0.95, 3), "tvl1": Accuracy(0.8, 0.7, 0.9, 3)}
    write_benchmarks({"motion": made_results()}, tmp_path / "index.html", accuracies)
    content = (tmp_path / "index.html").read_text(encoding="utf-8")
    for text in ("Speed against cost", "Speed against accuracy", "dis_ultrafast", "a | reason"):
        assert text in content
    assert content.count("<svg") == 2
    assert "The machine was busy" in content
    assert "http" not in content.replace("http://www.w3.org", "")


def test_points_are_placed_correctly_on_logarithmic_axes():
    points = [Point("a", 1.0, 10.0, emphasised=True), Point("b", 100.0, 1000.0)]
    (axes,) = scatter_figure(points, "x", "y").axes
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    assert [line.get_xydata().tolist() for line in axes.lines] == [[[1, 10]], [[100, 1000]]]
    assert [text.get_text() for text in axes.texts] == ["a", "b"]


def test_labels_of_near_points_do_not_overlap():
    points = [Point("a", 1, 10), Point("b", 1, 10.1), Point("far", 1000, 1000)]
    (axes,) = scatter_figure(points, "x", "y").axes
    assert [text.xyann[1] for text in axes.texts] == [-7, 4, 4]


def test_accuracies_have_a_linear_axis_and_intervals():
    (axes,) = scatter_figure([Point("a", 1.0, 0.5, 0.4, 0.6)], "x", "y", shares=True).axes
    assert axes.get_yscale() == "linear"
    assert axes.lines[0].get_ydata().tolist() == [0.4, 0.6]
