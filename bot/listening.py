"""Ports and signals of a serving process: a taken port is told at once, a request to stop is noticed."""

from __future__ import annotations

import asyncio
import errno
import signal
import socket

from knowledge.errors import BadInput


class PortTaken(BadInput):
    """Somebody else listens there."""


def bind(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """A bound socket, before any work is done: a taken port is told at once. `shared`: with other worker processes."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as error:
        raise BadInput(f"no address '{host}' on this machine ({error.strerror}): name another with --host") from error
    family, kind, protocol, _, address = found[0]
    listener = socket.socket(family, kind, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise why_not(error, host, port) from error
    return listener


def why_not(error: OSError, host: str, port: int) -> BadInput:
    """The operating system's reason, with the remedy."""
    match error.errno:
        case errno.EADDRINUSE:
            return PortTaken(f"port {port} on {host} is in use: stop what has it, or name another with --port")
        case errno.EACCES:
            return BadInput(f"port {port} may not be opened by this user: name one above 1023 with --port")
        case _:
            return BadInput(f"cannot listen on {host}:{port}: {error.strerror}")


def stop_signal() -> asyncio.Event:
    """Set when the process is asked to end."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop
