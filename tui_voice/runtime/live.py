"""The live backend: connects one session to a server, sound devices, summaries and tools."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Literal

from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.conversation.conversation import ADVISE_AFTER_ECHOES, Snapshot
from tui_voice.conversation.states import State
from tui_voice.errors import DeviceError
from tui_voice.protocol.client import ProtocolClient
from tui_voice.protocol.messages import (
    AudioChunk,
    AudioEnd,
    Incoming,
    OutOfBandRequest,
    OutOfBandResponse,
    RetrieveItem,
)
from tui_voice.protocol.session_config import Pricing, ServerSessionConfig
from tui_voice.runtime.background_tasks import BackgroundTasks
from tui_voice.runtime.budget import Budget
from tui_voice.runtime.cue_sequence import CueSequence
from tui_voice.runtime.endpoints import Endpoint
from tui_voice.runtime.learned_names import learned_names
from tui_voice.runtime.mcp_servers import McpServers
from tui_voice.runtime.media import Media
from tui_voice.runtime.out_of_band import OutOfBandRequests
from tui_voice.runtime.reconnecting_connection import ReconnectingConnection
from tui_voice.runtime.recorder import Recorder
from tui_voice.runtime.session_handle import Meters
from tui_voice.runtime.speech_buffer import SpeechBuffer
from tui_voice.runtime.summariser import Summariser
from tui_voice.runtime.summary_questions import SummaryQuestions
from tui_voice.runtime.summary_tasks import SummaryTasks
from tui_voice.runtime.timeouts import ConnectionTimeouts
from tui_voice.runtime.tool_calls import ToolCalls
from tui_voice.runtime.tools import Tools

if TYPE_CHECKING:  # loads numpy, which only an open device needs
    from tui_voice.audio.cues import Cue
    from tui_voice.audio.device_stream import DeviceChange
    from tui_voice.audio.sound import SoundDevices

TOO_SLOW = "The connection is too slow for your voice: the oldest audio that waits is left out."
NOT_SENT = {
    "too short": "Too short: no speech was heard, so nothing was sent.",
    "no words": "No words were heard, as in a laugh or a cough, so the model does not answer.",
}
"""Says why what was captured by talk key makes no turn."""
MAX_VOLUME = 2.0
MIN_SPEED, MAX_SPEED = 0.25, 1.5
"""Factors of the speaking speed that the Realtime API allows."""
UNSETTLED_TURNS = 8
"""Number of the newest turns that are checked for missing words."""

OpenSound = Callable[
    [Callable[[bytes], None], Callable[[str, int], None], Callable[["DeviceChange"], None]],
    Awaitable["SoundDevices"],
]
"""Opens the sound devices. Its arguments are called with each captured frame, with the id and the
played milliseconds of each item that was played to its end, and with each change of a device."""


def _patience(chosen: e.TurnDetectionChosen) -> str:
    """Returns what ends the user's turns, in one sentence."""
    if chosen.detection == "server_vad":
        return f"A pause of {chosen.silence_ms / 1000:.1f} s ends your turn."
    return f"The model judges when your turn ends; its eagerness is {chosen.eagerness}."


