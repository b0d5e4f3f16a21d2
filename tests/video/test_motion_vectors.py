"""Motion vectors of encoded known shifts, per frame and upright."""

from itertools import pairwise

import av
import cv2
import numpy as np
import pytest
from av.sidedata.sidedata import Type
from video_files import REAL_VIDEOS, needs_real_videos, write_frames, write_video

from pan_keras.errors import UserError
from pan_keras.video import read_frames
from pan_keras.video.motion_vectors import dense, motion_vectors

SHIFT = (3, -2)  # pixels to the right and down per frame
HEIGHT, WIDTH = 96, 128
INSIDE = np.s_[24:-24, 24:-24]  # without the borders, where new texture appears
ORIENTATIONS = [  # (a, b, c, d): a stored pixel (p, q) is shown at x = a p + c q, y = b p + d q
    (1, 0, 0, 1),
    (-1, 0, 0, 1),
    (1, 0, 0, -1),
    (-1, 0, 0, -1),
    (0, 1, 1, 0),
    (0, 1, -1, 0),
    (0, -1, 1, 0),
    (0, -1, -1, 0),
]


def shifted_texture(count, shift=SHIFT, height=HEIGHT, width=WIDTH):
    """A smooth texture that moves uniformly."""
    noise = np.random.default_rng(0).normal(size=(height + 80, width + 80, 3)).astype("float32")
    smooth = cv2.GaussianBlur(noise, (0, 0), 2)
    texture = cv2.normalize(smooth, None, 0, 255, cv2.NORM_MINMAX).astype("uint8")
    views = [(40 - shift[1] * i, 40 - shift[0] * i) for i in range(count)]
    return np.stack([texture[y : y + height, x : x + width] for y, x in views])


def assert_shift(field, shift=SHIFT, share=0.9):
    inside = field[INSIDE].reshape(-1, 2)
    right = np.abs(inside - shift).max(axis=-1) <= 0.5
    assert right.mean() >= share, np.median(inside, axis=0)


@pytest.fixture(scope="module")
def h264(tmp_path_factory):
    path = tmp_path_factory.mktemp("h264") / "clip.mp4"
    return write_video(path, shifted_texture(10), **{"x264-params": "b-adapt=0:bframes=2:ref=1"})


@pytest.mark.parametrize(
    ("codec", "ending", "options"),
    [
        ("libx264", ".mp4", {"crf": 18, "bf": 0, "refs": 1}),
        ("libx264", ".mkv", {"crf": 18, "bf": 3, "refs": 1}),
        ("libx264", ".ts", {"crf": 18, "bf": 3}),
        ("libx264", ".h264", {"crf": 18, "bf": 3}),
        ("libx264", ".avi", {"crf": 18, "bf": 3}),
        ("mpeg4", ".mp4", {}),
        ("mpeg1video", ".mpg", {}),
        ("mpeg2video", ".ts", {}),
        ("h263", ".mov", {}),
        ("flv", ".flv", {}),
        ("msmpeg4v2", ".avi", {}),
        ("msmpeg4", ".avi", {}),
        ("wmv1", ".asf", {}),
        ("wmv2", ".asf", {}),
        ("rv10", ".rm", {}),
        ("rv20", ".rm", {}),
    ],
)
def test_a_known_shift_comes_out_of_every_codec(codec, ending, options, tmp_path):
    path = write_video(tmp_path / f"clip{ending}", shifted_texture(7), codec, **options)
    fields = motion_vectors(path, range(7))
    assert fields.shape == (7, HEIGHT, WIDTH, 2)
    assert fields.dtype == np.float32
    assert not fields[0].any()
    # libavcodec withholds the vectors of the last frame of MPEG-1 and MPEG-2.
    for field in fields[1 : 6 if codec.endswith("video") else 7]:
        assert_shift(field)


@pytest.mark.parametrize(("codec", "ending"), [("mpeg4", ".avi"), ("mpeg4", ".mp4")])
def test_b_frames_of_mpeg4_have_the_motion_of_the_frame_that_follows(codec, ending, tmp_path):
    frames = shifted_texture(8, (1, -1))
    path = write_video(tmp_path / f"clip{ending}", frames, codec, bf=2, qscale=2, g=100)
    fields = motion_vectors(path, range(7))
    for field in fields[1:]:
        assert_shift(field, (1, -1), share=0.8)
    np.testing.assert_array_equal(fields[1], fields[3])


def test_b_frames_of_mpeg2_are_scaled_by_the_distance_of_their_references(tmp_path):
    frames = shifted_texture(8, (1, -1))
    path = write_video(tmp_path / "clip.mpg", frames, "mpeg2video", bf=2, g=100)
    for field in motion_vectors(path, range(1, 7)):
        assert_shift(field, (1, -1), share=0.8)


def test_the_field_is_the_flow_from_the_frame_before(h264):
    earlier, later = (cv2.cvtColor(f, cv2.COLOR_RGB2GRAY) for f in read_frames(h264, [4, 5]))
    flow = cv2.calcOpticalFlowFarneback(earlier, later, None, 0.5, 3, 15, 3, 5, 1.2, 0)
    np.testing.assert_allclose(
        np.median(motion_vectors(h264, [5])[0][INSIDE], axis=(0, 1)),
        np.median(flow[INSIDE], axis=(0, 1)),
        atol=0.25,
    )


def test_frames_in_any_order_and_repeated_are_those_of_the_whole_clip(tmp_path):
    path = write_video(tmp_path / "clip.mp4", shifted_texture(20, (1, 1)), g=6, bf=2)
    every = motion_vectors(path, range(20))
    chosen = [17, 3, 17, 0, 8]
    np.testing.assert_array_equal(motion_vectors(path, chosen), every[chosen])


