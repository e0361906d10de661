"""`tui-voice devices`: the microphones and loudspeakers there are."""

from __future__ import annotations

import argparse
from typing import Any

from tui_voice.audio.devices import list_devices
from tui_voice.audio.driver import Device, Direction
from tui_voice.audio.stderr_redirect import keep_terminal
from tui_voice.cli.table import columns, print_json


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "devices",
        help="the sound devices there are",
        description="The sound devices there are. Choose one by its id, or by part of its name, "
        "with --input-device and --output-device.",
    )
    parser.add_argument("--json", action="store_true", help="for a program to read")


def run(args: argparse.Namespace) -> int:
    with keep_terminal():  # JACK's library, for one, complains about what nobody asked
        devices = list_devices()
    if args.json:
        print_json([device.as_dict() for device in devices])
    elif devices:
        print(_lines(devices, "input", "Microphones"))
        print()
        print(_lines(devices, "output", "Loudspeakers"))
    else:
        print("No sound device was found. `tui-voice doctor` says what may be missing.")
    return 0


def _lines(devices: list[Device], direction: Direction, title: str) -> str:
    able = [device for device in devices if device.channels(direction)]
    rows = [
        (
            "*" if device.is_default(direction) else " ",
            device.name,
            _rates(device.rates),
            device.id,
        )
        for device in able
    ]
    return "\n".join([f"{title} (* is the default)", columns(rows) or "  none"])


def _rates(rates: tuple[int, ...]) -> str:
    if len(rates) > 3:
        return f"{min(rates)}-{max(rates)} Hz"
    return ", ".join(map(str, rates)) + " Hz" * bool(rates)
