"""A run, a Keras model, a bundle and a streaming bundle implement the same protocol."""

import json

import keras
import numpy as np
import pytest
from bundles import LABELS, SHAPE, clips, logits_by_hand

from pan_keras import models
from pan_keras.errors import UserError
from pan_keras.evaluation import evaluate
from pan_keras.inference import open_classifier, predict, predict_live
from pan_keras.reports import explain


@pytest.fixture
def streaming(own_bundle):
    """A bundle whose only model is a streaming one."""
    facts = json.loads((own_bundle / "model.json").read_text())
    facts["artefacts"] = [each for each in facts["artefacts"] if each["streaming"]]
    (own_bundle / "model.json").write_text(json.dumps(facts))
    return own_bundle


@pytest.fixture(scope="module")
def videos(small_motions):
    return sorted((small_motions / "test").rglob("*.mp4"))[:3]


def noise(classifier, count):
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (count, *classifier.shape.array)).astype("uint8")


@pytest.mark.parametrize("count", [0, 1, 3, 5])
def test_a_run_gives_the_logits_of_its_model_for_any_number_of_clips(run, count):
    classifier = open_classifier(run.path, batch=3)
    given = noise(classifier, count)
    found = classifier.logits(given)
    assert found.shape == (count, len(run.labels))
    if count:
        expected = keras.ops.convert_to_numpy(run.load_model()(given, training=False))
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_model_in_memory_and_its_file_answer_as_its_run(run):
    of_run, of_file = open_classifier(run.path), open_classifier(run.path / "model.keras")
    of_model = open_classifier(run.load_model())
    given = noise(of_run, 2)
    for other in (of_file, of_model):
        assert other.shape.array == of_run.shape.array
        assert other.labels == tuple(map(str, range(8)))  # a model does not store class names
        np.testing.assert_allclose(other.logits(given), of_run.logits(given), atol=1e-5)
    assert open_classifier(of_model) is of_model


@pytest.mark.parametrize(
    ("kind", "file_format"), [("bundle", "tflite"), ("bundle", "onnx"), ("streaming", "tflite")]
)
def test_bundles_of_clips_and_of_streams_answer_for_clips(request, kind, file_format):
    classifier = open_classifier(request.getfixturevalue(kind), file_format=file_format)
    given = np.stack(list(clips()))
    expected = [logits_by_hand(clip) for clip in given]
    np.testing.assert_allclose(classifier.logits(given), expected, atol=1e-4)
    assert (classifier.labels, classifier.shape) == (LABELS, SHAPE)
    assert not classifier.networks


def test_a_bundle_of_a_stream_alone_serves_wherever_a_model_does(streaming, videos, small_motions):
    (found,) = predict(streaming, videos[0])
    answers = list(predict_live(streaming, str(videos[0]), every=0))
    assert {label for label, _ in found.predictions} == set(LABELS)
    assert answers
    assert explain(streaming, videos[0]).labels[0] == LABELS[0]
    folder = small_motions / "test"
    with pytest.raises(UserError, match="trained without the classes"):
        evaluate(streaming, folder, split="all", progress=False)


def test_a_keras_model_predicts_is_measured_and_explained(run, videos, small_motions):
    model = run.load_model()
    (answer,) = predict(model, videos[:1], top=8)
    (expected,) = predict(run.path, videos[:1], top=8)
    numbers = {str(number): label for number, label in enumerate(run.labels)}
    # The run resizes to 32 pixels, not to 27, so its frames have another size.
    assert {numbers[label] for label, _ in answer.predictions} == set(run.labels)
    assert len(answer.predictions) == len(expected.predictions)
    assert explain(model, videos[0]).networks[0].timescales
    with pytest.raises(UserError, match="does not record its data"):
        evaluate(model, progress=False)
    measured = evaluate(model, small_motions, progress=False)
    assert measured.classes == tuple(sorted(run.labels))  # sorted like folders
    assert any("in the order of the data" in note for note in measured.notes)


def test_data_of_more_classes_than_a_model_has_are_refused(small_motions):
    model = models.create("tsn_micro", classes=2, segments=2, stack=1, size=16)
    with pytest.raises(UserError, match="gives 2 logits, but the data have 8 classes"):
        evaluate(model, small_motions, progress=False)


def test_a_keras_model_with_its_labels_and_shape_is_measured_as_its_run(run, small_motions):
    from pan_keras.inference.keras_classifier import KerasClassifier

    evaluations = run.path / "evaluation"
    before = {path: path.stat().st_mtime_ns for path in evaluations.glob("*")}
    classifier = KerasClassifier.of_model(run.load_model(), run.labels, run.shape)
    found = evaluate(classifier, small_motions, progress=False)
    assert {path: path.stat().st_mtime_ns for path in evaluations.glob("*")} == before
    expected = evaluate(run.path, progress=False)
    assert found.confusion == expected.confusion
    assert any("no record of its training clips" in note for note in found.notes)


def test_unsupported_uses_of_a_model_give_one_sentence(run, bundle, videos, tmp_path):
    model = models.create("tsn_micro", classes=2, segments=2, stack=1, size=16)
    for call, sentence in (
        (lambda: next(predict_live(model, str(videos[0]))), "give the folder of its run"),
        (lambda: open_classifier(run.path, precision="int8"), "a run has one model"),
        (lambda: open_classifier(bundle, checkpoint="last"), "a bundle holds one model"),
        (lambda: open_classifier(tmp_path), "not a run folder"),
        (lambda: open_classifier(tmp_path / "gone.keras"), "missing"),
        (lambda: open_classifier(model.backbone), "give a video classifier"),
        (lambda: open_classifier(bundle).for_whole_frames(), "size of an exported model is fixed"),
    ):
        with pytest.raises(UserError, match=sentence) as caught:
            call()
        assert "\n" not in str(caught.value)


def test_opening_a_run_does_not_load_its_model(own_run):
    (own_run.path / "model.keras").unlink()
    classifier = open_classifier(own_run.path)
    assert classifier.labels == own_run.labels
    with pytest.raises(UserError, match=r"model\.keras: missing"):
        classifier.load()
