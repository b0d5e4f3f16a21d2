"""Folders of pictures are clips that all functions for videos can read."""

import os

import cv2
import numpy as np
import pytest
from video_files import moving_frames, write_frames

from pan_keras.video import BrokenVideo, frame_source, iterate_frames, probe, read_frames


@pytest.fixture
def folder(tmp_path):
    return write_frames(tmp_path / "clip", moving_frames(12))


def test_a_png_is_read_losslessly(folder):
    frames = moving_frames(12)
    assert np.array_equal(read_frames(folder, range(12)), frames)
    assert np.array_equal(np.stack(list(iterate_frames(folder, transform=np.array))), frames)
    info = probe(folder)
    assert (info.frames, info.width, info.height, info.rate) == (12, 64, 48, 0)


def test_frames_come_in_the_order_and_as_often_as_they_are_asked_for(folder):
    read = read_frames(folder, np.array([7, 2, 7]), transform=lambda frame: frame[::2])
    assert np.array_equal(read, moving_frames(12)[[7, 2, 7], ::2])
    with pytest.raises(IndexError, match="0 to 12 of 12"):
        read_frames(folder, [0, 12])


def test_a_jpeg_is_near_its_pixels(tmp_path):
    ramp = np.linspace(0, 255, 48 * 64).reshape(48, 64, 1)
    frames = np.stack([ramp * (1, 0.5, shade) for shade in (0, 0.5, 1)]).astype(np.uint8)
    folder = write_frames(tmp_path / "clip", frames, "{:05d}.jpg")
    wanted = np.stack([cv2.imread(str(file))[..., ::-1] for file in sorted(folder.iterdir())])
    assert np.abs(read_frames(folder, range(3)).astype(int) - wanted).mean() < 3


def test_numbers_are_ordered_by_value_from_whatever_number(tmp_path):
    frames = moving_frames(12)
    folder = write_frames(tmp_path / "clip", frames, "img_{}.png", first=5)
    assert np.array_equal(read_frames(folder, range(12)), frames)
    assert frame_source(folder).remark == ""


def test_a_gap_is_named_and_the_rest_is_read(folder):
    (folder / "00004.png").unlink()
    (folder / "00009.png").unlink()
    source = frame_source(folder)
    assert len(source) == 10
    assert source.remark == "2 frames are missing, the first after number 3"
    assert np.array_equal(read_frames(folder, [3]), moving_frames(12)[[4]])


def test_files_that_are_not_frames_are_ignored(folder):
    for name in ("cover.png", "notes.txt", "._00001.png", ".00002.png", "Thumbs.db"):
        (folder / name).write_bytes(b"nothing")
    assert np.array_equal(read_frames(folder, range(12)), moving_frames(12))


def test_all_frames_get_the_size_of_the_first(folder):
    cv2.imwrite(str(folder / "00003.png"), np.zeros((100, 100, 3), np.uint8))
    assert read_frames(folder, [1, 2]).shape == (2, 48, 64, 3)
    assert read_frames(folder, [2]).shape == (1, 48, 64, 3)
    assert [frame.shape for frame in iterate_frames(folder, transform=np.array)][2] == (48, 64, 3)


def with_orientation(jpeg, value):
    """Puts an EXIF orientation into a JPEG."""
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0" + bytes([value]) + b"\0\0" * 3
    return jpeg[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + jpeg[2:]


def test_a_picture_of_a_phone_is_turned_upright(tmp_path):
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:16, :16] = 255
    folder = write_frames(tmp_path / "clip", np.stack([picture] * 2), "{:05d}.jpg")
    for file in folder.iterdir():
        file.write_bytes(with_orientation(file.read_bytes(), 6))
    frames = read_frames(folder, [0, 1])
    assert frames.shape == (2, 64, 48, 3)
    assert frames[0, 4, 44].mean() > 240
    assert frames[0, 4, 4].mean() < 15
    assert (probe(folder).width, probe(folder).rotation) == (48, -90)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"no picture at all", "00003.png cannot be decoded"),
        (None, "00003.png cannot be decoded"),
    ],
)
def test_a_picture_that_cannot_be_decoded_is_named(content, reason, folder):
    file = folder / "00003.png"
    file.write_bytes(file.read_bytes()[:300] if content is None else content)
    with pytest.raises(BrokenVideo, match=reason) as error:
        read_frames(folder, range(12))
    assert error.value.path == folder
    assert len(str(error.value).splitlines()) == 1
    assert read_frames(folder, [0, 1]).shape[0] == 2


def test_a_jpeg_that_was_cut_off_is_an_error_and_not_grey(tmp_path):
    folder = write_frames(tmp_path / "clip", moving_frames(2), "{:05d}.jpg")
    file = folder / "00002.jpg"
    file.write_bytes(file.read_bytes()[:-400])
    with pytest.raises(BrokenVideo, match=r"00002\.jpg cannot be decoded"):
        read_frames(folder, [0, 1])


def test_frames_that_are_not_pictures_are_refused(folder):
    (folder / "00001.png").unlink()
    os.mkfifo(folder / "00001.png")
    with pytest.raises(BrokenVideo, match="not a regular file"):
        probe(folder)
    (folder / "00001.png").unlink()
    (folder / "00001.png").mkdir()
    with pytest.raises(BrokenVideo, match=r"00001\.png cannot be decoded"):
        probe(folder)


def test_frames_that_are_too_large_or_too_thin_are_refused(folder):
    cv2.imwrite(str(folder / "00001.png"), np.zeros((4, 400, 3), np.uint8))
    with pytest.raises(BrokenVideo, match="400x4 pixels"):
        probe(folder)


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (["1.png", "01.png"], "frame 1 appears twice, as 01.png and 1.png"),
        (["1.png", "1.jpg"], "frame 1 appears twice"),
        (["flow_x_1.png", "img_1.png"], "several series of frames.*'flow_x_1.png' and 'img_1.png'"),
        (["cover.png"], "holds no frames, such as 00001.jpg"),
        ([], "holds no frames"),
    ],
)
def test_a_folder_that_is_not_a_clip_gives_the_reason(names, reason, tmp_path):
    for name in names:
        cv2.imwrite(str(tmp_path / name), moving_frames(1)[0])
    with pytest.raises(BrokenVideo, match=reason):
        probe(tmp_path)


def test_a_missing_folder_gives_an_error(folder, tmp_path):
    source = frame_source(folder)
    folder.rename(tmp_path / "elsewhere")
    for ask in (source.state, source.info, lambda: len(source), lambda: source.read([0])):
        with pytest.raises(BrokenVideo, match="there is no such folder"):
            ask()


def test_the_state_changes_with_every_frame(folder):
    before = frame_source(folder).state()
    assert before.size == sum(file.stat().st_size for file in folder.iterdir())
    with (folder / "00005.png").open("ab") as file:  # keeps the folder's own time
        file.write(b"more")
    after = frame_source(folder).state()
    assert after.size == before.size + 4
    assert after != before
    os.utime(folder / "00006.png", ns=(2**62, 2**62))
    assert frame_source(folder).state().changed == 2**62


def test_a_frame_that_is_added_is_seen(folder):
    assert len(frame_source(folder)) == 12
    (folder / "00013.png").write_bytes((folder / "00012.png").read_bytes())
    os.utime(folder, ns=(7, 7))
    assert len(frame_source(folder)) == 13
