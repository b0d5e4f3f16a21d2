"""Install instructions for missing optional packages."""

from pan_keras.errors import UserError

# By module: its package, and the smallest extra of pyproject.toml that includes it; no extra if it
# is a core dependency.
PACKAGES = {
    "ai_edge_litert": ("ai-edge-litert", "litert"),
    "array_record": ("array-record", "shards"),
    "av": ("av", "video"),
    "click": ("click", ""),
    "cv2": ("opencv-contrib-python-headless", "pictures"),
    "filelock": ("filelock", "train"),
    "h5py": ("h5py", "train"),
    "jax": ("jax", "jax"),
    "jsonschema": ("jsonschema", ""),
    "keras": ("keras", "train"),
    "lazy_loader": ("lazy-loader", ""),
    "litert_quantizer": ("litert-quantizer", "export"),
    "matplotlib": ("matplotlib", "pictures"),
    "numpy": ("numpy", ""),
    "obstore": ("obstore", "remote"),
    "onnx": ("onnx", "export"),
    "onnxruntime": ("onnxruntime", "onnx"),
    "pydantic": ("pydantic", "train"),
    "ray": ("ray", "distributed"),
    "rich": ("rich", "train"),
    "tensorboard": ("tensorboard", "train"),
    "tensorflow": ("tensorflow", "train"),
    "tensorflow_io": ("tensorflow-io", "tensorflow-io"),
    "tf2onnx": ("tf2onnx", "export"),
    "tomli_w": ("tomli-w", "train"),
    "torch": ("torch", "torch"),
}
# The extras that an extra includes.
INCLUDED = {
    "distributed": ("video",),
    "pictures": ("video",),
    "remote": ("video",),
    "shards": ("video",),
    "tensorflow-io": ("train",),
    "train": ("pictures",),
    "export": ("train", "litert", "onnx"),
}


class MissingPartError(UserError):
    """A required package is not installed; the message names the extra that includes it."""


def missing_part(error: ModuleNotFoundError, extra: str = "") -> MissingPartError | None:
    """Returns the error for a module that is not installed.

    Args:
        error: The error raised by the import.
        extra: The extra with everything that the current command needs; it is suggested if it
            includes the package, so that one installation is enough.

    Returns:
        The error; None if the module does not belong to a package that pan-keras uses.

    Example:
        >>> str(missing_part(ModuleNotFoundError(name="cv2")))
        'opencv-contrib-python-headless is not installed; pip install "pan-keras[pictures]"'
        >>> str(missing_part(ModuleNotFoundError(name="cv2"), "train"))
        'opencv-contrib-python-headless is not installed; pip install "pan-keras[train]"'
    """
    module = (error.name or "").partition(".")[0]
    if module not in PACKAGES:
        return None
    package, own = PACKAGES[module]
    return MissingPartError(
        f"{package} is not installed; {install(extra if _includes(extra, own) else own)}"
    )


def install(extra: str = "") -> str:
    """The command that installs pan-keras with an extra.

    Example:
        >>> install("litert")
        'pip install "pan-keras[litert]"'
    """
    return f'pip install "pan-keras[{extra}]"' if extra else "pip install pan-keras"


def _includes(extra: str, other: str) -> bool:
    if other in ("", extra):
        return True
    return any(_includes(part, other) for part in INCLUDED.get(extra, ()))
