"""The functions of `import pan_keras as pan`, from videos to a bundle."""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias, cast

import keras

from pan_keras import models
from pan_keras.bundle import Bundle, is_bundle
from pan_keras.config import Config
from pan_keras.deploy import Recipe
from pan_keras.deploy import export as export_model
from pan_keras.errors import UserError
from pan_keras.evaluation import Evaluation
from pan_keras.evaluation import evaluate as evaluate_models
from pan_keras.inference import Classifier, Prediction, open_classifier
from pan_keras.inference import predict as predict_videos
from pan_keras.inference.views import Crops, Fuse
from pan_keras.remote.addresses import is_remote
from pan_keras.reports.training_pictures import TrainingPictures
from pan_keras.runs import Run, open_run
from pan_keras.training import resume as resume_run
from pan_keras.training import train as train_run

Section = Mapping[str, Any]
Model: TypeAlias = Run | Bundle | Path | str | keras.Model | Classifier


def train(
    source: str | Path | None = None,
    *,
    root: str | Path | None = None,
    config: Config | str | Path | None = None,
    preset: str | None = None,
    model: str | Section | None = None,
    training: Section | None = None,
    augmentation: Section | None = None,
    data: Section | None = None,
    run: str | Path | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    quiet: bool = False,
    workers: int | None = None,
) -> Run:
    """Trains a model on labelled videos.

    Settings are merged as on the command line: the data set's card overrides the recipe, and the
    sections given here override both. Where there is neither a card nor a recipe, settings are
    chosen from the clips and printed; this may download ImageNet weights, which
    `model={"weights": "none"}` prevents. `pan-keras settings` lists all keys.

    Afterwards the model is calibrated on the validation clips if there are at least 10 of them.

    Args:
        source: A folder of class folders, a CSV, or the name or path of a data set card; by
            default the generated data set `motions`, which is made if absent.
        root: Folder of the videos of a card.
        config: A `Config`, which is complete; or a TOML file, or the name of a shipped recipe.
        preset: `"fast"`, `"balanced"` or `"accurate"`: how much time the settings that are chosen
            from the clips may take.
        model: Name of the network, such as `"pan_lite_resnet18"`, or settings of the section
            `model`.
        training: Settings of the section `training`, such as `{"epochs": 20}`.
        augmentation: Settings of the section `augmentation`.
        data: Settings of the section `data`.
        run: Folder to create; by default the next free `runs/SOURCE-MODEL-NUMBER`.
        callbacks: Keras callbacks.
        quiet: Whether to print warnings only.
        workers: Number of GPUs of this machine, or of processes of `TF_CONFIG`, that train together
            (docs/guides/cluster.md).

    Returns:
        The run: a folder with the trained model, its metrics and everything to reproduce them.

    Raises:
        UserError: If a setting, the data or a callback is unusable, or `run` exists. No folder is
            left behind.
        Interrupted: After Ctrl-C or SIGTERM; a checkpoint is saved, and `resume` continues.

    Example:
        >>> run = train("videos", model="pan_lite_micro", training={"epochs": 2})
        >>> run.metrics()[-1]["val_accuracy"]
        0.96
    """
    sections = {"training": training, "augmentation": augmentation, "data": data}
    if isinstance(model, Mapping):
        sections["model"] = model
    return train_run(
        source,
        root=root,
        model=model if isinstance(model, str) else None,
        config=config,
        preset=preset,
        sections={name: section for name, section in sections.items() if section},
        run=run,
        callbacks=[TrainingPictures(), *callbacks],
        quiet=quiet,
        workers=workers,
    ).run


def resume(
    run: Run | str | Path | None = None,
    *,
    root: str | Path | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    quiet: bool = False,
    workers: int | None = None,
    other_workers: bool = False,
) -> Run:
    """Resumes a training from its newest checkpoint, with bit-identical results.

    Args:
        run: The run; by default the latest in `runs`.
        root: Folder of its videos, if they were moved.
        callbacks: Keras callbacks; those of the earlier call are not stored.
        quiet: Whether to print warnings only.
        workers: As for `train`.
        other_workers: Whether other numbers of workers than before may continue the run.

    Returns:
        The run. A finished run is not trained further, but calibrated if it is not yet.

    Raises:
        UserError: If the folder is not a run, its data changed, or another process trains it.
        Interrupted: After Ctrl-C or SIGTERM; a checkpoint is saved.

    Example:
        >>> run = resume("runs/demo")
    """
    path = run.path if isinstance(run, Run) else run
    every = [TrainingPictures(), *callbacks]
    return resume_run(
        path, root=root, callbacks=every, quiet=quiet, workers=workers, other_workers=other_workers
    ).run


