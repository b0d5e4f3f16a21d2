"""Runs on motion fields classify videos, and raise clear errors for what they do not support."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from pan_keras.cli import main
from pan_keras.config import load_config
from pan_keras.data import Clip, open_data
from pan_keras.deploy.exporter import export
from pan_keras.errors import UserError
from pan_keras.evaluation import evaluate
from pan_keras.inference.keras_classifier import KerasClassifier
from pan_keras.inference.opening import open_classifier
from pan_keras.inference.prediction import predict
from pan_keras.inference.views import ViewClassifier
from pan_keras.input import ClipBatches, clip_store, clip_views
from pan_keras.input import frame_store as frame_store_module
from pan_keras.reports.explanation import explain
from pan_keras.reports.overlay import predict_onto
from pan_keras.reports.run_page import write_report
from pan_keras.runs.model_input import preprocessing
from pan_keras.runs.network import create_model
from pan_keras.runs.run import open_run


@pytest.fixture(scope="module")
def run(make_run):
    return make_run('data.cue="dis_ultrafast"', model="flow_micro")


@pytest.fixture(scope="module")
def videos(small_motions):
    return sorted((small_motions / "test").rglob("*.mp4"))[:3]


def test_a_run_computes_its_cue_from_videos(run, videos):
    shape = open_run(run.path).shape
    assert shape.field == "dis_ultrafast"
    assert shape.array == (4, 1, 24, 32, 2)
    store = clip_store(shape)
    clips = np.concatenate([clip_views(Clip(video, 0, "test"), shape, store) for video in videos])
    expected = run.load_model().predict_on_batch(clips)
    found = [scores.scores for scores in ViewClassifier(open_classifier(run.path))(videos)]
    np.testing.assert_allclose(np.stack(found), expected, atol=1e-5)
    assert next(predict(run.path, videos[:1], crops="full")).error is None
    assert not (run.path / "cache").exists()


def test_evaluation_reuses_the_fields_stored_by_training(run, small_motions, monkeypatch, tmp_path):
    expected = evaluate(run.path, progress=False, output=tmp_path)
    store = clip_store(run.shape, "disk", run.path / "cache")
    for clip in open_data("motions", small_motions).clips("test"):
        store.frames(clip.path, np.array([0]))

    def refuse(*_, **__):
        raise AssertionError("decoded again")

    monkeypatch.setattr(frame_store_module, "read_frames", refuse)
    found = evaluate(run.path, progress=False, output=tmp_path)
    assert [clip.probability for clip in found.results] == pytest.approx(
        [clip.probability for clip in expected.results]
    )


def test_runs_on_frames_and_on_fields_are_fused_by_their_scores(run, make_run, tmp_path):
    both = [run.path, make_run(model="tsn_micro").path]
    fused = evaluate(both, output=tmp_path, progress=False)
    assert fused.clips == len(fused.results) > 0
    assert not fused.skipped


def test_features_that_need_frames_refuse_fields_in_one_sentence(run, videos, tmp_path):
    with pytest.raises(UserError, match="exported files do not compute"):
        export(run.path, output=tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()
    for ask in (lambda: explain(run.path, videos[0]), open_classifier(run.path).live_window):
        with pytest.raises(UserError, match="takes dis_ultrafast, a motion field"):
            ask()
    result = CliRunner().invoke(main, ["export", str(run.path)])
    assert result.exit_code == 2
    assert "exported files do not compute" in result.output
    assert "Traceback" not in result.output


def test_a_model_without_a_run_does_not_define_its_fields(run, small_motions):
    data = open_data("motions", small_motions)
    with pytest.raises(UserError, match="give the folder of its run"):
        KerasClassifier.of_model(run.load_model())
    with pytest.raises(UserError, match="ClipShape with its field"):
        ClipBatches(data, run.load_model())
    frames, _ = ClipBatches(data, run.shape, batch=2)[0]
    assert frames.shape == (2, *run.shape.array)


def test_videos_are_drawn_and_runs_reported_without_pictures_of_fields(run, videos, tmp_path):
    (drawn,) = predict_onto(run.path, videos[:1], tmp_path / "out.mp4")
    assert drawn.error is None
    assert (tmp_path / "out.mp4").is_file()
    evaluate(run.path, progress=False)
    assert "Example clips" not in write_report(run.path).read_text(encoding="utf-8")


def test_the_run_records_its_motion_field(run):
    found = preprocessing(run.config)
    assert found["field"] == "dis_ultrafast"
    assert "stack - 1" in found["layout"]
    assert "field" not in preprocessing(load_config())
    assert json.dumps(found)


@pytest.mark.parametrize(
    ("model", "cue", "message"),
    [
        ("pan_lite_micro", "tvl1", "set model.name to flow_micro"),
        ("flow_micro", None, "takes motion fields; set data.cue to one of vectors"),
        ("flow_micro", "rgb", "takes motion fields; set data.cue to one of vectors"),
        ("pan_lite_micro", "pa", "data.cue is pa, but pan_lite_micro sees several cues"),
        ("tsn_micro", "pa", "data.cue is pa, but tsn_micro sees rgb"),
    ],
)
def test_a_cue_that_the_network_does_not_take_is_refused(model, cue, message):
    overrides = [f"model.name={model}", *([f"data.cue={cue}"] if cue else [])]
    with pytest.raises(UserError, match=message):
        create_model(load_config(overrides=overrides), 3)


@pytest.mark.parametrize(
    ("model", "cue"), [("tsn_micro", "rgb"), ("pa_micro", "pa"), ("difference_micro", "difference")]
)
def test_a_cue_of_frames_may_be_named(model, cue):
    sizes = ["model.size=16", "model.resize=16"]
    config = load_config(overrides=[f"model.name={model}", f"data.cue={cue}", *sizes])
    assert create_model(config, 3).input_shape == (None, 8, 3, 16, 16, 3)
