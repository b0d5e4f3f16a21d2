"""The folder that `pan-keras export` writes, read and held to its word."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from pan_keras.data.clip_shape import ClipShape
from pan_keras.data.live_window import LiveSampling, LiveWindow
from pan_keras.errors import UserError
from pan_keras.runtime.clips import frame_for_model
from pan_keras.runtime.engine import Engine
from pan_keras.runtime.entry import Entry
from pan_keras.runtime.loading import load_engine

FACTS = "model.json"
SCHEMA_VERSION = 1
MIDDLE_OF_SEGMENTS = "middle-of-segments"  # the one method of `sampling`


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
        facts = _facts(path)
        try:
            given = facts["input"]
            size = (int(given["height"]), int(given["width"]))
            bundle = cls(
                path=path,
                facts=facts,
                labels=tuple(map(str, facts["labels"])),
                shape=ClipShape(
                    int(given["segments"]), int(given["stack"]), size, int(given["resize"])
                ),
                entries=tuple(map(Entry.read, facts["artefacts"])),
            )
            files = bundle.checksums
        except KeyError as error:
            raise UserError(
                f"{path / FACTS}: {error} is missing; export the bundle again"
            ) from None
        except (TypeError, ValueError, AttributeError) as error:
            raise UserError(
                f"{path / FACTS}: not of its form ({error}); export the bundle again"
            ) from None
        for name in files:
            _refuse_outside(path, name)
            if not (path / name).is_file():
                raise UserError(f"{path / name}: missing from the bundle; export it again")
        for entry in bundle.entries:
            bundle.check_labels(entry.file, entry.classes)
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
            UserError: If the file has changed since.
        """
        content = (self.path / name).read_bytes()
        if hashlib.sha256(content).hexdigest() != self.checksums[name]:
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
            UserError: If it has changed, does not fit the labels, or its runtime is missing.
        """
        engine = load_engine(entry.format, self.content(entry.file), threads)
        logits = engine.outputs.get("logits", ((0,), ""))[0]
        self.check_labels(entry.file, logits[-1])
        return engine


def is_bundle(path: Path | str) -> bool:
    """Tells a bundle, whole or not, from a run folder."""
    return (Path(path) / FACTS).is_file()


def _facts(path: Path) -> dict[str, Any]:
    try:
        facts = json.loads((path / FACTS).read_text(encoding="utf-8"))
    except OSError:
        raise UserError(
            f"{path}: no bundle (it has no {FACTS}); give a folder that pan-keras export wrote"
        ) from None
    except ValueError as error:
        raise UserError(f"{path / FACTS}: not JSON ({error}); export the bundle again") from None
    if not isinstance(facts, dict):
        raise UserError(f"{path / FACTS}: not a JSON object; export the bundle again")
    version = facts.get("schema_version")
    if version != SCHEMA_VERSION:
        raise UserError(
            f"{path / FACTS}: has schema version {version}, but this pan-keras reads "
            f"{SCHEMA_VERSION}; install the pan-keras that wrote it, or export it again"
        )
    return facts


def _refuse_outside(path: Path, name: str) -> None:
    parts = PurePosixPath(name)
    if parts.is_absolute() or ".." in parts.parts:
        raise UserError(f"{path / FACTS}: names a file outside of the bundle ({name}); do not use")
