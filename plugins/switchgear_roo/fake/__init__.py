"""A fake of the whole service, on loopback: Clerk, the web app and the model proxy.

What the real ones are known to do is in the plugin's own modules, with its source. Free choices of the fake: that it
refuses ``reasoning_effort``, ``max_completion_tokens`` and the role ``developer`` (the proxy was never seen to get
them), that a tool loop needs its thoughts back whole (seen of the vendors behind the proxy), and the texts of errors.
"""

from __future__ import annotations

from switchgear_roo.fake.service import FakeRoo

__all__ = ["FakeRoo"]
