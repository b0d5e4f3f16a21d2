"""Test cases for the Android app's pre- and postprocessing, in `tests/golden/android.json`.

    PYTHONPATH=. python tests/android_cases.py

writes the file. Sample `(x, y)` of plane `p` (Y, U, V) of a picture is `sample(p, y, x)`; byte `c`
of pixel `(x, y)` of an RGB frame is that of `preprocessing_cases.golden_frame`.
"""

import hashlib
import struct
import tempfile
from itertools import product
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from preprocessing_cases import FILE, golden_frame, lines

from pan_keras.clips import ClipShape
from pan_keras.metrics.confidence import Confidence
from pan_keras.runtime.preprocessing import frame_for_model
from pan_keras.video import probe
from pan_keras.video.orientation import Orientation

GOLDEN = FILE.with_name("android.json")
# FFmpeg's constants; a file without a tag counts as BT.601.
MATRICES = {"BT601": 2, "BT709": 1, "BT2020": 9}
LIMITED, FULL = 1, 2
CROP = ((24, 32), 28, "crop", 2)
# Width, height, matrix, full range, degrees clockwise; size, resize, fit and version of resizing.
PICTURES = [
    (64, 48, "BT601", False, 0, *CROP),
    (64, 48, "BT601", True, 0, *CROP),
    (64, 48, "BT709", False, 0, *CROP),
    (64, 48, "BT709", True, 0, *CROP),
    (64, 48, "BT2020", False, 0, *CROP),
    (64, 48, "BT601", False, 90, *CROP),
    (66, 50, "BT601", False, 180, *CROP),
    (66, 50, "BT709", True, 270, *CROP),
    (63, 48, "BT601", False, 0, *CROP),
    (63, 48, "BT601", False, 90, *CROP),
    (2, 2, "BT601", False, 0, *CROP),
    (64, 49, "BT601", False, 0, *CROP),
    (64, 49, "BT601", True, 90, *CROP),
    (66, 51, "BT709", False, 180, *CROP),
    (66, 51, "BT2020", True, 270, *CROP),
    (63, 49, "BT601", False, 0, *CROP),
    (63, 49, "BT709", True, 90, *CROP),
    (65, 1079, "BT2020", False, 270, *CROP),
    (16, 9, "BT601", False, 0, *CROP),
    (9, 7, "BT601", False, 0, *CROP),
    (7, 5, "BT709", True, 0, *CROP),
    (5, 3, "BT601", False, 0, *CROP),
    (2, 1, "BT601", False, 0, *CROP),
    (322, 242, "BT601", True, 0, (64, 64), 72, "crop", 2),
    (640, 480, "BT601", True, 270, (64, 64), 72, "crop", 2),
    (1280, 720, "BT709", False, 90, (72, 96), 84, "crop", 2),
    (176, 144, "BT601", False, 0, (72, 96), 84, "letterbox", 2),
    (176, 144, "BT601", False, 90, (72, 96), 84, "squash", 2),
    (320, 240, "BT601", False, 0, (72, 96), 84, "crop", 1),
]
MIRRORED = [
    (66, 50, "BT601", False, 0, *CROP),
    (66, 50, "BT709", False, 90, *CROP),
    (66, 50, "BT601", True, 180, *CROP),
    (63, 48, "BT601", False, 270, *CROP),
    (63, 49, "BT601", False, 90, *CROP),
]
CHROMA_AT_LEFT = [
    (64, 48, "BT601", False, 0, *CROP),
    (64, 49, "BT601", False, 0, *CROP),
    (63, 49, "BT709", True, 90, *CROP),
    (6, 5, "BT601", False, 0, *CROP),
    (9, 7, "BT2020", False, 0, *CROP),
]
# Of the bitstream and of the container: matrix and range, or nothing.
TAGS = [
    (None, None),
    (("BT709", False), None),
    (("BT709", True), None),
    (("BT2020", False), None),
    ((None, True), None),
    (None, ("BT709", False)),
    (None, ("BT709", True)),
    (None, ("BT2020", False)),
    (("BT601", False), ("BT709", False)),
    (("BT709", True), ("BT601", False)),
    (("BT709", False), ("BT2020", True)),
]
# The names that x264 has for the matrices, as options of a stream.
X264 = {"BT601": "smpte170m", "BT709": "bt709", "BT2020": "bt2020nc", None: "undef"}
# Display matrices of a track and of its movie: a, b, c, d.
UPRIGHT = (1, 0, 0, 1)
MATRICES_OF_FILES = [
    *((each, UPRIGHT) for each in product((-1, 1), (0,), (0,), (-1, 1))),
    *(((0, b, c, 0), UPRIGHT) for b, c in product((-1, 1), (-1, 1))),
    ((0.98, -0.17, 0.17, 0.98), UPRIGHT),
    ((0.17, -0.98, 0.98, 0.17), UPRIGHT),
    ((0.6, 0.8, 0.8, -0.6), UPRIGHT),
    ((0.5, 0, 0, -2), UPRIGHT),
    ((0, 0, 0, 0), UPRIGHT),
    (UPRIGHT, (-1, 0, 0, 1)),
    ((0, 1, -1, 0), (-1, 0, 0, 1)),
    ((-1, 0, 0, 1), (0, 1, -1, 0)),
    ((-1, 0, 0, 1), (1, 0, 0, -1)),
]
# Height and width of a frame, for version 1: areas, blocks of 2 x 2 and of 3 x 3, and enlarging.
EARLY = [
    ((240, 320), (72, 96), 84),
    ((168, 224), (72, 96), 84),
    ((252, 336), (72, 96), 84),
    ((97, 211), (24, 32), 28),
    ((20, 27), (24, 32), 28),
    ((211, 97), (24, 24), 25),
]
LOGITS = [
    [0.0, 0.0, 0.0],
    [2.5, -1.25, 0.5, 2.5],
    [88.0, -104.0, 90.0],
    [1e-3, -1e-3],
]
# Temperature and threshold; the last is exactly the probability of equal logits of three classes.
CONFIDENCES = [(1.0, None), (1.62, 0.71), (0.4, 0.9), (30.0, 0.3), (1.0, 1 / 3)]
VALUES = [
    [4.0],
    [2.0, 1.0],
    [5.5, 1.25, 3.0, 2.0, 9.0, 4.0, 4.0],
    list(map(float, range(50, 0, -1))),
]


