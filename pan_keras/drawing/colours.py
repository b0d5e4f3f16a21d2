"""Colours: the palette of figures, heat for maps, hue and brightness for optical flow."""

import cv2
import numpy as np

# Figures are drawn in the colours of light paper; in an SVG each of them becomes the variable of
# the page's style sheet with that name, so that one drawing serves light and dark.
PALETTE = {
    "ink": "#1c2024",
    "muted": "#60656d",
    "line": "#dfe2e6",
    "paper": "#fdfdfe",
    "accent": "#1f5fc4",
    "second": "#d0620f",
}
# Runs beside each other.
SERIES = (PALETTE["accent"], PALETTE["second"], "#3f7d20", "#8a4fbf", "#b58a00", "#c2302b")
# The paper's red, orange and yellow for the timescales 1, 2 and 4; then green and blue.
TIMESCALES = ("#c2302b", "#d9730d", "#dcaa1e", "#3f7d20", "#1f5fc4")
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


def heat_by_range(maps: np.ndarray) -> np.ndarray:
    """Colours the maps of a clip by `heat`, from their own lowest value to their highest.

    Args:
        maps: `(N, H, W)`; the brightest two in a thousand, which would darken all else, lie
            outside the range.

    Returns:
        uint8 `(N, H, W, 3)`, RGB.
    """
    low, high = maps.min(), np.quantile(maps, INSIDE)
    return np.stack([heat(each - low, float(high - low)) for each in maps])


def scale_of(values: np.ndarray) -> float:
    """The value that a colour scale ends with: 99.8 % lie within; two digits, rounded up.

    So what a legend says of the scale is the scale itself.
    """
    value = float(np.quantile(values, INSIDE))
    if value <= 0:
        return 1.0
    unit = 10.0 ** (np.floor(np.log10(value)) - 1)
    return float(f"{np.ceil(value / unit - 1e-9) * unit:.2g}")


def flow_colours(flow: np.ndarray, fastest: float) -> np.ndarray:
    """Colours a flow field; what stands still is black.

    Args:
        flow: `(H, W, 2)`, pixels to the right and pixels down.
        fastest: Speed in pixels that gets full brightness; what is faster looks the same.

    Returns:
        uint8 `(H, W, 3)`, RGB: red to the right, yellow-green down, cyan to the left, violet up.

    Example:
        >>> flow_colours(np.full((1, 1, 2), (4.0, 0.0), "float32"), fastest=4.0)[0, 0].tolist()
        [255, 0, 0]
    """
    speed, angle = cv2.cartToPolar(
        np.ascontiguousarray(flow[..., 0]), np.ascontiguousarray(flow[..., 1])
    )
    hue = (angle * (90 / np.pi)).astype(np.uint8) % 180  # OpenCV's hues end at 180
    value = np.clip(speed * (255 / max(fastest, 1e-12)), 0, 255).astype(np.uint8)
    return cv2.cvtColor(np.stack([hue, np.full_like(hue, 255), value], -1), cv2.COLOR_HSV2RGB)


def flow_wheel(side: int) -> np.ndarray:
    """The key to the colours: a disc whose middle stands still and whose rim is fastest.

    Args:
        side: Height and width in pixels.

    Returns:
        uint8 `(side, side, 3)`, RGB.
    """
    steps = np.linspace(-1, 1, side, dtype=np.float32)
    flow = np.stack(np.meshgrid(steps, steps), -1)
    flow[np.hypot(flow[..., 0], flow[..., 1]) > 1] = 0
    return flow_colours(flow, 1.0)
