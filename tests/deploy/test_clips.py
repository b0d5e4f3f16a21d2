"""Calibration clips cover all classes and are neither checked nor evaluated."""

import shutil
from collections import Counter

import numpy as np
import pytest
from run_folders import untrained_run

from pan_keras.data import open_data
from pan_keras.deploy import clips as clips_module
from pan_keras.deploy import load_recipe
from pan_keras.deploy.clips import export_clips
from pan_keras.deploy.source import Source
from pan_keras.errors import UserError
from pan_keras.input import FrameStore, clip_views
from pan_keras.runs.data_identity import identity_of


@pytest.fixture(scope="module")
def source(run):
    return Source(run.load_model(), run.labels, run.shape, run)


@pytest.fixture(scope="module")
def origins(run):
    """Maps the bytes of each view to its video."""
    store, found = FrameStore(resize=run.shape.resize), {}
    for clip in open_data("motions", run.config.data.root).all_clips:
        for crops, temporal in clips_module.VIEWS.values():
            for view in clip_views(clip, run.shape, store, crops, temporal):
                found[view.tobytes()] = clip
    return found


def recipe(**calibration):
    export = {"evaluate": calibration.pop("evaluate", "test")}
    check = {"clips": calibration.pop("check", 32)}
    return load_recipe(overrides={"export": export, "check": check, "calibration": calibration})


def videos(views, origins):
    return [origins[view.tobytes()] for view in views]


@pytest.mark.parametrize("wanted", [8, 12, 40])
def test_calibration_is_of_all_classes_alike_and_of_many_videos(source, origins, wanted):
    found = export_clips(source, recipe(clips=wanted))
    used = videos(found.calibration, origins)
    assert len(used) == wanted
    by_class = Counter(clip.label for clip in used)
    assert len(by_class) == 8
    assert max(by_class.values()) - min(by_class.values()) <= 1
    # The numbers of views per video differ by at most one.
    by_video = Counter(clip.path for clip in used)
    assert max(by_video.values()) - min(by_video.values()) <= 1
    assert len(by_video) == min(wanted, found.drawn["videos"])
    assert found.drawn["classes"] == 8
    assert {clip.split for clip in used} == {"train"}


@pytest.mark.parametrize("evaluate", ["test", "val", "train", "all", "none"])
@pytest.mark.parametrize("check", [32, 60])
def test_no_video_both_calibrates_and_is_checked_or_measured(source, origins, evaluate, check):
    found = export_clips(source, recipe(evaluate=evaluate, check=check))
    calibrating = {clip.path for clip in videos(found.calibration, origins)}
    checked = {clip.path for clip in videos(found.check, origins)}
    assert len(found.check) == check
    assert calibrating
    assert not calibrating & checked
    assert not calibrating & {clip.path for clip in found.measured}
    assert bool(found.measured) == (evaluate != "none")


def test_the_check_takes_validation_clips_first(source, origins):
    found = export_clips(source, recipe())
    validation = open_data("motions", source.run.config.data.root).clips("val")
    checked = videos(found.check, origins)
    assert {clip.path for clip in validation} <= {clip.path for clip in checked}


def test_clips_added_since_the_run_began_are_reported_and_not_used(small_motions, tmp_path):
    root = shutil.copytree(small_motions, tmp_path / "motions")
    run = untrained_run(tmp_path / "run", root)
    run.write_identity(identity_of(open_data("motions", root), root))
    video = next(root.rglob("*.mp4"))
    shutil.copy(video, video.with_name("another.mp4"))
    found = export_clips(Source(run.load_model(), run.labels, run.shape, run), recipe(clips=8))
    assert any(note.startswith("added since") and "another.mp4" in note for note in found.notes)
    assert all(clip.path.name != "another.mp4" for clip in found.videos.all_clips)


def test_a_draw_is_a_function_of_the_seed(source):
    one, again, other = (export_clips(source, recipe(clips=12, seed=seed)) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one.calibration, again.calibration)
    np.testing.assert_array_equal(one.check, again.check)
    assert not np.array_equal(one.calibration, other.calibration)
    assert (one.drawn["seed"], other.drawn["seed"]) == (3, 4)


def test_too_few_videos_are_reported(source):
    found = export_clips(source, recipe(clips=100))
    assert len(found.calibration) == 96
    assert found.drawn["videos"] == 16
    assert list(found.notes) == [
        "int8 is calibrated on 16 clips (96 views), fewer than the 100 of the recipe; "
        "--calibration names more"
    ]
    notes = export_clips(source, recipe(evaluate="all")).notes
    assert any("left out of the accuracy" in note for note in notes)


def test_without_int8_no_clips_calibrate(source):
    floating = load_recipe(overrides={"export": {"precisions": ["float32"]}})
    found = export_clips(source, floating)
    assert list(found.calibration) == []
    assert found.drawn == {}


def test_other_data_that_hold_the_measured_videos_do_not_calibrate_by_them(
    source, origins, tmp_path
):
    # The test videos are training videos of other data with another name.
    test = open_data("motions", source.run.config.data.root).clips("test")
    train = open_data("motions", source.run.config.data.root).clips("train")[::4]

    def row(clip, part):
        return f"{clip.path},{source.labels[clip.label]},{part}"

    rows = [row(clip, "train") for clip in (*test, *train[:4])]
    rows += [row(clip, "val") for clip in train[4:]]
    (tmp_path / "link").symlink_to(test[0].path.parent)
    rows[0] = rows[0].replace(str(test[0].path.parent), str(tmp_path / "link"))
    csv = tmp_path / "other.csv"
    csv.write_text("\n".join(["path,label,split", *rows]) + "\n")
    found = export_clips(source, recipe(), csv)
    measured = {clip.path for clip in found.measured}
    assert measured == {clip.path for clip in test}
    assert not measured & {clip.path for clip in videos(found.calibration, origins)}

    rows = [row(clip, "train") for clip in test] + [row(clip, "val") for clip in train]
    csv.write_text("\n".join(["path,label,split", *rows]) + "\n")
    half = export_clips(source, recipe(), csv)
    calibrating = {clip.path for clip in videos(half.calibration, origins)}
    assert calibrating
    assert not calibrating & {clip.path for clip in half.measured}


def test_given_clips_are_divided_into_checked_and_calibrating(source):
    given = np.random.default_rng(0).integers(0, 256, (50, *source.shape.array)).astype("uint8")
    alone = Source(source.model, source.labels, source.shape)
    found = export_clips(alone, recipe(), given)
    assert len(found.check) == 32
    assert len(found.calibration) == 18
    parts = {clip.tobytes() for clip in (*found.check, *found.calibration)}
    assert len(parts) == 50
    with pytest.raises(UserError, match="32 clips, all of which are used for the comparison"):
        export_clips(alone, recipe(), given[:32])
    assert "18 clips, fewer than the 128" in found.notes[0]


def test_a_class_of_one_clip_takes_part_in_calibration(source, origins, tmp_path):
    """Small classes are drawn even if others are larger."""
    motions = open_data("motions", source.run.config.data.root)
    for label, name in enumerate(source.labels):
        for part in ("train", "val"):
            (tmp_path / part / name).mkdir(parents=True)
        own = [clip for clip in motions.clips("train") if clip.label == label]
        for clip in own[: 1 if label < 3 else 4]:
            shutil.copy(clip.path, tmp_path / "train" / name)
        validation = [clip for clip in motions.clips("val") if clip.label == label]
        shutil.copy(validation[0].path, tmp_path / "val" / name)
    found = export_clips(source, recipe(clips=9), tmp_path)
    assert {clip.label for clip in videos(found.calibration, origins)} == set(range(8))
