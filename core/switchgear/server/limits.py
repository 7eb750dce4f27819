"""What both servers grant a client. Read when needed, so that one place sets them for all."""

from __future__ import annotations

HEADER_LIMIT_BYTES = 64 * 1024
"""How long the head of a request may be, and what surrounds the pieces of its body."""
KEEP_ALIVE_S = 75.0
"""How long an idle connection stays open, how long a client may take to send a head, and between parts of a body."""
HIGH_WATER_BYTES = 256 * 1024
"""So much of a request's body waits for the application; beyond it the client is not read from."""
MOST_PIPELINED = 32
"""Requests that may wait on a connection for the answer to an earlier one. The next is refused, and ends it."""
LINGER_S = 2.0
"""How long a client that was answered before it had sent everything may take to read the answer."""
GRACE_S = 1.5
"""How long what is told to end may take."""
BACKLOG = 1024
