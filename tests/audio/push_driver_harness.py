"""A microphone that captures what the test gives it."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from tui_voice.audio.driver import Device


class PushDriver:
    """A driver whose one microphone captures what the test gives to `push`."""

    name = "push"
    push: Callable[[bytes], None]

    def devices(self) -> list[Device]:
        return [Device("push", "push", input=1, default_input=True)]

    def open_input(
        self, _device: Device | None, on_frame: Callable[[bytes], None], **_: Any
    ) -> Any:
        self.push = on_frame
        return SimpleNamespace(name="push", close=lambda: None)

    def open_output(self, *_: Any, **__: Any) -> Any:
        raise NotImplementedError
