"""The generated messages, and that nobody pays for them who does not use them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from switchgear_cursor.framing import Envelopes
from switchgear_cursor.proto import agent_pb2

GATEWAY = """
import sys
import switchgear.assembly
from switchgear.loading import installed
assert "cursor" in installed()
print([name for name in sys.modules if name.startswith(("google.protobuf", "switchgear_cursor"))])
"""


def test_nothing_of_it_is_imported_by_the_gateway() -> None:
    command = [sys.executable, "-c", GATEWAY]
    ran = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    assert ran.stdout == "[]\n"


def test_without_the_extra_the_error_says_what_to_install() -> None:
    program = "import sys; sys.modules['google.protobuf'] = None; import switchgear_cursor.chat"
    ran = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True, timeout=60)
    assert "pip install 'switchgear[cursor]'" in ran.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize(
    ("golden", "kind"),
    [
        pytest.param("00000000023a00", "client_heartbeat", id="heartbeat"),
        pytest.param(
            "0000000015121308017a026531520b0a090a0722055203555443", "exec_client_message", id="request context"
        ),
        pytest.param("00000000062a040a020801", "exec_client_control_message", id="close"),
        pytest.param("00000000061a0408081a00", "kv_client_message", id="blob stored"),
    ],
)
def test_published_frames_are_read_without_a_rest(golden: str, kind: str) -> None:
    (envelope,) = Envelopes().feed(bytes.fromhex(golden))
    message = agent_pb2.AgentClientMessage.FromString(envelope.payload)
    assert message.WhichOneof("message") == kind
    whole = message.ByteSize()
    message.DiscardUnknownFields()
    assert message.ByteSize() == whole
