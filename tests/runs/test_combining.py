"""Combining separately trained runs, and the errors for runs that do not fit."""

import json
import shutil
from dataclasses import replace

import keras
import numpy as np
import pytest
from run_folders import untrained_run

from pan_keras.errors import UserError
from pan_keras.evaluation import evaluate
from pan_keras.inference import predict
from pan_keras.models import PANEnsemble, PANFull
from pan_keras.reports import write_report
from pan_keras.runs.combining import combine
from pan_keras.runs.run import Run
from pan_keras.training import resume


@pytest.fixture(scope="module")
def lite(run):
    return run


@pytest.fixture(scope="module")
def rgb(make_run):
    return make_run("model.aggregation=vap", model="tsm_micro")


@pytest.fixture(scope="module")
def pa(make_run):
    return make_run(model="pa_micro")


@pytest.fixture(scope="module")
def full(rgb, pa, tmp_path_factory):
    return combine([pa.path, rgb.path], tmp_path_factory.mktemp("combined") / "full")


def logits(run, frames):
    return keras.ops.convert_to_numpy(run.load_model()(frames))


def frames():
    shape = (2, 4, 2, 24, 32, 3)
    return np.random.default_rng(0).integers(0, 256, shape).astype("float32")


def copy(run, folder):
    return Run(shutil.copytree(run.path, folder / "copy"))


def test_rgb_and_pa_make_pan_full(full, rgb, pa):
    assert isinstance(full.load_model(), PANFull)
    expected = (logits(rgb, frames()) + logits(pa, frames())) / 2
    np.testing.assert_allclose(logits(full, frames()), expected, rtol=1e-4, atol=1e-6)
    assert full.config.model.name == "pan_full_micro"
    assert full.shape == rgb.shape
    assert full.labels == pa.labels


@pytest.mark.parametrize(
    ("weights", "shares"),
    [
        ("paper", (0.5, 0.25, 0.25)),
        ("reference", (1 / 3, 1 / 3, 1 / 3)),
        ((2, 1, 5), (0.25, 0.125, 0.625)),
    ],
)
def test_three_runs_make_pan_en(lite, rgb, pa, weights, shares, tmp_path):
    made = combine([lite.path, rgb.path, pa.path], tmp_path / "en", weights=weights)
    assert isinstance(made.load_model(), PANEnsemble)
    parts = [logits(run, frames()) for run in (lite, rgb, pa)]
    expected = sum(share * part for share, part in zip(shares, parts, strict=True))
    np.testing.assert_allclose(logits(made, frames()), expected, rtol=1e-4, atol=1e-6)
    record = json.loads((made.path / "combined.json").read_text())
    assert [part["run"] for part in record["parts"]] == [str(run.path) for run in (lite, rgb, pa)]
    np.testing.assert_allclose([part["weight"] for part in record["parts"]], shares)


def test_lite_and_a_combined_full_make_pan_en(lite, full, tmp_path):
    made = combine([full.path, lite.path], tmp_path / "en", fuse="probabilities")
    model = made.load_model()
    assert isinstance(model, PANEnsemble)
    assert model.fusion.shares == [0.5, 0.5]
    assert model.fusion.fuse == "probabilities"


def test_a_combined_run_is_evaluated_and_reported(full):
    result = evaluate(full.path, split="test", crops="full")
    assert result.clips > 0
    assert "pan_full_micro" in write_report(full.path).read_text()


def test_fused_probabilities_are_what_predict_gives(rgb, pa, small_motions, tmp_path):
    made = combine([rgb.path, pa.path], tmp_path / "full", fuse="probabilities")
    video = next(small_motions.rglob("*.mp4"))

    def probabilities(run):
        (prediction,) = predict(run.path, [video], top=8)
        return dict(prediction.predictions)

    fused, first, second = (probabilities(run) for run in (made, rgb, pa))
    assert np.isclose(sum(fused.values()), 1)
    for label, probability in fused.items():
        assert np.isclose(probability, (first[label] + second[label]) / 2, atol=1e-6)


