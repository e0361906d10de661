"""What it means that a loudspeaker of the sound server plays through another port."""

from __future__ import annotations

import ctypes
from dataclasses import replace
from typing import Any

import pytest

from tests.requirements_harness import require_package
from tui_voice.audio.pulse_server import sink_ports
from tui_voice.audio.sink_ports import Port, PortChange, PortUse, follow_ports

HEADPHONES = Port("analog-output-headphones", "Headphones")
SPEAKER = Port("analog-output-speaker", "Speaker")
UNPLUGGED = replace(HEADPHONES, connected=False)


@pytest.mark.parametrize(
    ("before", "active", "ports", "use", "change"),
    [
        pytest.param(
            PortUse(HEADPHONES),
            SPEAKER,
            [SPEAKER, UNPLUGGED],
            PortUse(SPEAKER, HEADPHONES),
            PortChange(back=False, lost="Headphones", now="Speaker"),
            id="the headphones are unplugged",
        ),
        pytest.param(
            PortUse(SPEAKER, HEADPHONES),
            HEADPHONES,
            [SPEAKER, HEADPHONES],
            PortUse(HEADPHONES),
            PortChange(back=True, lost="Headphones", now="Headphones"),
            id="they are back",
        ),
        pytest.param(
            PortUse(HEADPHONES),
            SPEAKER,
            [SPEAKER, HEADPHONES],
            PortUse(SPEAKER),
            None,
            id="the user chose another port",
        ),
        pytest.param(
            PortUse(SPEAKER),
            SPEAKER,
            [SPEAKER, UNPLUGGED],
            PortUse(SPEAKER),
            None,
            id="the headphones that the user had left are unplugged",
        ),
        pytest.param(
            PortUse(SPEAKER),
            HEADPHONES,
            [SPEAKER, HEADPHONES],
            PortUse(HEADPHONES),
            None,
            id="headphones are plugged in",
        ),
        pytest.param(
            PortUse(SPEAKER, HEADPHONES),
            SPEAKER,
            [SPEAKER, UNPLUGGED],
            PortUse(SPEAKER, HEADPHONES),
            None,
            id="the volume changes meanwhile",
        ),
        pytest.param(
            PortUse(HEADPHONES),
            SPEAKER,
            [SPEAKER],
            PortUse(SPEAKER),
            None,
            id="the port is no longer listed",
        ),
        pytest.param(PortUse(None), None, [], PortUse(None), None, id="a sink without ports"),
    ],
)
def test_a_port_is_lost_where_its_headphones_are_unplugged(
    before: PortUse,
    active: Port | None,
    ports: list[Port],
    use: PortUse,
    change: PortChange | None,
) -> None:
    assert follow_ports(before, active, ports) == (use, change)


def test_the_ports_of_a_sink_are_read_from_a_record_of_libpulse() -> None:
    """0, 1 and 2 are "unknown", "no" and "yes" in `pa_port_available_t`."""
    require_package("pulsectl")
    import pulsectl

    library: Any = pulsectl._pulsectl
    records = [
        library.PA_PORT_INFO(id_.encode(), name.encode(), 100, available)
        for id_, name, available in (
            (SPEAKER.id, SPEAKER.name, 0),
            (HEADPHONES.id, HEADPHONES.name, 1),
            ("hdmi-output-0", "HDMI", 2),
        )
    ]
    pointers = (ctypes.POINTER(library.PA_PORT_INFO) * 3)(*map(ctypes.pointer, records))
    sink = library.PA_SINK_INFO(
        name=b"alsa_output.pci",
        description=b"Built-in Audio",
        proplist=library.pa.proplist_from_string("device.class=sound"),
        n_ports=3,
        ports=pointers,
        active_port=pointers[0],
    )
    hdmi = Port("hdmi-output-0", "HDMI")
    assert sink_ports(pulsectl.PulseSinkInfo(sink)) == (SPEAKER, [SPEAKER, UNPLUGGED, hdmi])
    sink.n_ports, sink.active_port = 0, None
    assert sink_ports(pulsectl.PulseSinkInfo(sink)) == (None, [])
