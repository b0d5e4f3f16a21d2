"""Opens runs, bundles, `.keras` files and Keras models as classifiers.

Imports are deferred to the kind that needs them, so that opening a bundle imports no Keras.
"""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, cast

from pan_keras.bundle import Bundle, is_bundle
from pan_keras.errors import UserError
from pan_keras.inference.bundle_classifier import BundleClassifier
from pan_keras.inference.classifier import Classifier

if TYPE_CHECKING:
    import keras

# A run folder, a bundle, a `.keras` file, a Keras model, or a classifier.
Source: TypeAlias = "Path | str | keras.Model | Classifier"


def open_classifier(
    source: Source,
    *,
    precision: str | None = None,
    file_format: str | None = None,
    checkpoint: str = "kept",
    batch: int = 8,
) -> Classifier:
    """Opens a run, bundle, `.keras` file or Keras model as a classifier.

    Args:
        source: A run folder, a bundle, a `.keras` file, or a Keras model; a classifier is returned
            unchanged.
        precision: Precision of a bundle's model file; the first by default.
        file_format: `"tflite"` or `"onnx"` of a bundle; the first by default.
        checkpoint: Model of a run: `"kept"`, `"last"` or `"best"`.
        batch: Clips per call of a Keras model.

    Returns:
        The classifier, not loaded yet.

    Raises:
        UserError: If it is none of these, or an option does not apply to its kind.

    Example:
        >>> classifier = open_classifier("runs/demo/bundle", precision="float32")
        >>> classifier.labels[0]
        'left'
        >>> classifier.logits(np.zeros((1, *classifier.shape.array), "uint8")).shape
        (1, 8)
    """
    if isinstance(source, (str, Path)):
        if is_bundle(source):
            return _open_bundle(source, precision, file_format, checkpoint)
        if precision or file_format:
            raise UserError(
                f"{source}: a run has one model, in Keras; --precision and --format choose a file "
                "of a bundle, which pan-keras export writes"
            )
        return _open_keras(Path(source), checkpoint, batch)
    if hasattr(source, "logits"):
        return cast(Classifier, source)
    from pan_keras.inference.keras_classifier import KerasClassifier  # noqa: PLC0415 (TensorFlow)

    return KerasClassifier.of_model(cast("keras.Model", source), batch=batch)


def _open_bundle(
    path: Path | str, precision: str | None, file_format: str | None, checkpoint: str
) -> Classifier:
    if checkpoint != "kept":
        raise UserError(f"{path}: a bundle holds one model; --checkpoint is for run folders")
    return BundleClassifier(Bundle.open(path), precision, file_format)


def _open_keras(path: Path, checkpoint: str, batch: int) -> Classifier:
    if path.suffix == ".keras":
        from pan_keras import models  # noqa: PLC0415 (Keras)
        from pan_keras.inference.keras_classifier import KerasClassifier  # noqa: PLC0415

        try:
            return KerasClassifier.of_model(models.load(path), path=path, batch=batch)
        except ValueError as error:
            raise UserError(str(error)) from error
    from pan_keras.runs.run import open_run  # noqa: PLC0415 (not needed for a bundle)

    run = open_run(path)  # errors come before the import of Keras, which takes seconds
    from pan_keras.inference.keras_classifier import KerasClassifier  # noqa: PLC0415

    return KerasClassifier.of_run(replace(run, checkpoint=checkpoint), batch)
