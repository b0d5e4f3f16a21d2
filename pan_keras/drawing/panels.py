"""Arranges pictures in rows with text and legends, and encodes them as files."""

import cv2
import numpy as np

from pan_keras.drawing.colours import heat

INK, PAPER = (235, 237, 240), (18, 20, 23)
GAP = 6  # pixels between two pictures
MARGIN = 28  # pixels above pictures, for a line of text
TEXT = 15  # height of text in pixels
WEIGHT = 400
STRIP = 96  # maximum height of a strip in pixels


def enlarge(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Scales a picture to `size` (H, W) for display; single pixels stay visible."""
    if picture.shape[:2] == size:
        return picture
    return cv2.resize(picture, size[::-1], interpolation=cv2.INTER_NEAREST)


def viewing_size(size: tuple[int, int], shorter: int) -> tuple[int, int]:
    """The size (H, W), both even, at which the shorter side of a picture is at least `shorter`."""
    factor = max(1, -(-shorter // min(size)))
    height, width = (side * factor - side * factor % 2 for side in size)
    return height, width


def row(pictures: list[np.ndarray]) -> np.ndarray:
    """Places pictures of equal height side by side."""
    gap = blank(pictures[0].shape[0], GAP)
    parts = [part for picture in pictures for part in (gap, picture)]
    return np.hstack(parts[1:])


def blank(height: int, width: int) -> np.ndarray:
    """Creates an empty picture."""
    return np.full((height, width, 3), PAPER, np.uint8)


def write(
    picture: np.ndarray, text: str, place: tuple[int, int], colour: tuple[int, int, int] = INK
) -> None:
    """Writes text of any script into a picture; `place` is the left end of its baseline."""
    cv2.putText(picture, text, place, colour, cv2.FontFace("sans"), TEXT, WEIGHT)


def text_width(text: str) -> int:
    """Width of a text in pixels."""
    nowhere = blank(1, 1)
    return cv2.putText(nowhere, text, (0, 0), INK, cv2.FontFace("sans"), TEXT, WEIGHT)[0][0]


def headings(texts: list[str], widths: list[int]) -> np.ndarray:
    """Draws a line of headings over the columns of a row."""
    line = blank(MARGIN, sum(widths) + GAP * (len(widths) - 1))
    left = 0
    for text, width in zip(texts, widths, strict=True):
        write(line, text, (left + 2, MARGIN - 9))
        left += width + GAP
    return line


def heat_legend(highest: float, width: int, name: str = "") -> np.ndarray:
    """Draws the colours of `heat` from 0 to `highest` with their values, on black."""
    legend = np.zeros((MARGIN, width, 3), np.uint8)
    first, last, foot = f"{name}0", f"{highest:.2g}", MARGIN - 9
    start, end = text_width(first) + 8, width - text_width(last) - 10
    legend[9:-9, start:end] = heat(np.linspace(0, 1, max(end - start, 1))[None], 1.0)
    write(legend, first, (2, foot))
    write(legend, last, (end + 5, foot))
    return legend


def png(picture: np.ndarray) -> bytes:
    """Encodes a picture as PNG with maximum compression."""
    packed = [cv2.IMWRITE_PNG_COMPRESSION, 9]
    return cv2.imencode(".png", picture[..., ::-1], packed)[1].tobytes()


def jpeg(picture: np.ndarray) -> bytes:
    """Encodes a picture as JPEG."""
    return cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])[1].tobytes()


def strip(pictures: np.ndarray) -> np.ndarray:
    """Places pictures `(N, H, W, 3)` in one row without gaps, at most 96 pixels high."""
    height, width = pictures.shape[1:3]
    if height > STRIP:
        size = (max(1, round(width * STRIP / height)), STRIP)
        pictures = np.stack(
            [cv2.resize(each, size, interpolation=cv2.INTER_AREA) for each in pictures]
        )
    return np.hstack(list(pictures))
