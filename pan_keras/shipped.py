"""Data files shipped with the package: data set cards and export recipes."""

from pathlib import Path

PACKAGE = Path(__file__).parent


def folder(name: str) -> Path:
    """Returns a folder of shipped files, in an installed package or a checkout.

    Args:
        name: `"datasets"` or `"export/recipes"`.

    Returns:
        An existing folder.

    Raises:
        FileNotFoundError: If the installation is incomplete.
    """
    for candidate in (PACKAGE / "_shipped" / name, PACKAGE.parent / name):
        if candidate.is_dir():
            return candidate
    raise FileNotFoundError(f"pan-keras was installed without its folder {name}; reinstall it")
