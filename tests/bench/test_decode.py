"""Readers of video files return the same frames; missing readers are reported."""

import numpy as np
import pytest

from pan_keras.bench import decode
from pan_keras.bench.benchmark import Budget
from pan_keras.bench.decode import decode_cases, encode, measure_decode, open_session, reference
from pan_keras.errors import UserError

ONCE = Budget(0.0, fewest=2, most=2)


@pytest.fixture(scope="module", params=sorted(decode.CODECS))
def clip(request, tmp_path_factory):
    codec = request.param
    path = tmp_path_factory.mktemp("clips") / f"{codec}.{decode.CODECS[codec][1]}"
    encode(path, codec, 96, 128, seconds=2.5)  # more than one group of pictures
    return path


def test_every_reader_gives_the_frames_of_the_whole_clip_decoded_in_order(clip):
    cases = decode_cases(clip, 3, 2, ["pan_keras", "opencv"], threads=1)
    expected = reference(cases[0])
    assert expected.shape == (6, 96, 128, 3)
    assert [len({frame.tobytes() for frame in expected})] == [6]
    for case in cases:
        frames = open_session(case).answer()
        assert frames.dtype == np.uint8
        noise = np.mean((frames.astype(float) - expected) ** 2)
        assert 10 * np.log10(np.mean(expected.astype(float) ** 2) / max(noise, 1e-9)) > 30
    np.testing.assert_array_equal(open_session(cases[0]).answer(), expected)


def test_readers_take_turns_on_a_file_and_are_compared_with_pan_keras(tmp_path):
    path = tmp_path / "clip.mp4"
    encode(path, "h264", 48, 64, seconds=1)
    results = measure_decode(
        [path], segments=2, stack=2, readers=["pan_keras", "opencv"], budget=ONCE
    )
    own, other = results.rows
    assert (own.method, other.method) == ("pan_keras", "opencv")
    assert own.ratio == 1.0
    assert other.ratio > 0
    assert own.clips_per_second == pytest.approx(1000 / own.p50_ms, rel=1e-3)
    assert own.frames_per_second == pytest.approx(4000 / own.p50_ms, rel=1e-3)
    assert own.snr_db > 100
    assert other.snr_db > 30
    assert own.facts["file_bytes"] == path.stat().st_size
    text = results.to_text()
    assert "pan_keras file clip.mp4 64x48 uint8" in text
    assert "clips/s" in text
    assert "pairs/s" not in text


def test_shards_are_made_of_the_clip_in_the_size_that_is_read(tmp_path):
    path = tmp_path / "clip.mp4"
    encode(path, "h264", 96, 128, seconds=1)
    readers = ["pan_keras", "shard_jpeg", "shard_h264"]
    results = measure_decode(
        [path], segments=2, stack=2, readers=readers, short_side=48, budget=ONCE
    )
    assert [row.method for row in results.rows] == readers
    assert not any(row.error for row in results.rows)
    assert all(12 < row.snr_db < 60 for row in results.rows[1:])
    jpeg, h264 = (row.facts["file_bytes"] for row in results.rows[1:])
    assert jpeg > h264
    assert results.work["short_side"] == 48


def test_a_reader_that_is_not_installed_is_named(tmp_path, monkeypatch):
    path = tmp_path / "clip.mp4"
    encode(path, "h264", 48, 64, seconds=0.2)
    monkeypatch.setattr(decode, "find_spec", lambda name: None)
    errors = [case.error for case in decode_cases(path, 2, 2, [], threads=1)]
    assert errors[0] == 'av is not installed; pip install "pan-keras[video]"'
    shards = 'array-record is not installed; pip install "pan-keras[shards]"'
    assert errors[1:3] == [shards, shards]
    assert errors[4:] == [
        "torchcodec is not installed; pip install torchcodec",
        "decord is not installed; pip install decord",
    ]


def test_the_quick_clips_are_small_and_named_by_codec_and_size(tmp_path):
    files = decode.made_clips(tmp_path, quick=True)
    assert [file.name for file in files] == ["h264-320x240.mp4", "mpeg4-320x240.avi"]


def test_unknown_names_and_missing_files_are_refused(tmp_path):
    with pytest.raises(
        UserError, match=r"reader: 'avi' is not one of pan_keras, shard_jpeg, shard_h264"
    ):
        measure_decode(readers=["avi"])
    with pytest.raises(UserError, match=r"codec: 'h265' is not one of h264, hevc, mpeg4, vp9"):
        measure_decode(codecs=["h265"])
    with pytest.raises(UserError, match="there is no such file"):
        measure_decode([tmp_path / "none.mp4"])
