"""Opening a video file so that a bad one costs an exception and never the run."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import av

from pan_keras.errors import UserError

# A damaged header may promise frames of gigabytes; 8192 x 8192 is more than any camera here.
MAX_PIXELS = 2**26


class BrokenVideo(UserError):
    """A file that gives no frame: the sentence names it, the reason and what to do.

    Args:
        path: The file.
        reason: What is wrong with it, as part of a sentence.
    """

    def __init__(self, path: Path | str, reason: str):
        super().__init__(f"{path}: {reason}; replace this video or take it out of the data")
        self.path = Path(path)
        self.reason = reason

    def __reduce__(self):
        return BrokenVideo, (self.path, self.reason)


@dataclass(frozen=True)
class Clock:
    """The time that one file may take."""

    seconds: float
    start: float

    def check(self) -> None:
        """Raises TimeoutError when the time is over."""
        if time.monotonic() - self.start > self.seconds:
            raise TimeoutError(f"it takes longer than {self.seconds:g} s to read")


@contextmanager
def opened(path: Path, timeout: float) -> Iterator[tuple]:
    """Opens the first video stream of a file, with one decoding thread.

    Whatever libav raises inside the block is turned into a `BrokenVideo`.

    Args:
        path: The file.
        timeout: Seconds that the block may take; the block asks its clock between packets, libav
            within a read.

    Returns:
        A context of `(container, stream, clock)`.

    Raises:
        BrokenVideo: If the file cannot be opened or holds no video, or if the block fails.
    """
    try:
        if path.stat().st_size == 0:
            raise BrokenVideo(path, "the file is empty")
        # A playlist that poses as a video must not open other files or the network. Metadata
        # is of no interest, in whatever encoding.
        container = av.open(
            str(path),
            timeout=timeout,
            metadata_errors="ignore",
            options={"max_pixels": str(MAX_PIXELS), "protocol_whitelist": "file"},
        )
        with container:
            stream = _video_stream(container, path)
            # Clips are short and small, and several are decoded side by side: one thread each
            # is the fastest and keeps the result independent of the machine.
            stream.thread_type = "NONE"
            stream.codec_context.thread_count = 1
            yield container, stream, Clock(timeout, time.monotonic())
    except UserError:
        raise
    except FileNotFoundError as error:
        raise BrokenVideo(path, "there is no such file") from error
    except (av.error.ExitError, TimeoutError) as error:
        raise BrokenVideo(path, f"it takes longer than {timeout:g} s to read") from error
    except (av.error.FFmpegError, OSError, ValueError, ArithmeticError, MemoryError) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise BrokenVideo(path, f"it cannot be read as video ({reason})") from error


def _video_stream(container, path: Path):
    for stream in container.streams.video:
        cover = bool(stream.disposition & av.stream.Disposition.attached_pic)
        if not cover and stream.codec_context is not None:
            return stream
    raise BrokenVideo(path, "it holds no video stream that can be decoded")
