"""What to install where a package that pan-keras uses is missing."""

from pan_keras.errors import UserError

# By the module that is imported: its package, and the smallest extra of pyproject.toml that brings
# it; no extra where every installation has it.
PACKAGES = {
    "ai_edge_litert": ("ai-edge-litert", "litert"),
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
    "onnx": ("onnx", "export"),
    "onnxruntime": ("onnxruntime", "onnx"),
    "pydantic": ("pydantic", "train"),
    "rich": ("rich", "train"),
    "tensorboard": ("tensorboard", "train"),
    "tensorflow": ("tensorflow", "train"),
    "tf2onnx": ("tf2onnx", "export"),
    "tomli_w": ("tomli-w", "train"),
    "torch": ("torch", "torch"),
}
# Which extras an extra includes.
INCLUDED = {
    "pictures": ("video",),
    "train": ("pictures",),
    "export": ("train", "litert", "onnx"),
}


class MissingPartError(UserError):
    """A package that this needs is not installed; the message says which extra has it."""


def missing_part(error: ModuleNotFoundError, extra: str = "") -> MissingPartError | None:
    """The error for a module that is not installed.

    Args:
        error: What importing the module raised.
        extra: The extra with everything that the command at hand needs: it is named where it
            includes the package, so that one installation is enough.

    Returns:
        What to install; None if the module belongs to no package that pan-keras uses.

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
