"""The embedded data set: real video files whose classes differ only in motion."""

import json

import av
import numpy as np
import pytest
from video_files import every_frame

from pan_keras.data import ensure_motions, make_motions, motions, open_data
from pan_keras.data.motions_scene import ATTRIBUTES, LENGTHS, MOTIONS, RATES, SIDE, draw_scene
from pan_keras.errors import UserError
from pan_keras.video import probe

PER_CLASS = 45


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_motions(tmp_path_factory.mktemp("motions") / "small", clips=48, seed=3)


@pytest.fixture(scope="module")
def scenes():
    """Scenes of each class, `PER_CLASS` each."""
    return {
        motion: [draw_scene(motion, np.random.default_rng([n, label])) for n in range(PER_CLASS)]
        for label, motion in enumerate(MOTIONS)
    }


def test_every_class_is_in_every_split(folder):
    data = open_data("motions", folder)
    assert data.classes == tuple(MOTIONS)
    for counts in data.report()["classes"].values():
        assert counts == {"train": 4, "val": 1, "test": 1}
    assert not data.skipped


def test_the_files_are_h264_with_ragged_lengths_and_rates(folder):
    infos = [probe(path) for path in folder.rglob("*.mp4")]
    assert {(info.width, info.height) for info in infos} == {(SIDE, SIDE)}
    assert len({info.frames for info in infos}) > 5
    assert {LENGTHS[0] <= info.frames <= LENGTHS[1] for info in infos} == {True}
    assert {round(info.rate) for info in infos} == set(RATES)
    with av.open(str(next(folder.rglob("*.mp4")))) as container:
        assert container.streams.video[0].codec_context.name == "h264"


def test_the_same_seed_gives_the_same_frames_and_a_longer_set_begins_with_a_shorter(
    folder, tmp_path
):
    shorter = make_motions(tmp_path / "shorter", clips=24, seed=3)
    other = make_motions(tmp_path / "other", clips=24, seed=4)
    for path in sorted(shorter.rglob("*.mp4")):
        name = path.relative_to(shorter)
        assert path.read_bytes() == (folder / name).read_bytes()
        frames, changed = every_frame(path), every_frame(other / name)
        assert frames.shape != changed.shape or (frames != changed).any()


def test_no_clip_is_in_two_splits(folder):
    contents = [path.read_bytes() for path in folder.rglob("*.mp4")]
    assert len(set(contents)) == 48


def test_a_run_that_was_cut_short_is_completed(tmp_path, monkeypatch):
    done = []

    def stops(order):
        done.append(order)
        if len(done) > 10:
            raise KeyboardInterrupt
        return make(order)

    make = motions._make
    monkeypatch.setattr(motions, "_make", stops)
    with pytest.raises(KeyboardInterrupt):
        make_motions(tmp_path / "motions", clips=24)
    monkeypatch.undo()
    made = len(list((tmp_path / "motions").rglob("*.mp4")))
    assert 0 < made < 24
    calls = []
    make_motions(tmp_path / "motions", clips=24, progress=lambda *call: calls.append(call))
    assert len(calls) == 24 - made
    assert len(open_data("motions", tmp_path / "motions").all_clips) == 24


def test_foreign_files_are_not_overwritten(folder, tmp_path):
    (tmp_path / "thesis.txt").write_text("all of it")
    with pytest.raises(UserError, match="not an empty folder"):
        make_motions(tmp_path, clips=24)
    with pytest.raises(UserError, match="another number, seed or version"):
        make_motions(folder, clips=48, seed=4)
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    (damaged / "motions.json").write_text(json.dumps({"clips": 3}))
    with pytest.raises(UserError, match=r"motions.json: it is damaged"):
        open_data("motions", damaged)


@pytest.mark.parametrize(
    ("options", "message"), [({"clips": 23}, "make 24 or more"), ({"seed": -1}, "give 0 or more")]
)
def test_wrong_options_are_named(options, message, tmp_path):
    with pytest.raises(UserError, match=message):
        make_motions(tmp_path / "motions", **options)


