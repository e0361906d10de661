"""Who may connect, judged by the headers `Origin` and `Host` of the handshake.

A page in a browser can open a WebSocket to this machine without its user's notice. The browser
names the place the page is from (`Origin`), and the name by which it found the server (`Host`).
Both must be this machine: so no page of a web site gets in, also where its name was made to point
to this machine (DNS rebinding).
"""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import urlsplit

from websockets.datastructures import Headers

from tui_voice.network import is_loopback


def header(headers: Headers, name: str) -> str:
    """Returns the value of a header, "" where there is none; several are joined by commas."""
    return ", ".join(headers.get_all(name))


def foreign_header(headers: Headers, listening_on: str) -> str | None:
    """Returns one sentence about the header for which a client is refused; None: it may connect.

    `listening_on`: the address or name at which the server listens. A program that is no browser
    sends no `Origin`.
    """
    origin = header(headers, "Origin")
    if origin and not is_loopback(_host_of(origin)):
        return f"Pages from {origin} must not use this server: only pages of this machine may."
    host = header(headers, "Host")
    if host and not _is_own_name(_host_of(f"//{host}"), listening_on):
        return f"This server is not {host}: connect to the address that it printed."
    return None


def _is_own_name(host: str, listening_on: str) -> bool:
    """Returns whether `host` may be a name of this server.

    Beyond loopback that is every IP address, since no other machine can take one as its name.
    """
    if is_loopback(host) or host == listening_on.lower():
        return True
    if is_loopback(listening_on):
        return False
    own = socket.gethostname().lower()
    return _is_address(host) or host in (own, f"{own.partition('.')[0]}.local")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _host_of(url: str) -> str:
    """Returns the host in a URL in lower case; "" where there is none, as in the origin `null`."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
