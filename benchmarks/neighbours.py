"""Compares the screen with other Textual programs: start, a key to its picture, CPU at rest.

Run: `python benchmarks/neighbours.py [--pictures DIR] [--runs 5]`. Every program is installed by uv
into an environment of its own and runs in the same pseudo-terminal (120×36) with an empty home
folder. Like the chat servers of the others, the embedded server of tui-voice runs already. Figures
are medians; a ratio is the neighbour's figure by ours. `--pictures` writes what each screen shows
as SVG. A run of a program takes 15 to 30 s on a quiet machine, and prints a line.
"""

from __future__ import annotations

import argparse
import io
import os
import select
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import pexpect
import pyte
from rich.console import Console
from rich.style import Style
from rich.text import Text

from benchmarks.figures import note

COLUMNS, ROWS = 120, 36
STILL_S = 1.5
"""A screen on which nothing was drawn for so many seconds is complete."""
SETTLE_S = 4.0
LONGEST_START_S = 60.0
KEY_TIMEOUT_S = 1.0
REST_S = 5.0
LETTERS = "thequickbrownfoxjumps"
"""Typed one by one. A blank would change nothing at the end of a line."""


class Program(NamedTuple):
    """A program and how to get to a place where letters can be typed."""

    packages: tuple[str, ...]
    """What uv installs; none: the program is ours."""
    command: tuple[str, ...]
    shows: str
    """A text that is on the screen once the program takes keys."""
    keys: str = ""
    """Typed before the letters."""
    config: tuple[str, str] = ("", "")
    """Path below the home folder, and content, of a settings file."""


WELCOME_SEEN = (".local/share/tui-voice/welcome-seen", "")
"""The dialog of the first start takes no letters."""
OTERM_CONFIG = (".local/share/oterm/config.json", '{"splash-screen": false}')
"""Without its splash screen, which moves for a minute."""
PROGRAMS = {
    "tui-voice": Program(
        (), (sys.executable, "-m", "tui_voice", "--text"), "idle", "", WELCOME_SEEN
    ),
    "oterm": Program(("oterm",), ("oterm",), "Welcome", "\x10", OTERM_CONFIG),
    # With tree-sitter 0.26, posting 2.11 ends with a segmentation fault.
    "posting": Program(("posting", "tree-sitter<0.26"), ("posting",), "Send"),
    "harlequin": Program(("harlequin",), ("harlequin",), "Query Results"),
    "elia": Program(("elia-chat",), ("elia",), "Welcome to Elia"),
}


class Figures(NamedTuple):
    first_paint_s: float
    start_cpu_s: float
    """Processor time of the program and its children until the screen stands still."""
    key_ms: float
    rest_cpu: float
    """Share of one core, 0–1, while nothing happens."""
    version: str
    lines: list[list[pyte.screens.Char]]


class Screen:
    """A program in a pseudo-terminal, and its emulated screen."""

    def __init__(self, command: list[str], home: Path) -> None:
        self.screen = pyte.Screen(COLUMNS, ROWS)
        self._stream = pyte.ByteStream(self.screen)
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        environment = {**kept, "HOME": str(home), "TERM": "xterm-256color", "LANG": "C.UTF-8"}
        if command[0] == sys.executable:
            environment["PYTHONPATH"] = str(Path(__file__).resolve().parents[1])
        self.began = time.perf_counter()
        self.process = pexpect.spawn(
            command[0], command[1:], env=environment, dimensions=(ROWS, COLUMNS), timeout=None
        )
        self.process.delaybeforesend = None

    def read(self, seconds: float) -> bool:
        """Draws what comes within so many seconds; returns whether something came."""
        if not select.select([self.process.child_fd], [], [], seconds)[0]:
            return False
        data = os.read(self.process.child_fd, 65536)
        if not data:
            raise SystemExit(f"the program has ended:\n{self.text}")
        # pyte does not know Kitty's graphics query, and would draw its text.
        self._stream.feed(data.replace(b"\x1b_G", b"\x1bX"))
        return True

    def settle(self) -> None:
        """Waits until nothing is drawn, or for `SETTLE_S` where a cursor blinks."""
        end = time.perf_counter() + SETTLE_S
        while time.perf_counter() < end and self.read(STILL_S):
            pass

    def cpu_s(self) -> float:
        """Processor seconds of the program and its children so far."""
        ticks, waiting = 0, [self.process.pid]
        while waiting:
            pid = waiting.pop()
            with suppress(OSError):
                stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                ticks += sum(map(int, stat[11:15]))
                tasks = Path(f"/proc/{pid}/task")
                for task in tasks.iterdir():
                    waiting += map(int, (task / "children").read_text().split())
        return ticks / os.sysconf("SC_CLK_TCK")

    @property
    def text(self) -> str:
        return "\n".join(self.screen.display)


