"""Settings that are changed on the screen: saved in the file, and in force as soon as possible.

`EFFECTS` says which settings take effect at once, and how. Another setting of the group `backend`
does when the settings screen is left: the session is opened again, and its turns stay. All others
count from the next session, or from the next start of the program.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, Protocol

from tui_voice.ui.open_session import OpenSession
from tui_voice.ui.options import AppOptions
from tui_voice.ui.theme import DARK

if TYPE_CHECKING:
    from tui_voice.config import Settings
    from tui_voice.config.editor import SettingsEditor
    from tui_voice.config.model import BackendSettings
    from tui_voice.conversation.events import Event, TurnDetectionChosen

When = Literal["at once", "when you leave the settings", "next session", "next start"]
NEXT_START = frozenset(
    {"ui.ascii", "ui.timestamps", "audio.text_only", "keys.talk", "keys.send", "keys.newline"}
)


class SettingsHost(Protocol):
    """The part of the application that settings change."""

    options: AppOptions
    session: OpenSession
    theme: Any

    def reopen(self) -> None:
        """Opens the session again with the settings of now; the turns stay."""
        ...

    def show_panel(self, shown: bool) -> None: ...

    def show_timeline(self, shown: bool) -> None: ...

    def set_keys(self, keys: Mapping[str, str]) -> None: ...


class LiveSettings:
    """The application owns one where its settings can be changed."""

    def __init__(self, host: SettingsHost, editor: SettingsEditor) -> None:
        self._host = host
        self.editor = editor
        self._reopen = False

    def save(self, key: str, text: str | None) -> str:
        """Saves a value, None for the default, and puts it in force. Returns what the user should
        know. Raises `SettingsError` where it cannot be saved; nothing is changed then.
        """
        before = self.editor.settings.value(key)
        stronger = self.editor.save(key, text)
        shown = self.editor.field(key)
        said = f"Saved: {key} is {shown.value or 'empty'}."
        if stronger:
            return f"{key} is saved in the file. In this run {stronger} is stronger: {shown.value}."
        if self.editor.settings.value(key) == before:
            return said
        when = when_in_force(key)
        if when == "at once":
            return f"{said} {self._put_in_force(key)}".rstrip()
        self._reopen = self._reopen or when == "when you leave the settings"
        return f"{said} It counts {when if when.startswith('when') else f'from the {when} on'}."

    def _put_in_force(self, key: str) -> str:
        if key.startswith("keys."):
            self._host.set_keys(self.editor.settings.keys)
            return ""
        try:
            EFFECTS[key](self._host, self.editor.settings)
        except ValueError as error:  # it does not fit the open session
            return f"This session goes on as before: {error}"
        return ""

    def leave(self) -> None:
        """The user leaves the settings: opens the session again where a change needs that."""
        if self._reopen:
            self._reopen = False
            self._host.reopen()

    def session_opened(self) -> None:
        """Another session is open: takes over what the screen shows of its settings."""
        from tui_voice.conversation.events import TurnModeChosen

        settings, host = self.editor.settings, self._host
        host.session.budget = settings.cost.limit
        manual = settings.backend.turn_detection == "manual"
        if manual != host.options.manual:
            host.session.post(TurnModeChosen(mode="manual" if manual else "hands-free"))


def when_in_force(key: str) -> When:
    """Returns when a change of a setting takes effect."""
    if key in NEXT_START:
        return "next start"
    if key in EFFECTS or key.startswith("keys."):
        return "at once"
    return "when you leave the settings" if key.startswith("backend.") else "next session"


def _post(event: Callable[[Settings], Event]) -> Callable[[SettingsHost, Settings], None]:
    return lambda host, settings: host.session.post(event(settings))


def _microphone(settings: Settings) -> Event:
    from tui_voice.conversation.events import DeviceChosen

    return DeviceChosen(direction="input", device=settings.audio.input_device or "")


def _loudspeaker(settings: Settings) -> Event:
    from tui_voice.conversation.events import DeviceChosen

    return DeviceChosen(direction="output", device=settings.audio.output_device or "")


def _volume(settings: Settings) -> Event:
    from tui_voice.conversation.events import VolumeStepped

    return VolumeStepped(to=settings.audio.volume)


def _speed(settings: Settings) -> Event:
    from tui_voice.conversation.events import SpeedStepped

    return SpeedStepped(to=settings.backend.speed)


def turn_detection_of(chosen: BackendSettings) -> TurnDetectionChosen:
    """Returns how the server is to find the end of a turn; by `server_vad` for manual turns."""
    from tui_voice.conversation.events import TurnDetectionChosen

    idle_s = chosen.idle_timeout_s
    return TurnDetectionChosen(
        detection="server_vad" if chosen.turn_detection == "manual" else chosen.turn_detection,
        silence_ms=chosen.silence_ms,
        threshold=chosen.threshold,
        prefix_padding_ms=chosen.prefix_padding_ms,
        eagerness=chosen.eagerness,
        idle_timeout_ms=None if idle_s is None else 1000 * idle_s,
    )


def _turn_detection(host: SettingsHost, settings: Settings) -> None:
    from tui_voice.conversation.events import TurnModeChosen

    detection = settings.backend.turn_detection
    if detection != "manual":
        host.session.post(turn_detection_of(settings.backend))
    snapshot = host.session.snapshot
    mode = snapshot.situation.microphone.mode if snapshot is not None else ""
    was_manual = mode == "manual" if mode else host.options.manual
    if was_manual != (detection == "manual"):
        host.session.post(TurnModeChosen(mode="hands-free" if was_manual else "manual"))


def _limits(host: SettingsHost, settings: Settings) -> None:
    """Raises `ValueError` where the open session cannot have these limits."""
    from tui_voice.conversation.limits import refuse, with_policy

    handle, snapshot = host.session.handle, host.session.snapshot
    if handle is None:
        return
    wanted = settings.context
    limits = with_policy(handle.limits, wanted.policy, wanted.keep)
    limits = replace(limits, messages=wanted.messages, every=wanted.every)
    if wanted.trigger:
        limits = replace(limits, trigger=wanted.trigger)
    refusal = refuse(limits, snapshot.ledger.fixed_tokens if snapshot else 0)
    if refusal is not None:
        found = getattr(limits, refusal.setting)
        raise ValueError(f"{refusal.setting} {found:,} {refusal.reason}. {refusal.remedy}")
    handle.set_limits(limits)


def _theme(host: SettingsHost, settings: Settings) -> None:
    host.theme = settings.ui.theme or DARK.name


def _panel(host: SettingsHost, settings: Settings) -> None:
    host.show_panel(settings.ui.side_panel)


def _timeline(host: SettingsHost, settings: Settings) -> None:
    host.show_timeline(settings.ui.timeline)


def _attention(host: SettingsHost, settings: Settings) -> None:
    host.options = host.options._replace(bell=settings.ui.bell, notify=settings.ui.notify)


EFFECTS: Mapping[str, Callable[[SettingsHost, Settings], None]] = {
    "audio.input_device": _post(_microphone),
    "audio.output_device": _post(_loudspeaker),
    "audio.volume": _post(_volume),
    "backend.speed": _post(_speed),
    **{
        f"backend.{name}": _turn_detection
        for name in (
            *("turn_detection", "silence_ms", "threshold"),
            *("prefix_padding_ms", "eagerness", "idle_timeout_s"),
        )
    },
    **{f"context.{name}": _limits for name in ("policy", "trigger", "keep", "messages", "every")},
    "ui.theme": _theme,
    "ui.side_panel": _panel,
    "ui.timeline": _timeline,
    "ui.bell": _attention,
    "ui.notify": _attention,
}
"""Setting → what puts it in force in the running application and its session."""
