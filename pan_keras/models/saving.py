"""Models to files, through the disk and not through memory."""

import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import keras


def save(model: keras.Model, path: str | Path) -> None:
    """Writes a model with its weights to a `.keras` file, as `model.save` does in more memory.

    `model.save` has the whole file in memory before it writes it; here a part of the weights at a
    time is there besides the model. While it lasts, the disk holds the weights twice.

    Args:
        model: What to write.
        path: The file.

    Raises:
        OSError: If the file cannot be written.

    Example:
        >>> import tempfile
        >>> from pan_keras.models import PANLite, load
        >>> with tempfile.TemporaryDirectory() as run:
        ...     save(PANLite(classes=8, backbone="micro", size=64), f"{run}/model.keras")
        ...     load(run).output_shape
        (None, 8)
    """
    path = Path(path)
    with TemporaryDirectory(prefix=".", suffix=".partial", dir=path.parent) as name:
        parts = Path(name)
        keras.saving.save_model(model, parts, zipped=False)
        # Weights hardly compress; stored, they can be read in place.
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
            for part in sorted(filter(Path.is_file, parts.rglob("*"))):
                archive.write(part, part.relative_to(parts))
