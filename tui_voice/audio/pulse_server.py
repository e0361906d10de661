"""Asks PulseAudio, or PipeWire in its place, what PortAudio cannot know: which source is captured.

PortAudio reaches a sound server through ALSA devices such as "default", which capture the server's
default source. Without a microphone, that source is the monitor of the loudspeaker.

The server also says when its devices change. That counts where headphones are unplugged: the server
moves a reply to another loudspeaker, or to another port of the same one, at once.
"""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from importlib import import_module
from queue import Empty, SimpleQueue
from typing import Any

from tui_voice.audio.sink_ports import Port, PortChange, PortUse, follow_ports

_ANSWER_TIMEOUT_S = 2.0
"""Seconds to wait for an answer, which takes 2 ms. libpulse waits 30 s, and `pulsectl` until its
time limit even after an answer. Where the server ends during the handshake, libpulse 16.1 may loop
for ever in `pa_pstream_unlink`, which nothing in its process can end."""
_LISTEN_S = 10.0
"""Seconds after which a watch that was stopped just before it began to wait looks again."""
_asking = threading.Lock()


def server_runs() -> bool:
    """Returns whether there is a sound server; does not start one."""
    return _ask(lambda _: True)


def captures_monitor_by_default() -> bool:
    """Returns whether the sound server's default source is a monitor; False without a server."""

    def is_monitor(pulse: Any) -> bool:
        name = pulse.server_info().default_source_name
        return any(_is_monitor(one) for one in pulse.source_list() if one.name == name)

    return _ask(is_monitor)


def captures_monitor_now() -> bool:
    """Returns whether the sound server has moved a stream of this process to a monitor, as it does
    when the microphone of the stream is unplugged; False without a server."""

    def captures_monitor(pulse: Any) -> bool:
        monitors = {one.index for one in pulse.source_list() if _is_monitor(one)}
        return any(
            stream.source in monitors and _is_own(stream) for stream in pulse.source_output_list()
        )

    return _ask(captures_monitor)


class DeviceWatch:
    """Calls `changed`, in a thread of its own, when a device comes or goes, or another one becomes
    the default; and `port_changed` when a loudspeaker on which this process plays loses its port,
    or plays through it again. Does nothing where there is no sound server."""

    def __init__(
        self,
        changed: Callable[[], object],
        port_changed: Callable[[PortChange], object] | None = None,
    ) -> None:
        self._changed = changed
        self._port_changed = port_changed
        self._ports: dict[int, PortUse] = {}  # by the number of the sink
        self._changed_sinks: set[int] = set()
        self._lock = threading.Lock()
        self._pulse: Any = None  # while it listens
        self._thread: threading.Thread | None = None
        self._stopped = False

    @property
    def listens(self) -> bool:
        """Whether the server reports changes now."""
        return self._pulse is not None

    def keep_on(self) -> None:
        """Listens to the server unless it does so already, also after another one was started."""
        if sys.platform.startswith("linux") and not (self._thread and self._thread.is_alive()):
            self._thread = threading.Thread(target=self._run, name="device watch", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Lets the thread end; returns at once."""
        self._stopped = True
        with self._lock:
            if self._pulse is not None:
                self._pulse.event_listen_stop()

    def _run(self) -> None:
        try:
            pulsectl: Any = import_module("pulsectl")
        except (ImportError, OSError):
            return
        ended = (
            pulsectl.PulseError,
            pulsectl.PulseDisconnected,
            pulsectl._pulsectl.LibPulse.CallError,
        )
        with suppress(*ended), _connected(pulsectl) as pulse:
            pulse.event_mask_set("sink", "source", "server")
            pulse.event_callback_set(self._happened)
            if self._port_changed is not None:
                self._ports = {
                    sink.index: PortUse(sink_ports(sink)[0]) for sink in pulse.sink_list()
                }
            self._pulse = pulse
            try:
                while not self._stopped:
                    if self._changed_sinks:
                        with suppress(pulsectl.PulseIndexError):  # it is gone meanwhile
                            self._look_at_ports(pulse, self._changed_sinks.pop())
                    else:
                        pulse.event_listen(_LISTEN_S)
            finally:
                with self._lock:
                    self._pulse = None

    def _happened(self, event: Any) -> None:
        """A "change" of a device is one of its volume, its state, or its port; a new default is a
        change of the server. The server cannot be asked in here."""
        if event.facility == "server" or event.t in ("new", "remove"):
            self._changed()
        if event.facility == "sink" and event.t != "remove" and self._port_changed is not None:
            self._changed_sinks.add(event.index)
            if self.listens:
                self._pulse.event_listen_stop()

    def _look_at_ports(self, pulse: Any, index: int) -> None:
        active, ports = sink_ports(pulse.sink_info(index))
        use, change = follow_ports(self._ports.get(index, PortUse(None)), active, ports)
        if change is not None and not change.back and not _plays_on(pulse, index):
            use, change = PortUse(active), None
        self._ports[index] = use
        if change is not None and self._port_changed is not None:
            self._port_changed(change)


@contextmanager
def _connected(pulsectl: Any) -> Iterator[Any]:
    """Gives a connection to the server, which it does not start; closes it, also where there is no
    server. Raises PulseError."""
    with closing(pulsectl.Pulse("tui-voice", connect=False)) as pulse:
        pulse.connect(autospawn=False, wait=False)
        yield pulse


def _ask(question: Callable[[Any], bool]) -> bool:
    """Returns the answer to a question that is given a connection; False where there is no libpulse
    and no server, or where the server ends meanwhile or does not answer in time.

    A question without an answer keeps its thread; no other one is asked until it ends.
    """
    try:
        pulsectl: Any = import_module("pulsectl")  # it has no type annotations
    except (ImportError, OSError):  # not Linux, or no libpulse
        return False
    answers: SimpleQueue[bool] = SimpleQueue()

    def ask() -> None:
        try:
            with _connected(pulsectl) as pulse:
                answers.put(question(pulse))
        except (pulsectl.PulseError, pulsectl._pulsectl.LibPulse.CallError):
            answers.put(False)
        finally:
            _asking.release()

    if not _asking.acquire(timeout=_ANSWER_TIMEOUT_S):
        return False
    threading.Thread(target=ask, name="question to the sound server", daemon=True).start()
    try:
        return answers.get(timeout=_ANSWER_TIMEOUT_S)
    except Empty:
        return False


def sink_ports(sink: Any) -> tuple[Port | None, list[Port]]:
    """Returns the port that a `pulsectl` sink uses, and all of its ports; None and [] where it has
    none, like Bluetooth or a virtual one."""

    def port(one: Any) -> Port:
        return Port(one.name, one.description, one.available != "no")

    return sink.port_active and port(sink.port_active), [port(one) for one in sink.port_list]


def _plays_on(pulse: Any, sink: int) -> bool:
    return any(stream.sink == sink and _is_own(stream) for stream in pulse.sink_input_list())


def _is_own(stream: Any) -> bool:
    return bool(stream.proplist.get("application.process.id") == str(os.getpid()))


def _is_monitor(source: Any) -> bool:
    return source.monitor_of_sink_name is not None
