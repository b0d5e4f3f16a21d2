"""Compares readers of video files on the frames of one clip, as training requests them."""

import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from pan_keras.bench.benchmark import FULL, QUICK, Benchmark, Budget
from pan_keras.bench.building import Progress
from pan_keras.bench.case import Case, Work
from pan_keras.bench.file_benchmarks import FileBenchmarks
from pan_keras.bench.results import Results, measured_results
from pan_keras.bench.session import CallSession
from pan_keras.clips.crops import resize_shorter_side
from pan_keras.clips.opencv_resizing import resize
from pan_keras.clips.sampling import spread_starts, stack_frames
from pan_keras.data.shards.encoding import ShardEncoding, ShardFormat
from pan_keras.data.shards.writing import PlannedClip, PlannedShard, write_shard
from pan_keras.errors import UserError
from pan_keras.installation import missing_part
from pan_keras.video import clip_bytes, probe, read_frames
from pan_keras.video.freed_memory import keep_freed_memory
from pan_keras.video.shard_file import shard_files

BASELINE = "pan_keras"
READERS = {
    "pan_keras": "av",
    "shard_jpeg": "array_record",
    "shard_h264": "array_record",
    "opencv": "cv2",
    "torchcodec": "torchcodec",
    "decord": "decord",
}
CODECS = {
    "h264": ("libx264", "mp4", {"preset": "veryfast"}),
    "hevc": ("libx265", "mp4", {"preset": "ultrafast", "x265-params": "log-level=error"}),
    "mpeg4": ("mpeg4", "avi", {"qscale": "4"}),
    "vp9": ("libvpx-vp9", "webm", {"deadline": "realtime", "cpu-used": "8", "crf": "32", "b": "0"}),
}
SHARDS: dict[str, ShardFormat] = {"shard_jpeg": "jpeg", "shard_h264": "h264"}
SIZES = ((240, 320), (360, 640), (720, 1280))
QUICK_CLIPS = (("h264", (240, 320)), ("mpeg4", (240, 320)))
SECONDS, RATE, KEY_EVERY = 8, 30, 60  # of generated clips; frames between key frames


def measure_decode(
    files: Sequence[Path | str] = (),
    *,
    segments: int = 8,
    stack: int = 4,
    readers: Sequence[str] = (),
    codecs: Sequence[str] = (),
    threads: int = 1,
    short_side: int = 0,
    quick: bool = False,
    budget: Budget | None = None,
    progress: Progress = lambda _: None,
) -> Results:
    """Times reading N stacks of m frames of a clip, from the file to RGB.

    The frames are those of evaluation, the middle of each segment. Every reader has opened the file
    before: `pan_keras` has its frame index, as in training after the first epoch. The shards hold
    the same clip, compressed again as `pan-keras dataset shard` does.

    Args:
        files: Videos; by default, clips generated in several codecs and sizes.
        segments: N.
        stack: m.
        readers: Some of `READERS`; by default all, with a note for those that are not installed.
        codecs: Some of `CODECS`, for the generated clips; by default all.
        threads: Threads per reader.
        short_side: Length to which a longer shorter side of the frames is scaled, as for training;
            shards are made of that size. 0 keeps the size.
        quick: Whether to measure only two small clips with few rounds.
        budget: Time for the rounds of all files; the default depends on `quick`.
        progress: Called with a line of text about the current step.

    Returns:
        A row per file and reader, with the ratio to `pan_keras`.

    Raises:
        UserError: If a reader or codec does not exist, or a file cannot be read.

    Example:
        >>> results = measure_decode(["up_1.mp4"], readers=["pan_keras", "opencv"], quick=True)
        >>> [row.method for row in results.rows]
        ['pan_keras', 'opencv']
    """
    _refuse_unknown("reader", readers, READERS)
    _refuse_unknown("codec", codecs, CODECS)
    budget = budget or (QUICK if quick else FULL)
    with tempfile.TemporaryDirectory(prefix="pan-keras-bench-") as folder:
        paths = [Path(file) for file in files] or made_clips(
            Path(folder), codecs, quick=quick, progress=progress
        )
        share = Budget(budget.seconds / len(paths), budget.fewest, budget.most)
        cases = [
            decode_cases(path, segments, stack, readers, threads, short_side) for path in paths
        ]
        benchmarks = [
            Benchmark(
                each,
                share,
                baseline=next((case for case in each if case.method == BASELINE), None),
                references={case.reference: "pan_keras.bench.decode:reference" for case in each},
                progress=progress,
            )
            for each in cases
        ]
        work = {
            "benchmark": "decode",
            **cases[0][0].work.to_json(),
            "short_side": short_side,
            "baseline": BASELINE,
        }
        names = [path.name for path in paths]
        return measured_results(
            FileBenchmarks(benchmarks), {**work, "quick": quick, "files": names}
        )


