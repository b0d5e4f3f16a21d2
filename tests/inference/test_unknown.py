"""The answer unknown in predictions of files and live video, and the CSV table."""

import csv
import json

import pytest
from click.testing import CliRunner

from pan_keras.cli import main
from pan_keras.inference import open_classifier, predict, predict_live, write_table
from pan_keras.inference.prediction import Prediction
from pan_keras.metrics import Confidence


class Unsure:
    """A classifier with the threshold that nothing is above."""

    def __init__(self, classifier, threshold=1.0):
        self._classifier = classifier
        self.confidence = Confidence(threshold=threshold)

    def __getattr__(self, name):
        return getattr(self._classifier, name)


@pytest.fixture(scope="module")
def videos(small_motions):
    return sorted(small_motions.rglob("*.mp4"))[:2]


@pytest.mark.parametrize(("threshold", "unknown"), [(1.0, True), (0.0, False)])
def test_a_prediction_is_unknown_unless_it_is_above_the_threshold(run, videos, threshold, unknown):
    classifier = Unsure(open_classifier(run.path, batch=1), threshold)
    (found,) = predict(classifier, videos[0], top=2)
    assert found.unknown is unknown
    best = found.predictions[0][0]
    assert found.label == ("unknown" if unknown else best)
    assert json.loads(found.to_json())["label"] == found.label
    assert f": {'unknown (' if unknown else ''}{best} " in found.to_text()


def test_live_answers_are_unknown_too(run, videos):
    classifier = Unsure(open_classifier(run.path, batch=1))
    answer = next(iter(predict_live(classifier, str(videos[0]), every=0)))
    assert answer.unknown
    assert json.loads(answer.to_json())["label"] == "unknown"
    assert "  unknown (" in answer.to_text()


def rows_of(file):
    with file.open(newline="", encoding="utf-8") as opened:
        return list(csv.DictReader(opened))


def test_the_table_has_a_row_for_every_video_with_what_json_has(run, videos, tmp_path):
    broken, file = tmp_path / "broken.mp4", tmp_path / "answers.csv"
    broken.write_bytes(b"no video")
    arguments = [run.path, *videos, broken, "--top", "3", "--csv", file, "--json"]
    result = CliRunner().invoke(main, ["predict", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    records = [json.loads(line) for line in result.stdout.splitlines()]
    rows = rows_of(file)
    assert [row["path"] for row in rows] == [record["path"] for record in records]
    for row, record in zip(rows[:2], records, strict=False):
        assert row["answer"] == record["label"]
        for place, guess in enumerate(record["predictions"], 1):
            assert row[f"label_{place}"] == guess["label"]
            assert float(row[f"probability_{place}"]) == pytest.approx(
                guess["probability"], abs=1e-6
            )
    assert rows[2]["error"]
    assert not rows[2]["answer"] + rows[2]["label_1"]


def test_a_table_never_overwrites_a_video(run, videos):
    before = videos[0].read_bytes()
    result = CliRunner().invoke(
        main, ["predict", str(run.path), str(videos[0]), "--csv", str(videos[0])]
    )
    assert result.exit_code == 2
    assert videos[0].read_bytes() == before


def test_names_with_commas_are_distinguished_from_unknown_answers(tmp_path):
    found = [
        Prediction(tmp_path / "a, b.mp4", (("left", 0.6), ("right", 0.4)), unknown=True),
        Prediction(tmp_path / "c.mp4", (("left", 0.9), ("right", 0.1))),
    ]
    write_table(tmp_path / "table.csv", found, top=2)
    rows = rows_of(tmp_path / "table.csv")
    assert [row["answer"] for row in rows] == ["unknown", "left"]
    assert rows[0]["path"] == str(tmp_path / "a, b.mp4")
    assert rows[0]["label_1"] == "left"
