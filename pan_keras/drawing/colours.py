"""Colours: the palette of figures, heat for maps, hue and brightness for optical flow."""

import cv2
import numpy as np

# Colours of figures on a light background. In an SVG each becomes the CSS variable of that name, so
# that the same drawing works in light and dark mode.
PALETTE = {
    "ink": "#1c2024",
    "muted": "#60656d",
    "line": "#dfe2e6",
    "paper": "#fdfdfe",
    "accent": "#1f5fc4",
    "second": "#d0620f",
}
# Colours of runs in a comparison.
SERIES = (PALETTE["accent"], PALETTE["second"], "#3f7d20", "#8a4fbf", "#b58a00", "#c2302b")
# The paper's red, orange and yellow for the timescales 1, 2 and 4; then green and blue.
TIMESCALES = ("#c2302b", "#d9730d", "#dcaa1e", "#3f7d20", "#1f5fc4")
INSIDE = 0.998  # share of the values within a colour scale


def heat(values: np.ndarray, highest: float) -> np.ndarray:
    """Colours a map with matplotlib's `inferno`, black at 0.

    Args:
        values: `(H, W)`, 0 or more.
        highest: Value of the brightest colour; higher values are clipped.

    Returns:
        uint8 `(H, W, 3)`, RGB.
    """
    shares = np.clip(values * (255 / max(highest, 1e-12)), 0, 255).astype(np.uint8)
    return cv2.cvtColor(cv2.applyColorMap(shares, cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB)


def heat_by_range(maps: np.ndarray) -> np.ndarray:
    """Colours the maps of a clip with `heat`, over the range of their values.

    Args:
        maps: `(N, H, W)`; the top 0.2 % of values, which would darken the rest, are clipped.

    Returns:
        uint8 `(N, H, W, 3)`, RGB.
    """
    low, high = maps.min(), np.quantile(maps, INSIDE)
    return np.stack([heat(each - low, float(high - low)) for each in maps])


def scale_of(values: np.ndarray) -> float:
    """Upper end of a colour scale: covers 99.8 % of the values, rounded up to two digits.

    Rounding makes the number in a legend exact.
    """
    value = float(np.quantile(values, INSIDE))
    if value <= 0:
        return 1.0
    unit = 10.0 ** (np.floor(np.log10(value)) - 1)
    return float(f"{np.ceil(value / unit - 1e-9) * unit:.2g}")


def flow_colours(flow: np.ndarray, fastest: float) -> np.ndarray:
    """Colours a flow field; zero motion is black.

    Args:
        flow: `(H, W, 2)`, pixels to the right and pixels down.
        fastest: Speed in pixels of full brightness; higher speeds are clipped.

    Returns:
        uint8 `(H, W, 3)`, RGB: red to the right, yellow-green down, cyan to the left, violet up.

    Example:
        >>> flow_colours(np.full((1, 1, 2), (4.0, 0.0), "float32"), fastest=4.0)[0, 0].tolist()
        [255, 0, 0]
    """
    speed, angle = cv2.cartToPolar(
        np.ascontiguousarray(flow[..., 0]), np.ascontiguousarray(flow[..., 1])
    )
    hue = (angle * (90 / np.pi)).astype(np.uint8) % 180  # the range of OpenCV's hues
    value = np.clip(speed * (255 / max(fastest, 1e-12)), 0, 255).astype(np.uint8)
    return cv2.cvtColor(np.stack([hue, np.full_like(hue, 255), value], -1), cv2.COLOR_HSV2RGB)


def flow_wheel(side: int) -> np.ndarray:
    """Draws the key to flow colours: a disc from zero motion at the centre to full speed.

    Args:
        side: Height and width in pixels.

    Returns:
        uint8 `(side, side, 3)`, RGB.
    """
    steps = np.linspace(-1, 1, side, dtype=np.float32)
    flow = np.stack(np.meshgrid(steps, steps), -1)
    flow[np.hypot(flow[..., 0], flow[..., 1]) > 1] = 0
    return flow_colours(flow, 1.0)
