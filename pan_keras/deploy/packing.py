"""Packs checked models into a bundle, with test vectors and a preview."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import keras
import numpy as np

from pan_keras.bundle import Bundle, Vectors, write_bundle
from pan_keras.bundle.facts import Facts
from pan_keras.bundle.vectors import Expected
from pan_keras.deploy.gate.candidate import Candidate
from pan_keras.drawing.colours import heat_by_range
from pan_keras.drawing.panels import png, strip
from pan_keras.runtime import verify

VECTORS = 3
# Share of the largest logit: int8 kernels round differently on different processors.
ROUGH = 0.05


def pack(
    folder: Path, facts: Facts, candidates: Sequence[Candidate], files: Mapping[str, bytes]
) -> Bundle:
    """Writes a bundle of the checked models, if it verifies.

    Args:
        folder: Folder of the bundle.
        facts: Result of `bundle_facts`.
        candidates: The models.
        files: The vectors and the preview, by name.

    Raises:
        UserError: If the disk is full, the folder holds something else, or the bundle does not
            verify.
    """
    models = {candidate.name: candidate.artefact.content for candidate in candidates}
    return write_bundle(folder, facts, models, files, _problems)


def choose_vectors(expected: np.ndarray, candidates: Sequence[Candidate]) -> list[int]:
    """Chooses clips with a clear answer in every precision, of different classes first.

    Args:
        expected: Logits of the Keras model, `(clips, classes)`.
        candidates: The models, with their answers for the same clips.

    Returns:
        Indices of up to three clips.
    """
    answers = [expected, *(_last(candidate)[: len(expected)] for candidate in candidates)]
    margins = np.min([_margin(rows) for rows in answers], axis=0)
    order = np.argsort(-margins, kind="stable")
    firsts: dict[int, int] = {}
    for place in order:
        firsts.setdefault(int(expected[place].argmax()), int(place))
    chosen = list(firsts.values())
    return (chosen + [int(place) for place in order if place not in chosen])[:VECTORS]


def vector_files(
    clips: Sequence[np.ndarray],
    places: Sequence[int],
    candidates: Sequence[Candidate],
    exact: float,
) -> dict[str, bytes]:
    """Returns the files of `vectors/` by name.

    Args:
        clips: All checked clips, uint8 `(N, m, H, W, 3)`.
        places: Indices of those that become test vectors.
        candidates: The models, with their answers for all clips.
        exact: Tolerance of a float32 model's logits on another machine.
    """
    chosen = np.stack([clips[place] for place in places])
    expected = {}
    for candidate in candidates:
        logits = candidate.answers[list(places)].astype("float32")
        rough = max(exact, ROUGH * float(np.abs(logits).max()))
        allowed = exact if candidate.artefact.precision == "float32" else rough
        expected[candidate.name] = Expected(logits, allowed)
    return Vectors(chosen.reshape(len(chosen), -1, *chosen.shape[3:]), expected).files()


def preview(model: keras.Model, clip: np.ndarray) -> bytes:
    """Draws the first frame of each segment above the mean of its motion maps (PA), as PNG.

    Args:
        model: A video classifier; without PA, only the frames are drawn.
        clip: uint8 `(N, m, H, W, 3)`.
    """
    rows = [strip(clip[:, 0])]
    tensors = model.intermediates(clip[None])
    motion = next((tensors[name] for name in tensors if name.split("/")[-1] == "motion"), None)
    if motion is not None:
        maps = keras.ops.convert_to_numpy(motion)[0].astype("float32").mean(axis=-1)
        rows.append(strip(heat_by_range(maps)))
    return png(np.vstack(rows))


def _problems(folder: Path) -> list[str]:
    return [finding.to_text() for finding in verify(folder) if finding.problems]


def _last(candidate: Candidate) -> np.ndarray:
    answers = candidate.answers
    return answers[:, -1] if candidate.artefact.streaming else answers


def _margin(logits: np.ndarray) -> np.ndarray:
    if logits.shape[-1] < 2:
        return np.zeros(len(logits))
    second, first = np.sort(logits, axis=-1)[:, -2:].T
    return first - second