def measure(program: Program, command: list[str], home: Path, version: str) -> Figures:
    """Runs the program once. Raises SystemExit where it does not start."""
    screen = Screen(command, home)
    try:
        while program.shows not in screen.text:
            screen.read(0.01)
            if time.perf_counter() - screen.began > LONGEST_START_S:
                raise SystemExit(f"{command[0]} does not show {program.shows!r}:\n{screen.text}")
        first = time.perf_counter() - screen.began
        screen.settle()
        start_cpu = screen.cpu_s()
        lines = [[screen.screen.buffer[y][x] for x in range(COLUMNS)] for y in range(ROWS)]
        time.sleep(REST_S)  # what is loaded after the first picture is loaded
        before, since = screen.cpu_s(), time.perf_counter()
        while (left := since + REST_S - time.perf_counter()) > 0:
            screen.read(left)
        rest = (screen.cpu_s() - before) / (time.perf_counter() - since)
        if program.keys:
            screen.process.send(program.keys)
            screen.settle()
        taken = []
        for letter in LETTERS:
            before_key, sent = screen.text.count(letter), time.perf_counter()
            screen.process.send(letter)
            while screen.text.count(letter) <= before_key:  # a clock changes other characters
                screen.read(KEY_TIMEOUT_S)
                if time.perf_counter() - sent > KEY_TIMEOUT_S:
                    break
            else:
                taken.append((time.perf_counter() - sent) * 1000)
            time.sleep(0.1)
            while screen.read(0):
                pass
        if not taken:
            raise SystemExit(f"{command[0]} shows no letter that is typed:\n{screen.text}")
        return Figures(first, start_cpu, statistics.median(taken), rest, version, lines)
    finally:
        screen.process.close(force=True)


def write_config(program: Program, home: Path) -> None:
    """Creates the home folder, with the program's settings file."""
    home.mkdir(parents=True, exist_ok=True)
    path, content = program.config
    if path:
        (home / path).parent.mkdir(parents=True, exist_ok=True)
        (home / path).write_text(content)


