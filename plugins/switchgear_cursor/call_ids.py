r"""The ids of tool calls as clients can take them. Those of some models hold a line break: ``call_x\nfc_y``. Pure."""

from __future__ import annotations

import re

_SEAM = re.compile(r"(?<=.)__(?=fc_)")


def for_client(call_id: str) -> str:
    r"""The id as it is given to the client.

    >>> for_client("call_x\nfc_y")
    'call_x__fc_y'
    """
    return call_id.replace("\n", "__")


def for_service(call_id: str) -> str:
    r"""The id as the service gave it.

    >>> for_service("call_x__fc_y")
    'call_x\nfc_y'
    """
    return _SEAM.sub("\n", call_id, count=1) if call_id.startswith("call_") else call_id
