"""Decides what it means that a loudspeaker of the sound server plays through another port.

With headphones in a jack, PulseAudio and PipeWire keep the loudspeaker (the sink) when they are
unplugged, and switch its port: from "analog-output-headphones" to "analog-output-speaker".
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Port:
    """One way out of a sink. `connected`: False where the server knows that nothing is there."""

    id: str
    name: str
    connected: bool = True


@dataclass(frozen=True, slots=True)
class PortUse:
    """The port in use, and the one that was in use until its headphones were unplugged."""

    active: Port | None
    lost: Port | None = None


@dataclass(frozen=True, slots=True)
class PortChange:
    """A port was lost, or is used again (`back`). `now`: the name of the port in use."""

    back: bool
    lost: str
    now: str


def follow_ports(
    before: PortUse, active: Port | None, ports: Sequence[Port]
) -> tuple[PortUse, PortChange | None]:
    """Returns the use of a sink's ports now, and what happened since `before`; None for nothing.

    `active`: the port in use now, of all `ports`. A port that the user left by hand, so that its
    headphones are still there, is not lost.
    """
    was = before.active
    if active is None or was is None or active.id == was.id:
        return PortUse(active, before.lost), None
    if before.lost is not None and active.id == before.lost.id:
        return PortUse(active), PortChange(True, before.lost.name, active.name)
    if any(port.id == was.id and not port.connected for port in ports):
        return PortUse(active, was), PortChange(False, was.name, active.name)
    return PortUse(active, before.lost), None
