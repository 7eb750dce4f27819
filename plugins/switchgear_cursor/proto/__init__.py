"""The messages of the agent stream: ``agent.proto`` is ours, ``agent_pb2`` is made from it by ``make proto-write``.

The protobuf runtime is an extra of the distribution, for nobody else needs it. What is used of it is named here.
"""

from __future__ import annotations

try:
    from google.protobuf.message import DecodeError
    from google.protobuf.unknown_fields import UnknownFieldSet
except ImportError as error:
    raise ImportError("the cursor plugin needs protobuf: pip install 'switchgear[cursor]'") from error

__all__ = ["DecodeError", "UnknownFieldSet"]
