"""The answers to what the server wants done on this machine, or asked of the person: nothing is. Pure.

A client's tools are the only ones that run, and they run at the client. Every message is answered all the same, in the
form of its kind, for the server waits. Forms and numbers: descriptor of the vendor's SDK 1.0.31, read 2026-11.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from switchgear_cursor.proto import UnknownFieldSet
from switchgear_cursor.proto.agent_pb2 import (
    AllowlistResult,
    BackgroundResult,
    BackgroundShellResult,
    CommandRejected,
    Decision,
    EditResult,
    Empty,
    ErrorResult,
    ExecClientMessage,
    ExecServerMessage,
    FailureResult,
    FetchError,
    FetchResult,
    HookResult,
    InteractionQuery,
    InteractionResponse,
    LookResult,
    NativeArgs,
    PathRejected,
    PlanAnswer,
    PlanResult,
    QuestionAnswer,
    QuestionResult,
    ResourceList,
    ResourceResult,
    SetupVmAnswer,
    ShellResult,
    ShellStreamResult,
    SubagentAwaitResult,
    SubagentError,
    SubagentResult,
    Text,
)

REASON = "Not available here. Use only the tools that were given."
NOT_FOUND = 2


def refusal(asked: ExecServerMessage) -> ExecClientMessage | None:
    """The refusal of a native tool; ``None`` for one that has no form of refusal, or is not known."""
    kind = asked.WhichOneof("message")
    made = _REFUSALS.get(kind or "")
    if kind is None or made is None:
        return None
    answer = ExecClientMessage(id=asked.id, exec_id=asked.exec_id)
    field = getattr(answer, kind)
    field.SetInParent()
    field.CopyFrom(made(getattr(asked, kind)))
    return answer


def reply_to_query(asked: InteractionQuery) -> InteractionResponse:
    """The person's "no". To a question that is not known the id alone is the answer."""
    answer = InteractionResponse(id=asked.id)
    kind = asked.WhichOneof("query")
    if kind is not None:
        field = getattr(answer, kind)
        field.SetInParent()
        field.CopyFrom(_REPLIES.get(kind, Empty()))
    return answer


def _text(given: bytes) -> str:
    return given.decode("utf-8", "replace")


def _look(args: NativeArgs) -> LookResult:
    return LookResult(rejected=PathRejected(path=_text(args.subject), reason=REASON))


def _edit(args: NativeArgs) -> EditResult:
    return EditResult(rejected=PathRejected(path=_text(args.subject), reason=REASON))


def _command(args: NativeArgs) -> CommandRejected:
    return CommandRejected(command=_text(args.subject), working_directory=_text(args.place), reason=REASON)


def _shell(args: NativeArgs) -> ShellResult:
    return ShellResult(rejected=_command(args))


def _error(_: NativeArgs) -> ErrorResult:
    return ErrorResult(error=Text(text=REASON))


def _background(_: NativeArgs) -> BackgroundResult:
    return BackgroundResult(status=NOT_FOUND)


def _hook(args: NativeArgs) -> HookResult:
    """An empty response of the request's own kind, which is the number of the one field it has."""
    asked = Empty()
    asked.ParseFromString(args.subject)
    unknown = UnknownFieldSet(asked)
    numbers = [unknown[at].field_number for at in range(len(unknown))]
    return HookResult(response=b"".join(_empty_message(number) for number in numbers[:1]))


def _empty_message(number: int) -> bytes:
    """An empty message as the field of this number, serialized."""
    tag, head = number << 3 | 2, bytearray()
    while tag > 0x7F:
        head.append(tag & 0x7F | 0x80)
        tag >>= 7
    return bytes((*head, tag, 0))


_REFUSALS: dict[str, Callable[[NativeArgs], Any]] = {
    **dict.fromkeys(("read", "redacted_read", "ls", "diagnostics"), _look),
    **dict.fromkeys(("write", "delete"), _edit),
    **dict.fromkeys(("shell", "mini_swe_bash"), _shell),
    "shell_stream": lambda args: ShellStreamResult(rejected=_command(args)),
    "background_shell": lambda args: BackgroundShellResult(rejected=_command(args)),
    **dict.fromkeys(("grep", "shell_stdin", "classifier", "canvas", "computer_use"), _error),
    **dict.fromkeys(("conversation_search", "agent_store_conflict"), _error),
    **dict.fromkeys(("pi_read", "pi_bash", "pi_edit", "pi_write", "pi_grep", "pi_find", "pi_ls"), _error),
    "fetch": lambda args: FetchResult(error=FetchError(url=_text(args.subject), error=REASON)),
    "list_mcp_resources": lambda args: ResourceList(success=Empty()),
    "read_mcp_resource": lambda args: ResourceResult(not_found=Text(text=_text(args.place))),
    "subagent": lambda args: SubagentResult(error=SubagentError(text=REASON)),
    "subagent_await": lambda args: SubagentAwaitResult(not_found=Text(text=_text(args.subject))),
    **dict.fromkeys(("force_background_shell", "force_background_subagent"), _background),
    "execute_hook": _hook,
    **dict.fromkeys(("shell_allowlist", "mcp_allowlist", "fetch_allowlist"), lambda args: AllowlistResult()),
    "record_screen": lambda args: FailureResult(failure=Text(text=REASON)),
}

_REJECTED = Decision(rejected=Text(text=REASON))
_REPLIES: dict[str, Any] = {
    **dict.fromkeys(("web_search", "switch_mode", "web_fetch", "mcp_auth", "generate_image"), _REJECTED),
    "ask_question": QuestionAnswer(result=QuestionResult(rejected=Text(text=REASON))),
    "create_plan": PlanAnswer(result=PlanResult(error=Text(text=REASON))),
    "setup_vm": SetupVmAnswer(success=Empty()),
}
"""The others are answered with an empty message."""
