"""Run folders from checkpoints of the authors' code, and checkpoints from run folders."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pan_keras import models
from pan_keras.checkpoints import (
    Conversion,
    branches_of,
    check_saved,
    convert,
    convert_full,
    save_state_dict,
)
from pan_keras.config.config import Config, DataConfig, ModelConfig
from pan_keras.errors import UserError
from pan_keras.files import replacing_folder
from pan_keras.runs.model_input import preprocessing
from pan_keras.runs.run import Run
from pan_keras.runs.versions import versions

RECORD = "conversion.json"
RESIZE = 256 / 224  # shorter side of a frame divided by the side of the crop


def convert_checkpoints(
    paths: Sequence[str | Path],
    run: Path,
    *,
    full: bool = False,
    labels: Path | None = None,
    segments: int | None = None,
    name: str | None = None,
    size: tuple[int, int] = (224, 224),
    motion_encoding: str = "e1",
) -> dict[str, Any]:
    """Creates a run folder from a checkpoint of the authors, or from those of several branches.

    The folder has the files of a trained run (`model.keras`, `labels.txt`, `preprocessing.json`,
    `config.toml`, `versions.json`) and `conversion.json` with the SHA-256 of each checkpoint, the
    destination of each tensor, assumptions and checks.

    Args:
        paths: One checkpoint, or with `full` one per branch.
        run: The folder to create.
        full: Whether to combine RGB and PA into PAN_Full, or with PAN_Lite into PAN_En.
        labels: File with one class name per line; by default classes are numbered from 0.
        segments: Segments per clip, N, if the checkpoint does not determine it.
        name: Name of the model, as for `pan_keras.checkpoints.convert`.
        size: Height and width of the frames in pixels.
        motion_encoding: Encoding of PA, `"e1"` or `"e2"`.

    Returns:
        The content of `conversion.json`.

    Raises:
        UserError: If a checkpoint cannot be converted, the labels do not fit, or the folder is
            not empty.

    Example:
        >>> convert_checkpoints(["PAN_Lite_resnet50.pth.tar"], Path("runs/something"))["model"]
        'pan_lite_resnet50'
    """
    if run.exists() and (not run.is_dir() or any(run.iterdir())):
        raise UserError(f"{run}: exists; name another folder")
    if len(paths) > 1 and not full:
        raise UserError(f"{paths[1]}: a second checkpoint; add --full for RGB and PA together")
    options: dict[str, Any] = {
        "segments": segments,
        "name": name,
        "size": size,
        "motion_encoding": motion_encoding,
    }
    converted = convert_full(paths, **options) if full else convert(paths[0], **options)
    names = _labels(labels, converted.model.classes)
    config = _config(converted)
    with replacing_folder(run) as folder:
        file = folder / "model.keras"
        converted.model.save(file)
        record = {
            "model": converted.name,
            "name": converted.model.name,
            "checks": check_saved(converted.model, converted.branches, file),
            "checkpoints": [branch.record() for branch in converted.branches],
        }
        new = Run(folder)
        new.write(RECORD, record)
        new.write("labels.txt", "\n".join(names) + "\n")
        new.write("preprocessing.json", preprocessing(config))
        new.write("versions.json", versions())
        new.write("config.toml", config.to_toml())
    return record


def export_to_torch(run: Path, output: Path) -> list[Path]:
    """Exports the model of a run as PyTorch state_dicts with the authors' names.

    Args:
        run: A run folder.
        output: The file, `.pth.tar`, `.pth`, `.pt` or `.safetensors`; a model of several networks
            gives one file per network, with `-rgb`, `-pa` or `-lite` in its name.

    Returns:
        The files.

    Raises:
        UserError: If the folder has no model, or the authors' code has no such network.

    Example:
        >>> export_to_torch(Path("runs/demo"), Path("demo.pth.tar"))
        [PosixPath('demo.pth.tar')]
    """
    try:
        model = models.load(run)
    except ValueError as error:
        raise UserError(str(error)) from error
    counts = _counts(run)
    networks = branches_of(model)
    written = []
    for branch, network in networks.items():
        path = output
        if len(networks) > 1:
            stem, dot, endings = output.name.partition(".")
            path = output.with_name(f"{stem}-{branch}{dot}{endings}")
        save_state_dict(network, path, None if counts is None else counts[branch])
        written.append(path)
    return written


def _counts(run: Path) -> dict[str, dict[str, int]] | None:
    """Batch counts in the checkpoints of a converted run, by branch and key."""
    file = run / RECORD
    if not file.is_file():
        return None
    return {
        checkpoint["branch"]: {
            tensor["key"]: tensor["value"] for tensor in checkpoint["tensors"] if "value" in tensor
        }
        for checkpoint in json.loads(file.read_text(encoding="utf-8"))["checkpoints"]
    }


def _labels(file: Path | None, classes: int) -> list[str]:
    if file is None:
        return [str(number) for number in range(classes)]
    try:
        labels = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{file}: not readable ({error}); give a text file") from None
    labels = [label.strip() for label in labels]
    while labels and not labels[-1]:
        labels.pop()
    if len(labels) != classes:
        raise UserError(
            f"{file}: {len(labels)} labels for {classes} classes; give one per line, in order"
        )
    if len(set(labels)) != classes or not all(labels):
        raise UserError(f"{file}: a label is empty or repeated; give each class its own")
    return labels


def _config(converted: Conversion) -> Config:
    model = converted.model
    return Config(
        data=DataConfig(source=""),
        model=ModelConfig(
            name=converted.name,
            segments=model.segments,
            stack=model.stack,
            size=model.size,
            resize=round(min(model.size) * RESIZE),
            **converted.settings,
        ),
    )
