"""Models that were saved, by file or by run folder."""

from pathlib import Path

import keras

from pan_keras.models.keras_file import check_keras_file


def load(path: str | Path) -> keras.Model:
    """Loads a model with its weights, to use it, to go on training it, or to take it apart.

    Args:
        path: A `.keras` file, or a run folder that holds `model.keras`.

    Returns:
        The model; `model.backbone` and the layers in `model.layers` serve in other models as any
        Keras layer does.

    Raises:
        ValueError: If there is no such file, or it is damaged.

    Example:
        >>> import tempfile
        >>> from pan_keras.models import PANLite
        >>> with tempfile.TemporaryDirectory() as run:
        ...     PANLite(classes=8, backbone="micro", size=64).save(f"{run}/model.keras")
        ...     load(run).backbone.output_shape
        (None, 96)
    """
    file = Path(path)
    if file.is_dir():
        file = file / "model.keras"
    if not file.is_file():
        raise ValueError(f"{file}: not there; give a .keras file, or a folder that train finished")
    try:
        check_keras_file(file)
        return keras.saving.load_model(file)
    except Exception as error:  # what is in the file decides what is raised
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ValueError(f"{file}: damaged ({reason}); train or copy it again") from error