def test_vectors_do_not_depend_on_the_pixels_that_are_left_out(h264):
    with av.open(str(h264)) as container:
        container.streams.video[0].codec_context.options = {"flags2": "+export_mvs"}
        whole = [frame.side_data.get(Type.MOTION_VECTORS) for frame in container.decode(video=0)]
    # Frame 3 is predicted from frame 0.
    expected = dense(whole[3].to_ndarray(), HEIGHT, WIDTH, past=3, future=0)
    np.testing.assert_array_equal(motion_vectors(h264, [3])[0], expected)


@pytest.mark.parametrize("matrix", ORIENTATIONS)
def test_the_field_of_a_turned_or_mirrored_file_is_turned_with_it(matrix, tmp_path):
    frames = shifted_texture(3)
    frames[:, :, :64] = frames[0, :, :64]  # the left half, as stored, does not move
    path = tmp_path / "clip.mp4"
    a, b, c, d = (entry << 16 for entry in matrix)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.height, stream.width, stream.pix_fmt = HEIGHT, WIDTH, "yuv420p"
        stream.options = {"bf": "0", "crf": "18", "refs": "1"}
        stream.set_display_matrix([a, b, 0, c, d, 0, 0, 0, 1 << 30])
        for picture in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    field = motion_vectors(path, [2])[0]
    assert field.shape[:2] == read_frames(path, [2])[0].shape[:2]
    a, b, c, d = matrix
    shown = (a * SHIFT[0] + c * SHIFT[1], b * SHIFT[0] + d * SHIFT[1])
    # Centres of both halves as shown, relative to the centre of the frame.
    middle = np.array(field.shape[1::-1]) // 2
    for offset, expected in ((32, shown), (-32, (0, 0))):
        x, y = middle + np.array([a * offset, b * offset])
        part = field[y - 8 : y + 8, x - 8 : x + 8].reshape(-1, 2)
        np.testing.assert_allclose(np.median(part, axis=0), expected, atol=0.25)


def test_a_transform_is_applied_to_each_field(h264):
    small = motion_vectors(h264, [1, 2], transform=lambda field: field[::8, ::8])
    np.testing.assert_array_equal(small, motion_vectors(h264, [1, 2])[:, ::8, ::8])


@pytest.mark.parametrize(
    ("codec", "ending"), [("libvpx", ".webm"), ("libvpx-vp9", ".webm"), ("libx265", ".mp4")]
)
def test_a_codec_without_vectors_is_refused(codec, ending, tmp_path):
    path = write_video(tmp_path / f"clip{ending}", shifted_texture(3), codec)
    with pytest.raises(UserError, match=r"clip.*: its codec \w+ has no motion vectors; re-encode"):
        motion_vectors(path, [1])


def test_a_folder_of_frames_is_refused(tmp_path):
    folder = write_frames(tmp_path / "frames", shifted_texture(3))
    with pytest.raises(UserError, match="frames: only a video file has motion vectors"):
        motion_vectors(folder, [1])


def test_a_missing_frame_is_refused(h264):
    with pytest.raises(IndexError, match="frames 1 to 10 of 10"):
        motion_vectors(h264, [1, 10])


def test_blocks_lie_where_they_are_and_two_directions_are_averaged():
    kind = [(name, "<i4") for name in ("source", "w", "h", "dst_x", "dst_y")]
    kind += [(name, "<i4") for name in ("motion_x", "motion_y", "motion_scale")]
    rows = [
        (-1, 16, 16, 8, 8, -16, 8, 4),  # 4 and -2 pixels in two frames
        (1, 16, 8, 8, 4, 16, -8, 4),  # the upper half: 4 and -2 pixels in one frame
        (-1, 8, 8, 28, 20, 4, 0, 4),  # reaches beyond a frame of 30x22
        (-1, 8, 8, -4, 4, 4, 4, 4),  # lies outside
    ]
    field = dense(np.array(rows, kind), 22, 30, past=2, future=1)
    expected = np.zeros((22, 30, 2))
    expected[:8, :16] = (3, -1.5)
    expected[8:16, :16] = (2, -1)
    expected[16:, 24:] = (-0.5, 0)
    np.testing.assert_array_equal(field, expected)
    no_past = dense(np.array(rows, kind), 22, 30, past=0, future=1)
    np.testing.assert_array_equal(no_past[:8, :16], np.broadcast_to((4, -2), (8, 16, 2)))
    assert not no_past[8:].any()


@needs_real_videos
@pytest.mark.parametrize(
    "name", ["ucf101/v_ApplyEyeMakeup_g01_c01.avi", "something_something/video_large.mp4"]
)
def test_real_videos_move_as_optical_flow_says(name):
    path = REAL_VIDEOS / "clips" / name
    places = range(20, 26)
    frames = [cv2.cvtColor(f, cv2.COLOR_RGB2GRAY) for f in read_frames(path, range(19, 26))]
    vectors = motion_vectors(path, places)
    flow = np.stack(
        [
            cv2.calcOpticalFlowFarneback(a, b, None, 0.5, 3, 15, 3, 5, 1.2, 0)
            for a, b in pairwise(frames)
        ]
    )
    moving = (np.linalg.norm(flow, axis=-1) > 1) & (np.linalg.norm(vectors, axis=-1) > 0)
    with_flow = (flow * vectors).sum(axis=-1)[moving] > 0
    assert moving.mean() > 0.02
    assert with_flow.mean() > 0.8
