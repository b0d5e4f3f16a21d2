"""Exports a trained model to a verified bundle."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import keras

from pan_keras.bundle import Bundle
from pan_keras.bundle.writer import check_folder
from pan_keras.deploy.artefact import FORMATS, Artefact, Format, Precision
from pan_keras.deploy.clips import Calibration, ExportClips, export_clips
from pan_keras.deploy.facts import bundle_facts
from pan_keras.deploy.formats.converters import AVAILABLE, converter
from pan_keras.deploy.gate.candidate import Candidate
from pan_keras.deploy.gate.gate import Gate, Tell
from pan_keras.deploy.packing import choose_vectors, pack, preview, vector_files
from pan_keras.deploy.recipe import DEFAULT, Recipe, load_recipe, recipes
from pan_keras.deploy.source import Source, check_causal, open_source
from pan_keras.errors import UserError
from pan_keras.files import refuse_overwriting
from pan_keras.remote.addresses import displayed, is_remote
from pan_keras.remote.copies import refuse_taken
from pan_keras.runs.copying import copy_model


def export(
    model: keras.Model | Path | str | None = None,
    recipe: Recipe | Path | str | None = None,
    calibration: Calibration = None,
    *,
    output: Path | str | None = None,
    labels: Sequence[str] | None = None,
    overrides: Mapping[str, Mapping[str, Any]] | None = None,
    tell: Tell | None = None,
) -> Bundle:
    """Converts a model, checks every file against the Keras model, and writes a bundle.

    Every file is checked before anything is written: structure, logits on real clips and edge
    inputs, accuracy on the test split of the run's data. If a check fails, an earlier bundle is
    kept.

    Args:
        model: A run folder, a `.keras` file, a model, or None for the latest run in `runs`.
        recipe: A `Recipe`, the name of a shipped one or a TOML file; by default the recipe named
            after the model's backbone, or else `default`.
        calibration: Card, folder or CSV of videos, or clips uint8 `(N, m, H, W, 3)`, 32 to
            compare on and more to calibrate int8; by default the data of the run.
        output: Folder of the bundle, or an address such as `s3://bucket/models/waves`; by default
            `bundle` in the run folder.
        labels: Class names of a model without a run.
        overrides: Values by section and key that override a recipe's; not for a `Recipe`.
        tell: Called with progress messages.

    Returns:
        The bundle written.

    Raises:
        UserError: If there is no such model or recipe, the data are unusable, a file exceeds a
            limit of the recipe, or the disk is full.

    Example:
        >>> only = {"export": {"precisions": ["float32"]}}
        >>> bundle = export("runs/demo", output="tablet", overrides=only)
        >>> [entry.file for entry in bundle.entries]
        ['model_float32.tflite']
    """
    tell = tell or _say_nothing
    if output is not None and is_remote(output):
        refuse_taken(str(output))
        with TemporaryDirectory(prefix="pan-keras-") as place:
            made = Path(place) / "bundle"
            export(
                model,
                recipe,
                calibration,
                output=made,
                labels=labels,
                overrides=overrides,
                tell=tell,
            )
            tell(f"copying to {displayed(output)}")
            return Bundle.open(copy_model(made, output))
    # User errors are reported before the work begins.
    kinds = recipe if isinstance(recipe, Recipe) else load_recipe(recipe or DEFAULT, overrides)
    _kinds(kinds)
    if output is not None:
        check_folder(Path(output))
    source = open_source(model, labels)
    if recipe is None:
        kinds = load_recipe(recipe_of(source), overrides)
    recipe = kinds
    folder = _folder(source, output)
    check_folder(folder)
    refuse_overwriting(folder, _inputs(source, recipe, calibration))
    if recipe.export.streaming:
        check_causal(source)
    tell("reading clips")
    clips = export_clips(source, recipe, calibration)
    for note in clips.notes:
        tell(note)
    gate = Gate(source, recipe, clips, tell)
    candidates = [
        Candidate(artefact, source.shape, recipe.check.threads)
        for artefact in convert(source, recipe, clips, tell)
    ]
    gate.check_structure(candidates)
    gate.check_numbers(candidates)
    reference = gate.check_accuracy(candidates)
    gate.measure_speed(candidates)
    facts = bundle_facts(source, candidates, clips, reference)
    chosen = choose_vectors(gate.expected, candidates)
    files = vector_files(gate.checked, chosen, candidates, recipe.float32.difference)
    files["preview.png"] = preview(source.model, gate.checked[chosen[0]])
    tell(f"writing {folder}")
    return pack(folder, facts, candidates, files)


def recipe_of(source: Source) -> str:
    """Returns the name of the recipe for a model: that of its backbone, or the default."""
    name = source.model.name if source.run is None else source.run.config.model.name
    backbone = name.rpartition("_")[2]
    return backbone if backbone in recipes() else DEFAULT


def convert(source: Source, recipe: Recipe, clips: ExportClips, tell: Tell) -> list[Artefact]:
    """Converts a model to every file of a recipe, TFLite first, in order of decreasing precision.

    Raises:
        UserError: If the model does not support what the recipe asks for.
    """
    made = []
    for file_format, precision, streaming in _kinds(recipe):
        step = "the step of " if streaming else ""
        tell(f"converting {step}{source.name} to {file_format}, {precision}")
        options = {"with_motion": recipe.export.with_motion, "streaming": streaming}
        if file_format == "onnx":
            options["dynamic_batch"] = recipe.export.dynamic_batch and not streaming
        to_format = converter(file_format)
        try:
            made.append(
                to_format(source.model, precision, calibration=clips.calibration, **options)
            )
        except ValueError as error:
            raise UserError(f"{source.name}: {error}") from error
    return made


def _kinds(recipe: Recipe) -> list[tuple[Format, Precision, bool]]:
    """Lists format, precision and whether streaming, for each file."""
    wanted = recipe.export
    found = [
        (file_format, precision, streaming)
        for file_format in FORMATS
        if file_format in wanted.formats
        for precision in AVAILABLE[file_format]
        if precision in wanted.precisions
        for streaming in ((False, True) if wanted.streaming else (False,))
    ]
    for file_format in wanted.formats:
        if all(kind[0] != file_format for kind in found):
            raise UserError(
                f"{file_format} supports the precisions {', '.join(AVAILABLE[file_format])}, "
                f"not {', '.join(wanted.precisions)}; choose one of them"
            )
    return found


def _folder(source: Source, output: Path | str | None) -> Path:
    if output is not None:
        return Path(output)
    if source.run is None:
        raise UserError(f"{source.name}: name the folder of the bundle with -o")
    return source.run.writable("bundle")


def _inputs(source: Source, recipe: Recipe, calibration: Calibration) -> list[Path | str]:
    """Lists the files and folders that an export reads."""
    found: list[Path | str] = [recipe.calibration.data, recipe.calibration.root]
    if isinstance(calibration, (str, Path)):
        found.append(calibration)
    if source.file is not None:
        found.append(source.file)
    if source.run is not None:
        data = source.run.config.data
        found += [source.run.path, data.source, data.root]
    return [each for each in found if str(each)]


def _say_nothing(_what: str) -> None:
    """Discards a progress message."""
