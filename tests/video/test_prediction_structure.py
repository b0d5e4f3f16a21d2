"""The references of a frame follow from the decoding order."""

import numpy as np
import pytest
from video_files import moving_frames, write_video

from pan_keras.video.prediction_structure import (
    PredictionStructure,
    is_reference,
    prediction_structure,
)


def test_frames_in_order_refer_to_the_one_before():
    structure = PredictionStructure.from_order(np.arange(4), None)
    np.testing.assert_array_equal(structure.past, [0, 1, 1, 1])
    np.testing.assert_array_equal(structure.future, [0, 0, 0, 0])
    np.testing.assert_array_equal(structure.next_anchor, [0, 1, 2, 3])


def test_b_frames_refer_to_the_anchors_around_them():
    # I B B P B, where the anchor of the last B-frame is missing.
    structure = PredictionStructure.from_order(np.array([0, 2, 3, 1, 4]), None)
    np.testing.assert_array_equal(structure.past, [0, 1, 2, 3, 1])
    np.testing.assert_array_equal(structure.future, [0, 2, 1, 0, 0])
    np.testing.assert_array_equal(structure.next_anchor, [0, 3, 3, 3, 4])


def test_a_b_frame_that_is_a_reference_is_nearer():
    order = np.array([0, 3, 2, 4, 1])
    reference = np.array([True, False, True, False, True])
    structure = PredictionStructure.from_order(order, reference)
    np.testing.assert_array_equal(structure.past, [0, 1, 2, 1, 4])
    np.testing.assert_array_equal(structure.future, [0, 1, 2, 1, 0])


def test_of_two_frames_in_one_packet_the_later_is_the_reference():
    structure = PredictionStructure.from_order(np.array([0, 1, 1]), None)
    np.testing.assert_array_equal(structure.past, [0, 1, 2])
    np.testing.assert_array_equal(structure.future, [0, 1, 0])


@pytest.mark.parametrize("ending", [".mp4", ".ts", ".h264", ".avi"])
def test_the_order_is_found_in_files_with_times_and_without(ending, tmp_path):
    options = {"bf": 3, "b-pyramid": "none", "b-adapt": 0, "g": 50, "sc_threshold": 0}
    path = write_video(tmp_path / f"clip{ending}", moving_frames(9), **options)
    structure = prediction_structure(path, 30)
    np.testing.assert_array_equal(structure.past, [0, 1, 2, 3, 4, 1, 2, 3, 4])
    np.testing.assert_array_equal(structure.future, [0, 3, 2, 1, 0, 3, 2, 1, 0])


@pytest.mark.parametrize("ending", [".mp4", ".ts", ".h264"])
def test_reference_b_frames_of_h264_are_found(ending, tmp_path):
    options = {"bf": 3, "b-pyramid": "normal", "b-adapt": 0, "g": 50, "sc_threshold": 0}
    path = write_video(tmp_path / f"clip{ending}", moving_frames(9), **options)
    structure = prediction_structure(path, 30)
    np.testing.assert_array_equal(structure.past, [0, 1, 2, 1, 4, 1, 2, 1, 4])
    np.testing.assert_array_equal(structure.future, [0, 1, 2, 1, 0, 1, 2, 1, 0])


@pytest.mark.parametrize(("head", "kept"), [(0x01, False), (0x41, True), (0x65, True)])
def test_the_first_slice_of_a_packet_says_whether_it_is_a_reference(head, kept):
    delimiter, slice_ = b"\x09\xf0", bytes([head, 0x9A])
    assert is_reference(b"\0\0\0\x01" + delimiter + b"\0\0\x01" + slice_, 0) is kept
    counted = b"\0\0\0\x02" + delimiter + b"\0\0\0\x02" + slice_
    assert is_reference(counted, 4) is kept


@pytest.mark.parametrize("packet", [b"", b"\0\0", b"\0\0\0\x01", b"\0\0\0\x09\x09", b"\xff" * 9])
@pytest.mark.parametrize("length", [0, 4])
def test_packets_without_a_slice_count_as_references(packet, length):
    assert is_reference(packet, length) is True