@contextmanager
def running_server(home: Path) -> Iterator[str]:
    """Gives the address of an embedded server that has loaded its models."""
    command = [sys.executable, "-m", "tui_voice", "serve", "--port", "0"]
    server = subprocess.Popen(
        command,
        cwd=Path(__file__).resolve().parents[1],
        env=os.environ | {"HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert server.stdout is not None
        lines = iter(server.stdout)
        address = next(lines).strip()
        print(f"tui-voice: loading the models of its server, {address}", flush=True)
        if not any("embedded engines ready" in line for line in lines):
            raise SystemExit("the embedded server does not start")
        yield address
    finally:
        server.terminate()
        server.wait()


def install(name: str, program: Program, folder: Path) -> tuple[list[str], str]:
    """Returns the command and the version; installs the program where it is not ours."""
    if not program.packages:
        from importlib.metadata import version

        return list(program.command), version("tui-voice")
    place = folder / name
    python = place / "bin" / "python"
    if not python.exists():
        print(f"{name}: installing {', '.join(program.packages)}", flush=True)
        subprocess.run(["uv", "venv", "-q", str(place)], check=True)
        subprocess.run(
            [
                *("uv", "pip", "install", "-q", "--compile-bytecode", "--python", str(python)),
                *program.packages,
            ],
            check=True,
        )
    code = f"from importlib.metadata import version; print(version({program.packages[0]!r}))"
    found = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    return [str(place / "bin" / program.command[0]), *program.command[1:]], found.stdout.strip()


def picture(name: str, figures: Figures, folder: Path) -> None:
    """Writes what the screen showed as `NAME.svg`."""
    console = Console(width=COLUMNS, height=ROWS, record=True, file=io.StringIO())
    for line in figures.lines:
        text = Text(end="\n")
        for char in line:
            colors = [
                f"#{c}" if len(c) == 6 else None if c == "default" else c.replace("brown", "yellow")
                for c in (char.fg, char.bg)
            ]
            style = Style(color=colors[0], bgcolor=colors[1], bold=char.bold, reverse=char.reverse)
            text.append(char.data, style)
        console.print(text, no_wrap=True, overflow="crop")
    title = f"{name} {figures.version}"
    (folder / f"{name}.svg").write_text(console.export_svg(title=title), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="runs of each program, in turn")
    parser.add_argument("--pictures", type=Path, help="folder for a picture of each screen")
    parser.add_argument(
        "--environments", type=Path, help="folder that keeps the installed programs"
    )
    arguments = parser.parse_args()
    found: dict[str, list[Figures]] = {name: [] for name in PROGRAMS}
    with (
        tempfile.TemporaryDirectory() as temporary,
        running_server(Path(temporary)) as address,
    ):
        folder = arguments.environments or Path(temporary) / "environments"
        commands = {name: install(name, one, folder) for name, one in PROGRAMS.items()}
        commands["tui-voice"][0].extend(("--backend", address))
        for run in range(1, arguments.runs + 1):
            for name, program in PROGRAMS.items():
                home = Path(temporary) / "homes" / name  # the first run may be slower
                write_config(program, home)
                one = measure(program, commands[name][0], home, commands[name][1])
                found[name].append(one)
                print(
                    f"run {run} of {arguments.runs}, {name}: first paint {one.first_paint_s:.2f} s,"
                    f" start {one.start_cpu_s:.2f} s of CPU, key {one.key_ms:.0f} ms,"
                    f" at rest {one.rest_cpu:.1%}, load {os.getloadavg()[0]:.1f}",
                    flush=True,
                )
    if arguments.pictures is not None:
        arguments.pictures.mkdir(parents=True, exist_ok=True)
        for name, runs in found.items():
            picture(name, runs[-1], arguments.pictures)
    table(found)


def table(found: dict[str, list[Figures]]) -> None:
    """Prints the medians, each with its ratio to ours."""
    ours: list[float] = []
    print(f"{'program':<22}{'first paint':>18}{'start, CPU':>18}{'key to paint':>18}{'at rest':>9}")
    for name, runs in found.items():
        medians = [statistics.median(column) for column in list(zip(*runs, strict=True))[:4]]
        ours = ours or medians
        ratios = [one / own if own else 1.0 for one, own in zip(medians, ours, strict=True)]
        cells = [
            f"{medians[0]:.2f} s ({ratios[0]:.1f}×)",
            f"{medians[1]:.2f} s ({ratios[1]:.1f}×)",
            f"{medians[2]:.0f} ms ({ratios[2]:.1f}×)",
        ]
        shown = f"{name} {runs[0].version}"
        if medians is not ours:
            own_first, own_cpu, own_key = ours[:3]
            note(
                f"start until the first picture, {name}", own_first, "s", by=shown, other=medians[0]
            )
            note(f"start, processor, {name}", own_cpu, "s", by=shown, other=medians[1])
            note(f"a key to its picture, {name}", own_key, "ms", by=shown, other=medians[2])
        print(f"{shown:<22}" + "".join(f"{c:>18}" for c in cells) + f"{medians[3]:>9.1%}")


if __name__ == "__main__":
    main()
