"""Folders of numbered images are clips; other images are not."""

import cv2
import pytest
from video_files import moving_frames, write_frames, write_video

from pan_keras.data import open_data
from pan_keras.data.folder_source import list_folder
from pan_keras.errors import UserError
from pan_keras.video.folder_tree import visible_videos

FRAMES = moving_frames(3, 32, 32)


@pytest.fixture
def root(tmp_path):
    for label in ("left", "right"):
        for number in range(4):
            write_frames(tmp_path / label / f"{number}", FRAMES, "{:05d}.jpg")
    return tmp_path


def test_folders_of_frames_are_clips_of_their_class(root):
    data = open_data(root)
    assert data.classes == ("left", "right")
    assert len(data.all_clips) == 8
    assert {(info.frames, info.width) for info in data.infos.values()} == {(3, 32)}
    assert data.report()["ignored"] == {}


def test_split_folders_may_contain_class_folders(root, tmp_path):
    for split in ("train", "val", "test"):
        write_frames(tmp_path / "data" / split / "a" / "clip", FRAMES)
    data = open_data(tmp_path / "data")
    assert [len(data.clips(split)) for split in ("train", "val", "test")] == [1, 1, 1]


def test_pictures_beside_videos_are_not_a_clip(tmp_path):
    write_video(write_frames(tmp_path / "wave", FRAMES) / "a.mp4", FRAMES)
    listing = list_folder(tmp_path)
    assert [path.name for path in listing.labels] == ["a.mp4"]
    assert listing.ignored == {"files that are not videos": 3}


def test_pictures_without_numbers_are_not_a_clip(tmp_path):
    write_frames(tmp_path / "wave" / "clip", FRAMES)
    (tmp_path / "wave" / "covers").mkdir()
    cv2.imwrite(str(tmp_path / "wave" / "covers" / "front.jpg"), FRAMES[0])
    listing = list_folder(tmp_path)
    assert [path.name for path in listing.labels] == ["clip"]
    assert listing.ignored == {"files that are not videos": 1}


def test_strays_in_a_clip_are_counted(root):
    (root / "left" / "0" / "notes.txt").touch()
    (root / "left" / "0" / ".DS_Store").touch()
    (root / "left" / "0" / "empty").mkdir()
    listing = list_folder(root)
    assert len(listing.labels) == 8
    assert listing.ignored == {"files that are not videos": 1, "hidden files": 1}


def test_a_mixture_of_videos_and_folders_of_frames_is_reported(root):
    write_video(root / "left" / "a.mp4", FRAMES)
    data = open_data(root)
    assert len(data.all_clips) == 9
    (warning,) = (warning for warning in data.warnings if "beside video files" in warning)
    assert warning.startswith("8 folders of pictures are used as clips")


def test_a_single_clip_is_refused_as_a_data_set(root):
    with pytest.raises(UserError, match="a single clip, a folder of frames; name a folder that"):
        open_data(root / "left" / "0")
    with pytest.raises(UserError, match="no videos here; expected a folder for each class"):
        open_data(root / "left")


def test_a_clip_may_be_named_itself(root):
    assert visible_videos(root / "left" / "0") == [root / "left" / "0"]
    assert len(visible_videos(root)) == 8


def test_gaps_and_the_assumed_rate_are_reported(root):
    (root / "left" / "0" / "00002.jpg").unlink()
    warnings = open_data(root).warnings
    assert any(
        "8 clips do not state a frame rate, so 25 frames per second are assumed" in warning
        for warning in warnings
    )
    assert any(
        f"1 clip has gaps ({root / 'left' / '0'}: 1 frame is missing, the first after number 1)"
        in warning
        for warning in warnings
    )
    assert open_data(root).warnings == warnings


def test_a_csv_column_gives_the_rate_of_each_clip(root):
    lines = [f"left/{n},left,{'' if n == 3 else 10 + n}" for n in range(4)]
    (root / "list.csv").write_text("\n".join(["path,label,frame_rate", *lines]))
    data = open_data(root / "list.csv")
    assert sorted(info.rate for info in data.infos.values()) == [10, 11, 12, 25]
    assert any("1 clip does not state a frame rate" in warning for warning in data.warnings)


@pytest.mark.parametrize("rate", ["fast", "0", "-3", "inf", "nan", "1001"])
def test_an_invalid_rate_is_refused_with_its_line(rate, root):
    (root / "list.csv").write_text(f"path,label,frame_rate\nleft/0,left,{rate}\n")
    with pytest.raises(UserError, match=r"list\.csv, line 2: frame_rate is .* above 0"):
        open_data(root / "list.csv")


def test_a_card_gives_the_rate(root):
    (root / "own.toml").write_text('name = "own"\ntitle = "Own"\nframe_rate = 12\n')
    data = open_data(root / "own.toml")
    assert {info.rate for info in data.infos.values()} == {12}
    assert not any("frame rate" in warning for warning in data.warnings)


def test_a_third_kind_of_clip_is_a_data_set_like_any_other(memory_clips, tmp_path):
    rows = ["path,label"]
    for number in range(6):
        name = f"shard.records/{number}"
        memory_clips.add(name, moving_frames(3 + number, 32, 32))
        rows.append(f"{name},{'left' if number % 2 else 'right'}")
    (tmp_path / "list.csv").write_text("\n".join(rows))
    data = open_data(tmp_path / "list.csv")
    assert len(data.all_clips) == 6
    assert {info.rate for info in data.infos.values()} == {12}
    memory_clips.arrays.clear()
    with pytest.raises(UserError, match="there is no such record"):
        open_data(tmp_path / "list.csv")
