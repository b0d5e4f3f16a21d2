"""The content of `model.json` for an export."""

import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import PureWindowsPath
from typing import Any, cast

from pan_keras.bundle import SCHEMA_VERSION
from pan_keras.bundle.facts import (
    AccuracyFacts,
    CalibrationFacts,
    ConfidenceFacts,
    DataFacts,
    Facts,
    InputFacts,
    ModelFacts,
    SamplingFacts,
    SourceFacts,
    TensorFacts,
)
from pan_keras.bundle.model_file import SIGNATURE, Tensors
from pan_keras.bundle.schema import LAYOUT, METHOD, live_facts, split_facts
from pan_keras.bundle.vectors import INDEX
from pan_keras.clips.live_window import LiveSampling
from pan_keras.deploy.clips import ExportClips
from pan_keras.deploy.gate.candidate import Candidate
from pan_keras.deploy.source import Source
from pan_keras.runs.run import Run
from pan_keras.runs.versions import package_versions, versions
from pan_keras.timing import machine

SETTINGS = ("model", "augmentation", "training")
RUNTIME_PACKAGES = ("ai-edge-litert", "onnxruntime", "tf2onnx", "onnx")


def bundle_facts(
    source: Source,
    candidates: Sequence[Candidate],
    clips: ExportClips,
    reference: dict[str, Any] | None,
) -> Facts:
    """Returns everything but checksums and sizes, which are known only when files are written.

    Bundles are published, so they contain names and digests but no path, host or user name.

    Args:
        source: The exported model.
        candidates: The converted models with the results of their checks.
        clips: Clips for calibration and checks.
        reference: Accuracy of the Keras model; None if not measured.
    """
    card = source.card
    fitted = _confidence(source)
    return {
        "schema_version": SCHEMA_VERSION,
        "name": source.name,
        "labels": list(source.labels),
        "input": _input(source),
        "sampling": _sampling(source),
        "artefacts": [_artefact(candidate) for candidate in candidates],
        "reference": {
            "accuracy": _accuracy(reference),
            "parameters": int(source.model.count_params()),
        },
        "vectors": INDEX,
        "source": _source(source),
        "calibration": cast(
            CalibrationFacts,
            {
                "data": last_name(clips.data),
                "clips": len(clips.calibration),
                **clips.drawn,
            },
        ),
        **({} if fitted is None else {"confidence": fitted}),  # type: ignore[typeddict-item]
        "licence": {
            "code": "Apache-2.0",
            "data": (card.licence if card else "") or "unknown",
            "citation": card.citation if card else "",
        },
        "versions": {
            **versions(),
            **package_versions(RUNTIME_PACKAGES),
            # The kernel's full name would identify the machine.
            "platform": f"{platform.system()} {platform.machine()}",
        },
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def last_name(text: str) -> str:
    """Returns the last part of a path; other text is unchanged.

    Example:
        >>> last_name("/home/somebody/videos"), last_name("motions")
        ('videos', 'motions')
    """
    # PureWindowsPath splits paths of every system, wherever this runs.
    return PureWindowsPath(text).name or text.strip("/\\")


def _input(source: Source) -> InputFacts:
    shape = source.shape
    return {
        "segments": shape.segments,
        "stack": shape.stack,
        "height": shape.size[0],
        "width": shape.size[1],
        "resize": shape.resize,
        "fit": shape.fit,
        "resizing": shape.resizing,
        "crop": "centre",
        "channels": "RGB",
        "dtype": "uint8",
        "layout": LAYOUT,
        "normalisation": "inside the model",
    }


def _sampling(source: Source) -> SamplingFacts:
    shape, run = source.shape, source.run
    live = LiveSampling(shape.segments, shape.stack, rate=None, stride=shape.stack)
    if run is not None and (run.path / "data_report.json").is_file():
        live = run.live_sampling
    return {
        "method": METHOD,
        "frame_rate": live.rate,
        "live": live_facts(shape.segments, shape.stack, live.rate, live.stride),
    }


def _artefact(candidate: Candidate) -> ModelFacts:
    artefact, engine, parity = candidate.artefact, candidate.engine, candidate.parity
    assert parity is not None
    return cast(
        ModelFacts,
        {
            "file": candidate.name,
            "format": artefact.format,
            "precision": artefact.precision,
            "streaming": artefact.streaming,
            "signature": {
                "name": SIGNATURE,
                "inputs": _tensors(engine.inputs),
                "outputs": _tensors(engine.outputs),
            },
            "states": [
                {
                    "name": name,
                    "output": state.output,
                    "shape": [*state.shape],
                    "dtype": state.dtype,
                }
                for name, state in (candidate.states or {}).items()
            ],
            **split_facts(artefact.facts),
            "parity": parity.to_json(),
            "accuracy": _accuracy(candidate.accuracy),
            "speed": {
                "milliseconds": candidate.milliseconds,
                "threads": candidate.threads,
                "machine": machine(),
            },
        },
    )


def _tensors(tensors: Tensors) -> list[TensorFacts]:
    return [
        {"name": name, "shape": list(tensor.shape), "dtype": tensor.dtype}
        for name, tensor in tensors.items()
    ]


def _accuracy(record: dict[str, Any] | None) -> AccuracyFacts | None:
    if record is None:
        return None
    return cast(AccuracyFacts, {**record, "data": last_name(record["data"])})


def _confidence(source: Source) -> ConfidenceFacts | None:
    record = None if source.run is None else source.run.confidence_record
    if record is None:
        return None
    keys = ConfidenceFacts.__required_keys__
    return cast(ConfidenceFacts, {key: record[key] for key in record if key in keys})


def _source(source: Source) -> SourceFacts:
    run = source.run
    return {
        "run": None if run is None else run.path.resolve().name,
        "model": source.model.name if run is None else run.config.model.name,
        "model_sha256": source.checksum,
        "data": None if run is None else _data(run),
        "data_digest": None if run is None or run.identity is None else run.identity.digest,
        "settings": {} if run is None else _settings(run),
    }


def _data(run: Run) -> DataFacts:
    data = run.config.data
    facts: DataFacts = {
        "source": last_name(data.source),
        "split_seed": data.split_seed,
        "max_broken": data.max_broken,
    }
    return facts if data.fold is None else {**facts, "fold": data.fold}


def _settings(run: Run) -> dict[str, dict[str, Any]]:
    """Returns the settings of the training run by section, except for those in `_data`."""
    tables = run.config.to_tables()
    return {
        section: {key: _without_paths(value) for key, value in tables[section].items()}
        for section in SETTINGS
        if section in tables
    }


def _without_paths(value: Any) -> Any:
    if isinstance(value, str):
        return last_name(value)
    if isinstance(value, (list, tuple)):
        return [_without_paths(each) for each in value]
    return value