def decode_cases(
    file: Path,
    segments: int,
    stack: int,
    readers: Sequence[str],
    threads: int,
    short_side: int = 0,
) -> list[Case]:
    """Returns the cases of a file.

    Args:
        file: A video.
        segments: N.
        stack: m.
        readers: Some of `READERS`; all if empty.
        threads: Threads per reader.
        short_side: As for `measure_decode`.

    Raises:
        BrokenVideo: If the file cannot be read.
    """
    info = probe(file)
    name = f"{file.name} {info.width}x{info.height}"
    scale = min(1.0, short_side / min(info.height, info.width)) if short_side else 1.0
    height, width = int(info.height * scale), int(info.width * scale)
    return [
        Case(
            reader,
            "file",
            work=Work(segments, stack, height, width),
            graph=name,
            precision="lossy" if reader in SHARDS else "uint8",
            threads=threads,
            reference=name,
            opener="pan_keras.bench.decode:open_session",
            builder="pan_keras.bench.decode:build_shard" if reader in SHARDS else "",
            options={"file": str(file.absolute()), "short_side": short_side},
            error=_missing(reader),
        )
        for reader in READERS
        if not readers or reader in readers
    ]


def made_clips(
    folder: Path,
    codecs: Sequence[str] = (),
    *,
    quick: bool = False,
    progress: Progress = lambda _: None,
) -> list[Path]:
    """Encodes the same moving texture with several codecs and in several sizes.

    Args:
        folder: Where the files are written.
        codecs: Some of `CODECS`; by default all.
        quick: Whether to encode only two small ones.
        progress: Called with a line of text about the current step.

    Returns:
        The files, named by codec and size.
    """
    every = [(codec, size) for codec in CODECS for size in SIZES]
    files = []
    for codec, (height, width) in QUICK_CLIPS if quick and not codecs else every:
        if codecs and codec not in codecs:
            continue
        progress(f"encode {codec} {width}x{height}")
        _, ending, _ = CODECS[codec]
        files.append(folder / f"{codec}-{width}x{height}.{ending}")
        encode(files[-1], codec, height, width)
    return files


