"""Readers of cameras, network streams and recordings."""

import re
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlsplit

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from pan_keras.errors import UserError
from pan_keras.video.container import MAX_PIXELS, BrokenVideo, opened
from pan_keras.video.orientation import upright

# Seconds since a source's first frame, and a function that returns the pixels, since most frames
# of a fast source are never converted.
Moment: TypeAlias = tuple[float, Callable[[], np.ndarray]]

PATIENCE = 10.0  # maximum seconds without data, and maximum wait for a gap in a recording
SHARE_MISSING = 0.1  # share of a recording that may be missing at its end
NETWORK = (
    "ftp", "http", "https", "mmsh", "rtmp", "rtmps", "rtmpt", "rtp", "rtsp", "rtsps", "sftp", "srt",
    "srtp", "tcp", "tls", "udp",
)  # fmt: skip
SECRET = re.compile(r"(?<=//)[^/@\s]*@")
SILENT = 0  # OpenCV's LOG_LEVEL_SILENT
HINT = "give the number of a camera, an address or a video file"


class SourceDroppedError(UserError):
    """A camera or network source that dropped or is not available yet, and may come back."""


def is_network(source: str) -> bool:
    """Whether a source is a network address."""
    return source.partition("://")[0].lower() in NETWORK and "://" in source


def shown(source: str) -> str:
    """A source for display, without the password of an address."""
    return SECRET.sub("", source)


def check_source(source: str) -> None:
    """Checks that a live source exists, without waiting for frames.

    A camera is opened and released, a file is opened, an address is only parsed.

    Args:
        source: Camera number, address, or file.

    Raises:
        UserError: If there is no such camera or file, or the address is not one.
    """
    if source.isdecimal():
        _opened_camera(int(source)).release()
    elif is_network(source):
        _check_address(source)
    elif not source.startswith("pipe:"):
        _check_file(source)


def camera(number: int) -> Iterator[Moment]:
    """Yields the frames of a camera in RGB as they arrive.

    Raises:
        UserError: If it cannot be opened or stops giving frames.
    """
    import cv2  # noqa: PLC0415 (a device may do without)

    device = _opened_camera(number)
    try:
        start = time.monotonic()
        while True:
            good, frame = device.read()
            if not good:
                raise SourceDroppedError(
                    f"camera {number}: it delivers no more frames; check that it is connected"
                )
            yield time.monotonic() - start, partial(cv2.cvtColor, frame, cv2.COLOR_BGR2RGB)
    finally:
        device.release()


def stream(source: str) -> Iterator[Moment]:
    """Yields the frames of a stream as they arrive, or those of a recording at its own speed.

    Args:
        source: An address, a file, or `pipe:`.

    Raises:
        SourceDroppedError: If an address cannot be reached, breaks off or ends early.
        UserError: If another source cannot be opened, holds no video or breaks off.
    """
    remote = is_network(source)
    options = {"max_pixels": str(MAX_PIXELS)}
    if not remote:
        options["protocol_whitelist"] = "file,pipe"
    try:
        with av.open(
            source if remote or source.startswith("pipe:") else f"file:{_path(source)}",
            timeout=PATIENCE,
            metadata_errors="ignore",
            options=options,
        ) as container:
            if not container.streams.video:
                raise UserError(f"{shown(source)}: it holds no video; {HINT}")
            length = None if container.duration is None else container.duration / av.time_base
            moment = 0.0
            for moment, pixels in _played(container, recorded=length is not None):
                yield moment, pixels
        if remote and (length is None or moment < length * (1 - SHARE_MISSING) - 1):
            raise SourceDroppedError(
                f"{shown(source)}: the connection ended; check that the server is running"
            )
    except (av.error.FFmpegError, OSError, ValueError) as error:
        permanent = not remote or isinstance(error, av.error.HTTPClientError)
        raise (UserError if permanent else SourceDroppedError)(
            f"{shown(source)}: cannot be read as video ({_reason(error)}); {HINT}"
        ) from error


def _played(container, recorded: bool) -> Iterator[Moment]:
    to_rgb = VideoReformatter()
    began = opened_at = 0.0
    size: tuple[int, int] | None = None
    for frame in container.decode(video=0):
        now = time.monotonic()
        time_shown = now if frame.time is None else frame.time
        if size is None:
            began, opened_at, size = time_shown, now, (frame.width, frame.height)
        if recorded:
            early = (time_shown - began) - (now - opened_at)
            if abs(early) > PATIENCE:  # a jump in its times
                early = min(max(early, 0.0), PATIENCE)
                opened_at = now - (time_shown - began) + early
            time.sleep(max(0.0, early))
        yield time_shown - began, partial(upright, frame, to_rgb, size)


def _opened_camera(number: int):
    import cv2  # noqa: PLC0415 (a device may do without)

    # OpenCV prints its own messages in addition to the error.
    set_level = getattr(cv2, "setLogLevel", None)  # OpenCV before 4.13
    (set_level or cv2.utils.logging.setLogLevel)(SILENT)
    try:
        device = cv2.VideoCapture(number)
    except (OverflowError, cv2.error):
        raise UserError(f"camera {number}: no camera has this number; {HINT}") from None
    if not device.isOpened():
        device.release()
        raise SourceDroppedError(
            f"camera {number}: it cannot be opened; check that it is connected and not in use"
        )
    return device


def _check_address(source: str) -> None:
    try:
        parts = urlsplit(source)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise UserError(f"{shown(source)}: not an address ({error}); {HINT}") from None
    if port == 0 or not (host or parts.scheme == "udp"):
        raise UserError(f"{shown(source)}: the address names no host and port; {HINT}")


def _path(source: str) -> str:
    return source.removeprefix("file://").removeprefix("file:")


def _check_file(source: str) -> None:
    path = Path(_path(source))
    try:
        exists, regular, folder = path.exists(), path.is_file(), path.is_dir()
    except (OSError, ValueError) as error:
        raise UserError(f"{shown(source)}: cannot be read ({error}); {HINT}") from None
    if not exists:
        scheme = source.partition("://")[0] if "://" in source else ""
        if scheme and scheme != "file":
            raise UserError(
                f"{shown(source)}: {scheme} is not a supported kind of address; use one of "
                f"{', '.join(NETWORK)}"
            )
        raise UserError(f"{source}: No such file or directory; {HINT}")
    if folder:
        raise UserError(f"{source}: a folder; {HINT}")
    if regular:
        try:
            with opened(path, PATIENCE):
                pass
        except BrokenVideo as error:
            raise UserError(f"{source}: {error.reason}; {HINT}") from error


def _reason(error: Exception) -> str:
    if isinstance(error, av.error.ExitError):
        return f"no data for {PATIENCE:g} s"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
