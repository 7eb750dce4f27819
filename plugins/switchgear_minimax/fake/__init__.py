"""A fake of MiniMax's services: the hosts of both regions on one loopback server, strict, and with a memory."""

from __future__ import annotations

from switchgear_minimax.fake.minimax import FakeMiniMax

__all__ = ["FakeMiniMax"]