def sample(plane, row, column):
    return (7 * row * row + 3 * column * column + 5 * row * column + 31 * row + 89 * plane) & 255


def planes(width, height):
    """Y, U and V."""
    for plane in range(3):
        rows, columns = (height, width) if plane == 0 else ((height + 1) // 2, (width + 1) // 2)
        y, x = np.ogrid[:rows, :columns]
        yield sample(plane, y, x).astype(np.uint8)


def upright(width, height, matrix, full, clockwise, mirrored=False, chroma_at_left=False):
    """The picture as decoded by `pan_keras.video`."""
    frame = av.VideoFrame(width, height, "yuv420p")
    for target, plane in zip(frame.planes, planes(width, height), strict=True):
        rows = np.zeros((target.height, target.line_size), np.uint8)
        rows[: plane.shape[0], : plane.shape[1]] = plane
        target.update(rows.tobytes())
    if chroma_at_left:
        frame = _with_chroma_at_left(frame)
    frame.colorspace, frame.color_range = MATRICES[matrix], FULL if full else LIMITED
    rgb = VideoReformatter().reformat(frame, width=width, height=height, format="rgb24", threads=1)
    return np.ascontiguousarray(Orientation(-clockwise, mirrored).applied(rgb.to_ndarray()))


def _with_chroma_at_left(frame):
    """The frame as a decoder gives it that knows where chroma is; through a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/frame.nut"
        with av.open(path, "w") as file:
            stream = file.add_stream("rawvideo", rate=25)
            stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, "yuv420p"
            file.mux([*stream.encode(frame), *stream.encode()])
        with av.open(path) as file:
            file.streams.video[0].codec_context.options = {"chroma_sample_location": "left"}
            return next(file.decode(video=0))


def digest(pixels):
    return hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest()


def picture(width, height, matrix, full, clockwise, size, resize, fit, version, **how):
    shape = ClipShape(1, 1, size, resize, fit, version)
    pixels = upright(width, height, matrix, full, clockwise, **how)
    given = {"width": width, "height": height, "matrix": matrix, "full": full}
    given |= {"mirrored": False, "chroma_at_left": False} | how
    result = {"rgb": digest(pixels), "corner": pixels[0, :2].ravel().tolist()}
    prepared = frame_for_model(pixels, shape)
    return given | {"rotation": clockwise, "input": facts(shape), **result} | _prepared(prepared)


def answer(logits, numbers):
    confidence = Confidence(*numbers)
    probabilities = confidence.probabilities(np.array(logits, np.float32))
    return {
        "logits": logits,
        "temperature": confidence.temperature,
        "threshold": confidence.threshold,
        "probabilities": probabilities.tolist(),
        "unknown": not confidence.is_known(probabilities),
    }


def colours(bitstream, container):
    """With which matrix and range a video of such tags is decoded."""
    with tempfile.TemporaryDirectory() as folder:
        frame = _decoded(_tagged_video(Path(folder) / "tagged.mp4", bitstream, container))
    # SMPTE 170M, which most encoders write, has the matrix of BT.601.
    matrix = {1: "BT709", 9: "BT2020"}.get(frame.colorspace, "BT601")
    said = {"bitstream": _tags(bitstream), "container": _tags(container)}
    return said | {"matrix": matrix, "full": frame.color_range == FULL}


def orientation(track, movie):
    """How a file is turned and mirrored whose headers have these matrices."""
    track, movie = _display_matrix(track), _display_matrix(movie)
    with tempfile.TemporaryDirectory() as folder:
        path = _tagged_video(Path(folder) / "oriented.mp4", None, None)
        content = bytearray(path.read_bytes())
        # Where the matrix stands in version 0 of a header.
        for header, offset, matrix in ((b"tkhd", 40, track), (b"mvhd", 36, movie)):
            start = content.index(header) + len(header)
            assert content[start] == 0, "another version of the header"
            struct.pack_into(">9i", content, start + offset, *matrix)
        path.write_bytes(content)
        info = probe(path)
    found = {"rotation": -info.rotation % 360, "mirrored": info.mirrored}
    return {"track": track, "movie": movie} | found


def _display_matrix(entries):
    """Nine numbers: the first two of a row with 16 bits of fraction, the third with 30."""
    a, b, c, d = (round(entry * 2**16) for entry in entries)
    return [a, b, 0, c, d, 0, 0, 0, 2**30]


def _tags(tags):
    matrix, full = tags or (None, None)
    return {"matrix": matrix, "full": full}


def _tagged_video(path, bitstream, container):
    matrix, full = bitstream or (None, None)
    # Limited range without a matrix leaves the tags out of the bitstream.
    options = {"colormatrix": X264[matrix], "fullrange": "on" if full else "off"}
    if bitstream is None:
        options |= {"colorprim": "undef", "transfer": "undef"}
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        stream.options = {"x264-params": ":".join(f"{k}={v}" for k, v in options.items())}
        if container:
            context = stream.codec_context
            context.colorspace = MATRICES[container[0]] if container[0] != "BT601" else 6
            context.color_range = FULL if container[1] else LIMITED
            context.color_primaries = context.color_trc = 1
        picture = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
        file.mux([*stream.encode(picture), *stream.encode()])
    assert (b"colrnclx" in path.read_bytes()) == (container is not None)
    return path


def _decoded(path):
    with av.open(str(path)) as file:
        return next(file.decode(video=0))


def early_frame(frame, size, resize):
    shape = ClipShape(1, 1, size, resize, "crop", 1)
    prepared = frame_for_model(golden_frame(*frame), shape)
    return {"frame": list(frame), "input": facts(shape)} | _prepared(prepared)


def _prepared(pixels):
    return {"prepared": digest(pixels), "sum": int(pixels.sum(dtype=int))}


def facts(shape):
    """The object `input` of `model.json`."""
    return {
        "segments": shape.segments,
        "stack": shape.stack,
        "height": shape.size[0],
        "width": shape.size[1],
        "resize": shape.resize,
        "fit": shape.fit,
        "resizing": shape.resizing,
    }


def cases():
    """All cases with their results."""
    timings = [
        {
            "values": values,
            "p50": float(np.percentile(values, 50)),
            "p90": float(np.percentile(values, 90)),
        }
        for values in VALUES
    ]
    return {
        "picture": [
            *(picture(*case) for case in PICTURES),
            *(picture(*case, mirrored=True) for case in MIRRORED),
            *(picture(*case, chroma_at_left=True) for case in CHROMA_AT_LEFT),
        ],
        "colours": [colours(*case) for case in TAGS],
        "orientation": [orientation(*case) for case in MATRICES_OF_FILES],
        "early_frame": [early_frame(*case) for case in EARLY],
        "answer": [answer(*case) for case in product(LOGITS, CONFIDENCES)],
        "timings": timings,
    }


if __name__ == "__main__":
    GOLDEN.write_text(lines(cases()) + "\n", encoding="utf-8")
