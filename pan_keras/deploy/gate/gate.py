"""The gate: refuses exported models that do not match the Keras model."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from pan_keras.deploy.artefact import Artefact
from pan_keras.deploy.clips import ExportClips
from pan_keras.deploy.formats.converters import converter
from pan_keras.deploy.gate.accuracy import (
    accuracy_doubt,
    accuracy_problem,
    accuracy_record,
    comparison_record,
    split_logits,
)
from pan_keras.deploy.gate.candidate import Candidate, edge_clips, measure_parity
from pan_keras.deploy.gate.signal_to_noise import worst_tensors
from pan_keras.deploy.gate.structure import check_structure
from pan_keras.deploy.recipe import Recipe
from pan_keras.deploy.source import Source
from pan_keras.errors import UserError
from pan_keras.timing import time_in_turns

TIMED_CALLS = 15

Tell = Callable[[str], None]


class Gate:
    """Checks exported models against the Keras model; the results are stored in the candidates.

    Args:
        source: The exported model.
        recipe: Recipe with the limits.
        clips: Clips to compare on.
        tell: Called with progress messages.

    Raises:
        UserError: From each method, if a model violates a limit.
    """

    def __init__(self, source: Source, recipe: Recipe, clips: ExportClips, tell: Tell):
        self.source = source
        self.recipe = recipe
        self.clips = clips
        self.tell = tell
        self.checked = list(clips.check)
        # Compiled for one clip per call, as the exported models take them.
        self.call = tf.function(lambda frames: source.model(frames, training=False))
        self.expected = self.reference(np.stack(self.checked))

    def reference(self, frames: np.ndarray) -> np.ndarray:
        """Computes the Keras model's logits `(b, classes)` of clips `(b, N, m, H, W, 3)`."""
        return np.concatenate([self.call(clip[None]).numpy() for clip in frames])

    def check_structure(self, candidates: Sequence[Candidate]) -> None:
        """Checks that devices support the operations, ranks, shapes and signature."""
        self.tell("checking the structure")
        for candidate in candidates:
            check_structure(candidate.artefact, self.source.shape, len(self.source.labels))

    def check_numbers(self, candidates: Sequence[Candidate]) -> None:
        """Checks the logits against the Keras model's, on real clips and on edge inputs."""
        edges = edge_clips(self.source.shape, self.checked)
        expected = np.concatenate([self.expected, self.reference(np.stack(edges))])
        for candidate in candidates:
            self.tell(f"comparing {candidate.name} on {len(self.checked)} clips")
            answers = np.stack([candidate.answer(clip) for clip in (*self.checked, *edges)])
            found = answers[:, -1] if candidate.artefact.streaming else answers
            candidate.answers = answers[: len(self.checked)]
            candidate.parity = measure_parity(expected, found, len(edges))
            problem = candidate.parity.problem(self.recipe.limits(candidate.artefact.precision))
            if problem:
                raise self._refusal(candidate, problem, candidates)

    def check_accuracy(self, candidates: Sequence[Candidate]) -> dict[str, Any] | None:
        """Checks the accuracy on a whole split against the Keras model's.

        Returns:
            The accuracy of the Keras model in the form of `model.json`; None if no data are known.
        """
        split, videos = self.recipe.export.evaluate, self.clips.videos
        if videos is None or not self.clips.measured:
            return None
        self.tell(f"measuring accuracy on {split}")
        models = {candidate.name: candidate.classify for candidate in candidates}
        shape, labels = self.source.shape, self.source.labels
        logits, truth = split_logits({"": self.reference, **models}, shape, self.clips.measured)
        before = logits[""]
        where = {"data": videos.source, "split": split}
        for candidate in candidates:
            assert candidate.parity is not None
            found, precision = logits[candidate.name], candidate.artefact.precision
            record = accuracy_record(found, truth, labels, **where)
            exact = candidate.parity.furthest if precision == "float32" else None
            record |= comparison_record(found, before, truth, labels, exact)
            candidate.accuracy, limits = record, self.recipe.limits(precision)
            problem = accuracy_problem(record, limits)
            if problem:
                raise self._refusal(candidate, problem, candidates)
            doubt = accuracy_doubt(record, limits)
            if doubt:
                record["doubt"] = doubt
                self.tell(f"{candidate.name}: {doubt}")
        return accuracy_record(before, truth, labels, **where)

    def measure_speed(self, candidates: Sequence[Candidate]) -> None:
        """Measures the median time per call, which has no limit."""
        self.tell("measuring speed")
        calls = {
            each.name: partial(each.engine, each.inputs(self.checked[0])) for each in candidates
        }
        seconds = time_in_turns(calls, TIMED_CALLS, settling=0)
        for candidate in candidates:
            candidate.milliseconds = float(1000 * np.median(seconds[candidate.name]))

    def _refusal(
        self, candidate: Candidate, problem: str, candidates: Sequence[Candidate]
    ) -> UserError:
        sentence = f"{candidate.name}: {problem}; nothing was written"
        if candidate.artefact.precision != "int8":
            return UserError(
                f"{sentence}. Leave it out with --precision, or raise the limits in the recipe's "
                f"[{candidate.artefact.precision}]"
            )
        worst = worst_tensors(candidate, self._floating(candidate, candidates), self.checked)
        named = ", ".join(f"{name} ({decibel:.1f} dB)" for name, decibel in worst)
        return UserError(
            f"{sentence}. The tensors with the lowest signal-to-noise ratio: {named}. Calibrate on "
            "more clips (--calibration), ship float16 or dynamic instead, or raise the limits in "
            "the recipe's [int8]"
        )

    def _floating(self, quantised: Candidate, candidates: Sequence[Candidate]) -> Artefact:
        """Returns the float32 model of the same format and kind, converting it if missing."""
        kind = (quantised.artefact.format, "float32", quantised.artefact.streaming)
        for artefact in (candidate.artefact for candidate in candidates):
            if (artefact.format, artefact.precision, artefact.streaming) == kind:
                return artefact
        convert = converter(quantised.artefact.format)
        return convert(self.source.model, "float32", streaming=quantised.artefact.streaming)
