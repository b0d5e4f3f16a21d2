"""The tensors where an int8 model loses most precision are found."""

import pytest

from pan_keras.data import open_data
from pan_keras.deploy.artefact import Artefact, StateTensor
from pan_keras.deploy.gate.candidate import Candidate
from pan_keras.deploy.gate.signal_to_noise import worst_tensors
from pan_keras.runtime.preprocessing import clip_from_video


@pytest.mark.parametrize("streaming", [False, True], ids=["clip", "step"])
@pytest.mark.parametrize("file_format", ["tflite", "onnx"])
def test_the_tensors_that_lose_most_come_first(live, run, file_format, streaming):
    kind = {"file_format": file_format, "streaming": streaming}
    entries = [live.choose(precision, **kind) for precision in ("float32", "int8")]
    floating, quantised = (
        Artefact(
            file_format, entry.precision, streaming, live.content(entry.file), {}, states(entry)
        )
        for entry in entries
    )
    candidate = Candidate(quantised, live.shape, threads=1)
    clip = open_data("motions", run.config.data.root).clips("test")[0]
    worst = worst_tensors(candidate, floating, [clip_from_video(clip.path, live.shape)])
    assert len(worst) == 5
    ratios = [ratio for _, ratio in worst]
    assert sorted(ratios) == ratios
    assert 0 < ratios[0] < 60

    twin = Candidate(floating, live.shape, threads=1)
    same = worst_tensors(twin, floating, [clip_from_video(clip.path, live.shape)])
    assert same[0][1] > 200


def states(entry):
    return tuple(
        StateTensor(name, state.shape, state.dtype) for name, state in entry.states.items()
    )
