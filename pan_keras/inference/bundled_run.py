"""A bundle where a run is expected: to evaluate, to predict, to fuse."""

import hashlib
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

from pan_keras.clips import ClipShape
from pan_keras.config.config import Config, DataConfig, ModelConfig
from pan_keras.data import card_names
from pan_keras.errors import UserError
from pan_keras.inference.bundle_inference import BundleInference
from pan_keras.runs.run import Run, open_run
from pan_keras.runtime import Bundle, Recogniser
from pan_keras.runtime.bundle import is_bundle


@dataclass(frozen=True)
class BundledRun:
    """A bundle that answers as a `Run` does, by one of its model files.

    Args:
        bundle: The bundle.
        precision: Of the model file; the first unless given.
        file_format: `"tflite"` or `"onnx"`; the first unless given.

    Example:
        >>> run = open_run_or_bundle("runs/demo/bundle", precision="int8")
        >>> run.labels[0]
        'left'
    """

    bundle: Bundle
    precision: str | None = None
    file_format: str | None = None

    @property
    def path(self) -> Path:
        """The folder."""
        return self.bundle.path

    @property
    def labels(self) -> tuple[str, ...]:
        """Class names in the order of the logits."""
        return self.bundle.labels

    @property
    def shape(self) -> ClipShape:
        """What the model takes in."""
        return self.bundle.shape

    @property
    def data_digest(self) -> str | None:
        """Digest of the clips of the run that was exported, where the bundle has it."""
        return self._source.get("data_digest")

    @cached_property
    def run(self) -> Run | None:
        """The run that was exported, where it is known and its clips are those of the export.

        It is looked for around the bundle, and where bundles of earlier versions say it was.
        """
        source, digest = self._source, self.data_digest
        places = [self.path.resolve().parent, *([Path(source["run"])] if source.get("run") else [])]
        for place in places:
            if (place / "config.toml").is_file() and (place / "model.keras").is_file():
                run = open_run(place)
                identity = run.identity
                model = hashlib.sha256((place / "model.keras").read_bytes()).hexdigest()
                same = digest is not None and identity is not None and digest == identity.digest
                if same or model == source.get("model_sha256"):
                    return run
        return None

    @cached_property
    def config(self) -> Config:
        """The data and the model of the run that was exported; no source where none is known."""
        shape = self.shape
        return Config(
            data=self._data,
            model=ModelConfig(
                name=self._source["model"],
                segments=shape.segments,
                stack=shape.stack,
                size=shape.size,
                resize=shape.resize,
                fit=shape.fit,
                resizing=shape.resizing,
            ),
        )

    @property
    def _data(self) -> DataConfig:
        """Where the data are: a bundle has no paths, but the run around it has."""
        if self.run is not None:
            return self.run.config.data
        told = self._source["data"] or {"source": ""}
        # A name alone could be that of other videos here; earlier versions wrote the whole path.
        known = told["source"] in card_names() or Path(told["source"]).is_absolute()
        return DataConfig(**told | {"source": told["source"] if known else ""})

    @property
    def _source(self) -> dict[str, Any]:
        source = self.bundle.facts.get("source")
        if not isinstance(source, dict) or not _is_of_form(source):
            raise UserError(
                f"{self.path / 'model.json'}: does not say what was exported as bundles do; "
                "export it again"
            )
        return source

    def inference(self) -> BundleInference:
        """What computes logits.

        Raises:
            UserError: If the bundle holds no such model file, or it is damaged.
        """
        return BundleInference(
            Recogniser(self.bundle, self.precision, file_format=self.file_format)
        )


def open_run_or_bundle(
    path: Path | str, precision: str | None = None, file_format: str | None = None
) -> Run | BundledRun:
    """Opens a run folder or a bundle.

    Args:
        path: The folder.
        precision: Of the bundle's model file.
        file_format: Of the bundle's model file.

    Raises:
        UserError: If it is neither, or a run is asked for the precision or format of a bundle.
    """
    if is_bundle(path):
        return BundledRun(Bundle.open(path), precision, file_format)
    run = open_run(path)
    if precision or file_format:
        raise UserError(
            f"{path}: a run has one model, in Keras; --precision and --format choose a file of a "
            "bundle, which pan-keras export writes"
        )
    return run


def _is_of_form(source: dict[str, Any]) -> bool:
    """Whether names are texts, and the data those of a configuration."""
    texts = (source.get(name) for name in ("run", "model_sha256", "data_digest"))
    data = source.get("data")
    if not isinstance(source.get("model"), str) or "data" not in source:
        return False
    if not all(text is None or isinstance(text, str) for text in texts):
        return False
    keys = {item.name for item in fields(DataConfig)}
    return data is None or (
        isinstance(data, dict)
        and data.keys() <= keys
        and all(isinstance(data.get(name, ""), str) for name in ("source", "root"))
        and isinstance(data.get("source"), str)
    )
