"""Packets of VP8 and VP9 whose frame is only there for others to refer to, and is never shown."""

import av

SUPERFRAME = 0b110  # the three highest bits of a VP9 packet's last byte, if it holds several frames


def shows(codec: str, packet: av.Packet) -> bool:
    """Whether a player shows a frame for a packet.

    Args:
        codec: Name of the codec, as libav calls it.
        packet: A packet with data.

    Example:
        >>> with opened(Path("clip.webm"), timeout=30) as video:
        ...     sum(shows("vp8", packet) for packet in video.packets() if packet.size)
        60
    """
    if codec == "vp8":
        # Frame tag: not a key frame, version (3 bits), shown.
        return bool(bytes(packet)[0] >> 4 & 1)
    if codec == "vp9":
        data = bytes(packet)
        # A superframe ends in the frame that is shown.
        return _is_superframe(data) or _vp9_shows(data[0])
    return True


def _is_superframe(data: bytes) -> bool:
    # Its index begins and ends with the same byte: marker (3 bits), bytes of a size less 1 (2),
    # frames less 1 (3).
    mark = data[-1]
    index = 2 + ((mark >> 3 & 0b11) + 1) * ((mark & 0b111) + 1)
    return mark >> 5 == SUPERFRAME and len(data) >= index and data[-index] == mark


def _vp9_shows(first: int) -> bool:
    # Marker (2 bits), profile (2, and a zero for profile 3), shows an existing frame, not a key
    # frame, shown.
    first <<= 1 if first >> 4 & 0b11 == 0b11 else 0
    return bool(first & 0b1000 or first & 0b10)
