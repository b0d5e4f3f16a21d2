"""The folder that `pan-keras export` writes, read and held to its word."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

from pan_keras.clips.clip_shape import ClipShape
from pan_keras.clips.live_window import LiveSampling, LiveWindow
from pan_keras.errors import UserError
from pan_keras.printable import is_printable
from pan_keras.runtime.bundle_files import FACTS, check_names, read_facts, read_file
from pan_keras.runtime.engine import Engine, Tensors
from pan_keras.runtime.entry import Entry
from pan_keras.runtime.loading import load_engine
from pan_keras.runtime.preprocessing import frame_for_model
from pan_keras.runtime.stream import NEXT

MIDDLE_OF_SEGMENTS = "middle-of-segments"  # the one method of `sampling`
LARGEST_CLIP = 2**30  # bytes
MOST_LABELS = 100_000


@dataclass(frozen=True)
class Bundle:
    """A model for devices: one file for each precision, and everything that is to be known of it.

    `Bundle.open` makes it.

    Args:
        path: The folder.
        facts: What `model.json` holds; its form is `bundle.schema.json` in this package.
        labels: Class names in the order of the logits.
        shape: The clips that the models take.
        entries: The model files.

    Example:
        >>> bundle = Bundle.open("runs/demo/bundle")
        >>> [entry.file for entry in bundle.entries]
        ['model_float32.tflite', 'model_int8.tflite']
    """

    path: Path
    facts: Mapping[str, Any]
    labels: tuple[str, ...]
    shape: ClipShape
    entries: tuple[Entry, ...]

    @classmethod
    def open(cls, path: Path | str) -> "Bundle":
        """Reads a bundle.

        Files are held against their checksums when they are read, by `content`.

        Args:
            path: The folder.

        Raises:
            UserError: If it is no bundle, of another schema version, or lacks a file or a fact.
        """
        path = Path(path)
        facts = read_facts(path)
        try:
            bundle = cls(
                path=path,
                facts=facts,
                labels=_labels(facts["labels"]),
                shape=_shape(path, facts["input"]),
                entries=tuple(map(Entry.read, facts["artefacts"])),
            )
            check_names(path, bundle.checksums)
            if not bundle.entries:
                raise ValueError("it names no model")
            for entry in bundle.entries:
                bundle.check_labels(entry.file, entry.classes)
                bundle._check_tensors(entry, entry.inputs, entry.outputs)
        except KeyError as error:
            raise UserError(
                f"{path / FACTS}: {error} is missing; export the bundle again"
            ) from None
        except (TypeError, ValueError, AttributeError, OverflowError) as error:
            raise UserError(
                f"{path / FACTS}: not of its form ({error}); export the bundle again"
            ) from None
        return bundle

    @property
    def checksums(self) -> dict[str, str]:
        """SHA-256 of every file but `model.json` itself, by its name in the folder."""
        return {entry.file: entry.sha256 for entry in self.entries} | dict(self.facts["files"])

    @property
    def live_sampling(self) -> LiveSampling:
        """Which frames of a live video the models are to see.

        Raises:
            UserError: If the bundle does not say it.
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
                f"{self.path / FACTS}: does not say rate and stride of live video "
                f"({error}); export the bundle again"
            ) from None

    def live_window(self) -> LiveWindow:
        """What cuts segments for the models out of live frames of any size.

        Raises:
            UserError: If the bundle does not say the rate and stride of live video.

        Example:
            >>> window = Bundle.open("runs/live/bundle").live_window()
            >>> for frame, seconds in camera:
            ...     for segment in window.push(frame, seconds):
            ...         print(segment.time, segment.frames.shape)
        """
        return LiveWindow(self.live_sampling, partial(frame_for_model, shape=self.shape))

    def content(self, name: str) -> bytes:
        """A file of the bundle, as it was exported.

        Raises:
            UserError: If the file has changed since, or is none of the bundle's.
        """
        checksum = self.checksums.get(name)
        if checksum is None:
            raise UserError(
                f"{self.path / FACTS}: names no checksum of {name}; export the bundle again"
            )
        content = read_file(self.path / name)
        if hashlib.sha256(content).hexdigest() != checksum:
            raise UserError(
                f"{self.path / name}: changed since it was exported (its checksum is another); "
                "copy the bundle again or export it again"
            )
        return content

    def check_labels(self, name: str, classes: int) -> None:
        """Holds the number of logits of a model file against the labels.

        Raises:
            UserError: If they differ.
        """
        if classes != len(self.labels):
            raise UserError(
                f"{self.path / name}: gives {classes} logits, but the bundle has "
                f"{len(self.labels)} labels; export it again"
            )

    def choose(
        self,
        precision: str | None = None,
        file_format: str | None = None,
        *,
        streaming: bool | None = False,
    ) -> Entry:
        """The first model file that is of the kind asked for.

        Args:
            precision: `"float32"`, `"float16"`, `"dynamic"` or `"int8"`; any unless given.
            file_format: `"tflite"` or `"onnx"`; any unless given, installed runtimes first.
            streaming: Whether it takes one segment at a time; None for either.

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

    def load(self, entry: Entry, threads: int | None = None) -> Engine:
        """Loads a model file.

        Args:
            entry: Which.
            threads: Threads for one call; all cores unless given.

        Raises:
            UserError: If it has changed, does not fit the labels or the clips, or its runtime is
                missing.
        """
        engine = load_engine(entry.format, self.content(entry.file), threads)
        logits = engine.outputs.get("logits", ((0,), ""))[0]
        self.check_labels(entry.file, logits[-1] if logits else 0)
        self._check_tensors(entry, engine.inputs, engine.outputs)
        return engine

    def _check_tensors(self, entry: Entry, inputs: Tensors, outputs: Tensors) -> None:
        """Holds what a model takes and gives against the clips and states of the bundle."""
        segments, *segment = self.shape.array
        frames = segment if entry.streaming else [segments * segment[0], *segment[1:]]
        wanted = {"frames": (tuple(frames), "uint8"), **entry.states}
        for name, (shape, dtype) in wanted.items():
            found = inputs.get(name)
            if found is None or found[1] != dtype or not _fits(found[0], shape):
                raise UserError(
                    f"{self.path / entry.file}: takes {name} {_described(found)}, but the bundle "
                    f"says {_described((shape, dtype))}; export it again"
                )
        for name in entry.states:
            if not {name, f"{NEXT}{name}"} & set(outputs):
                raise UserError(f"{self.path / entry.file}: gives no {name}; export it again")
        if extra := sorted(set(inputs) - set(wanted)):
            raise UserError(f"{self.path / entry.file}: takes {extra[0]} too; export it again")


def is_bundle(path: Path | str) -> bool:
    """Tells a bundle, whole or not, from a run folder."""
    return (Path(path) / FACTS).is_file()


def _labels(given: Any) -> tuple[str, ...]:
    if not isinstance(given, list) or not 0 < len(given) <= MOST_LABELS:
        raise ValueError("labels is no list of names")
    for label in given:
        if not isinstance(label, str) or not is_printable(label):
            raise ValueError(f"the label {label!r:.60} is no name")
    return tuple(given)


def _shape(path: Path, given: Mapping[str, Any]) -> ClipShape:
    numbers = {name: given[name] for name in ("segments", "stack", "height", "width", "resize")}
    for name, number in numbers.items():
        if type(number) is not int or number < 1:
            raise ValueError(f"input.{name} is {number!r:.60}, no whole number above 0")
    try:
        shape = ClipShape(
            numbers["segments"],
            numbers["stack"],
            (numbers["height"], numbers["width"]),
            numbers["resize"],
            # Bundles of before these facts came have neither.
            fit=given.get("fit", "crop"),
            resizing=given.get("resizing", 1),
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


def _described(tensor: tuple[tuple[int, ...], str] | None) -> str:
    return "nothing" if tensor is None else f"{tensor[1]} {tensor[0]}"
