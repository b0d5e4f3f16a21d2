"""The report of a run is a self-contained page that leaves out missing parts."""

import base64
import json
import shutil
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from pan_keras.cli.report import report as command
from pan_keras.errors import UserError
from pan_keras.evaluation import evaluate
from pan_keras.evaluation.results import ClipResult
from pan_keras.reports import write_report
from pan_keras.reports.example_clips import choose
from pan_keras.reports.html import element, table
from pan_keras.runs.run import Run

VOID = {"img", "meta"}
LOADING = {"src", "href", "srcset", "data", "action", "poster"}


class Page(HTMLParser):
    """Collects tags, text and attributes, and checks that every tag is closed."""

    def __init__(self, path):
        super().__init__()
        self.open, self.tags, self.words, self.attributes = [], [], [], []
        self.source = path.read_text(encoding="utf-8")
        self.feed(self.source)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return " ".join(self.words)

    @property
    def images(self):
        sources = [value for name, value in self.attributes if name == "src"]
        files = [base64.b64decode(source.partition("base64,")[2]) for source in sources]
        return [cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_COLOR) for file in files]


@pytest.fixture(scope="module")
def evaluated(run, tmp_path_factory):
    ignored = shutil.ignore_patterns("evaluation")
    folder = tmp_path_factory.mktemp("evaluated") / "run"
    copy = Run(shutil.copytree(run.path, folder, ignore=ignored))
    evaluate(copy.path, progress=False)
    return copy


@pytest.fixture(scope="module")
def page(evaluated):
    return Page(write_report(evaluated.path))


def test_the_page_shows_all_parts_of_the_run(page, evaluated):
    for words in ("top-1 accuracy", "Training", "Confusions", "Classes", "Example clips", "Data"):
        assert words in page.text
    assert all(label in page.text for label in evaluated.labels)
    assert 'name = "pan_lite_micro"' in page.text
    assert "tensorflow" in page.text
    assert page.tags.count("svg") == 3


def test_the_page_is_self_contained(page):
    for name, value in page.attributes:
        if name in LOADING:
            assert value.startswith(("data:image/", "#")), (name, value[:80])
    assert not {"script", "link", "iframe", "object"} & set(page.tags)
    assert "http" not in page.source
    assert "@import" not in page.source


def test_pictures_show_frames_and_motion_of_every_segment(page, evaluated):
    pictures = page.images
    clips = page.tags.count("h3")
    assert 3 <= clips <= 6
    assert len(pictures) == 2 * clips
    for picture in pictures:
        assert picture.shape == (24, 4 * 32, 3)
        assert picture.std() > 1


def test_timescales_show_the_segments_they_pool(page):
    titles = [value for name, value in page.attributes if name == "title"]
    pools = [title.partition(":")[0] for title in titles[:3]]
    assert pools == [
        "timescale 1, segments {1, 2, 3, 4}",
        "timescale 2, segments {1, 3}",
        "timescale 2, segments {2, 4}",
    ]
    weights = [float(title.rpartition(" ")[2]) for title in titles[:3]]
    assert sum(weights) == pytest.approx(1, abs=1e-3)


def test_a_run_without_evaluation_shows_the_command(own_run):
    page = Page(write_report(own_run.path))
    assert "pan-keras evaluate" in page.text
    assert "Example clips" not in page.text
    assert "Training" in page.text


def test_a_run_without_an_epoch_is_reported(own_run):
    for name in ("metrics.csv", "model.keras", "data_report.json", "versions.json"):
        (own_run.path / name).unlink()
    page = Page(write_report(own_run.path))
    assert "svg" not in page.tags
    assert "Configuration" in page.text


def test_a_network_without_motion_and_timescales_shows_frames_alone(make_run):
    still = make_run(model="tsn_micro")
    evaluate(still.path, progress=False)
    page = Page(write_report(still.path))
    assert len(page.images) == page.tags.count("h3")
    assert "timescale" not in page.text


