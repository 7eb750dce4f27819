"""A fake of Cursor's services on loopback, strict, and with a memory: sign-in, keys, lists, usage, and the agent.

The agent reads and writes its messages by the numbers alone, without the plugin's own. What the real services are known
to do is in the modules, with its source. Free choices of the fake: its texts, how its tools' calls are numbered, that
a client of ours sends no field but those it is known to need, and where it packs and cuts what it says.
"""

from __future__ import annotations

from switchgear_cursor.fake.cursor import FakeCursor

__all__ = ["FakeCursor"]
