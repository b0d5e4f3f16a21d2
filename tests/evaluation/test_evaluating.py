"""Evaluation measures the model's predictions on the intended clips and writes the results."""

import csv
import json
import shutil
from dataclasses import replace

import cv2
import keras
import numpy as np
import pytest
from click.testing import CliRunner
from run_folders import untrained_run

from pan_keras.cli.evaluate import evaluate as command
from pan_keras.cli.evaluate import sort_paths
from pan_keras.data import open_data
from pan_keras.errors import UserError
from pan_keras.evaluation import evaluate
from pan_keras.evaluation.results import Evaluation, latest_evaluation, stored_evaluation
from pan_keras.inference import predict, views
from pan_keras.inference.keras_classifier import KerasClassifier, at_size
from pan_keras.inference.views import ViewClassifier, probabilities
from pan_keras.input import FrameStore, evaluation_dataset
from pan_keras.metrics import softmax
from pan_keras.runs.run import Run
from pan_keras.runtime.preprocessing import views_from_video
from pan_keras.video import BrokenVideo


def by_hand(run, clips, fuse="logits", **views):
    """Probabilities of each clip, from a single call of the model for all views."""
    store = FrameStore(resize=run.shape.resize)
    dataset = evaluation_dataset(clips, run.shape, batch=1000, store=store, **views)
    ((frames, _),) = dataset.as_numpy_iterator()
    logits = keras.ops.convert_to_numpy(run.load_model()(frames))
    if fuse == "logits":
        return softmax(logits.reshape(len(clips), -1, logits.shape[-1]).mean(axis=1))
    return softmax(logits).reshape(len(clips), -1, logits.shape[-1]).mean(axis=1)


@pytest.fixture(scope="module")
def sure(small_motions, tmp_path_factory):
    """A run with widely spread logits, so that averaging logits or probabilities differs."""
    return untrained_run(tmp_path_factory.mktemp("sure") / "run", small_motions, sureness=3000)


@pytest.fixture(scope="module")
def clips(small_motions):
    return open_data("motions", small_motions).clips("test")


@pytest.fixture(scope="module")
def evaluation(run, tmp_path_factory):
    return evaluate(run.path, output=tmp_path_factory.mktemp("evaluation"), progress=False)


@pytest.mark.parametrize("fuse", ["logits", "probabilities"])
@pytest.mark.parametrize("options", [{}, {"crops": "3", "temporal": 2}])
def test_scores_are_the_mean_over_the_views(sure, clips, options, fuse):
    # Batches of 5 split the 6 views of a clip and leave a smaller batch at the end.
    classify = ViewClassifier(KerasClassifier.of_run(sure, batch=5), **options, fuse=fuse)
    found = list(classify([clip.path for clip in clips]))
    assert [each.path for each in found] == [clip.path for clip in clips]
    expected = by_hand(sure, clips, fuse=fuse, **options)
    answers = probabilities(np.stack([each.scores for each in found]), fuse)
    np.testing.assert_allclose(answers, expected, atol=1e-4)
    other = by_hand(sure, clips, fuse="logits" if fuse != "logits" else "probabilities", **options)
    assert (np.abs(expected - other).max() > 1e-3) == bool(options)


def test_logits_are_averaged_unless_asked_otherwise(sure, clips):
    views = {"crops": "3", "temporal": 2}
    evaluation = evaluate(sure.path, crops="3", clips=2, progress=False)
    expected = by_hand(sure, clips, **views).max(axis=1)
    np.testing.assert_allclose([c.probability for c in evaluation.results], expected, atol=1e-4)
    assert evaluation.fuse == "logits"
    assert "mean logits of 6 views" in evaluation.to_text()
    video = str(clips[0].path)
    (prediction,) = predict(sure.path, [video], crops="3", clips=2)
    assert prediction.predictions[0][1] == pytest.approx(expected[0], abs=1e-4)
    (prediction,) = predict(sure.path, [video], crops="3", clips=2, fuse="probabilities")
    expected = by_hand(sure, clips[:1], fuse="probabilities", **views).max()
    assert prediction.predictions[0][1] == pytest.approx(expected, abs=1e-4)


def test_unknown_kinds_of_averaging_are_refused(run):
    with pytest.raises(UserError, match="fuse scores: give one of logits, probabilities"):
        evaluate(run.path, fuse="scores", progress=False)