def encode(path: Path, codec: str, height: int, width: int, seconds: float = SECONDS) -> None:
    """Encodes a sliding texture with noise that changes from frame to frame.

    Args:
        path: The file.
        codec: One of `CODECS`.
        height: Frame height in pixels.
        width: Frame width in pixels.
        seconds: Duration of the clip.
    """
    import av  # noqa: PLC0415

    encoder, _, options = CODECS[codec]
    generator = np.random.default_rng(0)
    coarse = generator.integers(0, 256, (height // 8, width // 8, 3)).astype("uint8")
    texture = np.repeat(np.repeat(coarse, 16, axis=0), 16, axis=1)
    noise = generator.integers(0, 6, (height + 16, width + 16, 1)).astype("uint8")
    with av.open(str(path), "w") as container:
        stream = container.add_stream(encoder, rate=RATE, options=options)
        stream.height, stream.width, stream.pix_fmt = height, width, "yuv420p"
        stream.codec_context.gop_size = KEY_EVERY
        for number in range(round(seconds * RATE)):
            x, y = 2 * number % width, number % height
            seen = texture[y : y + height, x : x + width] // 2
            dy, dx = generator.integers(0, 16, 2)
            picture = seen + noise[dy : dy + height, dx : dx + width]
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())


def open_session(case: Case) -> CallSession:
    """Opens a session that reads the frames of one clip.

    Args:
        case: Its `method` names the reader, its `options["file"]` the file.
    """
    read = {
        "pan_keras": _by_pan_keras,
        "shard_jpeg": _by_pan_keras,
        "shard_h264": _by_pan_keras,
        "opencv": _by_opencv,
        "torchcodec": _by_torchcodec,
        "decord": _by_decord,
    }[case.method]
    keep_freed_memory()  # as in training, for every reader
    file, threads = case.options["file"], case.threads
    wanted = _wanted(case)
    if case.method in SHARDS:
        (shard,) = shard_files(Path(case.options["folder"]))
        file = str(shard / Path(file).name)

    def call() -> np.ndarray:
        return _shrunk(read(file, wanted, threads), case)

    session = CallSession(call, units=1, answer=call)
    session.facts["file_bytes"] = clip_bytes(file)
    return session


def build_shard(case: Case, folder: Path) -> None:
    """Stores the clip of a case in a shard.

    Args:
        case: A case of a shard.
        folder: Where the shard is written.
    """
    file = Path(case.options["file"])
    clip = PlannedClip(file, file.name, "clip", "train", 0.0, file.stat().st_size)
    encoding = ShardEncoding(SHARDS[case.method], short_side=case.options["short_side"])
    write_shard(PlannedShard(0, (clip,)), folder, encoding)


def reference(case: Case) -> np.ndarray:
    """Returns the frames, found by decoding the whole file in order.

    Args:
        case: A case of any reader.

    Returns:
        uint8 `(N * m, H, W, 3)`.
    """
    import av  # noqa: PLC0415

    wanted = _wanted(case)
    kept: dict[int, np.ndarray] = {}
    with av.open(case.options["file"]) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number in wanted:
                kept[number] = frame.to_ndarray(format="rgb24")
    return _shrunk(np.stack([kept[number] for number in wanted]), case)


def _shrunk(frames: np.ndarray, case: Case) -> np.ndarray:
    """Scales the frames as `ShardEncoding` does; those of a shard have the size already."""
    side = case.options["short_side"]
    if not side or min(frames.shape[1:3]) <= side:
        return frames
    return np.stack([resize_shorter_side(frame, side, resize) for frame in frames])


def _wanted(case: Case) -> list[int]:
    frames = probe(case.options["file"]).frames
    starts = spread_starts(frames, case.work.segments, case.work.stack)[0]
    return [int(place) for place in stack_frames(starts, frames, case.work.stack).ravel()]


def _by_pan_keras(file: str, wanted: list[int], _threads: int) -> np.ndarray:
    return read_frames(file, wanted)


def _by_opencv(file: str, wanted: list[int], threads: int) -> np.ndarray:
    import cv2  # noqa: PLC0415

    # Seeking is inexact in OpenCV, so the frames in between are grabbed without conversion.
    capture = cv2.VideoCapture(file, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, threads])
    kept: dict[int, np.ndarray] = {}
    for number in range(max(wanted) + 1):
        capture.grab()
        if number in wanted:
            kept[number] = cv2.cvtColor(capture.retrieve()[1], cv2.COLOR_BGR2RGB)
    capture.release()
    return np.stack([kept[number] for number in wanted])


def _by_torchcodec(file: str, wanted: list[int], threads: int) -> Any:
    from torchcodec.decoders import VideoDecoder  # noqa: PLC0415

    decoder = VideoDecoder(file, dimension_order="NHWC", num_ffmpeg_threads=threads)
    return decoder.get_frames_at(indices=wanted).data.numpy()


def _by_decord(file: str, wanted: list[int], threads: int) -> Any:
    import decord  # noqa: PLC0415

    reader = decord.VideoReader(file, ctx=decord.cpu(0), num_threads=threads)
    return reader.get_batch(wanted).asnumpy()


def _missing(reader: str) -> str:
    module = READERS[reader]
    if find_spec(module) is not None:
        return ""
    error = missing_part(ModuleNotFoundError(name=module))
    return str(error or f"{module} is not installed; pip install {module}")


def _refuse_unknown(what: str, given: Sequence[str], known: Any) -> None:
    for name in given:
        if name not in known:
            raise UserError(f"{what}: {name!r} is not one of {', '.join(known)}")
