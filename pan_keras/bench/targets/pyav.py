"""Reads motion vectors that the video codec stored in the file, with PyAV."""

import io
import time
from typing import Any

import numpy as np

from pan_keras.bench.case import Case
from pan_keras.bench.frames import moving_frames
from pan_keras.bench.session import Timing

REQUIRES = ("av",)


class VectorSession:
    """Times the extraction of a clip's motion vectors as fields, without decoding its frames.

    Each call decodes the clip twice, with and without vectors; the difference is the time.
    """

    divisible = False
    device = "cpu"
    backend: str | None = None

    def __init__(self, case: Case):
        frames = moving_frames(case.work)
        self._video = encoded(frames.reshape(-1, *frames.shape[2:]))
        self._threads = case.threads
        self.units = case.work.pairs
        self.facts: dict[str, Any] = {"codec": "h264", "bytes": len(self._video)}

    def run(self, _units: int) -> Timing:
        """Decodes without and with vectors."""
        plain = self._decode(vectors=False)
        with_vectors = self._decode(vectors=True)
        return Timing(
            (with_vectors - plain,), {"decode": plain, "decode_with_vectors": with_vectors}
        )

    def answer(self) -> None:
        """Returns nothing, since vectors have no reference."""

    def _decode(self, *, vectors: bool) -> float:
        import av  # noqa: PLC0415
        from av.sidedata.sidedata import Type  # noqa: PLC0415

        from pan_keras.video.motion_vectors import dense  # noqa: PLC0415

        start = time.perf_counter()
        with av.open(io.BytesIO(self._video)) as container:
            stream = container.streams.video[0]
            stream.codec_context.thread_count = self._threads
            if vectors:
                stream.codec_context.options = {"flags2": "+export_mvs"}
            for frame in container.decode(stream):
                found = frame.side_data.get(Type.MOTION_VECTORS) if vectors else None
                if found is not None:
                    dense(found.to_ndarray(), frame.height, frame.width, 1, 1)
        return time.perf_counter() - start


def open_session(case: Case) -> VectorSession:
    """Encodes the frames."""
    return VectorSession(case)


def encoded(frames: np.ndarray) -> bytes:
    """Encodes frames as H.264 in memory.

    Args:
        frames: uint8 `(T, H, W, 3)`, RGB.
    """
    import av  # noqa: PLC0415

    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=30, options={"crf": "23"})
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    return file.getvalue()