def test_results_of_other_views_and_splits_stay_beside_each_other(own_run):
    one = evaluate(own_run.path, progress=False)
    three = evaluate(own_run.path, crops="3", progress=False)
    other = evaluate(own_run.path, crops="3", fuse="probabilities", progress=False)
    val = evaluate(own_run.path, split="val", progress=False)
    folder = own_run.path / "evaluation"
    names = ["test", "test-crops-3-clips-1", "test-crops-3-clips-1-probabilities", "val"]
    assert [Evaluation.read(folder, name) for name in names] == [one, three, other, val]
    assert stored_evaluation(own_run, "test") == one
    assert stored_evaluation(own_run, "test", "3") == three
    assert stored_evaluation(own_run, "test", "full") is None
    assert latest_evaluation(own_run) == other  # the last of the test split


def test_results_of_earlier_versions_are_read_and_kept(own_run):
    folder = own_run.path / "evaluation"
    three = evaluate(own_run.path, crops="3", progress=False)
    # As earlier versions wrote it: named after the split, without later fields.
    record = json.loads(three.to_json())
    for key in ("fuse", "notes", "includes_new", "data_digest"):
        del record[key]
    for file in list(folder.iterdir()):
        file.rename(folder / file.name.replace("-crops-3-clips-1", ""))
    (folder / "test.json").write_text(json.dumps(record))
    earlier = Evaluation.read(folder, "test")
    assert (earlier.crops, earlier.fuse, earlier.results) == ("3", "probabilities", three.results)
    assert stored_evaluation(own_run, "test") is None
    one = evaluate(own_run.path, progress=False)
    assert Evaluation.read(folder, "test") == one
    assert Evaluation.read(folder, "test-crops-3-clips-1-probabilities") == earlier


def test_an_evaluation_on_other_clips_is_not_reused(own_run):
    evaluate(own_run.path, progress=False)
    assert stored_evaluation(own_run, "test") is not None
    identity = own_run.identity
    own_run.write_identity(replace(identity, clips=identity.clips[1:]))
    assert stored_evaluation(Run(own_run.path), "test") is None


def test_evaluation_agrees_with_the_model(evaluation, run, clips):
    probabilities = by_hand(run, clips)
    labels = np.array([clip.label for clip in clips])
    right = probabilities.argmax(axis=1) == labels
    assert evaluation.clips == len(clips) == 8
    assert evaluation.top1 == pytest.approx(right.mean())
    assert evaluation.mean_class == pytest.approx(right.mean())  # one clip a class
    worst = clips[probabilities[np.arange(len(clips)), labels].argmin()]
    assert evaluation.worst_clips[0].path == str(worst.path)
    assert np.sum(evaluation.confusion) == len(clips)


def test_files_tell_what_was_measured(own_run):
    evaluation = evaluate(own_run.path, progress=False)
    folder = own_run.path / "evaluation"
    assert json.loads((folder / "test.json").read_text()) == json.loads(evaluation.to_json())
    picture = cv2.imdecode(np.fromfile(folder / "test_confusion.png", np.uint8), cv2.IMREAD_COLOR)
    assert picture.std() > 1
    with (folder / "test_confusion.csv").open() as file:
        header, *rows = csv.reader(file)
    assert header == ["truth", *evaluation.classes]
    assert [row[0] for row in rows] == list(evaluation.classes)
    assert [[int(cell) for cell in row[1:]] for row in rows] == evaluation.confusion
    assert len((folder / "test_per_class.csv").read_text().splitlines()) == 9
    assert len((folder / "test_clips.csv").read_text().splitlines()) == 9
    assert Evaluation.read(folder, "test") == evaluation


def test_json_has_the_names_that_scripts_rely_on(evaluation):
    record = json.loads(evaluation.to_json())
    assert {"top1", "top5", "mean_class", "intervals", "clips", "skipped"} <= record.keys()
    assert (record["clips"], record["skipped"], record["skipped_files"]) == (8, 0, [])
    assert record["intervals"].keys() == {"top1", "top5", "mean_class"}
    low, high = record["intervals"]["top1"]
    assert low <= record["top1"] <= high


def test_text_names_accuracy_intervals_and_every_class(evaluation, run):
    text = evaluation.to_text()
    assert "top-1" in text
    assert "95 %" in text
    assert all(label in text for label in run.labels)


