"""Times from a file to a label, split into decoding, motion and network."""

import time

import numpy as np
import pytest
from click.testing import CliRunner
from video_files import moving_frames, write_video

from pan_keras.bench import video as video_module
from pan_keras.bench.benchmark import Budget
from pan_keras.bench.case import Case, Work
from pan_keras.bench.results import Results
from pan_keras.bench.row import Measured
from pan_keras.bench.video import measure_video, open_session, sentences, video_cases
from pan_keras.bench.video_networks import METHODS, build, networks_of
from pan_keras.cli.bench import bench
from pan_keras.clips.fields import to_bytes
from pan_keras.errors import UserError
from pan_keras.flow import OpticalFlow
from pan_keras.runtime.preprocessing import clip_from_video

WORK = Work(segments=2, stack=3, height=32, width=32)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return write_video(tmp_path_factory.mktemp("clip") / "clip.mp4", moving_frames(12))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("networks")


@pytest.fixture
def opened(clip, folder):
    """Opens the session of a method in this process, with networks shared between tests."""

    def open_method(method, precision="float32"):
        options = {
            "file": str(clip),
            "backbone": "micro",
            "networks": str(folder),
            "video_seconds": 1.0,
        }
        (case,) = video_cases(WORK, [method], precision, 1, "clip.mp4", options)
        build(case, folder)
        return open_session(case)

    return open_method


@pytest.mark.parametrize("method", ["pan_lite", "pan_full", "rgb_tsm", "two_stream_dis_ultrafast"])
def test_the_time_is_that_of_decoding_motion_and_network(method, opened):
    session = opened(method)
    timing = session.run(1)
    (total,) = timing.seconds
    parts = timing.parts
    assert set(parts) == {"decode", "motion", "network"}
    assert parts["decode"] > 0
    assert (parts["motion"] > 0) == (method != "rgb_tsm")
    # PA is timed separately, so the parts do not add up exactly.
    assert sum(parts.values()) == pytest.approx(total, rel=0.5)


def test_networks_in_eight_bits_run(opened):
    assert opened("two_stream_dis_ultrafast", "int8").run(1).seconds[0] > 0


def test_rgb_decodes_one_frame_per_segment_and_other_methods_all(opened):
    assert opened("rgb_tsm").shape.stack == 1
    assert opened("two_stream_dis_fast").shape.stack == 3


def test_a_flow_network_gets_the_flow_of_each_pair_of_the_clip(opened, clip):
    session = opened("two_stream_dis_ultrafast")
    frames = clip_from_video(clip, session.shape)
    fields, _ = session._fields(frames)
    assert fields.shape == (2, 32, 32, 4)
    assert fields.dtype == np.uint8
    flow = OpticalFlow("dis_ultrafast")
    for segment in range(2):
        for pair in range(2):
            expected = to_bytes(flow(frames[segment, pair], frames[segment, pair + 1]))
            np.testing.assert_array_equal(fields[segment, ..., 2 * pair : 2 * pair + 2], expected)


def test_both_streams_count_for_the_label(opened, clip):
    session = opened("two_stream_dis_ultrafast")
    frames = clip_from_video(clip, session.shape)
    inputs = []
    for name, network in session.networks.items():

        def watched(tensors, name=name, network=network):
            inputs.append((name, tensors["frames"].shape))
            return network(tensors)

        session.networks[name] = watched
    fields, _ = session._fields(frames)
    assert 0 <= session.label(frames, fields) < 27
    assert sorted(inputs) == [("flow", (2, 32, 32, 4)), ("frames", (2, 32, 32, 3))]


