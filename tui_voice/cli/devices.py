"""`tui-voice devices`: lists the microphones and loudspeakers."""

from __future__ import annotations

import argparse
from typing import Any

from tui_voice.audio.devices import list_devices
from tui_voice.audio.driver import Device, Direction
from tui_voice.audio.stderr_redirect import redirected_stderr
from tui_voice.cli.output import print_json
from tui_voice.cli.table import table
from tui_voice.config.program_form import in_working_form


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "devices",
        help="list the sound devices",
        description="Lists the sound devices. Choose one by its id, or by part of its name, "
        "with --input-device and --output-device.",
    )
    parser.add_argument("--json", action="store_true", help="print JSON for a program")


def run(args: argparse.Namespace) -> int:
    with redirected_stderr():  # some sound libraries, such as JACK's, print warnings
        devices = list_devices()
    if args.json:
        print_json([device.as_dict() for device in devices])
    elif devices:
        print(_lines(devices, "input", "Microphones"))
        print()
        print(_lines(devices, "output", "Loudspeakers"))
    else:
        print(
            in_working_form("No sound device was found. `tui-voice doctor` says what is missing.")
        )
    return 0


def _lines(devices: list[Device], direction: Direction, title: str) -> str:
    able = sorted((one for one in devices if one.channels(direction)), key=lambda one: one.monitor)
    rows = [(_mark(one, direction), one.name, _rates(one.rates), one.id) for one in able]
    legend = "* is the default"
    if any(one.monitor for one in able):
        legend += "; = captures what a loudspeaker plays, used only where it is named in full"
    return "\n".join([f"{title} ({legend})", table(rows) or "  none"])


def _mark(device: Device, direction: Direction) -> str:
    if device.monitor:
        return "="
    return "*" if device.is_default(direction) else " "


def _rates(rates: tuple[int, ...]) -> str:
    if len(rates) > 3:
        return f"{min(rates)}-{max(rates)} Hz"
    return ", ".join(map(str, rates)) + " Hz" * bool(rates)
