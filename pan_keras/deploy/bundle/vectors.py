"""Writes the test vectors of a bundle: clips, and what every model answers to them."""

import json
from collections.abc import Sequence

import numpy as np

from pan_keras.deploy.gate.candidate import Candidate
from pan_keras.runtime.vectors import INDEX

CLIPS = 3
# Of the largest logit: int8 kernels round differently from processor to processor.
ROUGH = 0.05


def choose_vectors(expected: np.ndarray, candidates: Sequence[Candidate]) -> list[int]:
    """Clips whose answer is clear in every precision, of different classes first.

    Args:
        expected: Logits of the Keras model, `(clips, classes)`.
        candidates: The models, with their answers for the same clips.

    Returns:
        Places of up to three clips.
    """
    answers = [expected, *(_last(candidate)[: len(expected)] for candidate in candidates)]
    margins = np.min([_margin(rows) for rows in answers], axis=0)
    order = np.argsort(-margins, kind="stable")
    firsts: dict[int, int] = {}
    for place in order:
        firsts.setdefault(int(expected[place].argmax()), int(place))
    chosen = list(firsts.values())
    return (chosen + [int(place) for place in order if place not in chosen])[:CLIPS]


def vector_files(
    clips: Sequence[np.ndarray],
    places: Sequence[int],
    candidates: Sequence[Candidate],
    exact: float,
) -> dict[str, bytes]:
    """The files of `vectors/` by name.

    Args:
        clips: All clips that were checked, uint8 `(N, m, H, W, 3)`.
        places: Those that become vectors.
        candidates: The models, with their answers for all clips.
        exact: By how much a logit of a float32 model may be off on another machine.
    """
    files, clip_records, logit_records = {}, [], []
    for number, place in enumerate(places):
        frames = clips[place].reshape(-1, *clips[place].shape[2:])
        name = f"vectors/clip_{number}.u8"
        files[name] = frames.tobytes()
        clip_records.append({"file": name, "dtype": "uint8", "shape": list(frames.shape)})
    for candidate in candidates:
        logits = np.ascontiguousarray(candidate.answers[list(places)], "<f4")
        name = f"vectors/{candidate.name}.f32"
        files[name] = logits.tobytes()
        logit_records.append(
            {
                "model": candidate.name,
                "file": name,
                "dtype": "float32",
                "shape": list(logits.shape),
                "max_difference": _tolerance(candidate, logits, exact),
            }
        )
    index = {"byte_order": "little", "clips": clip_records, "logits": logit_records}
    return files | {INDEX: (json.dumps(index, indent=1) + "\n").encode()}


def _tolerance(candidate: Candidate, logits: np.ndarray, exact: float) -> float:
    if candidate.artefact.precision == "float32":
        return exact
    return max(exact, ROUGH * float(np.abs(logits).max()))


def _last(candidate: Candidate) -> np.ndarray:
    answers = candidate.answers
    return answers[:, -1] if candidate.artefact.streaming else answers


def _margin(logits: np.ndarray) -> np.ndarray:
    if logits.shape[-1] < 2:
        return np.zeros(len(logits))
    second, first = np.sort(logits, axis=-1)[:, -2:].T
    return first - second
