"""The range of every tensor of a TFLite file, from clips."""

import warnings
from collections.abc import Iterable, Iterator

import numpy as np
from ai_edge_litert.interpreter import Interpreter, SignatureRunner

from pan_keras.deploy.formats.flatbuffer import read_tflite, tensors

# Share of the clips whose extremes are cut off at either end: one flash of light must not cost
# every other clip its precision.
TRIMMED = 0.01

Ranges = dict[str, tuple[float, float]]


def tensor_ranges(content: bytes, clips: Iterable[np.ndarray]) -> tuple[Ranges, int]:
    """Runs clips through a model and notes what its tensors hold.

    The range of a tensor goes from a low quantile of the clips' minima to a high one of their
    maxima.

    Args:
        content: A TFLite file in float32 with the input `frames`. If it is a streaming model, each
            clip is fed segment by segment from the start.
        clips: uint8 `(N, m, H, W, 3)`.

    Returns:
        Low and high of each float tensor by its name, and the number of clips.

    Raises:
        ValueError: If there is no clip.
    """
    interpreter = watching(content)
    names = {
        tensor.index: tensor.name
        for tensor in tensors(read_tflite(content))
        if tensor.dtype == "float32" and not tensor.constant
    }
    extremes = [clip_extremes(interpreter, list(names), clip) for clip in clips]
    return dict(zip(names.values(), trimmed(extremes), strict=True)), len(extremes)


def trimmed(extremes: list[np.ndarray]) -> list[tuple[float, float]]:
    """The ranges of tensors from the extremes `(2, tensors)` of each clip.

    Raises:
        ValueError: If there is no clip.
    """
    if not extremes:
        raise ValueError("int8 needs clips to calibrate with, and there is none; give a hundred")
    lows, highs = np.array(extremes, "float64").transpose(1, 2, 0)
    low = np.quantile(lows, TRIMMED, axis=1)
    high = np.quantile(highs, 1 - TRIMMED, axis=1)
    return list(zip(low.tolist(), high.tolist(), strict=True))


def watching(content: bytes) -> Interpreter:
    """An interpreter that keeps every tensor after a call."""
    with warnings.catch_warnings():
        # LiteRT warns that this takes memory.
        warnings.simplefilter("ignore", UserWarning)
        interpreter = Interpreter(
            model_content=content, experimental_preserve_all_tensors=True, num_threads=2
        )
    interpreter.allocate_tensors()
    return interpreter


def clip_extremes(interpreter: Interpreter, indices: list[int], clip: np.ndarray) -> np.ndarray:
    """Minima and maxima `(2, tensors)` of tensors over one clip."""
    found = []
    for _ in run_clip(interpreter.get_signature_runner("serve"), clip):
        values = [interpreter.get_tensor(index) for index in indices]
        found.append([(value.min(), value.max()) for value in values])
    lows, highs = np.array(found).transpose(2, 0, 1)
    return np.stack([lows.min(axis=0), highs.max(axis=0)])


def run_clip(runner: SignatureRunner, clip: np.ndarray) -> Iterator[dict[str, np.ndarray]]:
    """Runs a clip, whole or segment by segment as the model takes it.

    Args:
        runner: Of the signature `serve`.
        clip: uint8 `(N, m, H, W, 3)`.

    Yields:
        The outputs of each call by name.
    """
    details = runner.get_input_details()
    shape = details.pop("frames")["shape"]
    states = {name: np.zeros(each["shape"], each["dtype"]) for name, each in details.items()}
    for frames in clip.reshape(-1, *shape):
        outputs = runner(frames=frames, **states)
        states = {name: outputs[name] for name in states}
        yield outputs
