"""Opens untrusted video files with limits on time, size and format."""

import os
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import av

from pan_keras.errors import UserError

# A damaged header may promise frames of gigabytes; 8192 x 8192 is more than any camera here.
MAX_PIXELS = 2**26
# Longer side over shorter: one row of pixels, resized by its shorter side, would fill gigabytes.
MAX_ASPECT = 32
# Containers and raw streams of video. What is not here may be a list that names other files.
FORMATS = (
    "mov,matroska,avi,mpegts,mpeg,asf,flv,live_flv,ogg,mxf,gif,"
    "h264,hevc,vvc,mpegvideo,m4v,obu,ivf,mjpeg,yuv4mpegpipe,dv,rm,nut,wtv"
)
# A file of this many bytes may be read for twice the time without progress.
BYTES_PER_TIMEOUT = 2**15


class BrokenVideo(UserError):  # noqa: N818, the name says the state of the file
    """A file that gives no frame: the sentence names it, the reason and what to do.

    Args:
        path: The file.
        reason: What is wrong with it, as part of a sentence.

    Example:
        >>> str(BrokenVideo("a.mp4", "the file is empty"))
        'a.mp4: the file is empty; replace this video or take it out of the data'
    """

    def __init__(self, path: Path | str, reason: str):
        super().__init__(f"{path}: {reason}; replace this video or take it out of the data")
        self.path = Path(path)
        self.reason = reason

    def __reduce__(self):
        return type(self), (self.path, self.reason)


class SlowVideo(BrokenVideo):
    """A file that was given up because reading it came to a halt; it may be read another time."""


class Reading:
    """A context around each step of reading a file: its errors and its time.

    An error of libav becomes a `BrokenVideo`. What a caller does between two steps, such as
    resizing a frame, is not part of the reading: its errors and its time are its own.

    Args:
        path: The file.
        timeout: Seconds that a step may take. All steps together may take as long again for
            every 32 KiB of the file, so that any file comes to an end.
    """

    def __init__(self, path: Path, timeout: float):
        self.path = path
        self.timeout = timeout
        self.left = timeout
        self._began = 0.0

    def __enter__(self) -> None:
        self._began = time.monotonic()

    def __exit__(self, _, error: BaseException | None, __) -> None:
        if error is None:
            spent = time.monotonic() - self._began
            self.left -= spent
            if spent > self.timeout or self.left < 0:
                raise self._slow()
        elif isinstance(error, UserError):
            pass
        elif isinstance(error, FileNotFoundError):
            raise BrokenVideo(self.path, "there is no such file") from error
        elif isinstance(error, av.error.ExitError):
            raise self._slow() from error
        elif isinstance(error, av.error.FFmpegError | OSError | ValueError | ArithmeticError):
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise BrokenVideo(self.path, f"it cannot be read as video ({reason})") from error

    def _slow(self) -> "SlowVideo":
        return SlowVideo(self.path, f"it takes longer than {self.timeout:g} s to read on")


@dataclass(frozen=True)
class OpenVideo:
    """The first video stream of an open file.

    Args:
        container: The file.
        stream: The stream.
        reading: The context of each step.
        size: Width and height in pixels that the file's header says, 0 where it says none.
    """

    container: av.container.InputContainer
    stream: av.VideoStream
    reading: Reading
    size: tuple[int, int]

    def packets(self) -> Iterator[av.Packet]:
        """Packets from here on; an empty one at the end makes the decoder give out the rest.

        Raises:
            BrokenVideo: If reading fails or takes too long.
        """
        packets = self.container.demux(self.stream)
        while True:
            with self.reading:
                packet = next(packets, None)
            if packet is None:
                return
            yield packet

    def decode(self, packet: av.Packet) -> list[av.VideoFrame] | None:
        """Frames that the decoder gives out after a packet; None if the packet is damaged.

        Raises:
            BrokenVideo: If it takes too long.
        """
        with self.reading:
            try:
                return packet.decode()
            except (av.error.FFmpegError, ValueError):
                return None


@contextmanager
def opened(
    path: Path, timeout: float, decoder: Mapping[str, str] | None = None
) -> Iterator[OpenVideo]:
    """Opens the first video stream of a file, with one decoding thread.

    No other file and no network address is opened, whatever the file says.

    Args:
        path: The file, with whatever characters in its name.
        timeout: Seconds that a step of reading may take.
        decoder: Options of the decoder, by libav's names.

    Raises:
        BrokenVideo: If the file cannot be opened, holds no video, or its frames are larger than
            `MAX_PIXELS` or thinner than `MAX_ASPECT`.
    """
    reading = Reading(path, timeout)
    with reading:
        # A named pipe would wait for its writer.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    try:
        with reading:
            reading.left += timeout * _size(descriptor, path) / BYTES_PER_TIMEOUT
            # Names are never given to libav, which finds patterns, protocols and formats in
            # them. Metadata is of no interest, in whatever encoding.
            options = {
                "fd": str(descriptor),
                "protocol_whitelist": "fd",
                "format_whitelist": FORMATS,
            }
            try:
                container = av.open(
                    "fd:", timeout=timeout, metadata_errors="ignore", options=options
                )
            except av.error.ArgumentError as error:
                raise BrokenVideo(path, "it cannot be read as video (unknown format)") from error
        with container:
            with reading:
                stream = _video_stream(container, path, decoder or {})
                context = stream.codec_context
                size = (context.width, context.height)
            yield OpenVideo(container, stream, reading, size)
    finally:
        os.close(descriptor)


def refuse_shape(path: Path, width: int, height: int) -> None:
    """Refuses frames that would fill the memory.

    Args:
        path: The file.
        width: Pixels across.
        height: Pixels down.

    Raises:
        BrokenVideo: If there are more than `MAX_PIXELS`, or one side is more than `MAX_ASPECT`
            times the other.
    """
    if width * height > MAX_PIXELS:
        raise BrokenVideo(
            path,
            f"its frames have {width}x{height} pixels, more than the limit of {MAX_PIXELS}",
        )
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise BrokenVideo(
            path,
            f"its frames have {width}x{height} pixels, one side more than {MAX_ASPECT} times "
            "the other",
        )


def _size(descriptor: int, path: Path) -> int:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        kind = "a folder" if stat.S_ISDIR(status.st_mode) else "no regular file"
        raise BrokenVideo(path, f"it cannot be read as video (it is {kind})")
    if status.st_size == 0:
        raise BrokenVideo(path, "the file is empty")
    return status.st_size


def _video_stream(
    container: av.container.InputContainer, path: Path, decoder: Mapping[str, str]
) -> av.VideoStream:
    for stream in container.streams.video:
        cover = bool(stream.disposition & av.stream.Disposition.attached_pic)
        if not cover and stream.codec_context is not None:
            break
    else:
        raise BrokenVideo(path, "it holds no video stream that can be decoded")
    context = stream.codec_context
    if context.width and context.height:
        refuse_shape(path, context.width, context.height)
    context.options = {**decoder, "max_pixels": str(MAX_PIXELS)}
    # Clips are short and small, and several are decoded side by side: one thread each is the
    # fastest and keeps the result independent of the machine.
    stream.thread_type = "NONE"
    context.thread_count = 1
    for other in container.streams:
        if other.index != stream.index:
            other.discard = av.stream.Discard.all
    return stream
