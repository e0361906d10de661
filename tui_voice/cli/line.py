"""`tui-voice line`: the session as plain lines, for screen readers and simple terminals.

Each line of input is a turn or a command; an empty line opens and closes the microphone. Each line
of output is whole when it is printed: nothing moves the cursor, and nothing is printed twice.
"""

from __future__ import annotations

import argparse
import secrets
import sys
from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, NamedTuple

from tui_voice.audio.stderr_redirect import redirected_stderr
from tui_voice.cli.arguments import find_session
from tui_voice.cli.flags import (
    add_common,
    add_settings,
    editor_of,
    sessions_dir_of,
    settings_for_session,
)
from tui_voice.cli.input_lines import InputLines
from tui_voice.cli.outcomes import write_outcomes
from tui_voice.cli.output import print_styled
from tui_voice.cli.resume_hint import resume_lines
from tui_voice.config import log_path
from tui_voice.config.program_form import in_working_form
from tui_voice.errors import BackendError, ExitStatus, TuiVoiceError, UsageError
from tui_voice.signals import deferred

if TYPE_CHECKING:
    from pathlib import Path

    from tui_voice.conversation.conversation import Snapshot
    from tui_voice.conversation.events import Event
    from tui_voice.conversation.turns import Turn
    from tui_voice.runtime.session import Session

WAIT_S = 0.25
"""Seconds between two looks at what no snapshot tells, such as a tool that asks for approval."""
SHOWN_ON_RESUME = 4
"""Newest turns that are printed when a session is resumed."""


def add_parser(commands: Any) -> None:
    """Registers the command with argparse's subparsers."""
    parser = commands.add_parser(
        "line",
        help="the session as plain lines with microphone",
        description="The session as plain lines, for screen readers and simple terminals. Type a "
        "turn and press Enter; Enter alone opens and closes the microphone; /help lists the "
        "commands.",
    )
    parser.add_argument("--session", metavar="ID", help="resume a saved session")
    parser.add_argument("--states", action="store_true", help="print each state when it begins")
    add_settings(parser)
    add_common(parser)


def run(args: argparse.Namespace) -> int:
    """Takes lines from standard input until /quit, its end, or a signal (`EndedBySignal`).

    At the end of the input it waits for the reply. Returns 0. Raises `BackendError` where there is
    no connection then, and the error that ended the session.
    """
    from tui_voice.runtime.session_factory import SessionOptions, open_session

    folder = sessions_dir_of(args)
    wanted = "last" if args.session is None and args.continue_last else args.session
    resume = None if wanted is None else find_session(folder, wanted).path
    settings = settings_for_session(editor_of(args), resume)
    options = SessionOptions(settings=settings, folder=folder, resume=resume, can_ask=True)
    with redirected_stderr(log_path()):
        with deferred():  # a signal must not come between opening it and knowing it
            session = open_session(options)
            lines = Lines(session, states=args.states, bell=settings.ui.bell)
        try:
            lines.take_all()
        finally:
            with deferred():
                session.close()
            lines.print_rest()
            named = getattr(args, "sessions_dir", None) is not None
            for line in resume_lines(session.path, folder, named=named):
                print(line, flush=True)
    write_outcomes({session.path: settings})
    return ExitStatus.DONE


