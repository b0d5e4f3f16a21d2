"""Helpers for tests of exports."""

# int8 of an untrained network has no limits; float32 stays exact.
LENIENT = {"int8": {"drop": 100.0, "agreement": 0.0, "cosine": -1.0}}
INT8 = {"export": {"precisions": ["int8"], "evaluate": "none"}}
FLOAT = {"export": {"precisions": ["float32"], "evaluate": "none"}}


def contents(folder):
    """Bytes of the files in a folder, by path."""
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file()
    }
