"""Rules for every connection that this program opens: proxies, loopback and redirects.

- A loopback address is always reached directly. A proxy could not reach this machine's loopback
  interface, and it would be handed what is said.
- Other addresses are reached through the proxy that the environment or the operating system names.
- A redirect is never followed: the request's headers may hold an API key.

Client and embedded server both use it, for WebSockets and for HTTP.
"""

from __future__ import annotations

import ipaddress
import os
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from tui_voice.errors import BackendError

if TYPE_CHECKING:
    from openai import DefaultAsyncHttpxClient, DefaultHttpxClient

_SCHEMES = {
    "ws": ("ws", "socks", "https", "http", "all"),
    "wss": ("wss", "socks", "https", "all"),
    "http": ("http", "socks", "all"),
    "https": ("https", "socks", "all"),
}
"""Scheme of an address → the kinds of proxy to look for, in this order: `https` is the variable
`HTTPS_PROXY`. RFC 6455, 4.1: a WebSocket goes through the proxy for HTTPS, and without one through
the proxy for HTTP."""
_DEFAULT_PORTS = {"ws": 80, "http": 80, "wss": 443, "https": 443}


@dataclass(frozen=True, slots=True)
class ProxyServer:
    """The proxy through which an address is reached. `url` may hold a password: never show it."""

    url: str
    source: str
    """Where it is named: a variable such as `HTTPS_PROXY`, or "the system's settings"."""

    @property
    def public_url(self) -> str:
        """The address without user name and password."""
        parts = urlsplit(self.url)
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], "", "", ""))

    def __str__(self) -> str:
        return f"the proxy {self.public_url} ({self.source})"

    @property
    def hint(self) -> str:
        """What the user can do where the proxy fails."""
        return f"Correct or unset {self.source}, or name the host in NO_PROXY."


def is_loopback(host: str) -> bool:
    """Returns whether the host is this machine's loopback interface. Names are not looked up."""
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):  # RFC 6761, 6.3
        return True
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return _is_short_loopback(name)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def _is_short_loopback(name: str) -> bool:
    """Returns whether it is a loopback address in a form such as `127.1`."""
    try:
        return name[:1].isdigit() and socket.inet_aton(name)[0] == 127
    except OSError:
        return False


def proxy_for(url: str) -> ProxyServer | None:
    """Returns the proxy through which `url` is reached; None: directly."""
    from urllib.request import getproxies, proxy_bypass  # takes 20 ms to import

    parts = urlsplit(url)
    host, scheme = parts.hostname or "", parts.scheme.lower()
    if not host or is_loopback(host):
        return None
    proxies = getproxies()
    kind = next((kind for kind in _SCHEMES.get(scheme, ()) if proxies.get(kind)), None)
    if kind is None or proxy_bypass(f"{host}:{parts.port or _DEFAULT_PORTS[scheme]}"):
        return None
    found = proxies[kind]
    if kind == "socks":  # operating systems name a SOCKS proxy by an `http://` address
        found = found.replace("http://", "socks5h://", 1)
    if "://" not in found:
        found = f"http://{found}"
    names = (f"{kind}_proxy", f"{kind}_proxy".upper())
    source = next((name for name in names if os.environ.get(name)), "the system's settings")
    return ProxyServer(found, source)


def http_client(url: str) -> DefaultHttpxClient:
    """Returns an HTTP client for `url` that keeps the rules of this module, for `openai.OpenAI`.

    Raises `BackendError` where its proxy cannot be used.
    """
    from openai import DefaultHttpxClient

    return _made(DefaultHttpxClient, url)  # type: ignore[no-any-return]  # it is made of any class


def async_http_client(url: str) -> DefaultAsyncHttpxClient:
    """Returns the same as `http_client`, for `openai.AsyncOpenAI`."""
    from openai import DefaultAsyncHttpxClient

    return _made(DefaultAsyncHttpxClient, url)  # type: ignore[no-any-return]  # as above


def _made(client: Any, url: str) -> Any:
    proxy = proxy_for(url)
    options: dict[str, Any] = {"follow_redirects": False}
    if proxy is not None:
        options["proxy"] = proxy.url
    else:
        options |= _direct()
    try:
        return client(**options)
    except (ImportError, ValueError) as error:
        if proxy is None:
            raise
        missing = isinstance(error, ImportError)
        reason = "the package socksio is not installed" if missing else _reason(error)
        raise BackendError(f"{proxy} cannot be used: {reason}.", proxy.hint) from error


def _direct() -> dict[str, Any]:
    """Returns the arguments of a client that ignores the proxies of the environment.

    Such a client ignores `SSL_CERT_FILE` and `SSL_CERT_DIR` as well, so these are read here.
    """
    from urllib.request import getproxies

    if not getproxies():
        return {}
    file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    if not (file or folder):
        return {"trust_env": False}
    import ssl

    context = ssl.create_default_context(cafile=file or None, capath=folder or None)
    return {"trust_env": False, "verify": context}


def http_failure(url: str, error: Exception) -> str:
    """Returns why a request of the `openai` package to `url` failed, in one line. It names the
    proxy, where there is one, and the address to which a server redirects.
    """
    response = getattr(error, "response", None)
    if response is not None and 300 <= response.status_code < 400:
        place = response.headers.get("location", "").partition("?")[0]
        return f"it redirects to {place or 'another address'}, which is not followed"
    reason = _reason(error)
    cause = error.__cause__
    if response is None and (proxy := proxy_for(url)) is not None:
        detail = f": {_reason(cause)}" if cause is not None and str(cause) else ""
        return f"{reason.rstrip('.')} (through {proxy}){detail}"
    return reason


def _reason(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