def test_clips_that_are_gone_are_left_out(evaluated, tmp_path):
    run = Run(shutil.copytree(evaluated.path, tmp_path / "run"))
    table = run.path / "evaluation" / "test_clips.csv"
    lines = table.read_text().splitlines()
    table.write_text("\n".join([lines[0], *(f"/gone{line}" for line in lines[1:])]))
    page = Page(write_report(run.path))
    assert page.images == []
    assert "can no longer be read" in page.text


def test_a_baseline_is_shown_beside_the_run(evaluated, make_run, own_run, tmp_path):
    page = Page(write_report(evaluated.path, tmp_path / "page.html", baseline=evaluated.path))
    assert "baseline pan_lite_micro" in page.text
    with pytest.raises(UserError, match="not evaluated"):
        write_report(evaluated.path, tmp_path / "page.html", baseline=own_run.path)


def test_a_baseline_that_was_measured_on_other_clips_is_refused(evaluated, tmp_path):
    baseline = Run(shutil.copytree(evaluated.path, tmp_path / "baseline"))
    rows = (baseline.path / "evaluation" / "test_clips.csv").read_text().splitlines()
    (baseline.path / "evaluation" / "test_clips.csv").write_text("\n".join(rows[:-1]) + "\n")
    with pytest.raises(UserError, match="was not evaluated on the 8 clips of test"):
        write_report(evaluated.path, tmp_path / "page.html", baseline=baseline.path)
    assert not (tmp_path / "page.html").exists()
    # A second evaluation of it, with three crops, covers all clips.
    evaluate(baseline.path, crops="3", progress=False)
    page = Page(write_report(evaluated.path, tmp_path / "page.html", baseline=baseline.path))
    assert "baseline pan_lite_micro" in page.text


def test_names_are_never_read_as_html(evaluated, tmp_path):
    run = Run(shutil.copytree(evaluated.path, tmp_path / "run"))
    name = '<script>alert("x")</script> & $a$'
    for file in ("data_report.json", "evaluation/test.json"):
        text = (run.path / file).read_text()
        (run.path / file).write_text(text.replace('"left"', json.dumps(name)))
    page = Page(write_report(run.path))
    assert "script" not in page.tags
    assert name in page.text


def test_a_damaged_evaluation_gives_one_sentence(evaluated, tmp_path):
    run = Run(shutil.copytree(evaluated.path, tmp_path / "run"))
    (run.path / "evaluation" / "test.json").write_text('{"top1": 1.0}')
    with pytest.raises(UserError, match="write it again with pan-keras evaluate"):
        write_report(run.path)


def test_command_prints_where_the_page_is(own_run, tmp_path):
    arguments = [str(own_run.path), "--output", str(tmp_path / "page.html")]
    result = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert result.stdout.strip() == str(tmp_path / "page.html")
    assert Page(tmp_path / "page.html").tags


def test_elements_escape_text_and_attributes():
    assert element("p", "a < b", class_='"q"') == '<p class="&quot;q&quot;">a &lt; b</p>'
    assert "<td>&amp;</td>" in table(["x"], [["&"]])
    assert element("div", None, [element("b", "x"), "y"]) == "<div><b>x</b>y</div>"


def test_chosen_clips_are_right_ones_of_different_classes_and_the_worst():
    def result(number, truth, predicted, probability):
        return ClipResult(str(number), truth, predicted, 0.5, probability)

    right = [
        result(number, "abcde"[number // 2], "abcde"[number // 2], 0.9) for number in range(10)
    ]
    wrong = [result(10 + number, "a", "b", 0.1 * number) for number in range(4)]
    chosen = choose([*wrong[::-1], *right])
    assert [clip.truth for clip in chosen[:3]] == ["a", "c", "e"]
    assert chosen[3:] == wrong[:3]
    assert choose([]) == []