def test_whole_frames_use_the_same_weights(run):
    small = run.load_model()
    large = at_size(small, (32, 48))
    assert large.input_shape[-3:] == (32, 48, 3)
    for one, other in zip(small.get_weights(), large.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    evaluation = evaluate(run.path, crops="full", progress=False)
    assert evaluation.crops == "full"
    assert evaluation.clips == 8


def test_the_runs_own_data_may_be_named(own_run):
    assert evaluate(own_run.path, "motions", progress=False).clips == 8
    assert (own_run.path / "evaluation" / "test.json").is_file()


def test_every_clip_can_be_measured(run):
    assert evaluate(run.path, split="all", progress=False).clips == 48


def test_a_broken_clip_is_skipped(own_run, small_motions, tmp_path):
    data = shutil.copytree(small_motions, tmp_path / "data")
    victim = next(data.glob("test/left/*.mp4"))
    whole = victim.read_bytes()
    victim.write_bytes(whole[: len(whole) // 8])
    found = evaluate(own_run.path, data, progress=False)
    assert (found.clips, found.skipped) == (7, 1)
    assert found.skipped_files[0]["path"] == str(victim)
    assert found.skipped_files[0]["reason"]
    assert not (own_run.path / "evaluation").exists()  # not the run's own data


def test_a_clip_that_breaks_after_the_check_is_skipped(run, clips, monkeypatch):
    def reading(path, *arguments, **options):
        if path == clips[3].path:
            raise BrokenVideo(path, "the disk failed")
        return views_from_video(path, *arguments, **options)

    monkeypatch.setattr(views, "views_from_video", reading)
    classify = ViewClassifier(KerasClassifier.of_run(run, batch=4), crops="3")
    found = list(classify([clip.path for clip in clips]))
    assert [place for place, each in enumerate(found) if each.scores is None] == [3]
    assert found[3].error == "the disk failed"


def test_fusion_weighs_runs_with_different_input(evaluation, run, make_run, clips):
    other = make_run("model.segments=2", "model.size=32", model="tsn_micro")
    fused = evaluate([run.path, other.path], weights=[3, 1], progress=False)
    expected = 0.75 * by_hand(run, clips) + 0.25 * by_hand(other, clips)
    truth = [clip.label for clip in clips]
    np.testing.assert_allclose(
        [result.truth_probability for result in fused.results],
        expected[np.arange(len(clips)), truth],
        atol=1e-5,
    )
    assert fused.weights == (0.75, 0.25)
    alone = evaluate([run.path, other.path], weights=[1, 0], progress=False)
    assert alone.results == evaluation.results


def test_runs_with_other_classes_cannot_be_fused(run, own_run):
    own_run.write("labels.txt", "\n".join(reversed(run.labels)) + "\n")
    with pytest.raises(UserError, match="same classes in the same order"):
        evaluate([run.path, own_run.path], progress=False)


def test_data_may_have_fewer_classes_but_no_others(own_run, small_motions, tmp_path):
    for label in ("up", "down"):
        shutil.copytree(small_motions / "test" / label, tmp_path / "some" / "test" / label)
    evaluation = evaluate(own_run.path, tmp_path / "some", progress=False)
    assert {row.name: row.clips for row in evaluation.per_class if row.clips} == {
        "up": 1,
        "down": 1,
    }
    (tmp_path / "some" / "test" / "up").rename(tmp_path / "some" / "test" / "wave")
    with pytest.raises(UserError, match="trained without the classes wave"):
        evaluate(own_run.path, tmp_path / "some", progress=False)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"weights": [1.0, 2.0]}, "one weight per run"),
        ({"weights": [0.0]}, "above 0"),
        ({"split": "holdout"}, "'holdout' is not one of train, val, test, all"),
    ],
)
def test_user_errors_are_one_sentence(run, arguments, sentence):
    with pytest.raises(UserError, match=sentence):
        evaluate(run.path, progress=False, **arguments)


def test_a_split_without_clips_names_those_that_have_some(own_run, small_motions, tmp_path):
    shutil.copytree(small_motions / "test", tmp_path / "data" / "test")
    with pytest.raises(UserError, match=r"no clips of val.*test 8"):
        evaluate(own_run.path, tmp_path / "data", split="val", progress=False)


def test_a_model_with_nan_logits_is_named(own_run):
    model = own_run.load_model()
    model.set_weights([np.full_like(weight, np.nan) for weight in model.get_weights()])
    model.save(own_run.path / "model.keras")
    with pytest.raises(UserError, match="NaN or infinite logits"):
        evaluate(own_run.path, progress=False)


def test_command_line_tells_runs_from_data(run, tmp_path):
    data = str(tmp_path)
    assert sort_paths((str(run.path), data, str(run.path))) == ([str(run.path)] * 2, data)
    assert sort_paths((data,)) == ([data], None)
    with pytest.raises(UserError, match="not a run folder"):
        sort_paths((str(run.path), "here", "there"))


def test_the_command_prints_only_json(own_run):
    result = CliRunner().invoke(command, [str(own_run.path), "--json"], catch_exceptions=False)
    assert result.exit_code == 0
    assert json.loads(result.stdout)["clips"] == 8


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--weights", "half"], "write numbers with commas"),
        (["motions", "--data", "videos"], "given twice"),
    ],
)
def test_the_command_refuses_unreadable_input(run, options, sentence):
    with pytest.raises(UserError, match=sentence):
        CliRunner().invoke(command, [str(run.path), *options], catch_exceptions=False)
