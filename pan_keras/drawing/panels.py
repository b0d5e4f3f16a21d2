"""Drawing on pixels: maps as heat, text, legends."""

import cv2
import numpy as np

INK, PAPER = (235, 237, 240), (18, 20, 23)
GAP = 6  # pixels between two pictures
MARGIN = 28  # pixels above pictures, for a line of text
TEXT = 15  # pixels high
WEIGHT = 400
INSIDE = 0.998  # share of the values that lie within a colour scale


def heat(values: np.ndarray, highest: float) -> np.ndarray:
    """Colours a map by matplotlib's `inferno`, black at 0.

    Args:
        values: `(H, W)`, 0 or more.
        highest: Value that gets the brightest colour; what is higher looks the same.

    Returns:
        uint8 `(H, W, 3)`, RGB.
    """
    shares = np.clip(values * (255 / max(highest, 1e-12)), 0, 255).astype(np.uint8)
    return cv2.cvtColor(cv2.applyColorMap(shares, cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB)


def enlarge(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Scales a picture to `size` (H, W) for the eye; single pixels stay visible."""
    if picture.shape[:2] == size:
        return picture
    return cv2.resize(picture, size[::-1], interpolation=cv2.INTER_NEAREST)


def viewing_size(size: tuple[int, int], shorter: int) -> tuple[int, int]:
    """The size (H, W), both even, at which a picture of `size` is at least `shorter` pixels."""
    factor = max(1, -(-shorter // min(size)))
    height, width = (side * factor - side * factor % 2 for side in size)
    return height, width


def row(pictures: list[np.ndarray]) -> np.ndarray:
    """Pictures of one height side by side."""
    gap = blank(pictures[0].shape[0], GAP)
    parts = [part for picture in pictures for part in (gap, picture)]
    return np.hstack(parts[1:])


def blank(height: int, width: int) -> np.ndarray:
    """An empty picture."""
    return np.full((height, width, 3), PAPER, np.uint8)


def write(
    picture: np.ndarray, text: str, place: tuple[int, int], colour: tuple[int, int, int] = INK
) -> None:
    """Writes text into a picture, in any script; `place` is the left end of its base line."""
    cv2.putText(picture, text, place, colour, cv2.FontFace("sans"), TEXT, WEIGHT)


def text_width(text: str) -> int:
    """Pixels that a text takes across."""
    nowhere = blank(1, 1)
    return cv2.putText(nowhere, text, (0, 0), INK, cv2.FontFace("sans"), TEXT, WEIGHT)[0][0]


def headings(texts: list[str], widths: list[int]) -> np.ndarray:
    """A line of texts over the columns of a row."""
    line = blank(MARGIN, sum(widths) + GAP * (len(widths) - 1))
    left = 0
    for text, width in zip(texts, widths, strict=True):
        write(line, text, (left + 2, MARGIN - 9))
        left += width + GAP
    return line


def heat_legend(highest: float, width: int, name: str = "") -> np.ndarray:
    """The colours of `heat` from 0 to `highest`, with their values, on black."""
    legend = np.zeros((MARGIN, width, 3), np.uint8)
    first, last, foot = f"{name}0", f"{highest:.2g}", MARGIN - 9
    start, end = text_width(first) + 8, width - text_width(last) - 10
    legend[9:-9, start:end] = heat(np.linspace(0, 1, max(end - start, 1))[None], 1.0)
    write(legend, first, (2, foot))
    write(legend, last, (end + 5, foot))
    return legend


def png(picture: np.ndarray) -> bytes:
    """A picture as a PNG file, packed as small as it goes."""
    packed = [cv2.IMWRITE_PNG_COMPRESSION, 9]
    return cv2.imencode(".png", picture[..., ::-1], packed)[1].tobytes()


def scale_of(values: np.ndarray) -> float:
    """The value that a colour scale ends with: 99.8 % lie within; two digits, rounded up.

    So what a legend says of the scale is the scale itself.
    """
    value = float(np.quantile(values, INSIDE))
    if value <= 0:
        return 1.0
    unit = 10.0 ** (np.floor(np.log10(value)) - 1)
    return float(f"{np.ceil(value / unit - 1e-9) * unit:.2g}")
