"""When packets are decoded, where frames are decoded in another order than they are shown in."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["decode_time"]


def decode_time(place: int, times: Sequence[int], late: int) -> int:
    """Return when a packet is decoded: one after another, none after it is shown.

    That is when the frame is shown that lies `late` places before it, whatever the time between
    frames. What encoders say ends with their segment, and x265 says of two frames what is not
    possible.

    Args:
        place: of the packet, in the order of decoding.
        times: when the frames are shown, in order; at least up to `place`.
        late: the most places by which a frame is decoded after its place in the order of showing.
    """
    if place >= late:
        return times[place - late]
    gap = times[1] - times[0] if len(times) > 1 else 1
    return times[0] - (late - place) * gap
