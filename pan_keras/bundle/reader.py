"""Opens a bundle and checks every fact that it uses."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from pan_keras.bundle.model_file import (
    FACTS,
    ModelFile,
    Tensor,
    Tensors,
    check_names,
    read_facts,
    read_file,
)
from pan_keras.bundle.schema import upgraded
from pan_keras.clips.clip_shape import ClipShape
from pan_keras.clips.live_window import LiveSampling
from pan_keras.errors import UserError
from pan_keras.metrics.confidence import UNCALIBRATED, Confidence
from pan_keras.printable import is_printable
from pan_keras.remote.copies import local_copy

LARGEST_CLIP = 2**30  # bytes
MOST_LABELS = 100_000


@dataclass(frozen=True)
class Bundle:
    """A model for devices: a file for each format and precision, and the facts about them.

    `Bundle.open` makes it.

    Args:
        path: The folder.
        facts: What `model.json` holds, in the newest schema version. Of a bundle that verifies it
            is `pan_keras.bundle.facts.Facts`.
        labels: Class names in the order of the logits.
        shape: The clips that the models take.
        entries: The model files.
        confidence: Temperature of the softmax and threshold of "unknown"; 1 and none of a bundle
            that does not say.

    Example:
        >>> bundle = Bundle.open("runs/demo/bundle")
        >>> [entry.file for entry in bundle.entries][0]
        'model_float32.tflite'
        >>> entry = bundle.choose("float32", "tflite")
        >>> bundle.check_tensors(entry, entry.inputs, entry.outputs)
        >>> len(bundle.content(entry.file))
        1480
    """

    path: Path
    facts: Mapping[str, Any]
    labels: tuple[str, ...]
    shape: ClipShape
    entries: tuple[ModelFile, ...]
    confidence: Confidence = UNCALIBRATED

    @classmethod
    def open(cls, path: Path | str) -> "Bundle":
        """Reads a bundle.

        Files are checked against their checksums when they are read, by `content`.

        Args:
            path: The folder, or the address of a copy in remote storage.

        Returns:
            The bundle.

        Raises:
            UserError: If it is no bundle, of a later schema version, or lacks a file or a fact.
        """
        path = local_copy(path)
        given = read_facts(path)
        try:
            facts = upgraded(given)
            bundle = cls(
                path=path,
                facts=facts,
                labels=_labels(facts["labels"]),
                shape=_shape(path, facts["input"]),
                entries=tuple(map(ModelFile.read, facts["artefacts"])),
                confidence=Confidence.of(facts.get("confidence")),
            )
            check_names(path, bundle.checksums)
            if not bundle.entries:
                raise ValueError("it names no model")
            for entry in bundle.entries:
                bundle.check_tensors(entry, entry.inputs, entry.outputs)
        except KeyError as error:
            raise UserError(
                f"{path / FACTS}: {error} is missing; export the bundle again"
            ) from None
        except (TypeError, ValueError, AttributeError, ArithmeticError) as error:
            raise UserError(
                f"{path / FACTS}: malformed ({error}); export the bundle again"
            ) from None
        return bundle

    @property
    def checksums(self) -> dict[str, str]:
        """SHA-256 of every file but `model.json` itself, by its name in the folder."""
        return {entry.file: entry.sha256 for entry in self.entries} | dict(self.facts["files"])

    @property
    def live_sampling(self) -> LiveSampling:
        """How the models' frames are sampled from live video.

        Raises:
            UserError: If `model.json` lacks the rate or stride, or they are malformed.
        """
        try:
            sampling = self.facts["sampling"]
            rate, stride = sampling["frame_rate"], float(sampling["live"]["stride"])
            return LiveSampling(
                self.shape.segments,
                self.shape.stack,
                None if rate is None else float(rate),
                stride,
            )
        except (KeyError, TypeError, ValueError, OverflowError, UserError) as error:
            raise UserError(
                f"{self.path / FACTS}: lacks the rate and stride of live video "
                f"({error}); export the bundle again"
            ) from None

    def content(self, name: str) -> bytes:
        """Reads a file of the bundle.

        Args:
            name: Its path in the bundle.

        Returns:
            Its bytes, as they were exported.

        Raises:
            UserError: If the file has changed since, or is not one of the bundle's.
        """
        checksum = self.checksums.get(name)
        if checksum is None:
            raise UserError(
                f"{self.path / FACTS}: names no checksum of {name}; export the bundle again"
            )
        content = read_file(self.path / name)
        if hashlib.sha256(content).hexdigest() != checksum:
            raise UserError(
                f"{self.path / name}: changed since it was exported (its checksum differs); "
                "copy the bundle again or export it again"
            )
        return content

    def choose(
        self,
        precision: str | None = None,
        file_format: str | None = None,
        *,
        streaming: bool | None = False,
    ) -> ModelFile:
        """Chooses the first model file of the kind asked for.

        Args:
            precision: `"float32"`, `"float16"`, `"dynamic"` or `"int8"`; any unless given.
            file_format: `"tflite"` or `"onnx"`; any unless given, installed runtimes first.
            streaming: Whether it takes one segment at a time; None for either.

        Returns:
            The model file.

        Raises:
            UserError: If there is none.
        """
        found = [
            entry
            for entry in self.entries
            if precision in (None, entry.precision)
            and file_format in (None, entry.format)
            and streaming in (None, entry.streaming)
        ]
        if found:
            return next((entry for entry in found if entry.is_runnable), found[0])
        kind = "streaming" if streaming else None
        asked = " ".join(word for word in (kind, precision, file_format) if word) or "clip"
        raise UserError(
            f"{self.path}: holds no {asked} model; it has "
            f"{', '.join(entry.file for entry in self.entries)}"
        )

    def check_tensors(self, entry: ModelFile, inputs: Tensors, outputs: Tensors) -> None:
        """Checks a model's inputs and outputs against the labels, the clip's shape and the states.

        Args:
            entry: The model file.
            inputs: Its inputs by name.
            outputs: Its outputs by name.

        Raises:
            UserError: If they differ.
        """
        logits = outputs["logits"].shape if "logits" in outputs else ()
        classes = logits[-1] if logits else 0
        if classes != len(self.labels):
            raise UserError(
                f"{self.path / entry.file}: gives {classes} logits, but the bundle has "
                f"{len(self.labels)} labels; export it again"
            )
        segments, *segment = self.shape.array
        frames = segment if entry.streaming else [segments * segment[0], *segment[1:]]
        states = {name: Tensor(*state[:2]) for name, state in entry.states.items()}
        wanted = {"frames": Tensor(tuple(frames), "uint8"), **states}
        for name, tensor in wanted.items():
            found = inputs.get(name)
            if found is None or found.dtype != tensor.dtype or not _fits(found.shape, tensor.shape):
                raise UserError(
                    f"{self.path / entry.file}: takes {name} {_described(found)}, but the bundle "
                    f"says {_described(tensor)}; export it again"
                )
        for state in entry.states.values():
            if state.output not in outputs:
                raise UserError(
                    f"{self.path / entry.file}: has no output {state.output}; export it again"
                )
        if extra := sorted(set(inputs) - set(wanted)):
            raise UserError(
                f"{self.path / entry.file}: takes an input {extra[0]} that the bundle does not "
                "describe; export it again"
            )


def is_bundle(path: Path | str) -> bool:
    """Whether a path is a bundle, complete or not, rather than a run folder.

    Args:
        path: The folder.

    Returns:
        True for a bundle.

    Example:
        >>> is_bundle("runs/demo/bundle"), is_bundle("runs/demo")
        (True, False)
    """
    return (local_copy(path) / FACTS).is_file()


def _labels(given: Any) -> tuple[str, ...]:
    if not isinstance(given, list) or not 0 < len(given) <= MOST_LABELS:
        raise ValueError("labels is not a list of names")
    for label in given:
        if not isinstance(label, str) or not is_printable(label):
            raise ValueError(f"the label {label!r:.60} is not a name")
    return tuple(given)


def _shape(path: Path, given: Mapping[str, Any]) -> ClipShape:
    numbers = {name: given[name] for name in ("segments", "stack", "height", "width", "resize")}
    for name, number in numbers.items():
        if type(number) is not int or number < 1:
            raise ValueError(f"input.{name} is {number!r:.60}, not a whole number above 0")
    try:
        shape = ClipShape(
            numbers["segments"],
            numbers["stack"],
            (numbers["height"], numbers["width"]),
            numbers["resize"],
            fit=given["fit"],
            resizing=given["resizing"],
        )
    except UserError as error:
        raise UserError(f"{path / FACTS}: {error}") from None
    if max(prod(shape.array), shape.resize**2) > LARGEST_CLIP:
        raise ValueError(f"a clip of {shape.array} is larger than a device can hold")
    return shape


def _fits(found: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    # A free dimension is -1.
    return len(found) == len(wanted) and all(
        side in (-1, other) for side, other in zip(found, wanted, strict=True)
    )


def _described(tensor: Tensor | None) -> str:
    return "nothing" if tensor is None else f"{tensor.dtype} {tensor.shape}"