def test_tv_l1_is_timed_on_some_pairs_in_turn_and_scaled_up(opened):
    session = opened("two_stream_tvl1")
    pairs, slept = [], []

    def slow(earlier, later):
        pairs.append(earlier.tobytes())
        start = time.perf_counter()
        time.sleep(0.02)
        slept.append(time.perf_counter() - start)
        return np.zeros((32, 32, 2), np.float32)

    session._flow = slow
    timing = session.run(1)
    assert len(pairs) == 2
    # Two of four pairs are timed; the rest of the work takes little time.
    assert 2 * sum(slept) <= timing.parts["motion"] < 2 * sum(slept) + 0.04
    assert timing.seconds[0] == pytest.approx(sum(timing.parts.values()))
    session.run(1)
    assert len(set(pairs)) == 4


def test_the_networks_of_a_method_are_shared_by_name():
    names = {method: networks_of(Case(method, "litert", precision="int8")) for method in METHODS}
    assert names["rgb_tsm"]["frames"] == names["two_stream_tvl1"]["frames"] == "tsm-int8.tflite"
    assert names["pan_lite"] == {"frames": "pan_lite-int8.tflite", "pa": "pa-int8.tflite"}


@pytest.mark.slow
def test_each_method_has_a_row_with_the_ratio_to_pan_lite(clip):
    results = measure_video(
        [clip],
        backbone="micro",
        segments=2,
        stack=3,
        size=32,
        methods=["pan_lite", "two_stream_dis_ultrafast"],
        precisions=["float32"],
        threads=1,
        budget=Budget(0.0, fewest=2, most=2),
    )
    own, rival = results.rows
    assert (own.error, rival.error) == (None, None)
    assert own.ratio == 1.0
    assert rival.ratio > 0
    assert set(rival.milliseconds) == {"decode", "motion", "network"}
    assert own.facts["video_seconds"] == pytest.approx(0.48)
    assert own.graph == "clip.mp4"
    assert len(sentences(results)) == 1


def test_sentences_compare_methods_with_pan_lite():
    work = Work()
    own = Measured(Case("pan_lite", "litert", work, graph="a.mp4"), {0: [0.1], 1: [0.1]})
    slow = Measured(Case("two_stream_tvl1", "litert", work, graph="a.mp4"), {0: [5.0], 1: [5.0]})
    fast = Measured(Case("rgb_tsm", "litert", work, graph="a.mp4"), {0: [0.05], 1: [0.05]})
    results = Results({}, {}, tuple(each.to_row(own) for each in (own, slow, fast)))
    assert sentences(results) == [
        "a.mp4, float32: two_stream_tvl1 takes 50 times as long as pan_lite (50 to 50).",
        "a.mp4, float32: pan_lite takes 2 times as long as rgb_tsm (2 to 2).",
    ]


def test_unknown_names_and_missing_files_are_refused(clip, tmp_path):
    with pytest.raises(UserError, match=r"method: 'two_stream' is not one of pan_lite, pan_full"):
        measure_video([clip], methods=["two_stream"])
    with pytest.raises(UserError, match=r"precision: 'float16' is not one of float32, int8"):
        measure_video([clip], precisions=["float16"])
    with pytest.raises(UserError, match=r"stack: motion needs at least 2 frames per segment"):
        measure_video([clip], stack=1)
    with pytest.raises(UserError, match="there is no such file"):
        measure_video([tmp_path / "none.mp4"])


def test_the_command_passes_its_options_on(monkeypatch):
    calls = []

    def measure(files, **options):
        calls.append((files, options))
        own = Measured(Case("pan_lite", "litert", WORK, graph="a.mp4"), {0: [0.1]})
        head = {"benchmark": "video", **WORK.to_json(), "interrupted": False}
        return Results({"name": "a machine"}, head, (own.to_row(),))

    monkeypatch.setattr(video_module, "measure_video", measure)
    result = CliRunner().invoke(bench, ["video", "a.mp4", "--backbone", "micro", "--quick"])
    assert result.exit_code == 0
    [((file,), options)] = calls
    assert file.name == "a.mp4"
    assert options["backbone"] == "micro"
    assert options["quick"]
    assert options["precisions"] == ("float32", "int8")
    assert result.output.splitlines()[-1].split()[-4:] == ["10", "100", "100", "100"]
