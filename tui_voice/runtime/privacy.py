"""Where the turns of a session may go: to which server they were sent, and which may get them now.

Two rules. A session that was held offline stays offline unless the user names another server. A
private session is never sent to another machine.
"""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from urllib.parse import urlsplit

from tui_voice.config import Settings
from tui_voice.conversation.ledger import Ledger
from tui_voice.errors import BackendError
from tui_voice.runtime.backends import AUTO, LOCAL, OPENAI, backend_of, uses_text_model


def host_of(url: str) -> str:
    """Returns host and port of an address, without user and password: `example.com:8765`."""
    return urlsplit(url).netloc.rpartition("@")[2].lower()


def is_this_machine(host: str) -> bool:
    """Returns whether a host, with or without a port, is the loopback of this machine."""
    name = urlsplit(f"//{host}").hostname or ""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def server_of(settings: Settings) -> str:
    """Returns what the journal notes of the server: its host; "" for the usual one of the backend.

    Of the embedded server it is the chat server that writes the replies, where that is elsewhere.
    """
    spec = backend_of(settings)
    if spec is LOCAL:
        host = host_of(settings.backend.llm_url or "")
        return "" if is_this_machine(host) else host
    if spec is OPENAI and not settings.backend.url:
        return ""
    return host_of(spec.address(settings))


def held_at(settings: Settings) -> str:
    """Returns the server as `Ledger.held_with` names it: `local`, `openai`, `ws example.com`."""
    return f"{backend_of(settings).name} {server_of(settings)}".strip()


def hosts_beyond(settings: Settings) -> list[str]:
    """Returns the hosts on other machines that get the turns of a session with these settings."""
    spec, backend, summary = backend_of(settings), settings.backend, settings.summary
    found = []
    if spec is LOCAL:
        found.append(host_of(backend.llm_url or ""))
    else:
        found.append(host_of(spec.address(settings)) or spec.about)
    if summary.by == "url":
        found.append(host_of(summary.url or ""))
    if uses_text_model(settings):
        found.append("api.openai.com")
    found += [host_of(server.url) for server in settings.tools.values() if server.url]
    return [host for host in dict.fromkeys(found) if host and not is_this_machine(host)]


def settings_for(settings: Settings, ledger: Ledger) -> tuple[Settings, str]:
    """Returns the settings to resume this session with, and what to tell the user; "": nothing.

    A session that only the embedded server has held stays with it where the settings let the
    program choose. Raises `BackendError` where a private session would be sent elsewhere.
    """
    notice = ""
    offline = bool(ledger.held_with) and set(ledger.held_with) == {LOCAL.name}
    if settings.backend.kind == AUTO and offline and (other := backend_of(settings)) is not LOCAL:
        settings = replace(settings, backend=replace(settings.backend, kind=LOCAL.name))
        notice = (
            "This session was held offline and stays with the embedded server. "
            f"`--backend {other.name}` would send it to {other.about}."
        )
    if ledger.private:
        check_private(settings)
    elif held_at(settings) not in ledger.held_with and ledger.held_with and hosts_beyond(settings):
        before = " and ".join(ledger.held_with)
        notice = (
            f"Until now this session was held with: {before}. Its memory and its kept turns now go "
            f"to: {held_at(settings)}."
        )
    return settings, notice


def check_private(settings: Settings) -> None:
    """Raises `BackendError` where a private session would be sent to another machine."""
    if hosts := hosts_beyond(settings):
        raise BackendError(
            f"this session is private, and {' and '.join(hosts)} would get its turns.",
            "Use `--backend local` without a chat server elsewhere; `tui-voice sessions private ID "
            "--off` takes the mark away.",
        )
