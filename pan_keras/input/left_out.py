"""Records clips that became unreadable during a run, and from which step they are left out."""

import json
import threading
from collections.abc import Mapping
from pathlib import Path

from pan_keras.errors import UserError
from pan_keras.files import replacing


class LeftOut:
    """Records which clip is left out from which position of a run on.

    Positions count training examples over all epochs; a validation has the position of the next
    example. Decisions are final and written before any batch depends on them, so that a resumed run
    leaves out the same clips at the same positions even if they can be read again. Thread-safe.

    Args:
        file: File to write to, and to read from if it exists; none by default.

    Raises:
        UserError: If the file cannot be read.

    Example:
        >>> left_out = LeftOut(Path("runs/a/left_out.json"))
        >>> left_out.add({Path("wave.mp4"): "the file is empty"}, position=96)
        >>> left_out.holds(Path("wave.mp4"), 95), left_out.holds(Path("wave.mp4"), 96)
        (False, True)
        >>> other = LeftOut()
        >>> other.merge(left_out)
        >>> list(other.reasons)
        [PosixPath('wave.mp4')]
    """

    def __init__(self, file: Path | None = None):
        self.file = file
        self._lock = threading.Lock()
        self._found = _read(file) if file is not None and file.is_file() else {}

    @property
    def reasons(self) -> dict[Path, str]:
        """The clips with the reason why each is left out, in order of discovery."""
        with self._lock:
            return {path: reason for path, (_, reason) in self._found.items()}

    def holds(self, path: Path, position: int) -> bool:
        """Whether a clip is left out at a position.

        Args:
            path: The clip.
            position: The position in the run.

        Returns:
            True if it is left out.
        """
        found = self._found.get(path)
        return found is not None and found[0] <= position

    def merge(self, other: "LeftOut") -> None:
        """Leaves out what another record does, from the same positions on.

        Args:
            other: The record of another process.

        Raises:
            UserError: If the disk is full.
        """
        for path, (position, reason) in other._found.items():
            self.add({path: reason}, position)

    def add(self, reasons: Mapping[Path, str], position: int) -> None:
        """Leaves clips out from a position on.

        Args:
            reasons: Reason by clip, as part of a sentence.
            position: The first position without them.

        Raises:
            UserError: If the disk is full.
        """
        with self._lock:
            found = dict(self._found)
            for path, reason in reasons.items():
                earlier = found.get(path)
                if earlier is None or position < earlier[0]:
                    found[path] = (position, reason)
            if found != self._found and self.file is not None:
                table = {
                    str(path): {"position": first, "reason": reason}
                    for path, (first, reason) in found.items()
                }
                with replacing(self.file) as temporary:
                    temporary.write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")
            self._found = found


def left_out_file(run: Path, rank: int) -> Path:
    """The file of a process in the folder of a run; each of several processes has its own.

    Which rows of a batch a process prepares depends on its rank alone, so that what it left out
    before a restart matters to it alone.

    Args:
        run: The run folder.
        rank: Number of the process; 0 if there is one.
    """
    return run / ("left_out.json" if rank == 0 else f"left_out-{rank}.json")


def merge_left_out(run: Path, into: LeftOut) -> None:
    """Leaves out what any process of a run left out, from the same positions on.

    Args:
        run: The run folder.
        into: The record of this process.

    Raises:
        UserError: If a file cannot be read, or the disk is full.
    """
    for file in sorted(run.glob("left_out*.json")):
        into.merge(LeftOut(file))


def _read(file: Path) -> dict[Path, tuple[int, str]]:
    try:
        table = json.loads(file.read_text(encoding="utf-8"))
        return {
            Path(path): (int(entry["position"]), str(entry["reason"]))
            for path, entry in table.items()
        }
    except (OSError, ValueError, AttributeError, KeyError, TypeError, RecursionError) as error:
        raise UserError(
            f"{file}: not readable ({error}); put back what the training wrote, or start a new run"
        ) from None
