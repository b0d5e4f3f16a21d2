"""Readers of published data sets, in the layout in which their authors distribute them."""

from collections.abc import Callable, Mapping
from pathlib import Path

from pan_keras.data.layouts.hmdb51 import read_hmdb51
from pan_keras.data.layouts.kinetics import read_kinetics
from pan_keras.data.layouts.members import Members
from pan_keras.data.layouts.twentybn import read_twentybn
from pan_keras.data.layouts.ucf101 import read_ucf101
from pan_keras.errors import UserError

READERS: Mapping[str, Callable[[Path, str], Members]] = {
    "something-v1": read_twentybn,
    "something-v2": read_twentybn,
    "jester": read_twentybn,
    "kinetics": read_kinetics,
    "ucf101": read_ucf101,
    "hmdb51": read_hmdb51,
}


def read_layout(layout: str, source: Path) -> Members:
    """Lists the clips of a data set by its official label files, and finds them.

    Args:
        layout: A key of `READERS`.
        source: Folder with the unpacked files.

    Raises:
        UserError: If the folder or a label file is missing, or a label file is damaged or
            contradicts another.
    """
    if not source.is_dir():
        raise UserError(f"{source}: there is no such folder; name the one with the unpacked files")
    return READERS[layout](source, layout)
