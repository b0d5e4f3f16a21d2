"""The origin of a classifier: its run, data and training clips."""

import hashlib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from pan_keras.bundle import Bundle
from pan_keras.config.config import DataConfig
from pan_keras.data import card_names
from pan_keras.errors import UserError
from pan_keras.inference.bundle_classifier import BundleClassifier
from pan_keras.inference.classifier import Classifier
from pan_keras.runs.data_identity import DataIdentity
from pan_keras.runs.run import Run, open_run


@dataclass(frozen=True)
class Origin:
    """The origin of a classifier.

    Attributes:
        path: The run folder or bundle.
        labels: Class names in the order of the logits.
        data: The data it was trained on; without a source if unknown.
        run: The run; for a bundle, the exported run if it can be found and its clips are those of
            the export.
        digest: Digest of the clips of that run, if the bundle has it.
        is_run: Whether the classifier is a run itself.
        named: Whether the labels are names; a model in memory may only have numbers.

    Example:
        >>> Origin.of(open_classifier("runs/demo/bundle")).run.path
        PosixPath('runs/demo')
    """

    path: Path
    labels: tuple[str, ...]
    data: DataConfig
    run: Run | None
    digest: str | None = None
    is_run: bool = False
    named: bool = True

    @classmethod
    def of(cls, source: Classifier | Run) -> "Origin":
        """Determines the origin of a classifier.

        Args:
            source: A classifier or a run.

        Raises:
            UserError: If a bundle does not record its source.
        """
        if isinstance(source, BundleClassifier):
            return _of_bundle(source.bundle)
        run = source if isinstance(source, Run) else getattr(source, "run", None)
        if run is None:
            named = getattr(source, "named", True)
            return cls(source.path, source.labels, DataConfig(source=""), None, named=named)
        return cls(run.path, run.labels, run.config.data, run, is_run=True)

    @property
    def clips(self) -> DataIdentity | None:
        """The clips the run began with, at their current location; None if unknown."""
        if self.run is None or self.run.identity is None:
            return None
        identity, beside = self.run.identity, self.run.root_beside
        return identity.at(beside) if beside and not identity.root.is_dir() else identity

    def owns(self, data: str | Path | None) -> bool:
        """Whether data are those it was trained on; None stands for those."""
        source = self.data.source
        return data is None or source in (str(data), str(Path(data).resolve()))


def _of_bundle(bundle: Bundle) -> Origin:
    source = bundle.facts.get("source")
    if not isinstance(source, dict) or not _is_of_form(source):
        raise UserError(
            f"{bundle.path / 'model.json'}: does not record what was exported; export it again"
        )
    run = _exported_run(bundle, source)
    data = _data_of(source) if run is None else run.config.data
    return Origin(bundle.path, bundle.labels, data, run, source.get("data_digest"))


def _exported_run(bundle: Bundle, source: dict[str, Any]) -> Run | None:
    """The run that contains the bundle, or the one that a bundle of an earlier version names."""
    digest = source.get("data_digest")
    places = [bundle.path.resolve().parent, *([Path(source["run"])] if source.get("run") else [])]
    for place in places:
        if (place / "config.toml").is_file() and (place / "model.keras").is_file():
            run = open_run(place)
            identity = run.identity
            model = hashlib.sha256((place / "model.keras").read_bytes()).hexdigest()
            same = digest is not None and identity is not None and digest == identity.digest
            if same or model == source.get("model_sha256"):
                return run
    return None


def _data_of(source: dict[str, Any]) -> DataConfig:
    """The data that a bundle names, if the name is valid wherever the bundle is."""
    told = source["data"] or {"source": ""}
    # A relative name could match other videos here; earlier versions wrote absolute paths.
    known = told["source"] in card_names() or Path(told["source"]).is_absolute()
    return DataConfig(**told | {"source": told["source"] if known else ""})


def _is_of_form(source: dict[str, Any]) -> bool:
    """Whether names are text and the data have the fields of a configuration."""
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