@pytest.mark.parametrize("fuse", ["logits", "probabilities"])
@pytest.mark.parametrize("views", [{}, {"crops": "3", "clips": 2}])
def test_runs_fused_in_evaluation_and_by_combining_give_the_same(
    small_motions, tmp_path, fuse, views
):
    names = {"rgb": "tsm_micro", "pa": "pa_micro"}
    paths = [
        # Widely spread logits, so that averaging logits or probabilities differs.
        untrained_run(tmp_path / name, small_motions, model=model, sureness=3000).path
        for name, model in names.items()
    ]
    together = evaluate(paths, fuse=fuse, weights=[2, 1], **views, progress=False)
    made = combine(paths, tmp_path / "full", fuse=fuse, weights=[2, 1])
    combined = evaluate(made.path, fuse=fuse, **views, progress=False)
    for one, other in zip(together.results, combined.results, strict=True):
        assert (one.path, one.predicted) == (other.path, other.predicted)
        assert one.probability == pytest.approx(other.probability, abs=1e-4)
    other = "logits" if fuse == "probabilities" else "probabilities"
    wrong = evaluate(paths, fuse=other, weights=[2, 1], **views, progress=False)
    pairs = zip(together.results, wrong.results, strict=True)
    assert max(abs(one.probability - two.probability) for one, two in pairs) > 1e-3


def test_a_combined_run_cannot_be_trained_further(full):
    with pytest.raises(UserError, match="was combined"):
        resume(full.path)


def test_runs_of_one_kind_are_refused(lite, rgb, tmp_path):
    with pytest.raises(UserError, match="PANLite, RGBNetwork: do not form a network of the paper"):
        combine([lite.path, rgb.path], tmp_path / "new")


def test_runs_of_other_clips_are_refused(rgb, make_run, tmp_path):
    other = make_run("model.segments=2", model="pa_micro")
    with pytest.raises(UserError, match="train both with the same segments"):
        combine([rgb.path, other.path], tmp_path / "new")


def test_runs_of_other_classes_are_refused(rgb, pa, tmp_path):
    other = copy(pa, tmp_path)
    other.write("labels.txt", "wave\nbow\n")
    with pytest.raises(UserError, match="the same classes"):
        combine([rgb.path, other.path], tmp_path / "new")


def test_runs_of_another_split_are_refused(rgb, pa, tmp_path):
    own = copy(rgb, tmp_path)
    clip, *others = own.identity.clips
    moved = replace(clip, split="val" if clip.split == "test" else "test")
    own.write_identity(replace(own.identity, clips=(moved, *others)))
    with pytest.raises(UserError, match="the same data with the same split") as error:
        combine([pa.path, own.path], tmp_path / "new")
    assert f"1 clip ({clip.path})" in str(error.value)


def test_the_seed_is_ignored_if_the_data_give_the_split(rgb, make_run, tmp_path):
    other = make_run("data.split_seed=7", model="pa_micro")
    made = combine([rgb.path, other.path], tmp_path / "new")
    assert made.identity.digest == rgb.identity.digest


def test_runs_of_earlier_versions_are_compared_by_their_settings(rgb, make_run, tmp_path):
    other = make_run("data.split_seed=7", model="pa_micro")
    (other.path / "split.csv").unlink()
    with pytest.raises(UserError, match="the same data with the same split"):
        combine([rgb.path, other.path], tmp_path / "new")


@pytest.mark.parametrize(
    ("weights", "message"),
    [((1, 2, 3), "3 weights for 2 runs"), ((1, 0), "above 0"), ("papers", "paper, reference")],
)
def test_weights_that_do_not_fit_are_refused(rgb, pa, weights, message, tmp_path):
    with pytest.raises(UserError, match=message):
        combine([rgb.path, pa.path], tmp_path / "new", weights=weights)


def test_existing_files_are_not_overwritten(rgb, pa):
    with pytest.raises(UserError, match="exists"):
        combine([rgb.path, pa.path], pa.path)