def evaluate(
    model: Model | Sequence[Model],
    data: str | Path | None = None,
    *,
    root: str | Path | None = None,
    split: str = "test",
    crops: Crops = "1",
    clips: int = 1,
    weights: Sequence[float] | None = None,
    fuse: Fuse = "logits",
    precision: str | None = None,
    batch: int = 8,
    progress: bool = True,
) -> Evaluation:
    """Evaluates a model, or several with averaged scores, on one split of the data.

    Args:
        model: A run, a bundle, a `.keras` file, a Keras model or a classifier; or several.
        data: Card, folder or CSV; by default the data of the (first) run.
        root: Folder of the videos of a card.
        split: `"train"`, `"val"`, `"test"` or `"all"`.
        crops: Views in space: `"1"`, `"3"` or `"full"`.
        clips: Views in time: 1, 2 or 10.
        weights: Weight of each of several models; equal by default.
        fuse: What is averaged over views and models: `"logits"` or `"probabilities"`.
        precision: Precision of a bundle's model file; the first by default.
        batch: Views per call of a Keras model.
        progress: Whether to show a bar on a terminal.

    Returns:
        `top1`, `top5`, `mean_class` with their 95 % `intervals`, `per_class`, `confusion`, and
        every clip in `results`. It prints as a few lines.

    Raises:
        UserError: If the models do not fit together or were trained on clips of the split, or no
            clip can be read.

    Example:
        >>> evaluate("runs/demo").top1
        0.97
    """
    several = isinstance(model, Sequence) and not isinstance(model, str)
    given: Iterable[Any] = cast(Iterable[Any], model) if several else [model]
    return evaluate_models(
        [_opened(each, precision=precision, batch=batch) for each in given],
        data,
        root=None if root is None else Path(root),
        split=split,
        crops=crops,
        clips=clips,
        weights=weights,
        fuse=fuse,
        progress=progress,
    )


def predict(
    model: Model,
    videos: str | Path | Sequence[str | Path],
    *,
    top: int = 5,
    crops: Crops = "1",
    clips: int = 1,
    fuse: Fuse = "logits",
    precision: str | None = None,
    batch: int = 8,
) -> list[Prediction]:
    """Classifies videos.

    Args:
        model: A run, a bundle, a `.keras` file, a Keras model or a classifier.
        videos: Video files, and folders to search.
        top: Classes per video.
        crops: Views in space: `"1"`, `"3"` or `"full"`.
        clips: Views in time: 1, 2 or 10.
        fuse: What is averaged over the views: `"logits"` or `"probabilities"`.
        precision: Precision of a bundle's model file; the first by default.
        batch: Views per call of a Keras model.

    Returns:
        One prediction per file: its `path`, and `predictions`, pairs of label and probability;
        a file that cannot be read has an `error` instead.

    Raises:
        UserError: If there is no model, a path does not exist, or a folder holds no video.

    Example:
        >>> predict("runs/demo", "wave.mp4")[0].predictions[0]
        ('left', 0.98)
    """
    classifier = _opened(model, precision=precision, batch=batch)
    found = predict_videos(classifier, videos, top=top, crops=crops, clips=clips, fuse=fuse)
    return list(found)


def export(
    model: Run | Path | str | keras.Model | None = None,
    recipe: Recipe | str | Path | None = None,
    *,
    calibration: Any = None,
    output: str | Path | None = None,
    labels: Sequence[str] | None = None,
    settings: Mapping[str, Section] | None = None,
    quiet: bool = False,
) -> Bundle:
    """Writes a bundle for devices: TFLite and ONNX files, each checked against the Keras model.

    Args:
        model: A run, a `.keras` file or a Keras model; by default the latest run in `runs`.
        recipe: A `Recipe`, the name of a shipped one, or a TOML file; by default the one named
            after the model's backbone, else `default`.
        calibration: Videos (card, folder or CSV), or clips uint8 `(B, N, m, H, W, 3)`, to check
            and to calibrate on; by default the data of the run.
        output: Folder of the bundle; by default `bundle` in the run.
        labels: Class names of a model without any.
        settings: Values by section and key of the recipe, such as
            `{"export": {"precisions": ["float32", "int8"]}}`.
        quiet: Whether to print no progress.

    Returns:
        The bundle, which `predict` and `evaluate` accept.

    Raises:
        UserError: If there is no such model or recipe, the data are unusable, or a file differs
            from the Keras model by more than the recipe allows.

    Example:
        >>> only = {"export": {"precisions": ["float32"]}}
        >>> [entry.file for entry in export("runs/demo", output="phone", settings=only).entries]
        ['model_float32.tflite']
    """
    tell: Callable[[str], None] | None = None if quiet else _tell
    return export_model(
        model.path if isinstance(model, Run) else model,
        recipe,
        calibration,
        output=output,
        labels=labels,
        overrides=settings,
        tell=tell,
    )


def load(path: Run | str | Path, checkpoint: str = "kept") -> keras.Model:
    """Loads a trained Keras model, for inference, further training or reuse of its parts.

    Args:
        path: A run or a `.keras` file.
        checkpoint: Which model of a run: `"kept"`, the epoch that `training.keep` chose,
            `"last"` or `"best"`.

    Returns:
        A model from frames uint8 `(B, N, m, H, W, 3)` to logits `(B, classes)`.

    Raises:
        UserError: If it is absent or damaged, or the path is that of a bundle.

    Example:
        >>> load("runs/demo").output_shape
        (None, 8)
    """
    if isinstance(path, Run):
        return path.load_model(checkpoint)
    if is_bundle(path):
        raise UserError(
            f"{path}: a bundle, which has no Keras model; pass it to predict or evaluate"
        )
    if is_remote(path) or Path(path).is_dir():
        return open_run(path).load_model(checkpoint)
    try:
        return models.load(path)
    except ValueError as error:
        raise UserError(str(error)) from error


def _opened(model: Any, **options: Any) -> Classifier:
    if isinstance(model, Run):
        return open_classifier(model.path, checkpoint=model.checkpoint, **options)
    return open_classifier(model.path if isinstance(model, Bundle) else model, **options)


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201
