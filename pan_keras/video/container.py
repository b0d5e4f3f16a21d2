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

# A damaged header may claim frames of gigabytes; no camera exceeds 8192 x 8192.
MAX_PIXELS = 2**26
# Longer side over shorter: a single row of pixels, resized by its shorter side, takes gigabytes.
MAX_ASPECT = 32
# Video containers and raw streams. Other formats may be playlists that refer to other files.
FORMATS = (
    "mov,matroska,avi,mpegts,mpeg,asf,flv,live_flv,ogg,mxf,gif,"
    "h264,hevc,vvc,mpegvideo,m4v,obu,ivf,mjpeg,yuv4mpegpipe,dv,rm,nut,wtv"
)
# The total time limit is the timeout, plus the same again for every so many bytes of the file.
BYTES_PER_TIMEOUT = 2**15


class BrokenVideo(UserError):  # noqa: N818, the name says the state of the file
    """A file without a decodable frame; the message names the file, the reason and the remedy.

    Args:
        path: The file.
        reason: What is wrong with it, as part of a sentence.

    Example:
        >>> str(BrokenVideo("a.mp4", "the file is empty"))
        'a.mp4: the file is empty; replace this video or remove it from the data'
    """

    def __init__(self, path: Path | str, reason: str):
        super().__init__(f"{path}: {reason}; replace this video or remove it from the data")
        self.path = Path(path)
        self.reason = reason

    def __reduce__(self):
        return type(self), (self.path, self.reason)


class SlowVideo(BrokenVideo):
    """A file whose reading timed out; another attempt may succeed."""


class Reading:
    """A context manager for each step of reading a file: translates errors and limits time.

    An error of libav becomes a `BrokenVideo`. Work of the caller between two steps, such as
    resizing a frame, counts neither for errors nor for time.

    Args:
        path: The file.
        timeout: Seconds per step. The total is limited to as long again for every 32 KiB of the
            file, so that reading any file ends.
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
        return SlowVideo(self.path, f"reading it takes longer than {self.timeout:g} s to read on")


@dataclass(frozen=True)
class OpenVideo:
    """The first video stream of an open file.

    Args:
        container: The file.
        stream: The stream.
        reading: The context for each step.
        size: Width and height in pixels according to the header, 0 if absent.
    """

    container: av.container.InputContainer
    stream: av.VideoStream
    reading: Reading
    size: tuple[int, int]

    def packets(self) -> Iterator[av.Packet]:
        """Yields the packets from here on, and a final empty one that flushes the decoder.

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

    def decode(self, packet: av.Packet, *, needed: bool = True) -> list[av.VideoFrame] | None:
        """Decodes a packet; returns the frames, or None if the packet is damaged.

        Args:
            packet: The packet.
            needed: Whether its frame is to be shown. Otherwise the decoder may skip it, unless
                other frames refer to it.

        Raises:
            BrokenVideo: If it takes too long.
        """
        with self.reading:
            self.stream.codec_context.skip_frame = "DEFAULT" if needed else "NONREF"
            try:
                return packet.decode()
            except (av.error.FFmpegError, ValueError):
                return None


@contextmanager
def opened(
    path: Path, timeout: float, decoder: Mapping[str, str] | None = None
) -> Iterator[OpenVideo]:
    """Opens the first video stream of a file, with one decoding thread.

    No other file or network address is opened, whatever the file refers to.

    Args:
        path: The file; its name may contain any characters.
        timeout: Seconds per step of reading.
        decoder: Options of the decoder, with libav's names.

    Raises:
        BrokenVideo: If the file cannot be opened, holds no video, or its frames are larger than
            `MAX_PIXELS` or thinner than `MAX_ASPECT`.
    """
    reading = Reading(path, timeout)
    with reading:
        # Opening a named pipe would block until it has a writer.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    try:
        with reading:
            reading.left += timeout * _size(descriptor, path) / BYTES_PER_TIMEOUT
            # libav gets no file names, in which it would find patterns, protocols and formats.
            # Metadata is unused, so its encoding does not matter.
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
    """Refuses frames that would exhaust memory.

    Args:
        path: The file.
        width: Width in pixels.
        height: Height in pixels.

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
        kind = "a folder" if stat.S_ISDIR(status.st_mode) else "not a regular file"
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
    # Clips are short and small, and several are decoded in parallel: one thread each is fastest
    # and keeps results independent of the machine.
    stream.thread_type = "NONE"
    context.thread_count = 1
    for other in container.streams:
        if other.index != stream.index:
            other.discard = av.stream.Discard.all
    return stream
