"""What `model.json` says of a bundle."""

import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import PureWindowsPath
from typing import Any

from pan_keras.clips.live_window import LiveSampling
from pan_keras.deploy.artefact import Artefact
from pan_keras.deploy.clips import ExportClips
from pan_keras.deploy.gate.candidate import Candidate
from pan_keras.deploy.source import Source
from pan_keras.runs.run import Run
from pan_keras.runs.versions import package_versions, versions
from pan_keras.runtime.bundle import MIDDLE_OF_SEGMENTS
from pan_keras.runtime.bundle_files import SCHEMA_VERSION
from pan_keras.runtime.engine import SIGNATURE, Tensors
from pan_keras.runtime.vectors import INDEX
from pan_keras.timing import machine

SETTINGS = ("model", "augmentation", "training")
RUNTIME_PACKAGES = ("ai-edge-litert", "onnxruntime", "tf2onnx", "onnx")
OFFLINE = (
    "segment i starts at frame max(0, floor(tick / 2 + tick * i)), tick = (frames - stack + 1) / "
    "segments, and has `stack` adjacent frames; past the end the last frame repeats"
)
LIVE = (
    "frames are brought to `frame_rate` by leaving out or repeating some; segment i is then the "
    "`stack` adjacent frames from number floor(stride / 2 + stride * i), and a step of a streaming "
    "model; the last `segments` of them are a clip"
)

FILTERS = {
    1: "cv2.INTER_AREA where a frame shrinks, cv2.INTER_LINEAR where it grows, as "
    "pan_keras.clips.resizing computes them",
    2: "bilinear in whole numbers, in steps: halved while at least twice too long, then by way of "
    "twice the size, as pan_keras.clips.resizing and docs/devices.md have it",
}


def bundle_facts(
    source: Source,
    candidates: Sequence[Candidate],
    clips: ExportClips,
    reference: dict[str, Any] | None,
) -> dict[str, Any]:
    """Everything but checksums and sizes, which are known when the files are written.

    A bundle goes to strangers: it has names and digests, and no path, host or user. Paths stay in
    the run.

    Args:
        source: What is exported.
        candidates: The models with their evidence.
        clips: What calibrated and checked them.
        reference: Accuracy of the Keras model, None where it was not measured.
    """
    shape, run = source.shape, source.run
    card = source.card
    return {
        "schema_version": SCHEMA_VERSION,
        "name": source.name,
        "labels": list(source.labels),
        "input": {
            "segments": shape.segments,
            "stack": shape.stack,
            "height": shape.size[0],
            "width": shape.size[1],
            "resize": shape.resize,
            "resizing": shape.resizing,
            "fit": shape.fit,
            "crop": "centre",
            "filter": FILTERS[shape.resizing],
            "channels": "RGB",
            "dtype": "uint8",
            "layout": "(segments * stack, height, width, 3), the frames of a segment together",
            "normalisation": "inside the model",
        },
        "sampling": _sampling(source),
        "artefacts": [_artefact(candidate) for candidate in candidates],
        "reference": {
            "accuracy": _accuracy(reference),
            "parameters": int(source.model.count_params()),
        },
        "vectors": INDEX,
        "source": {
            "run": None if run is None else run.path.resolve().name,
            "model": source.model.name if run is None else run.config.model.name,
            "model_sha256": source.checksum,
            "data": None if run is None else _data(source),
            "data_digest": None if run is None else _digest(run),
            "settings": {} if run is None else _settings(run),
        },
        "calibration": {
            "data": last_name(clips.data),
            "clips": len(clips.calibration),
            **clips.drawn,
        },
        "licence": {
            "code": "Apache-2.0",
            "data": (card.licence if card else "") or "not known",
            "citation": card.citation if card else "",
        },
        "versions": {
            **versions(),
            **package_versions(RUNTIME_PACKAGES),
            # The kernel's full name is that of somebody's machine.
            "platform": f"{platform.system()} {platform.machine()}",
        },
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _artefact(candidate: Candidate) -> dict[str, Any]:
    artefact, engine, parity = candidate.artefact, candidate.engine, candidate.parity
    assert parity is not None
    return {
        "file": candidate.name,
        "format": artefact.format,
        "precision": artefact.precision,
        "streaming": artefact.streaming,
        "signature": {
            "name": SIGNATURE,
            "inputs": _tensors(engine.inputs),
            "outputs": _tensors(engine.outputs),
        },
        "states": _states(artefact),
        "facts": artefact.facts,
        "parity": parity.to_json(),
        "accuracy": _accuracy(candidate.accuracy),
        "speed": {
            "milliseconds": candidate.milliseconds,
            "threads": candidate.threads,
            "machine": machine(),
        },
    }


def _accuracy(record: dict[str, Any] | None) -> dict[str, Any] | None:
    return None if record is None else {**record, "data": last_name(record["data"])}


def _tensors(tensors: Tensors) -> list[dict[str, Any]]:
    return [
        {"name": name, "shape": list(shape), "dtype": dtype}
        for name, (shape, dtype) in tensors.items()
    ]


def _states(artefact: Artefact) -> list[dict[str, Any]]:
    return [
        {"name": state.name, "shape": list(state.shape), "dtype": state.dtype}
        for state in artefact.states
    ]


def _sampling(source: Source) -> dict[str, Any]:
    shape, run = source.shape, source.run
    live = LiveSampling(shape.segments, shape.stack, rate=None, stride=shape.stack)
    if run is not None and (run.path / "data_report.json").is_file():
        live = run.live_sampling
    return {
        "method": MIDDLE_OF_SEGMENTS,
        "segments": shape.segments,
        "stack": shape.stack,
        "frame_rate": live.rate,
        "offline": OFFLINE,
        "live": {"stride": live.stride, "window_seconds": live.seconds, "rule": LIVE},
    }


def _data(source: Source) -> dict[str, Any]:
    assert source.run is not None
    data = source.run.config.data
    return {
        "source": last_name(data.source),
        "split_seed": data.split_seed,
        "max_broken": data.max_broken,
    }


def _settings(run: Run) -> dict[str, dict[str, Any]]:
    """What was in force in training, by section; of the data what `_data` does not say already."""
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


def _digest(run: Run) -> str | None:
    return None if run.identity is None else run.identity.digest


def last_name(text: str) -> str:
    """The last part of a path; what is no path stays as it is.

    Example:
        >>> last_name("/home/somebody/videos"), last_name("motions")
        ('videos', 'motions')
    """
    # Of paths of every system, wherever this runs.
    return PureWindowsPath(text).name or text.strip("/\\")
