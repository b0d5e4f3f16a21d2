"""Exports MoViNets in a virtual environment with tf-models-official."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from pan_keras.bench import movinet_export
from pan_keras.bench.building import Progress
from pan_keras.errors import UserError

PACKAGE = "tf-models-official"
EXPORTING = 1800.0  # time limit in seconds for the export of one network
INSTALLING = 1800.0


def exported(environment: Path, names: Sequence[str], progress: Progress) -> Path:
    """Exports MoViNets that are not exported yet, and returns the folder of their TFLite files.

    Args:
        environment: A virtual environment with tf-models-official.
        names: Some of `MOVINETS`.
        progress: Called with a line per network.

    Raises:
        UserError: If tf-models-official is missing there, or the export fails or takes too long.
    """
    python = _python_of(environment)
    folder = environment / "pan-keras-movinet"
    waiting = [name for name in names if not movinet_export.is_complete(folder, f"movinet_{name}")]
    if not waiting:
        return folder
    if not python.exists():
        raise UserError(f"{environment}: no virtual environment; {how_to_install(environment)}")
    found = _run([str(python), "-I", "-c", "import official"], 120.0)
    if found.returncode:
        raise UserError(f"{environment}: {PACKAGE} is missing; {how_to_install(environment)}")
    folder.mkdir(exist_ok=True)
    for name in waiting:
        progress(f"export movinet_{name}")
        script = str(movinet_export.__file__)
        done = _run([str(python), "-I", script, str(folder), name], EXPORTING)
        if done.returncode or not movinet_export.is_complete(folder, f"movinet_{name}"):
            last = (done.stderr.strip().splitlines() or ["no message"])[-1][:200]
            raise UserError(
                f"{environment}: movinet_{name} cannot be exported ({last}); update {PACKAGE} "
                "there, or exclude it with --method"
            )
    return folder


def install_package(environment: Path, progress: Progress) -> None:
    """Creates a virtual environment and installs tf-models-official, unless both exist.

    Raises:
        UserError: If that fails or takes too long.
    """
    python = _python_of(environment)
    commands = [] if python.exists() else [[sys.executable, "-m", "venv", str(environment)]]
    commands.append([str(python), "-m", "pip", "install", "--quiet", PACKAGE])
    for command in commands:
        progress(" ".join(command))
        done = _run(command, INSTALLING)
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1][:200]
            raise UserError(
                f"{environment}: {PACKAGE} cannot be installed ({last}); "
                f"{how_to_install(environment)}"
            )


def how_to_install(environment: Path | str) -> str:
    """Returns the commands that create an environment for `measure_peers`."""
    return (
        f"python -m venv {environment} && {environment}/bin/pip install {PACKAGE}, or add --install"
    )


def _python_of(environment: Path) -> Path:
    folder = "Scripts" if sys.platform == "win32" else "bin"
    return environment.absolute() / folder / "python"


def _run(command: list[str], timeout: float) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
    except subprocess.TimeoutExpired:
        message = f"took longer than {timeout:.0f} s"
        return subprocess.CompletedProcess(command, 1, "", message)
    except OSError as error:
        return subprocess.CompletedProcess(command, 1, "", str(error))