class Lines:
    """Reads lines, hands them to the session, and prints what it says."""

    def __init__(self, session: Session, *, states: bool, bell: bool) -> None:
        """`states`: prints each state when it begins. `bell`: rings it at the end of a reply."""
        self._session, self.states, self._bell = session, states, bell
        self._snapshots: SimpleQueue[Snapshot | None] = SimpleQueue()
        self._input = InputLines(lambda: self._snapshots.put(None))
        self.now = session.subscribe(self._snapshots.put)
        turns = list(self.now.ledger.turns)
        self._printed = {turn.id for turn in turns}
        self._awaited: set[str] = set()
        """Ids of the typed turns that no snapshot has had yet."""
        self._state, self._microphone, self._problem = "", "closed", ""
        self._noticed_at = self.now.ledger.at if turns else -1.0
        self._asked = -1
        self.ended = False
        """The user quit."""
        for turn in turns[-SHOWN_ON_RESUME:]:
            self._print_turn(turn)

    def take_all(self) -> None:
        """Takes lines until the user quits, or until what the last line began is over."""
        at_end = False
        self._show(self.now)
        while not self.ended:
            if not at_end and self._input.has_next():
                line = self._input.next_line()
                at_end = line is None
                if line is not None:
                    self._take(line.decode(errors="replace").strip())
            else:
                try:
                    self._show(self._snapshots.get(timeout=WAIT_S))
                except Empty:
                    self._show(None)
            if self._session.ended:
                raise self._session.failure or BackendError("The session has ended.")
            if at_end and self._is_over():
                return

    def print_rest(self) -> None:
        """Prints the turns that were completed while the session was closed."""
        while not self._snapshots.empty():
            self._show(self._snapshots.get())

    def post(self, event: Event) -> None:
        self._session.post(event)

    def attach(self, file: Path | None) -> None:
        self._printed.add(self._session.attach(file))

    def _is_over(self) -> bool:
        from tui_voice.runtime.headless import nothing_more_comes

        connection = self.now.ledger.connection
        if connection.status == "offline" and connection.reason and not connection.released:
            raise BackendError(connection.reason, connection.hint)
        if self._awaited:
            return False
        done = all(t.words != "open" for t in self.now.ledger.held() if t.role == "user")
        return connection.released or (done and nothing_more_comes(self.now))

    # ── input ────────────────────────────────────────────────────────────────────────────────

    def _take(self, line: str) -> None:
        """Does what a line says. A mistake is one line of output."""
        from tui_voice.conversation import events as e

        counted = self.now.situation.silence.countdown is not None
        if counted:
            self.post(e.PresenceShown())
        if (asks := self._session.meters().approval) is not None and line in _DECISIONS:
            self._session.decide(asks.number, _DECISIONS[line])
        elif not line:
            if not counted:  # Enter alone stops the countdown; it does not close the microphone
                self._talk()
        elif line.startswith("/"):
            name, _, rest = line[1:].partition(" ")
            command = COMMANDS.get(name)
            if command is None:
                print(f"note   There is no command /{name}. /help lists them.", flush=True)
                return
            try:
                command.run(self, rest.strip())
            except TuiVoiceError as error:
                print(f"note   {error}", flush=True)
        else:
            item_id = "typed_" + secrets.token_hex(12)
            self._printed.add(item_id)  # the user has just read it
            self._awaited.add(item_id)
            self.post(e.TextSubmitted(item_id=item_id, text=line))

    def _talk(self) -> None:
        from tui_voice.conversation import events as e

        if not self._session.meters().has_microphone:
            said = "note   There is no microphone. `tui-voice devices` lists them."
            print(in_working_form(said), flush=True)
        elif self.now.situation.microphone.open:
            self.post(e.TalkReleased())
        else:
            self.post(e.TalkPressed())

    # ── output ───────────────────────────────────────────────────────────────────────────────

    def _show(self, snapshot: Snapshot | None) -> None:
        """Prints what is new in a snapshot. None: nothing is."""
        from tui_voice.ui.notices import NO_WAIT, Countdown, notice_of

        meters = self._session.meters()
        if meters.approval is not None and meters.approval.number != self._asked:
            self._asked, asks = meters.approval.number, meters.approval
            print(f"ask    {asks.server} wants to call {asks.function} {asks.arguments}")
            print("ask    Type once, always or refuse.", flush=True)
        if snapshot is None:
            self._show_microphone()
            return
        self.now, ledger = snapshot, snapshot.ledger
        self._awaited -= {turn.id for turn in ledger.held()}
        for turn in self._complete_turns():
            self._printed.add(turn.id)
            self._print_turn(turn)
            if self._bell and turn.role == "assistant":
                print_styled("\a", end="")
                sys.stdout.flush()
        silence, countdown = snapshot.situation.silence, None
        if silence.countdown is not None:
            countdown = Countdown(silence.countdown, round(silence.ends_at - silence.began_at))
        notice = notice_of(ledger, ledger.at, self._noticed_at, meters.unsaved, NO_WAIT, countdown)
        problem = in_working_form(f"{notice.text} {notice.hint}".strip())
        if notice.can_dismiss:
            self._noticed_at = ledger.at
        if problem and problem != self._problem:
            print(f"note   {problem}", flush=True)
        self._problem = problem
        self._show_microphone()
        state = self.state()
        if self.states and state != self._state:
            print(f"state  {state}", flush=True)
        self._state = state

    def _complete_turns(self) -> Iterator[Turn]:
        """Yields complete turns in order; an open one holds back the later ones until idle."""
        from tui_voice.conversation.states import State

        for turn in self.now.ledger.turns:
            if turn.id in self._printed or turn.role not in ("user", "assistant"):
                continue
            if turn.words != "open":
                yield turn
            elif self.now.state is not State.IDLE:
                return

    def _show_microphone(self) -> None:
        microphone = self.now.situation.microphone
        shown = "closed"
        if microphone.open:
            opening = self._session.meters().opening_sound
            shown = "muted" if microphone.muted else "starts" if opening else "open"
        if shown != self._microphone:
            print(f"state  microphone {shown}", flush=True)
        self._microphone = shown

    def state(self) -> str:
        """Returns the state in words, with what the connection lacks."""
        connection = self.now.ledger.connection
        beside = connection.status
        if beside == "online" or (beside == "offline" and not connection.reason):
            return self.now.state.value  # nothing was lost: it has not begun to connect, or is over
        return f"{self.now.state.value}, {beside}"

    @staticmethod
    def _print_turn(turn: Turn) -> None:
        who = "you" if turn.role == "user" else "voice"
        unsure = ", ".join(turn.text[begin:end] for begin, end in turn.uncertain)
        remarks = (
            "interrupted" if turn.interrupted else "",
            turn.silence_remark,
            f"unsure: {unsure}" if unsure else "",
        )
        shown = "".join(f" ({remark})" for remark in remarks if remark)
        text = " ".join((turn.heard_text or turn.note).split())
        print(f"{who:<6} {text}{shown}", flush=True)


