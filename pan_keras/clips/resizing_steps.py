"""The versions of resizing, and the steps that the newest takes."""

from typing import Final, Literal, get_args

Resizing = Literal[1, 2]
RESIZINGS = get_args(Resizing)
RESIZING: Final = 2

Size = tuple[int, int]


def resizing_steps(frame_size: Size, size: Size) -> list[Size]:
    """The sizes through which version 2 takes a frame, one bilinear interpolation each.

    A side of at least twice the length wanted is halved until it is less than that, without its
    last row or column where it is odd. A side that is then still too long is enlarged to twice the
    length wanted and halved, which averages over all of it; bilinear interpolation alone would
    pass over pixels.

    Args:
        frame_size: Height and width of the frame.
        size: Height and width wanted.

    Returns:
        Height and width after each step, the last being `size`; none where the frame has it.

    Example:
        >>> resizing_steps((1080, 1920), (256, 455))
        [(540, 960), (270, 480), (512, 910), (256, 455)]
    """
    steps = []
    now = frame_size
    while any(_halves(*pair) for pair in zip(now, size, strict=True)):
        height, width = (
            side // 2 if _halves(side, wanted) else side
            for side, wanted in zip(now, size, strict=True)
        )
        now = (height, width)
        steps.append(now)
    if now[0] > size[0] or now[1] > size[1]:
        height, width = (
            2 * wanted if side > wanted else wanted for side, wanted in zip(now, size, strict=True)
        )
        now = (height, width)
        steps.append(now)
    return steps if now == size else [*steps, size]


def _halves(side: int, wanted: int) -> bool:
    return side >= 2 * wanted
