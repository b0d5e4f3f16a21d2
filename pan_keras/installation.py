"""What to install where a part of pan-keras is not there, as on a device."""

from importlib import metadata

from pan_keras.errors import UserError

# The packages by the modules that are imported of them.
PACKAGES = {
    "ai_edge_litert": "ai-edge-litert",
    "av": "av",
    "click": "click",
    "cv2": "opencv-python-headless",
    "filelock": "filelock",
    "h5py": "h5py",
    "jsonschema": "jsonschema",
    "keras": "keras",
    "litert_quantizer": "litert-quantizer",
    "matplotlib": "matplotlib",
    "numpy": "numpy",
    "onnx": "onnx",
    "onnxruntime": "onnxruntime",
    "pydantic": "pydantic",
    "rich": "rich",
    "tensorboard": "tensorboard",
    "tensorflow": "tensorflow",
    "tf2onnx": "tf2onnx",
    "tomli_w": "tomli-w",
}


class MissingPartError(UserError):
    """A package that pan-keras needs for this is not installed: the sentence says which."""


def missing_part(error: ModuleNotFoundError) -> MissingPartError | None:
    """The sentence for a module that is not installed.

    Args:
        error: What importing it raised.

    Returns:
        What to install; None where the module is of no package that pan-keras needs.

    Example:
        >>> str(missing_part(ModuleNotFoundError(name="cv2")))
        "opencv-python-headless is not installed; pip install 'opencv-python-headless>=5.0,<6'"
    """
    package = PACKAGES.get((error.name or "").partition(".")[0])
    if package is None:
        return None
    return MissingPartError(f"{package} is not installed; pip install {_requirement(package)}")


def _requirement(package: str) -> str:
    """What pip is to be given: with the versions that pan-keras wants, where it knows them."""
    try:
        required = metadata.requires("pan-keras") or []
    except metadata.PackageNotFoundError:
        required = []
    for line in required:
        requirement, _, condition = line.partition(";")
        name = requirement.partition("<")[0].partition(">")[0].partition("=")[0].strip(" ()")
        if name == package and not condition:
            return f"'{requirement.strip()}'"
    return package