class Command(NamedTuple):
    about: str
    run: Callable[[Lines, str], None]


def _stop(lines: Lines, _rest: str) -> None:
    from tui_voice.conversation.events import StopPressed

    lines.post(StopPressed())


def _mute(lines: Lines, _rest: str) -> None:
    from tui_voice.conversation.events import MuteChanged

    lines.post(MuteChanged(muted=not lines.now.situation.microphone.muted))


def _mode(lines: Lines, rest: str) -> None:
    from tui_voice.conversation.events import TurnModeChosen

    match rest:
        case "hands-free" | "push-to-talk" | "manual":
            lines.post(TurnModeChosen(mode=rest))
        case _:
            raise UsageError("Write /mode hands-free, /mode push-to-talk or /mode manual.")


def _device(lines: Lines, rest: str) -> None:
    from tui_voice.conversation.events import DeviceChosen

    match rest.split(maxsplit=1):
        case ["microphone", name]:
            lines.post(DeviceChosen(direction="input", device=name))
        case ["loudspeaker", name]:
            lines.post(DeviceChosen(direction="output", device=name))
        case _:
            raise UsageError("Write /device microphone NAME or /device loudspeaker NAME.")


def _summarise(lines: Lines, rest: str) -> None:
    from tui_voice.conversation.events import SummarisePressed

    lines.post(SummarisePressed(focus=rest))


def _attach(lines: Lines, rest: str) -> None:
    from tui_voice.config import user_path

    lines.attach(user_path(rest, "the path of an image") if rest else None)


def _correct(lines: Lines, rest: str) -> None:
    from tui_voice.conversation.events import TurnCorrected
    from tui_voice.ui.view import is_correctable

    turns = (turn for turn in reversed(lines.now.ledger.turns) if is_correctable(turn))
    if not rest or (turn := next(turns, None)) is None:
        raise UsageError("Write /correct and what you said in your last spoken turn.")
    lines.post(TurnCorrected(item_id=turn.id, text=rest))


def _restore(lines: Lines, _rest: str) -> None:
    from tui_voice.conversation.events import RestorePressed

    lines.post(RestorePressed())


def _tell_state(lines: Lines, _rest: str) -> None:
    ledger, microphone = lines.now.ledger, lines.now.situation.microphone
    print(
        f"state  {lines.state()}; microphone {'open' if microphone.open else 'closed'}"
        f"{', muted' if microphone.muted else ''}; {len(ledger.turns)} turns; window "
        f"{ledger.window.total} tokens; ${ledger.cost:.4f}",
        flush=True,
    )


def _states(lines: Lines, _rest: str) -> None:
    lines.states = not lines.states
    print(f"note   States are {'printed' if lines.states else 'not printed'}.", flush=True)


def _memory(lines: Lines, _rest: str) -> None:
    print(lines.now.ledger.memory or "note   Nothing was summarised yet.", flush=True)


def _help(_lines: Lines, _rest: str) -> None:
    print("Type a turn and press Enter. Enter alone opens and closes the microphone.")
    for name, command in COMMANDS.items():
        print(f"/{name:<11} {command.about}")
    print(end="", flush=True)


def _quit(lines: Lines, _rest: str) -> None:
    lines.ended = True


COMMANDS = {
    "stop": Command("stop the reply", _stop),
    "mute": Command("mute the microphone, or unmute it", _mute),
    "mode": Command("hands-free, push-to-talk or manual: who ends your turns", _mode),
    "device": Command("microphone or loudspeaker, and a name: use another one", _device),
    "summarise": Command("summarise now; words that follow must not be lost", _summarise),
    "attach": Command("show the model an image: a file, or that in the clipboard", _attach),
    "correct": Command("the words that follow are what you said last", _correct),
    "restore": Command("restore what was pruned last", _restore),
    "state": Command("tell the state, the window and the cost", _tell_state),
    "states": Command("print each state when it begins, or stop that", _states),
    "memory": Command("print what is remembered of the summarised turns", _memory),
    "help": Command("print this list", _help),
    "quit": Command("quit; the session is saved", _quit),
}
_DECISIONS: dict[str, Any] = {"once": "once", "always": "always", "refuse": "refuse"}
