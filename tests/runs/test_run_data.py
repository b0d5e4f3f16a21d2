"""A run keeps the clips it began with, and reports changes of its data."""

import shutil
from dataclasses import replace

import pytest

from pan_keras.data import open_data
from pan_keras.errors import UserError
from pan_keras.runs.data_identity import identity_of
from pan_keras.runs.run import Run
from pan_keras.runs.run_data import open_run_data
from pan_keras.training import resume, train, trainer
from pan_keras.video import frame_reader, packet_scan

SETTINGS = (
    "model.segments=2",
    "model.stack=2",
    "model.size=24",
    "model.resize=24",
    "training.epochs=2",
    "training.batch=4",
)


@pytest.fixture(scope="module")
def trained(small_motions, tmp_path_factory):
    """A folder with videos in two class folders, and a run trained on them."""
    folder = tmp_path_factory.mktemp("trained")
    for label in ("up", "down"):
        (folder / "videos" / label).mkdir(parents=True)
        for file in small_motions.rglob(f"{label}/*.mp4"):
            shutil.copy(file, folder / "videos" / label)
    train(folder / "videos", overrides=SETTINGS, run=folder / "run", quiet=True)
    return folder


@pytest.fixture
def place(trained, tmp_path):
    """A copy, whose data are found beside the run."""
    place = tmp_path / "place"
    shutil.copytree(trained, place)
    for file in ("config.toml", "data_identity.json"):
        path = place / "run" / file
        path.write_text(path.read_text().replace(str(trained), str(place)))
    return place


def contents(folder):
    files = (file for file in folder.rglob("*") if file.is_file() and ".lock" not in file.name)
    return {file: file.read_bytes() for file in files}


def test_a_run_records_its_clips(place):
    data = open_data(place / "videos")
    identity = Run(place / "run").identity
    assert identity == identity_of(data, place / "videos")
    assert {clip.path for clip in identity.clips} == {
        file.relative_to(place / "videos").as_posix() for file in place.rglob("*.mp4")
    }
    sizes = {clip.path: clip.bytes for clip in identity.clips}
    assert all((place / "videos" / path).stat().st_size == size for path, size in sizes.items())
    assert str(place) not in (place / "run" / "split.csv").read_text()


def test_clips_that_the_index_knows_are_not_read_again(place, monkeypatch):
    def read(path, timeout):
        raise AssertionError(path)

    packet_scan._known.cache_clear()
    monkeypatch.setattr(packet_scan, "opened", read)
    monkeypatch.setattr(frame_reader, "opened", read)
    videos = open_run_data(Run(place / "run"), looked_into=True).videos
    assert videos.infos.keys() == {clip.path for clip in videos.all_clips}


def test_files_that_were_left_out_are_recorded_as_such(place):
    broken = sorted((place / "videos" / "up").iterdir())[0]
    broken.write_bytes(b"no video")
    data = open_data(place / "videos", max_broken=0.5)
    clip = identity_of(data, place / "videos").by_path[f"up/{broken.name}"]
    assert (clip.label, clip.bytes) == ("up", 8)
    assert clip.split in ("train", "val", "test")
    assert clip.left_out


@pytest.mark.parametrize("change", ["gone", "added", "another size", "another class"])
def test_changed_data_are_refused_before_anything_is_written(place, change):
    clip = sorted((place / "videos" / "up").iterdir())[0]
    if change == "gone":
        clip.unlink()
    elif change == "added":
        clip.with_name("new.mp4").write_bytes(clip.read_bytes())
    elif change == "another size":
        clip.write_bytes(clip.read_bytes() + b"\0")
    else:
        clip.rename(place / "videos" / "down" / "other.mp4")
    before = contents(place / "run")
    with pytest.raises(UserError, match="its data changed since it began: 1 clip") as error:
        resume(place / "run", quiet=True)
    assert ("new.mp4" if change == "added" else f"up/{clip.name}") in str(error.value)
    assert contents(place / "run") == before


def test_another_split_or_class_in_a_list_is_refused(place, tmp_path):
    videos = sorted((place / "videos").rglob("*.mp4"))
    table = tmp_path / "list.csv"

    def write(**others):
        rows = [
            (video, others.get("label", video.parent.name), others.get("split", split))
            if number == 1
            else (video, video.parent.name, split)
            for number, video in enumerate(videos)
            for split in [("train", "train", "val", "test")[number % 4]]
        ]
        table.write_text("path,label,split\n" + "".join(f"{p},{c},{s}\n" for p, c, s in rows))

    write()
    run = tmp_path / "run"
    train(table, overrides=(*SETTINGS, "training.epochs=1"), run=run, quiet=True)
    write(split="test")
    with pytest.raises(UserError, match="of another split"):
        resume(run, quiet=True)
    write(label="up")
    with pytest.raises(UserError, match="of another class"):
        resume(run, quiet=True)


def test_a_redrawn_split_is_ignored(place):
    (place / "videos" / "split.csv").unlink()
    open_data(place / "videos", split_seed=3)
    assert len(resume(place / "run", quiet=True).rows) == 2


def test_data_that_were_moved_are_named_by_root(place, tmp_path):
    (place / "videos").rename(tmp_path / "moved")
    with pytest.raises(UserError, match="--root"):
        resume(place / "run", quiet=True)
    assert len(resume(place / "run", root=tmp_path / "moved", quiet=True).rows) == 2


def test_a_run_that_did_more_steps_than_it_has_is_finished(place, monkeypatch):
    run = Run(place / "run")
    # Half of the clips with a matching record: an epoch has fewer steps than before.
    training = [clip for clip in run.identity.clips if clip.split == "train"]
    kept = tuple(clip for clip in run.identity.clips if clip not in training[::2])
    for clip in training[::2]:
        run.identity.file(clip).unlink()
    run.write_identity(replace(run.identity, clips=kept))

    def advance(*_):
        raise AssertionError("a finished run went on")

    monkeypatch.setattr(trainer.Trainer, "_advance", advance)
    assert len(resume(place / "run", quiet=True).rows) == 2


def test_runs_of_earlier_versions_resume_if_the_counts_are_equal(place):
    for file in ("split.csv", "data_identity.json"):
        (place / "run" / file).unlink()
    assert len(resume(place / "run", quiet=True).rows) == 2
    assert Run(place / "run").identity is not None
    for file in ("split.csv", "data_identity.json"):
        (place / "run" / file).unlink()
    sorted((place / "videos" / "up").iterdir())[0].unlink()
    with pytest.raises(UserError, match="its data changed since it began"):
        resume(place / "run", quiet=True)