@pytest.mark.parametrize("motion", MOTIONS)
def test_only_the_attribute_of_the_class_moves_and_only_one_way(motion, scenes):
    attribute, direction = MOTIONS[motion]
    moving = ATTRIBUTES.index(attribute)
    for scene in scenes[motion]:
        # Phases wrap around at 1.
        steps = (np.diff(scene.phases, axis=0) + 0.5) % 1 - 0.5
        assert (np.sign(steps[..., moving]) == direction).all()
        np.testing.assert_allclose(np.delete(steps, moving, axis=-1), 0, atol=1e-12)


@pytest.mark.parametrize("moment", [0, 5, -1])
@pytest.mark.parametrize("motion", MOTIONS)
def test_at_every_moment_objects_may_be_anywhere_in_any_size_at_any_angle(motion, moment, scenes):
    phases = np.concatenate([scene.phases[moment] for scene in scenes[motion]])
    for column in np.sort(phases, axis=0).T:
        # Kolmogorov-Smirnov distance from uniformity; 1.95 / sqrt(n) is critical at the 0.1% level.
        distance = np.abs(column - (np.arange(len(column)) + 0.5) / len(column)).max()
        assert distance < 1.95 / np.sqrt(len(column))


def features(pictures):
    """Mean-free small images and their squares, which show the positions and sizes of objects."""
    small = pictures.reshape(len(pictures), 12, 6, 12, 6, 3).mean((2, 4)) / 255
    small -= small.mean((1, 2), keepdims=True)
    return np.concatenate([small, small**2], -1).reshape(len(pictures), -1)


def accuracy(inputs, labels):
    """Accuracy of ridge regression to classes, fitted on two thirds and tested on the rest."""
    test = np.arange(len(labels)) % 3 == 0
    mean, scale = inputs[~test].mean(0), inputs[~test].std(0) + 1e-6
    inputs = np.c_[(inputs - mean) / scale, np.ones(len(inputs))]
    targets = np.eye(len(MOTIONS))[labels]
    kernel = inputs[~test] @ inputs[~test].T + 300 * np.eye((~test).sum())
    weights = inputs[~test].T @ np.linalg.solve(kernel, targets[~test])
    return ((inputs[test] @ weights).argmax(-1) == labels[test]).mean()


@pytest.mark.parametrize("moment", ["first", "middle", "last"])
def test_a_single_frame_does_not_reveal_the_class(moment, scenes):
    labels = np.repeat(np.arange(len(MOTIONS)), PER_CLASS)
    place = {"first": lambda n: 0, "middle": lambda n: n // 2, "last": lambda n: n - 1}[moment]
    pictures = np.stack(
        [scene.frames[place(len(scene.frames))] for motion in MOTIONS for scene in scenes[motion]]
    )
    # Chance accuracy is 0.125, with a standard deviation of 0.03 over 120 images.
    assert accuracy(features(pictures), labels) < 0.125 + 3.5 * 0.03


def test_motion_reveals_the_class(scenes):
    labels = np.repeat(np.arange(len(MOTIONS)), PER_CLASS)
    flows = [mean_flow(scene.frames) for motion in MOTIONS for scene in scenes[motion]]
    axis = labels < 4
    found = np.array([moving_way(flow) for flow in flows])[axis]
    assert (found == labels[axis]).mean() > 0.9


def mean_flow(frames):
    """Least-squares shift (x, y) between adjacent frames in brightness, up to a scale."""
    grey = frames.astype(float).mean(-1)
    later, earlier = grey[1:], grey[:-1]
    across = (np.roll(earlier, -1, 2) - np.roll(earlier, 1, 2)) / 2
    down = (np.roll(earlier, -1, 1) - np.roll(earlier, 1, 1)) / 2
    return -((later - earlier) * across).sum(), -((later - earlier) * down).sum()


def moving_way(flow):
    x, y = flow
    if abs(x) > abs(y):
        return 0 if x < 0 else 1
    return 2 if y < 0 else 3


def test_motions_are_created_or_completed(tmp_path):
    folder = tmp_path / "motions"
    ensure_motions(folder, clips=24)
    made = sorted(folder.rglob("*.mp4"))
    made[3].unlink()
    ensure_motions(folder)
    assert sorted(folder.rglob("*.mp4")) == made
    other = tmp_path / "other"
    other.mkdir()
    (other / "notes.txt").touch()
    ensure_motions(other)
    assert [file.name for file in other.iterdir()] == ["notes.txt"]
