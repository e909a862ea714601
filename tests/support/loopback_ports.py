"""Ports of this machine's loopback: one that is free, and whether something listens.

Never here: servers.
Invariant: nothing but 127.0.0.1 is touched.
"""

from __future__ import annotations

import socket


def free_port() -> int:
    """A loopback port that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def accepts(port: int) -> bool:
    """Does something listen on this loopback port?"""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0
