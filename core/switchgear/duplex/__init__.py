"""Calls whose request is still being written while the answer is read: full-duplex HTTP/2.

Over ``h2`` (sans-IO; the server we ship brings it anyway) on asyncio's own transports. httpx2 reads no answer before
the request's body has ended. pyqwest 0.12 can, but takes no TLS context of ours, falls back to the environment's
proxies where none is given, and has no time limits for one call alone (read 2026-11).

The rooms: ``call`` is what a plugin holds, ``stream`` its state, ``connection`` one connection and its many streams,
``pool`` the connections to each host, ``dialing`` the way there, ``request_head`` what goes out first.
"""

from __future__ import annotations

from switchgear.duplex.call import Duplex
from switchgear.duplex.pool import DuplexPool

__all__ = ["Duplex", "DuplexPool"]