class LiveBackend:
    """The `SessionBackend` of a live session. Only `meters` may be called from other threads."""

    def __init__(
        self,
        config: ServerSessionConfig,
        endpoint: Endpoint,
        open_sound: OpenSound,
        summariser: Summariser,
        tools: Tools,
        pricing: Pricing,
        timeouts: ConnectionTimeouts | None = None,
        budget: Budget | None = None,
        questions: SummaryQuestions | None = None,
        pause_when_lost: bool = True,
        tool_servers: McpServers | None = None,
        interrupt_ms: int = 600,
        cues: bool = False,
        learn_names: bool = False,
    ) -> None:
        """`cues`: short sounds say what the session does.

        `learn_names`: the names in the memory are spelled right in transcripts.

        `interrupt_ms`: milliseconds of speech that interrupt a reply.

        `pause_when_lost`: a reply whose loudspeaker is gone is paused, not played on another."""
        self._learn_names = learn_names
        self._memory = ""  # from which the names in `_config` are
        self._pause_when_lost = pause_when_lost
        self._paused_by_loss = False  # of the loudspeaker, not by the user
        self._cues = CueSequence(self._play_cue) if cues else None
        self._echoes = 0  # interruptions that were echoes of a reply
        self._endpoint = endpoint
        self._open_sound = open_sound
        self._config = config
        automatic = config.turn_detection
        self._automatic_detection = automatic if automatic != "manual" else "server_vad"
        self._tool_servers = tool_servers
        self._budget = budget or Budget(None)
        self._tasks = BackgroundTasks()
        self._calls = ToolCalls(
            tools, self._tasks, lambda: self._connection.current, self._post_event
        )
        self._out_of_band = OutOfBandRequests()
        self._pricing = pricing
        self._out_of_band.on_late = self._bill_late_response
        self.image_uri: Callable[[str], str | None] = lambda _sha256: None
        """Returns the image with this SHA-256 as a data URI; None where it is gone. Then its name
        is sent. Set it before `start`."""
        self._summaries = SummaryTasks(
            summariser, self._ask, self._post_event, self._tasks, questions
        )
        self._sound: SoundDevices | None = None
        self._post: Callable[[e.Event], None] = _not_started
        self._newest: Snapshot | None = None
        self._turns_when_online: int | None = None  # None before the first connection
        self._held_turns = 0
        speech = SpeechBuffer(self._send_audio, self._send_commit, config.manual)
        self._media = Media(
            speech,
            self._post_event,
            manual=config.manual,
            interrupt_ms=interrupt_ms,
            threshold=config.threshold,
        )
        self._connection = ReconnectingConnection(
            lambda: self._new_client(pricing),
            self._received,
            self._connection_changed,
            timeouts,
        )

    # ── called by the session ───────────────────────────────────────────────────────────────

    async def start(self, post: Callable[[e.Event], None]) -> None:
        self._post = post
        self._tasks.start(self._open_devices())
        if self._tool_servers is not None:
            self._tasks.start(self._tool_servers.run())
        connecting = asyncio.create_task(self._connection.run(), name="connection")
        failing = asyncio.create_task(self._tasks.raise_failure())
        try:
            await asyncio.wait({connecting, failing}, return_when=asyncio.FIRST_COMPLETED)
            await (failing if failing.done() else connecting)
        finally:
            connecting.cancel()
            failing.cancel()
            await asyncio.gather(connecting, failing, return_exceptions=True)

    async def stop(self) -> None:
        from tui_voice.audio.device_stream import until_off_loop_is_idle

        await self._tasks.cancel_all()
        if self._sound is not None:
            await self._sound.close()
        await until_off_loop_is_idle()
        if (recorder := self._media.recorder) is not None:
            await asyncio.to_thread(recorder.close)
        await self._endpoint.stop()

    def record_with(self, recorder: Recorder) -> None:
        """Records the audio of both sides; call it before `start`."""
        self._media.recorder = recorder

    def meters(self) -> Meters:
        return replace(
            self._media.meters(),
            progress=self._endpoint.loading,
            engines=self._endpoint.engines,
            retry_at=self._connection.retry_at,
            held_turns=self._held_turns,
        )

    def snapshot_changed(self, now: Snapshot) -> None:
        self._newest = now
        if self._cues is not None:
            self._cues.snapshot_changed(now)
        if self._learn_names and now.ledger.memory != self._memory:
            self._take_names(now.ledger.memory)
        for event in self._budget.exceeded(now):
            self._post(event)
        self._count_held_turns(now)
        settled = self._is_settled(now)
        self._connection.set_quiet(
            settled and now.state is State.IDLE and not now.situation.seeding.under_way
        )
        if settled:
            self._summaries.title_if_wanted(now)

    def perform(self, effect: x.Effect) -> None:
        if isinstance(effect, x.CommitInput) and (why := self._media.end_turn()):
            self._post(e.SpeechDiscarded(item_id="", reason=why))
            self._post(e.Noticed(text=NOT_SENT[why]))
            if why == "too short":  # nothing was sent
                return
            effect = x.ClearInput()
        if isinstance(effect, x.CreateItem) and effect.image:
            effect = replace(effect, image=self.image_uri(effect.image) or "")
        connection = self._connection.current
        if connection is not None:
            connection.send(effect)
        match effect:
            case x.OpenMicrophone():
                self._media.open_microphone(True)
            case x.CloseMicrophone():
                self._media.open_microphone(False)
                self._media.mute(False)
            case x.MuteMicrophone(muted=muted):
                self._media.mute(muted)
            case x.CommitInput():
                self._media.speech.add_commit()
            case x.ClearInput():
                self._media.speech.drop_turn()
            case x.InterruptPlayback():
                self._media.playback.interrupt()
            case x.PausePlayback(paused=paused):
                self._paused_by_loss = False
                self._media.playback.pause(paused)
            case x.ResumeInterrupted(item_ids=item_ids, echo=echo):
                self._media.playback.resume_interrupted(item_ids)
                self._echoes += echo
                if self._echoes >= ADVISE_AFTER_ECHOES:
                    self._media.require_louder()
            case x.StepVolume():
                self._step_volume(effect)
            case x.StepSpeed():
                self._step_speed(effect)
            case x.TuneTurnDetection(chosen=chosen):
                self._automatic_detection = chosen.detection
                self._config = self._config.tuned(chosen)  # for later connections
                self._post(e.Noticed(text=_patience(chosen)))
            case x.SetTurnDetection(manual=manual):
                self._set_manual(manual)
            case x.UseDevice():
                self._tasks.start(self._use_device(effect))
            case x.Disconnect(reason=reason):
                self._connection.release(reason)
            case x.Reconnect():
                self._connection.retry_now()
            case x.RequestSummary():
                self._summaries.begin_summary(effect)
            case x.AnswerTool():
                self._calls.answer(effect)
            case x.TellToolRuns():
                self._calls.report(effect)
            case x.StopTools(call_ids=call_ids):
                self._calls.stop(call_ids)

    def _take_names(self, memory: str) -> None:
        """Tells the transcription the names in the memory, on this connection and later ones."""
        self._memory, names = memory, learned_names(memory)
        if names == self._config.names:
            return
        self._config = replace(self._config, names=names)
        if (connection := self._connection.current) is not None:
            connection.send(x.SetNames(names=names))

    async def retrieve(self, item_id: str) -> str | None:
        reply = await self._out_of_band.ask(RetrieveItem(item_id), self._connection.current)
        return reply.text if reply.status == "completed" else None

    # ── what the server sends ───────────────────────────────────────────────────────────────

    def _received(self, incoming: Incoming) -> None:
        media, speech = self._media, self._media.speech
        match incoming:
            case AudioChunk(item_id=item_id, pcm=pcm):
                speech.reply_grew(item_id)
                media.play(item_id, pcm)
                return
            case AudioEnd(item_id=item_id):
                media.playback.end(item_id)
                return
            case OutOfBandResponse():
                self._out_of_band.answered(incoming)
                return
            case e.SpeechStarted(item_id=item_id):
                speech.speech_started(item_id)
            case e.SpeechStopped():
                incoming = replace(incoming, silence_ms=media.silence_ms)
            case e.SpeechCommitted(item_id=item_id):
                media.committed(item_id)
                incoming = replace(incoming, silence_ms=media.silence_ms)
            case e.SpeechDiscarded():
                speech.discarded()
            case e.TranscriptDone(item_id=item_id):
                speech.transcribed(item_id)
            case e.ResponseStarted():
                speech.reply_started()
                media.playback.wake()
            case e.TranscriptGrew(item_id=item_id):
                speech.reply_grew(item_id)
            case e.ResponseDone(status="failed", reason=reason):
                text = f"The model did not answer: {reason or 'the server gave no reason'}"
                self._post(e.Noticed(text=text, severity="warning"))
            case e.ResponseDone(status="completed", usage=None):
                incoming = self._with_estimated_usage(incoming)
        self._post(incoming)

    def _connection_changed(self, event: e.Event) -> None:
        match event:
            case e.ConnectionLost():
                self._summaries.cancel_summaries()
                self._out_of_band.fail_all("the connection was lost")
                self._post(replace(event, again=self._media.connection_lost()))
            case e.ConnectionOpened():
                # A handover comes without a `ConnectionLost`.
                event = replace(event, again=self._media.connection_lost())
                self._post(event)  # queues the items that the new server session needs,
                self._media.connection_ready()  # and then the audio that was kept
            case _:
                self._post(event)

    async def _new_client(self, pricing: Pricing) -> ProtocolClient:
        """Returns the client of the next server session, which has the functions known by now."""
        if self._tool_servers is not None:
            self._calls.tools = self._calls.tools.and_(*await self._tool_servers.tools())
        config = replace(self._config, tools=self._calls.tools.declared())
        return await self._endpoint.new_client(config, pricing)

    def _send_audio(self, pcm: bytes) -> bool:
        connection = self._connection.current
        if connection is None:
            return False
        all_sent = not connection.dropped_frames
        grew = connection.append_audio(pcm)
        if all_sent and connection.dropped_frames:  # the first drop on this connection
            self._post(e.Noticed(text=TOO_SLOW, severity="warning"))
        if grew is not None:
            self._post(grew)
        return True

    def _send_commit(self) -> None:
        if (connection := self._connection.current) is not None:
            connection.send(x.CommitInput())

    # ── tasks outside the conversation ─────────────────────────────────────────────────────────

    async def _open_devices(self) -> None:
        sound = await self._open_sound(
            self._media.captured, self._media.playback.finished, self.device_changed
        )
        self._sound = sound
        now = self._newest
        microphone_open = now is not None and now.situation.microphone.open
        self._media.attach(
            sound,
            microphone_open=microphone_open,
            muted=now is not None and now.situation.microphone.muted,
        )
        if self._cues is not None and microphone_open:
            self._play_cue("listening")  # it was due before
        if sound.notice:
            self._post(e.Noticed(text=sound.notice, severity="warning"))
        if not sound.speaker.available:
            self._media.playback.loudspeaker_changed(False)

    def _play_cue(self, cue: Cue) -> None:
        from tui_voice.audio.cues import cue_sound

        if self._sound is not None:
            self._sound.speaker.cue(cue_sound(cue))

    def _step_volume(self, effect: x.StepVolume) -> None:
        if self._sound is None:
            return
        speaker = self._sound.speaker
        wanted = speaker.volume + effect.step if effect.to is None else effect.to
        speaker.volume = min(MAX_VOLUME, round(wanted, 2))
        self._post(e.Noticed(text=f"The replies play at {speaker.volume:.0%}."))

    def _step_speed(self, effect: x.StepSpeed) -> None:
        wanted = self._config.speed + effect.step if effect.to is None else effect.to
        speed = min(MAX_SPEED, max(MIN_SPEED, round(wanted, 2)))
        self._config = replace(self._config, speed=speed)  # for later connections, too
        if (connection := self._connection.current) is not None:
            connection.send(x.SetSpeed(speed=speed))
        self._post(e.Noticed(text=f"The next reply is spoken at {speed:.0%} of the usual speed."))

    def _set_manual(self, manual: bool) -> None:
        """Turns end by talk key (`manual`) or by the server, on this connection and later ones."""
        detection = self._automatic_detection if not manual else "manual"
        self._config = replace(self._config, turn_detection=detection)
        self._media.set_manual(manual)
        self._media.speech.set_manual(manual)

    async def _use_device(self, effect: x.UseDevice) -> None:
        if self._sound is None:
            return
        sound = self._sound
        device = sound.microphone if effect.direction == "input" else sound.speaker
        try:
            await device.choose(effect.device or None)
        except DeviceError as error:
            self._post(e.Noticed(text=f"{error} {error.hint}", severity="warning"))

    def device_changed(self, change: DeviceChange) -> None:
        """A microphone or loudspeaker was lost, or another one is used now."""
        if change.direction == "output" and self._sound is not None:
            change = self._loudspeaker_changed(change)
        severity: Literal["info", "warning"] = "info" if change.back else "warning"
        self._post(e.Noticed(text=change.message, severity=severity))

    def _loudspeaker_changed(self, change: DeviceChange) -> DeviceChange:
        """Pauses the reply where its loudspeaker is lost, and shows replies where none is left."""
        playback = self._media.playback
        if not change.back:
            if change.final:
                playback.loudspeaker_changed(False)
            elif not playback.paused:
                playback.pause(True)
                self._paused_by_loss = playback.paused
            return change
        playback.loudspeaker_changed(True)
        if self._paused_by_loss and (change.same or not self._pause_when_lost):
            self._paused_by_loss = False
            playback.pause(False)
        elif self._paused_by_loss and playback.paused:
            more = "The reply is paused: the pause key plays it on."
            return replace(change, message=f"{change.message} {more}")
        return change

    async def _ask(self, request: OutOfBandRequest) -> OutOfBandResponse:
        return await self._out_of_band.ask(request, self._connection.current)

    # ── helpers ─────────────────────────────────────────────────────────────────────────────

    def _post_event(self, event: e.Event) -> None:
        self._post(event)

    def _with_estimated_usage(self, done: e.ResponseDone) -> e.ResponseDone:
        """Returns the end of a reply whose usage the server left out, with an estimate of it, where
        replies cost something: it read the window, and wrote the newest turn.
        """
        if self._newest is None:
            return done
        ledger = self._newest.ledger
        last = ledger.turns.last
        reply = last if last is not None and last.role == "assistant" else None
        text, audio = (reply.text_tokens, reply.audio_tokens) if reply is not None else (0, 0)
        image = sum(turn.image_tokens for turn in ledger.held())
        usage = e.Usage(
            input_text=max(0, ledger.window.text - text - image),
            input_image=image,
            input_audio=max(0, ledger.window.audio - audio),
            output_text=text,
            output_audio=audio,
            estimated=True,
        )
        usd = self._pricing.reply(usage)
        return replace(done, usage=usage, usd=usd) if usd else done

    def _bill_late_response(self, response: OutOfBandResponse) -> None:
        """Accounts for an out-of-band response that came when nobody waited for it any more."""
        if response.usage is not None:
            usd = self._pricing.reply(response.usage)
            self._post(e.WritingBilled(purpose="summary", usd=usd, usage=response.usage))

    def _is_settled(self, now: Snapshot) -> bool:
        """Returns whether all turns have their words and nothing is being compacted."""
        newest = islice(reversed(now.ledger.turns), UNSETTLED_TURNS)
        replying = now.situation.response.active  # else an item is outside any response
        return (
            all(turn.words != "open" for turn in newest if turn.role == "user" or replying)
            and now.ledger.compaction is None
            and not now.situation.microphone.turn
            and now.situation.microphone.commit is None
            and not self._media.speech.awaits_words
        )

    def _count_held_turns(self, now: Snapshot) -> None:
        """Counts the user's turns that wait for a connection, for the status bar."""
        turns = now.ledger.turns
        if now.ledger.connection.status == "online" or self._turns_when_online is None:
            self._turns_when_online, self._held_turns = len(turns), 0
        else:
            newest = islice(reversed(turns), max(0, len(turns) - self._turns_when_online))
            self._held_turns = sum(turn.role == "user" for turn in newest)


def _not_started(_event: e.Event) -> None:
    raise AssertionError("an event was posted before the session was started")
