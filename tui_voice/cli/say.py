"""`tui-voice say`: a talk without a screen. How a program, a test or a blind user drives one."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from threading import Condition
from typing import TYPE_CHECKING, Any

from tui_voice.cli.flags import add_common, add_settings, sessions_dir_of, settings_of
from tui_voice.conversation import events as e
from tui_voice.conversation.conversation import Snapshot
from tui_voice.conversation.states import State
from tui_voice.conversation.turns import Turn
from tui_voice.errors import BackendError, TuiVoiceError, UsageError

if TYPE_CHECKING:
    from tui_voice.audio.sound import Sound
    from tui_voice.runtime.session import Session

FASTER = 8.0
"""A recording is spoken, and replies are played, so many times as fast as real time."""
TURN_TIMEOUT_S = 180.0


def add_parser(commands: Any) -> None:
    """Registers the command with argparse's subparsers."""
    parser = commands.add_parser(
        "say",
        help="a talk without a screen: each argument is a turn",
        description="A talk without a screen: each argument is one turn, typed or, where it names "
        "a sound file, spoken. Prints both sides.",
    )
    parser.add_argument("turns", nargs="+", metavar="TEXT|FILE.wav", help="`-` reads lines")
    parser.add_argument("--json", action="store_true", help="one fact a line, as journaled")
    parser.add_argument("--speak", metavar="OUT.wav", type=Path, help="keep the replies as sound")
    parser.add_argument("--session", metavar="ID", help="go on with a saved talk")
    add_settings(parser)
    add_common(parser)


def run(args: argparse.Namespace) -> int:
    """Exit status 0 when every turn was answered."""
    from tui_voice.runtime.opening import Opening, open_talk

    if args.speak is not None and not args.speak.parent.is_dir():
        raise UsageError(f"There is no folder {args.speak.parent}.", "Make it first.")
    settings = settings_of(args)
    # One argument is one turn, whatever pauses a recording has: no VAD cuts it.
    settings = replace(settings, backend=replace(settings.backend, turn_detection="manual"))
    folder = sessions_dir_of(args)
    ends = _Ends(record=args.speak is not None)
    opening = Opening(
        settings=settings,
        folder=folder,
        resume=_saved(folder, args.session) if args.session else None,
        open_sound=ends.open,
    )
    watch = _Watch(_print_fact if args.json else None)
    session = open_talk(opening)
    try:
        watch.attach(session)
        watch.until(lambda now: now.ledger.link.status == "online" and not now.seeding, 60)
        for turn in _turns(args.turns):
            _take_turn(turn, session, ends, watch, as_json=args.json)
    finally:
        session.close()
    if args.speak is not None:
        ends.save(args.speak)
    spent = watch.now.ledger.cost
    if args.json:
        _print_json({"event": "done", "session": session.id, "usd": round(spent, 6)})
    return 0


def _saved(folder: Path, talk: str) -> Path:
    from tui_voice.store.catalog import find

    return find(folder, talk).path


def _turns(arguments: list[str]) -> Iterator[str]:
    for argument in arguments:
        if argument == "-":
            yield from (line.strip() for line in sys.stdin if line.strip())
        else:
            yield argument


def _take_turn(turn: str, session: Session, ends: _Ends, watch: _Watch, *, as_json: bool) -> None:
    from tui_voice.runtime.opening import item_id

    before = len(watch.now.ledger.turns)
    watch.forget_responses()
    if turn.lower().endswith((".wav", ".flac", ".mp3", ".ogg")):
        from tui_voice.audio.files import read_sound

        pcm = read_sound(Path(turn))
        session.post(e.TalkPressed())
        watch.until(lambda now: now.microphone_open, 10)
        session.call(ends.feed(pcm)).result()
        session.post(e.TalkReleased())
    else:
        session.post(e.TextSubmitted(item_id=item_id(), text=turn))
    watch.until(lambda now: watch.answered and _settled(now), TURN_TIMEOUT_S)
    for said in list(watch.now.ledger.turns)[before:]:
        if said.role in ("user", "assistant"):
            _print_turn(said, as_json=as_json)
    if watch.failure:
        raise TuiVoiceError(f"The model did not answer: {watch.failure}")


def _settled(now: Snapshot) -> bool:
    return (
        now.state is State.IDLE
        and now.ledger.compaction is None
        and all(turn.words != "open" for turn in now.ledger.held())
    )


def _print_turn(turn: Turn, *, as_json: bool) -> None:
    if as_json:
        _print_json(
            {
                "event": "turn",
                "role": turn.role,
                "text": turn.text,
                "interrupted": turn.interrupted,
            }
        )
    else:
        print(f"{'you' if turn.role == 'user' else 'voice':<6} {turn.text or turn.note}")


def _print_fact(event: e.Event) -> None:
    from tui_voice.store.codec import encode

    sys.stdout.write(encode(event).decode())
    sys.stdout.flush()


def _print_json(fact: dict[str, object]) -> None:
    print(json.dumps(fact, ensure_ascii=False), flush=True)


class _Ends:
    """A microphone that is fed and a speaker that keeps time, both faster than life."""

    def __init__(self, *, record: bool) -> None:
        self._record = record
        self._sound: Any = None

    async def open(
        self, on_frame: Callable[[bytes], None], on_finished: Callable[[str, int], None]
    ) -> Sound:
        from tui_voice.audio.null import NullMicrophone, NullSpeaker
        from tui_voice.audio.sound import Sound

        speaker = NullSpeaker(None, on_finished, speed=FASTER, record=self._record)
        sound = self._sound = Sound(NullMicrophone(on_frame), speaker)
        return sound

    async def feed(self, pcm: bytes) -> None:
        await self._sound.microphone.feed(pcm, speed=FASTER)

    def save(self, path: Path) -> None:
        self._sound.speaker.save(path)


class _Watch:
    """Follows a talk from another thread."""

    def __init__(self, on_fact: Callable[[e.Event], None] | None) -> None:
        self._on_fact = on_fact
        self._changed = Condition()
        self.now: Snapshot
        self.answered = False
        self.failure = ""

    def attach(self, session: Session) -> None:
        session.listen(self._fact)
        self.now = session.subscribe(self._seen)

    def forget_responses(self) -> None:
        self.answered, self.failure = False, ""

    def until(self, true: Callable[[Snapshot], bool], seconds: float) -> None:
        """Waits for a snapshot that fits; BackendError when the line is given up or time is."""
        with self._changed:
            if not self._changed.wait_for(lambda: true(self.now) or self._lost(), seconds):
                raise BackendError(f"nothing happened for {seconds:.0f} s.")
        link = self.now.ledger.link
        if not true(self.now):
            raise BackendError(link.reason, link.hint)

    def _lost(self) -> bool:
        link = self.now.ledger.link
        return link.status == "offline" and bool(link.reason)

    def _seen(self, now: Snapshot) -> None:
        with self._changed:
            self.now = now
            self._changed.notify_all()

    def _fact(self, event: e.Event) -> None:
        if self._on_fact is not None:
            self._on_fact(event)
        if isinstance(event, e.ResponseDone):
            self.answered = True
            self.failure = event.reason or event.status if event.status == "failed" else ""
        elif isinstance(event, e.SpeechDiscarded):
            self.answered, self.failure = True, event.reason
