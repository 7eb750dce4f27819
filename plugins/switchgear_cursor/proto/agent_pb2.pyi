from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Empty(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class AgentClientMessage(_message.Message):
    __slots__ = ("run_request", "exec_client_message", "kv_client_message", "exec_client_control_message", "interaction_response", "client_heartbeat")
    RUN_REQUEST_FIELD_NUMBER: _ClassVar[int]
    EXEC_CLIENT_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    KV_CLIENT_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    EXEC_CLIENT_CONTROL_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    INTERACTION_RESPONSE_FIELD_NUMBER: _ClassVar[int]
    CLIENT_HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    run_request: AgentRunRequest
    exec_client_message: ExecClientMessage
    kv_client_message: KvClientMessage
    exec_client_control_message: ExecClientControlMessage
    interaction_response: InteractionResponse
    client_heartbeat: Empty
    def __init__(self, run_request: _Optional[_Union[AgentRunRequest, _Mapping]] = ..., exec_client_message: _Optional[_Union[ExecClientMessage, _Mapping]] = ..., kv_client_message: _Optional[_Union[KvClientMessage, _Mapping]] = ..., exec_client_control_message: _Optional[_Union[ExecClientControlMessage, _Mapping]] = ..., interaction_response: _Optional[_Union[InteractionResponse, _Mapping]] = ..., client_heartbeat: _Optional[_Union[Empty, _Mapping]] = ...) -> None: ...

class AgentRunRequest(_message.Message):
    __slots__ = ("conversation_state", "action", "model_details", "mcp_tools", "conversation_id", "requested_model", "client_supports_inline_images")
    CONVERSATION_STATE_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    MODEL_DETAILS_FIELD_NUMBER: _ClassVar[int]
    MCP_TOOLS_FIELD_NUMBER: _ClassVar[int]
    CONVERSATION_ID_FIELD_NUMBER: _ClassVar[int]
    REQUESTED_MODEL_FIELD_NUMBER: _ClassVar[int]
    CLIENT_SUPPORTS_INLINE_IMAGES_FIELD_NUMBER: _ClassVar[int]
    conversation_state: ConversationStateStructure
    action: ConversationAction
    model_details: ModelDetails
    mcp_tools: McpTools
    conversation_id: str
    requested_model: RequestedModel
    client_supports_inline_images: bool
    def __init__(self, conversation_state: _Optional[_Union[ConversationStateStructure, _Mapping]] = ..., action: _Optional[_Union[ConversationAction, _Mapping]] = ..., model_details: _Optional[_Union[ModelDetails, _Mapping]] = ..., mcp_tools: _Optional[_Union[McpTools, _Mapping]] = ..., conversation_id: _Optional[str] = ..., requested_model: _Optional[_Union[RequestedModel, _Mapping]] = ..., client_supports_inline_images: _Optional[bool] = ...) -> None: ...

class ConversationStateStructure(_message.Message):
    __slots__ = ("root_prompt_messages_json", "token_details", "mode")
    ROOT_PROMPT_MESSAGES_JSON_FIELD_NUMBER: _ClassVar[int]
    TOKEN_DETAILS_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    root_prompt_messages_json: _containers.RepeatedScalarFieldContainer[bytes]
    token_details: TokenDetails
    mode: int
    def __init__(self, root_prompt_messages_json: _Optional[_Iterable[bytes]] = ..., token_details: _Optional[_Union[TokenDetails, _Mapping]] = ..., mode: _Optional[int] = ...) -> None: ...

class TokenDetails(_message.Message):
    __slots__ = ("used_tokens", "max_tokens")
    USED_TOKENS_FIELD_NUMBER: _ClassVar[int]
    MAX_TOKENS_FIELD_NUMBER: _ClassVar[int]
    used_tokens: int
    max_tokens: int
    def __init__(self, used_tokens: _Optional[int] = ..., max_tokens: _Optional[int] = ...) -> None: ...

class ConversationAction(_message.Message):
    __slots__ = ("user_message_action", "resume_action")
    USER_MESSAGE_ACTION_FIELD_NUMBER: _ClassVar[int]
    RESUME_ACTION_FIELD_NUMBER: _ClassVar[int]
    user_message_action: UserMessageAction
    resume_action: ResumeAction
    def __init__(self, user_message_action: _Optional[_Union[UserMessageAction, _Mapping]] = ..., resume_action: _Optional[_Union[ResumeAction, _Mapping]] = ...) -> None: ...

class UserMessageAction(_message.Message):
    __slots__ = ("user_message", "request_context")
    USER_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_CONTEXT_FIELD_NUMBER: _ClassVar[int]
    user_message: UserMessage
    request_context: RequestContext
    def __init__(self, user_message: _Optional[_Union[UserMessage, _Mapping]] = ..., request_context: _Optional[_Union[RequestContext, _Mapping]] = ...) -> None: ...

class ResumeAction(_message.Message):
    __slots__ = ("request_context",)
    REQUEST_CONTEXT_FIELD_NUMBER: _ClassVar[int]
    request_context: RequestContext
    def __init__(self, request_context: _Optional[_Union[RequestContext, _Mapping]] = ...) -> None: ...

class UserMessage(_message.Message):
    __slots__ = ("text", "message_id", "selected_context", "mode")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    SELECTED_CONTEXT_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    text: str
    message_id: str
    selected_context: SelectedContext
    mode: int
    def __init__(self, text: _Optional[str] = ..., message_id: _Optional[str] = ..., selected_context: _Optional[_Union[SelectedContext, _Mapping]] = ..., mode: _Optional[int] = ...) -> None: ...

class SelectedContext(_message.Message):
    __slots__ = ("selected_images",)
    SELECTED_IMAGES_FIELD_NUMBER: _ClassVar[int]
    selected_images: _containers.RepeatedCompositeFieldContainer[SelectedImage]
    def __init__(self, selected_images: _Optional[_Iterable[_Union[SelectedImage, _Mapping]]] = ...) -> None: ...

class SelectedImage(_message.Message):
    __slots__ = ("uuid", "mime_type", "data")
    UUID_FIELD_NUMBER: _ClassVar[int]
    MIME_TYPE_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    uuid: str
    mime_type: str
    data: bytes
    def __init__(self, uuid: _Optional[str] = ..., mime_type: _Optional[str] = ..., data: _Optional[bytes] = ...) -> None: ...

class ModelDetails(_message.Message):
    __slots__ = ("model_id", "display_model_id", "display_name", "max_mode")
    MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    MAX_MODE_FIELD_NUMBER: _ClassVar[int]
    model_id: str
    display_model_id: str
    display_name: str
    max_mode: bool
    def __init__(self, model_id: _Optional[str] = ..., display_model_id: _Optional[str] = ..., display_name: _Optional[str] = ..., max_mode: _Optional[bool] = ...) -> None: ...

class RequestedModel(_message.Message):
    __slots__ = ("model_id", "max_mode", "parameters")
    MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    MAX_MODE_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    model_id: str
    max_mode: bool
    parameters: _containers.RepeatedCompositeFieldContainer[ModelParameter]
    def __init__(self, model_id: _Optional[str] = ..., max_mode: _Optional[bool] = ..., parameters: _Optional[_Iterable[_Union[ModelParameter, _Mapping]]] = ...) -> None: ...

class ModelParameter(_message.Message):
    __slots__ = ("id", "value")
    ID_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    id: str
    value: str
    def __init__(self, id: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class RequestContext(_message.Message):
    __slots__ = ("env", "tools")
    ENV_FIELD_NUMBER: _ClassVar[int]
    TOOLS_FIELD_NUMBER: _ClassVar[int]
    env: RequestContextEnv
    tools: _containers.RepeatedCompositeFieldContainer[McpToolDefinition]
    def __init__(self, env: _Optional[_Union[RequestContextEnv, _Mapping]] = ..., tools: _Optional[_Iterable[_Union[McpToolDefinition, _Mapping]]] = ...) -> None: ...

class RequestContextEnv(_message.Message):
    __slots__ = ("time_zone",)
    TIME_ZONE_FIELD_NUMBER: _ClassVar[int]
    time_zone: str
    def __init__(self, time_zone: _Optional[str] = ...) -> None: ...

class McpTools(_message.Message):
    __slots__ = ("tools",)
    TOOLS_FIELD_NUMBER: _ClassVar[int]
    tools: _containers.RepeatedCompositeFieldContainer[McpToolDefinition]
    def __init__(self, tools: _Optional[_Iterable[_Union[McpToolDefinition, _Mapping]]] = ...) -> None: ...

class McpToolDefinition(_message.Message):
    __slots__ = ("name", "description", "input_schema", "provider_identifier", "tool_name")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    INPUT_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_IDENTIFIER_FIELD_NUMBER: _ClassVar[int]
    TOOL_NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    description: str
    input_schema: Value
    provider_identifier: str
    tool_name: str
    def __init__(self, name: _Optional[str] = ..., description: _Optional[str] = ..., input_schema: _Optional[_Union[Value, _Mapping]] = ..., provider_identifier: _Optional[str] = ..., tool_name: _Optional[str] = ...) -> None: ...

class McpArgs(_message.Message):
    __slots__ = ("name", "args", "tool_call_id", "provider_identifier", "tool_name", "smart_mode_approval_only")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ARGS_FIELD_NUMBER: _ClassVar[int]
    TOOL_CALL_ID_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_IDENTIFIER_FIELD_NUMBER: _ClassVar[int]
    TOOL_NAME_FIELD_NUMBER: _ClassVar[int]
    SMART_MODE_APPROVAL_ONLY_FIELD_NUMBER: _ClassVar[int]
    name: str
    args: _containers.RepeatedCompositeFieldContainer[Entry]
    tool_call_id: str
    provider_identifier: str
    tool_name: str
    smart_mode_approval_only: bool
    def __init__(self, name: _Optional[str] = ..., args: _Optional[_Iterable[_Union[Entry, _Mapping]]] = ..., tool_call_id: _Optional[str] = ..., provider_identifier: _Optional[str] = ..., tool_name: _Optional[str] = ..., smart_mode_approval_only: _Optional[bool] = ...) -> None: ...

class McpResult(_message.Message):
    __slots__ = ("tool_not_found", "approved")
    TOOL_NOT_FOUND_FIELD_NUMBER: _ClassVar[int]
    APPROVED_FIELD_NUMBER: _ClassVar[int]
    tool_not_found: ToolNotFound
    approved: Empty
    def __init__(self, tool_not_found: _Optional[_Union[ToolNotFound, _Mapping]] = ..., approved: _Optional[_Union[Empty, _Mapping]] = ...) -> None: ...

class ToolNotFound(_message.Message):
    __slots__ = ("name", "available")
    NAME_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_FIELD_NUMBER: _ClassVar[int]
    name: str
    available: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., available: _Optional[_Iterable[str]] = ...) -> None: ...

class Value(_message.Message):
    __slots__ = ("null_value", "number_value", "string_value", "bool_value", "struct_value", "list_value")
    NULL_VALUE_FIELD_NUMBER: _ClassVar[int]
    NUMBER_VALUE_FIELD_NUMBER: _ClassVar[int]
    STRING_VALUE_FIELD_NUMBER: _ClassVar[int]
    BOOL_VALUE_FIELD_NUMBER: _ClassVar[int]
    STRUCT_VALUE_FIELD_NUMBER: _ClassVar[int]
    LIST_VALUE_FIELD_NUMBER: _ClassVar[int]
    null_value: int
    number_value: float
    string_value: str
    bool_value: bool
    struct_value: Struct
    list_value: ListValue
    def __init__(self, null_value: _Optional[int] = ..., number_value: _Optional[float] = ..., string_value: _Optional[str] = ..., bool_value: _Optional[bool] = ..., struct_value: _Optional[_Union[Struct, _Mapping]] = ..., list_value: _Optional[_Union[ListValue, _Mapping]] = ...) -> None: ...

class Struct(_message.Message):
    __slots__ = ("fields",)
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    fields: _containers.RepeatedCompositeFieldContainer[Entry]
    def __init__(self, fields: _Optional[_Iterable[_Union[Entry, _Mapping]]] = ...) -> None: ...

class ListValue(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedCompositeFieldContainer[Value]
    def __init__(self, values: _Optional[_Iterable[_Union[Value, _Mapping]]] = ...) -> None: ...

class Entry(_message.Message):
    __slots__ = ("key", "value")
    KEY_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    key: str
    value: Value
    def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[Value, _Mapping]] = ...) -> None: ...

class AgentServerMessage(_message.Message):
    __slots__ = ("interaction_update", "exec_server_message", "conversation_checkpoint_update", "kv_server_message", "exec_server_control_message", "interaction_query")
    INTERACTION_UPDATE_FIELD_NUMBER: _ClassVar[int]
    EXEC_SERVER_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    CONVERSATION_CHECKPOINT_UPDATE_FIELD_NUMBER: _ClassVar[int]
    KV_SERVER_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    EXEC_SERVER_CONTROL_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    INTERACTION_QUERY_FIELD_NUMBER: _ClassVar[int]
    interaction_update: InteractionUpdate
    exec_server_message: ExecServerMessage
    conversation_checkpoint_update: ConversationStateStructure
    kv_server_message: KvServerMessage
    exec_server_control_message: ExecServerControlMessage
    interaction_query: InteractionQuery
    def __init__(self, interaction_update: _Optional[_Union[InteractionUpdate, _Mapping]] = ..., exec_server_message: _Optional[_Union[ExecServerMessage, _Mapping]] = ..., conversation_checkpoint_update: _Optional[_Union[ConversationStateStructure, _Mapping]] = ..., kv_server_message: _Optional[_Union[KvServerMessage, _Mapping]] = ..., exec_server_control_message: _Optional[_Union[ExecServerControlMessage, _Mapping]] = ..., interaction_query: _Optional[_Union[InteractionQuery, _Mapping]] = ...) -> None: ...

class InteractionUpdate(_message.Message):
    __slots__ = ("text_delta", "tool_call_started", "tool_call_completed", "thinking_delta", "partial_tool_call", "token_delta", "heartbeat", "turn_ended", "tool_call_count")
    TEXT_DELTA_FIELD_NUMBER: _ClassVar[int]
    TOOL_CALL_STARTED_FIELD_NUMBER: _ClassVar[int]
    TOOL_CALL_COMPLETED_FIELD_NUMBER: _ClassVar[int]
    THINKING_DELTA_FIELD_NUMBER: _ClassVar[int]
    PARTIAL_TOOL_CALL_FIELD_NUMBER: _ClassVar[int]
    TOKEN_DELTA_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    TURN_ENDED_FIELD_NUMBER: _ClassVar[int]
    TOOL_CALL_COUNT_FIELD_NUMBER: _ClassVar[int]
    text_delta: TextDelta
    tool_call_started: ToolCallUpdate
    tool_call_completed: ToolCallUpdate
    thinking_delta: TextDelta
    partial_tool_call: ToolCallUpdate
    token_delta: TokenDelta
    heartbeat: Empty
    turn_ended: TurnEnded
    tool_call_count: ToolCallCount
    def __init__(self, text_delta: _Optional[_Union[TextDelta, _Mapping]] = ..., tool_call_started: _Optional[_Union[ToolCallUpdate, _Mapping]] = ..., tool_call_completed: _Optional[_Union[ToolCallUpdate, _Mapping]] = ..., thinking_delta: _Optional[_Union[TextDelta, _Mapping]] = ..., partial_tool_call: _Optional[_Union[ToolCallUpdate, _Mapping]] = ..., token_delta: _Optional[_Union[TokenDelta, _Mapping]] = ..., heartbeat: _Optional[_Union[Empty, _Mapping]] = ..., turn_ended: _Optional[_Union[TurnEnded, _Mapping]] = ..., tool_call_count: _Optional[_Union[ToolCallCount, _Mapping]] = ...) -> None: ...

class TextDelta(_message.Message):
    __slots__ = ("text",)
    TEXT_FIELD_NUMBER: _ClassVar[int]
    text: str
    def __init__(self, text: _Optional[str] = ...) -> None: ...

class ToolCallUpdate(_message.Message):
    __slots__ = ("call_id", "tool_call", "model_call_id")
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    TOOL_CALL_FIELD_NUMBER: _ClassVar[int]
    MODEL_CALL_ID_FIELD_NUMBER: _ClassVar[int]
    call_id: str
    tool_call: ToolCall
    model_call_id: str
    def __init__(self, call_id: _Optional[str] = ..., tool_call: _Optional[_Union[ToolCall, _Mapping]] = ..., model_call_id: _Optional[str] = ...) -> None: ...

class ToolCall(_message.Message):
    __slots__ = ("mcp_tool_call", "tool_call_id")
    MCP_TOOL_CALL_FIELD_NUMBER: _ClassVar[int]
    TOOL_CALL_ID_FIELD_NUMBER: _ClassVar[int]
    mcp_tool_call: McpToolCall
    tool_call_id: str
    def __init__(self, mcp_tool_call: _Optional[_Union[McpToolCall, _Mapping]] = ..., tool_call_id: _Optional[str] = ...) -> None: ...

class McpToolCall(_message.Message):
    __slots__ = ("args",)
    ARGS_FIELD_NUMBER: _ClassVar[int]
    args: McpArgs
    def __init__(self, args: _Optional[_Union[McpArgs, _Mapping]] = ...) -> None: ...

class TokenDelta(_message.Message):
    __slots__ = ("tokens",)
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    tokens: int
    def __init__(self, tokens: _Optional[int] = ...) -> None: ...

class TurnEnded(_message.Message):
    __slots__ = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens")
    INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    CACHE_READ_TOKENS_FIELD_NUMBER: _ClassVar[int]
    CACHE_WRITE_TOKENS_FIELD_NUMBER: _ClassVar[int]
    REASONING_TOKENS_FIELD_NUMBER: _ClassVar[int]
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    def __init__(self, input_tokens: _Optional[int] = ..., output_tokens: _Optional[int] = ..., cache_read_tokens: _Optional[int] = ..., cache_write_tokens: _Optional[int] = ..., reasoning_tokens: _Optional[int] = ...) -> None: ...

class ToolCallCount(_message.Message):
    __slots__ = ("count",)
    COUNT_FIELD_NUMBER: _ClassVar[int]
    count: int
    def __init__(self, count: _Optional[int] = ...) -> None: ...

class KvServerMessage(_message.Message):
    __slots__ = ("id", "get_blob_args", "set_blob_args")
    ID_FIELD_NUMBER: _ClassVar[int]
    GET_BLOB_ARGS_FIELD_NUMBER: _ClassVar[int]
    SET_BLOB_ARGS_FIELD_NUMBER: _ClassVar[int]
    id: int
    get_blob_args: GetBlobArgs
    set_blob_args: SetBlobArgs
    def __init__(self, id: _Optional[int] = ..., get_blob_args: _Optional[_Union[GetBlobArgs, _Mapping]] = ..., set_blob_args: _Optional[_Union[SetBlobArgs, _Mapping]] = ...) -> None: ...

class GetBlobArgs(_message.Message):
    __slots__ = ("blob_id",)
    BLOB_ID_FIELD_NUMBER: _ClassVar[int]
    blob_id: bytes
    def __init__(self, blob_id: _Optional[bytes] = ...) -> None: ...

class SetBlobArgs(_message.Message):
    __slots__ = ("blob_id", "blob_data")
    BLOB_ID_FIELD_NUMBER: _ClassVar[int]
    BLOB_DATA_FIELD_NUMBER: _ClassVar[int]
    blob_id: bytes
    blob_data: bytes
    def __init__(self, blob_id: _Optional[bytes] = ..., blob_data: _Optional[bytes] = ...) -> None: ...

class KvClientMessage(_message.Message):
    __slots__ = ("id", "get_blob_result", "set_blob_result")
    ID_FIELD_NUMBER: _ClassVar[int]
    GET_BLOB_RESULT_FIELD_NUMBER: _ClassVar[int]
    SET_BLOB_RESULT_FIELD_NUMBER: _ClassVar[int]
    id: int
    get_blob_result: GetBlobResult
    set_blob_result: Empty
    def __init__(self, id: _Optional[int] = ..., get_blob_result: _Optional[_Union[GetBlobResult, _Mapping]] = ..., set_blob_result: _Optional[_Union[Empty, _Mapping]] = ...) -> None: ...

class GetBlobResult(_message.Message):
    __slots__ = ("blob_data", "error")
    BLOB_DATA_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    blob_data: bytes
    error: Text
    def __init__(self, blob_data: _Optional[bytes] = ..., error: _Optional[_Union[Text, _Mapping]] = ...) -> None: ...

class Text(_message.Message):
    __slots__ = ("text",)
    TEXT_FIELD_NUMBER: _ClassVar[int]
    text: str
    def __init__(self, text: _Optional[str] = ...) -> None: ...

class ExecServerMessage(_message.Message):
    __slots__ = ("id", "exec_id", "shell", "write", "delete", "grep", "read", "ls", "diagnostics", "request_context", "mcp", "shell_stream", "background_shell", "list_mcp_resources", "read_mcp_resource", "fetch", "record_screen", "computer_use", "shell_stdin", "execute_hook", "subagent", "redacted_read", "force_background_shell", "force_background_subagent", "mcp_state", "subagent_await", "classifier", "canvas", "shell_allowlist", "mcp_allowlist", "fetch_allowlist", "pi_read", "pi_bash", "pi_edit", "pi_write", "pi_grep", "pi_find", "pi_ls", "mini_swe_bash", "conversation_search", "agent_store_conflict")
    ID_FIELD_NUMBER: _ClassVar[int]
    EXEC_ID_FIELD_NUMBER: _ClassVar[int]
    SHELL_FIELD_NUMBER: _ClassVar[int]
    WRITE_FIELD_NUMBER: _ClassVar[int]
    DELETE_FIELD_NUMBER: _ClassVar[int]
    GREP_FIELD_NUMBER: _ClassVar[int]
    READ_FIELD_NUMBER: _ClassVar[int]
    LS_FIELD_NUMBER: _ClassVar[int]
    DIAGNOSTICS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_CONTEXT_FIELD_NUMBER: _ClassVar[int]
    MCP_FIELD_NUMBER: _ClassVar[int]
    SHELL_STREAM_FIELD_NUMBER: _ClassVar[int]
    BACKGROUND_SHELL_FIELD_NUMBER: _ClassVar[int]
    LIST_MCP_RESOURCES_FIELD_NUMBER: _ClassVar[int]
    READ_MCP_RESOURCE_FIELD_NUMBER: _ClassVar[int]
    FETCH_FIELD_NUMBER: _ClassVar[int]
    RECORD_SCREEN_FIELD_NUMBER: _ClassVar[int]
    COMPUTER_USE_FIELD_NUMBER: _ClassVar[int]
    SHELL_STDIN_FIELD_NUMBER: _ClassVar[int]
    EXECUTE_HOOK_FIELD_NUMBER: _ClassVar[int]
    SUBAGENT_FIELD_NUMBER: _ClassVar[int]
    REDACTED_READ_FIELD_NUMBER: _ClassVar[int]
    FORCE_BACKGROUND_SHELL_FIELD_NUMBER: _ClassVar[int]
    FORCE_BACKGROUND_SUBAGENT_FIELD_NUMBER: _ClassVar[int]
    MCP_STATE_FIELD_NUMBER: _ClassVar[int]
    SUBAGENT_AWAIT_FIELD_NUMBER: _ClassVar[int]
    CLASSIFIER_FIELD_NUMBER: _ClassVar[int]
    CANVAS_FIELD_NUMBER: _ClassVar[int]
    SHELL_ALLOWLIST_FIELD_NUMBER: _ClassVar[int]
    MCP_ALLOWLIST_FIELD_NUMBER: _ClassVar[int]
    FETCH_ALLOWLIST_FIELD_NUMBER: _ClassVar[int]
    PI_READ_FIELD_NUMBER: _ClassVar[int]
    PI_BASH_FIELD_NUMBER: _ClassVar[int]
    PI_EDIT_FIELD_NUMBER: _ClassVar[int]
    PI_WRITE_FIELD_NUMBER: _ClassVar[int]
    PI_GREP_FIELD_NUMBER: _ClassVar[int]
    PI_FIND_FIELD_NUMBER: _ClassVar[int]
    PI_LS_FIELD_NUMBER: _ClassVar[int]
    MINI_SWE_BASH_FIELD_NUMBER: _ClassVar[int]
    CONVERSATION_SEARCH_FIELD_NUMBER: _ClassVar[int]
    AGENT_STORE_CONFLICT_FIELD_NUMBER: _ClassVar[int]
    id: int
    exec_id: str
    shell: NativeArgs
    write: NativeArgs
    delete: NativeArgs
    grep: NativeArgs
    read: NativeArgs
    ls: NativeArgs
    diagnostics: NativeArgs
    request_context: NativeArgs
    mcp: McpArgs
    shell_stream: NativeArgs
    background_shell: NativeArgs
    list_mcp_resources: NativeArgs
    read_mcp_resource: NativeArgs
    fetch: NativeArgs
    record_screen: NativeArgs
    computer_use: NativeArgs
    shell_stdin: NativeArgs
    execute_hook: NativeArgs
    subagent: NativeArgs
    redacted_read: NativeArgs
    force_background_shell: NativeArgs
    force_background_subagent: NativeArgs
    mcp_state: NativeArgs
    subagent_await: NativeArgs
    classifier: NativeArgs
    canvas: NativeArgs
    shell_allowlist: NativeArgs
    mcp_allowlist: NativeArgs
    fetch_allowlist: NativeArgs
    pi_read: NativeArgs
    pi_bash: NativeArgs
    pi_edit: NativeArgs
    pi_write: NativeArgs
    pi_grep: NativeArgs
    pi_find: NativeArgs
    pi_ls: NativeArgs
    mini_swe_bash: NativeArgs
    conversation_search: NativeArgs
    agent_store_conflict: NativeArgs
    def __init__(self, id: _Optional[int] = ..., exec_id: _Optional[str] = ..., shell: _Optional[_Union[NativeArgs, _Mapping]] = ..., write: _Optional[_Union[NativeArgs, _Mapping]] = ..., delete: _Optional[_Union[NativeArgs, _Mapping]] = ..., grep: _Optional[_Union[NativeArgs, _Mapping]] = ..., read: _Optional[_Union[NativeArgs, _Mapping]] = ..., ls: _Optional[_Union[NativeArgs, _Mapping]] = ..., diagnostics: _Optional[_Union[NativeArgs, _Mapping]] = ..., request_context: _Optional[_Union[NativeArgs, _Mapping]] = ..., mcp: _Optional[_Union[McpArgs, _Mapping]] = ..., shell_stream: _Optional[_Union[NativeArgs, _Mapping]] = ..., background_shell: _Optional[_Union[NativeArgs, _Mapping]] = ..., list_mcp_resources: _Optional[_Union[NativeArgs, _Mapping]] = ..., read_mcp_resource: _Optional[_Union[NativeArgs, _Mapping]] = ..., fetch: _Optional[_Union[NativeArgs, _Mapping]] = ..., record_screen: _Optional[_Union[NativeArgs, _Mapping]] = ..., computer_use: _Optional[_Union[NativeArgs, _Mapping]] = ..., shell_stdin: _Optional[_Union[NativeArgs, _Mapping]] = ..., execute_hook: _Optional[_Union[NativeArgs, _Mapping]] = ..., subagent: _Optional[_Union[NativeArgs, _Mapping]] = ..., redacted_read: _Optional[_Union[NativeArgs, _Mapping]] = ..., force_background_shell: _Optional[_Union[NativeArgs, _Mapping]] = ..., force_background_subagent: _Optional[_Union[NativeArgs, _Mapping]] = ..., mcp_state: _Optional[_Union[NativeArgs, _Mapping]] = ..., subagent_await: _Optional[_Union[NativeArgs, _Mapping]] = ..., classifier: _Optional[_Union[NativeArgs, _Mapping]] = ..., canvas: _Optional[_Union[NativeArgs, _Mapping]] = ..., shell_allowlist: _Optional[_Union[NativeArgs, _Mapping]] = ..., mcp_allowlist: _Optional[_Union[NativeArgs, _Mapping]] = ..., fetch_allowlist: _Optional[_Union[NativeArgs, _Mapping]] = ..., pi_read: _Optional[_Union[NativeArgs, _Mapping]] = ..., pi_bash: _Optional[_Union[NativeArgs, _Mapping]] = ..., pi_edit: _Optional[_Union[NativeArgs, _Mapping]] = ..., pi_write: _Optional[_Union[NativeArgs, _Mapping]] = ..., pi_grep: _Optional[_Union[NativeArgs, _Mapping]] = ..., pi_find: _Optional[_Union[NativeArgs, _Mapping]] = ..., pi_ls: _Optional[_Union[NativeArgs, _Mapping]] = ..., mini_swe_bash: _Optional[_Union[NativeArgs, _Mapping]] = ..., conversation_search: _Optional[_Union[NativeArgs, _Mapping]] = ..., agent_store_conflict: _Optional[_Union[NativeArgs, _Mapping]] = ...) -> None: ...

class NativeArgs(_message.Message):
    __slots__ = ("subject", "place")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    PLACE_FIELD_NUMBER: _ClassVar[int]
    subject: bytes
    place: bytes
    def __init__(self, subject: _Optional[bytes] = ..., place: _Optional[bytes] = ...) -> None: ...

class ExecServerControlMessage(_message.Message):
    __slots__ = ("abort",)
    ABORT_FIELD_NUMBER: _ClassVar[int]
    abort: ExecId
    def __init__(self, abort: _Optional[_Union[ExecId, _Mapping]] = ...) -> None: ...

class ExecId(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: int
    def __init__(self, id: _Optional[int] = ...) -> None: ...

class ExecClientMessage(_message.Message):
    __slots__ = ("id", "exec_id", "shell", "write", "delete", "grep", "read", "ls", "diagnostics", "request_context", "mcp", "shell_stream", "background_shell", "list_mcp_resources", "read_mcp_resource", "fetch", "record_screen", "computer_use", "shell_stdin", "execute_hook", "subagent", "redacted_read", "force_background_shell", "force_background_subagent", "mcp_state", "subagent_await", "classifier", "canvas", "shell_allowlist", "mcp_allowlist", "fetch_allowlist", "pi_read", "pi_bash", "pi_edit", "pi_write", "pi_grep", "pi_find", "pi_ls", "conversation_search", "agent_store_conflict", "mini_swe_bash")
    ID_FIELD_NUMBER: _ClassVar[int]
    EXEC_ID_FIELD_NUMBER: _ClassVar[int]
    SHELL_FIELD_NUMBER: _ClassVar[int]
    WRITE_FIELD_NUMBER: _ClassVar[int]
    DELETE_FIELD_NUMBER: _ClassVar[int]
    GREP_FIELD_NUMBER: _ClassVar[int]
    READ_FIELD_NUMBER: _ClassVar[int]
    LS_FIELD_NUMBER: _ClassVar[int]
    DIAGNOSTICS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_CONTEXT_FIELD_NUMBER: _ClassVar[int]
    MCP_FIELD_NUMBER: _ClassVar[int]
    SHELL_STREAM_FIELD_NUMBER: _ClassVar[int]
    BACKGROUND_SHELL_FIELD_NUMBER: _ClassVar[int]
    LIST_MCP_RESOURCES_FIELD_NUMBER: _ClassVar[int]
    READ_MCP_RESOURCE_FIELD_NUMBER: _ClassVar[int]
    FETCH_FIELD_NUMBER: _ClassVar[int]
    RECORD_SCREEN_FIELD_NUMBER: _ClassVar[int]
    COMPUTER_USE_FIELD_NUMBER: _ClassVar[int]
    SHELL_STDIN_FIELD_NUMBER: _ClassVar[int]
    EXECUTE_HOOK_FIELD_NUMBER: _ClassVar[int]
    SUBAGENT_FIELD_NUMBER: _ClassVar[int]
    REDACTED_READ_FIELD_NUMBER: _ClassVar[int]
    FORCE_BACKGROUND_SHELL_FIELD_NUMBER: _ClassVar[int]
    FORCE_BACKGROUND_SUBAGENT_FIELD_NUMBER: _ClassVar[int]
    MCP_STATE_FIELD_NUMBER: _ClassVar[int]
    SUBAGENT_AWAIT_FIELD_NUMBER: _ClassVar[int]
    CLASSIFIER_FIELD_NUMBER: _ClassVar[int]
    CANVAS_FIELD_NUMBER: _ClassVar[int]
    SHELL_ALLOWLIST_FIELD_NUMBER: _ClassVar[int]
    MCP_ALLOWLIST_FIELD_NUMBER: _ClassVar[int]
    FETCH_ALLOWLIST_FIELD_NUMBER: _ClassVar[int]
    PI_READ_FIELD_NUMBER: _ClassVar[int]
    PI_BASH_FIELD_NUMBER: _ClassVar[int]
    PI_EDIT_FIELD_NUMBER: _ClassVar[int]
    PI_WRITE_FIELD_NUMBER: _ClassVar[int]
    PI_GREP_FIELD_NUMBER: _ClassVar[int]
    PI_FIND_FIELD_NUMBER: _ClassVar[int]
    PI_LS_FIELD_NUMBER: _ClassVar[int]
    CONVERSATION_SEARCH_FIELD_NUMBER: _ClassVar[int]
    AGENT_STORE_CONFLICT_FIELD_NUMBER: _ClassVar[int]
    MINI_SWE_BASH_FIELD_NUMBER: _ClassVar[int]
    id: int
    exec_id: str
    shell: ShellResult
    write: EditResult
    delete: EditResult
    grep: ErrorResult
    read: LookResult
    ls: LookResult
    diagnostics: LookResult
    request_context: RequestContextResult
    mcp: McpResult
    shell_stream: ShellStreamResult
    background_shell: BackgroundShellResult
    list_mcp_resources: ResourceList
    read_mcp_resource: ResourceResult
    fetch: FetchResult
    record_screen: FailureResult
    computer_use: ErrorResult
    shell_stdin: ErrorResult
    execute_hook: HookResult
    subagent: SubagentResult
    redacted_read: LookResult
    force_background_shell: BackgroundResult
    force_background_subagent: BackgroundResult
    mcp_state: McpStateResult
    subagent_await: SubagentAwaitResult
    classifier: ErrorResult
    canvas: ErrorResult
    shell_allowlist: AllowlistResult
    mcp_allowlist: AllowlistResult
    fetch_allowlist: AllowlistResult
    pi_read: ErrorResult
    pi_bash: ErrorResult
    pi_edit: ErrorResult
    pi_write: ErrorResult
    pi_grep: ErrorResult
    pi_find: ErrorResult
    pi_ls: ErrorResult
    conversation_search: ErrorResult
    agent_store_conflict: ErrorResult
    mini_swe_bash: ShellResult
    def __init__(self, id: _Optional[int] = ..., exec_id: _Optional[str] = ..., shell: _Optional[_Union[ShellResult, _Mapping]] = ..., write: _Optional[_Union[EditResult, _Mapping]] = ..., delete: _Optional[_Union[EditResult, _Mapping]] = ..., grep: _Optional[_Union[ErrorResult, _Mapping]] = ..., read: _Optional[_Union[LookResult, _Mapping]] = ..., ls: _Optional[_Union[LookResult, _Mapping]] = ..., diagnostics: _Optional[_Union[LookResult, _Mapping]] = ..., request_context: _Optional[_Union[RequestContextResult, _Mapping]] = ..., mcp: _Optional[_Union[McpResult, _Mapping]] = ..., shell_stream: _Optional[_Union[ShellStreamResult, _Mapping]] = ..., background_shell: _Optional[_Union[BackgroundShellResult, _Mapping]] = ..., list_mcp_resources: _Optional[_Union[ResourceList, _Mapping]] = ..., read_mcp_resource: _Optional[_Union[ResourceResult, _Mapping]] = ..., fetch: _Optional[_Union[FetchResult, _Mapping]] = ..., record_screen: _Optional[_Union[FailureResult, _Mapping]] = ..., computer_use: _Optional[_Union[ErrorResult, _Mapping]] = ..., shell_stdin: _Optional[_Union[ErrorResult, _Mapping]] = ..., execute_hook: _Optional[_Union[HookResult, _Mapping]] = ..., subagent: _Optional[_Union[SubagentResult, _Mapping]] = ..., redacted_read: _Optional[_Union[LookResult, _Mapping]] = ..., force_background_shell: _Optional[_Union[BackgroundResult, _Mapping]] = ..., force_background_subagent: _Optional[_Union[BackgroundResult, _Mapping]] = ..., mcp_state: _Optional[_Union[McpStateResult, _Mapping]] = ..., subagent_await: _Optional[_Union[SubagentAwaitResult, _Mapping]] = ..., classifier: _Optional[_Union[ErrorResult, _Mapping]] = ..., canvas: _Optional[_Union[ErrorResult, _Mapping]] = ..., shell_allowlist: _Optional[_Union[AllowlistResult, _Mapping]] = ..., mcp_allowlist: _Optional[_Union[AllowlistResult, _Mapping]] = ..., fetch_allowlist: _Optional[_Union[AllowlistResult, _Mapping]] = ..., pi_read: _Optional[_Union[ErrorResult, _Mapping]] = ..., pi_bash: _Optional[_Union[ErrorResult, _Mapping]] = ..., pi_edit: _Optional[_Union[ErrorResult, _Mapping]] = ..., pi_write: _Optional[_Union[ErrorResult, _Mapping]] = ..., pi_grep: _Optional[_Union[ErrorResult, _Mapping]] = ..., pi_find: _Optional[_Union[ErrorResult, _Mapping]] = ..., pi_ls: _Optional[_Union[ErrorResult, _Mapping]] = ..., conversation_search: _Optional[_Union[ErrorResult, _Mapping]] = ..., agent_store_conflict: _Optional[_Union[ErrorResult, _Mapping]] = ..., mini_swe_bash: _Optional[_Union[ShellResult, _Mapping]] = ...) -> None: ...

class ExecClientControlMessage(_message.Message):
    __slots__ = ("stream_close", "throw", "heartbeat")
    STREAM_CLOSE_FIELD_NUMBER: _ClassVar[int]
    THROW_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    stream_close: ExecId
    throw: ExecThrow
    heartbeat: ExecId
    def __init__(self, stream_close: _Optional[_Union[ExecId, _Mapping]] = ..., throw: _Optional[_Union[ExecThrow, _Mapping]] = ..., heartbeat: _Optional[_Union[ExecId, _Mapping]] = ...) -> None: ...

class ExecThrow(_message.Message):
    __slots__ = ("id", "error")
    ID_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    id: int
    error: str
    def __init__(self, id: _Optional[int] = ..., error: _Optional[str] = ...) -> None: ...

class RequestContextResult(_message.Message):
    __slots__ = ("success",)
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    success: RequestContextSuccess
    def __init__(self, success: _Optional[_Union[RequestContextSuccess, _Mapping]] = ...) -> None: ...

class RequestContextSuccess(_message.Message):
    __slots__ = ("request_context",)
    REQUEST_CONTEXT_FIELD_NUMBER: _ClassVar[int]
    request_context: RequestContext
    def __init__(self, request_context: _Optional[_Union[RequestContext, _Mapping]] = ...) -> None: ...

class McpStateResult(_message.Message):
    __slots__ = ("success",)
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    success: McpStateSuccess
    def __init__(self, success: _Optional[_Union[McpStateSuccess, _Mapping]] = ...) -> None: ...

class McpStateSuccess(_message.Message):
    __slots__ = ("servers",)
    SERVERS_FIELD_NUMBER: _ClassVar[int]
    servers: _containers.RepeatedCompositeFieldContainer[McpServer]
    def __init__(self, servers: _Optional[_Iterable[_Union[McpServer, _Mapping]]] = ...) -> None: ...

class McpServer(_message.Message):
    __slots__ = ("name", "identifier", "tools", "status")
    NAME_FIELD_NUMBER: _ClassVar[int]
    IDENTIFIER_FIELD_NUMBER: _ClassVar[int]
    TOOLS_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    name: str
    identifier: str
    tools: _containers.RepeatedCompositeFieldContainer[McpToolDefinition]
    status: str
    def __init__(self, name: _Optional[str] = ..., identifier: _Optional[str] = ..., tools: _Optional[_Iterable[_Union[McpToolDefinition, _Mapping]]] = ..., status: _Optional[str] = ...) -> None: ...

class PathRejected(_message.Message):
    __slots__ = ("path", "reason")
    PATH_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    path: str
    reason: str
    def __init__(self, path: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class CommandRejected(_message.Message):
    __slots__ = ("command", "working_directory", "reason")
    COMMAND_FIELD_NUMBER: _ClassVar[int]
    WORKING_DIRECTORY_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    command: str
    working_directory: str
    reason: str
    def __init__(self, command: _Optional[str] = ..., working_directory: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class LookResult(_message.Message):
    __slots__ = ("rejected",)
    REJECTED_FIELD_NUMBER: _ClassVar[int]
    rejected: PathRejected
    def __init__(self, rejected: _Optional[_Union[PathRejected, _Mapping]] = ...) -> None: ...

class EditResult(_message.Message):
    __slots__ = ("rejected",)
    REJECTED_FIELD_NUMBER: _ClassVar[int]
    rejected: PathRejected
    def __init__(self, rejected: _Optional[_Union[PathRejected, _Mapping]] = ...) -> None: ...

class ShellResult(_message.Message):
    __slots__ = ("rejected",)
    REJECTED_FIELD_NUMBER: _ClassVar[int]
    rejected: CommandRejected
    def __init__(self, rejected: _Optional[_Union[CommandRejected, _Mapping]] = ...) -> None: ...

class ShellStreamResult(_message.Message):
    __slots__ = ("rejected",)
    REJECTED_FIELD_NUMBER: _ClassVar[int]
    rejected: CommandRejected
    def __init__(self, rejected: _Optional[_Union[CommandRejected, _Mapping]] = ...) -> None: ...

class BackgroundShellResult(_message.Message):
    __slots__ = ("rejected",)
    REJECTED_FIELD_NUMBER: _ClassVar[int]
    rejected: CommandRejected
    def __init__(self, rejected: _Optional[_Union[CommandRejected, _Mapping]] = ...) -> None: ...

class ErrorResult(_message.Message):
    __slots__ = ("error",)
    ERROR_FIELD_NUMBER: _ClassVar[int]
    error: Text
    def __init__(self, error: _Optional[_Union[Text, _Mapping]] = ...) -> None: ...

class FailureResult(_message.Message):
    __slots__ = ("failure",)
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    failure: Text
    def __init__(self, failure: _Optional[_Union[Text, _Mapping]] = ...) -> None: ...

class FetchResult(_message.Message):
    __slots__ = ("error",)
    ERROR_FIELD_NUMBER: _ClassVar[int]
    error: FetchError
    def __init__(self, error: _Optional[_Union[FetchError, _Mapping]] = ...) -> None: ...

class FetchError(_message.Message):
    __slots__ = ("url", "error")
    URL_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    url: str
    error: str
    def __init__(self, url: _Optional[str] = ..., error: _Optional[str] = ...) -> None: ...

class ResourceList(_message.Message):
    __slots__ = ("success",)
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    success: Empty
    def __init__(self, success: _Optional[_Union[Empty, _Mapping]] = ...) -> None: ...

class ResourceResult(_message.Message):
    __slots__ = ("not_found",)
    NOT_FOUND_FIELD_NUMBER: _ClassVar[int]
    not_found: Text
    def __init__(self, not_found: _Optional[_Union[Text, _Mapping]] = ...) -> None: ...

class HookResult(_message.Message):
    __slots__ = ("response",)
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    response: bytes
    def __init__(self, response: _Optional[bytes] = ...) -> None: ...

class SubagentResult(_message.Message):
    __slots__ = ("error",)
    ERROR_FIELD_NUMBER: _ClassVar[int]
    error: SubagentError
    def __init__(self, error: _Optional[_Union[SubagentError, _Mapping]] = ...) -> None: ...

class SubagentError(_message.Message):
    __slots__ = ("text",)
    TEXT_FIELD_NUMBER: _ClassVar[int]
    text: str
    def __init__(self, text: _Optional[str] = ...) -> None: ...

class SubagentAwaitResult(_message.Message):
    __slots__ = ("not_found",)
    NOT_FOUND_FIELD_NUMBER: _ClassVar[int]
    not_found: Text
    def __init__(self, not_found: _Optional[_Union[Text, _Mapping]] = ...) -> None: ...

class BackgroundResult(_message.Message):
    __slots__ = ("status",)
    STATUS_FIELD_NUMBER: _ClassVar[int]
    status: int
    def __init__(self, status: _Optional[int] = ...) -> None: ...

class AllowlistResult(_message.Message):
    __slots__ = ("allowed",)
    ALLOWED_FIELD_NUMBER: _ClassVar[int]
    allowed: bool
    def __init__(self, allowed: _Optional[bool] = ...) -> None: ...

class InteractionQuery(_message.Message):
    __slots__ = ("id", "web_search", "ask_question", "switch_mode", "create_plan", "setup_vm", "web_fetch", "pr_management", "mcp_auth", "generate_image", "replace_env", "connect_scm")
    ID_FIELD_NUMBER: _ClassVar[int]
    WEB_SEARCH_FIELD_NUMBER: _ClassVar[int]
    ASK_QUESTION_FIELD_NUMBER: _ClassVar[int]
    SWITCH_MODE_FIELD_NUMBER: _ClassVar[int]
    CREATE_PLAN_FIELD_NUMBER: _ClassVar[int]
    SETUP_VM_FIELD_NUMBER: _ClassVar[int]
    WEB_FETCH_FIELD_NUMBER: _ClassVar[int]
    PR_MANAGEMENT_FIELD_NUMBER: _ClassVar[int]
    MCP_AUTH_FIELD_NUMBER: _ClassVar[int]
    GENERATE_IMAGE_FIELD_NUMBER: _ClassVar[int]
    REPLACE_ENV_FIELD_NUMBER: _ClassVar[int]
    CONNECT_SCM_FIELD_NUMBER: _ClassVar[int]
    id: int
    web_search: Empty
    ask_question: Empty
    switch_mode: Empty
    create_plan: Empty
    setup_vm: Empty
    web_fetch: Empty
    pr_management: Empty
    mcp_auth: Empty
    generate_image: Empty
    replace_env: Empty
    connect_scm: Empty
    def __init__(self, id: _Optional[int] = ..., web_search: _Optional[_Union[Empty, _Mapping]] = ..., ask_question: _Optional[_Union[Empty, _Mapping]] = ..., switch_mode: _Optional[_Union[Empty, _Mapping]] = ..., create_plan: _Optional[_Union[Empty, _Mapping]] = ..., setup_vm: _Optional[_Union[Empty, _Mapping]] = ..., web_fetch: _Optional[_Union[Empty, _Mapping]] = ..., pr_management: _Optional[_Union[Empty, _Mapping]] = ..., mcp_auth: _Optional[_Union[Empty, _Mapping]] = ..., generate_image: _Optional[_Union[Empty, _Mapping]] = ..., replace_env: _Optional[_Union[Empty, _Mapping]] = ..., connect_scm: _Optional[_Union[Empty, _Mapping]] = ...) -> None: ...

class InteractionResponse(_message.Message):
    __slots__ = ("id", "web_search", "ask_question", "switch_mode", "create_plan", "setup_vm", "web_fetch", "pr_management", "mcp_auth", "generate_image", "replace_env", "connect_scm")
    ID_FIELD_NUMBER: _ClassVar[int]
    WEB_SEARCH_FIELD_NUMBER: _ClassVar[int]
    ASK_QUESTION_FIELD_NUMBER: _ClassVar[int]
    SWITCH_MODE_FIELD_NUMBER: _ClassVar[int]
    CREATE_PLAN_FIELD_NUMBER: _ClassVar[int]
    SETUP_VM_FIELD_NUMBER: _ClassVar[int]
    WEB_FETCH_FIELD_NUMBER: _ClassVar[int]
    PR_MANAGEMENT_FIELD_NUMBER: _ClassVar[int]
    MCP_AUTH_FIELD_NUMBER: _ClassVar[int]
    GENERATE_IMAGE_FIELD_NUMBER: _ClassVar[int]
    REPLACE_ENV_FIELD_NUMBER: _ClassVar[int]
    CONNECT_SCM_FIELD_NUMBER: _ClassVar[int]
    id: int
    web_search: Decision
    ask_question: QuestionAnswer
    switch_mode: Decision
    create_plan: PlanAnswer
    setup_vm: SetupVmAnswer
    web_fetch: Decision
    pr_management: Empty
    mcp_auth: Decision
    generate_image: Decision
    replace_env: Empty
    connect_scm: Empty
    def __init__(self, id: _Optional[int] = ..., web_search: _Optional[_Union[Decision, _Mapping]] = ..., ask_question: _Optional[_Union[QuestionAnswer, _Mapping]] = ..., switch_mode: _Optional[_Union[Decision, _Mapping]] = ..., create_plan: _Optional[_Union[PlanAnswer, _Mapping]] = ..., setup_vm: _Optional[_Union[SetupVmAnswer, _Mapping]] = ..., web_fetch: _Optional[_Union[Decision, _Mapping]] = ..., pr_management: _Optional[_Union[Empty, _Mapping]] = ..., mcp_auth: _Optional[_Union[Decision, _Mapping]] = ..., generate_image: _Optional[_Union[Decision, _Mapping]] = ..., replace_env: _Optional[_Union[Empty, _Mapping]] = ..., connect_scm: _Optional[_Union[Empty, _Mapping]] = ...) -> None: ...

class Decision(_message.Message):
    __slots__ = ("rejected",)
    REJECTED_FIELD_NUMBER: _ClassVar[int]
    rejected: Text
    def __init__(self, rejected: _Optional[_Union[Text, _Mapping]] = ...) -> None: ...

class QuestionAnswer(_message.Message):
    __slots__ = ("result",)
    RESULT_FIELD_NUMBER: _ClassVar[int]
    result: QuestionResult
    def __init__(self, result: _Optional[_Union[QuestionResult, _Mapping]] = ...) -> None: ...

class QuestionResult(_message.Message):
    __slots__ = ("rejected",)
    REJECTED_FIELD_NUMBER: _ClassVar[int]
    rejected: Text
    def __init__(self, rejected: _Optional[_Union[Text, _Mapping]] = ...) -> None: ...

class PlanAnswer(_message.Message):
    __slots__ = ("result",)
    RESULT_FIELD_NUMBER: _ClassVar[int]
    result: PlanResult
    def __init__(self, result: _Optional[_Union[PlanResult, _Mapping]] = ...) -> None: ...

class PlanResult(_message.Message):
    __slots__ = ("error",)
    ERROR_FIELD_NUMBER: _ClassVar[int]
    error: Text
    def __init__(self, error: _Optional[_Union[Text, _Mapping]] = ...) -> None: ...

class SetupVmAnswer(_message.Message):
    __slots__ = ("success",)
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    success: Empty
    def __init__(self, success: _Optional[_Union[Empty, _Mapping]] = ...) -> None: ...

class BidiRequestId(_message.Message):
    __slots__ = ("request_id",)
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    def __init__(self, request_id: _Optional[str] = ...) -> None: ...

class BidiAppendRequest(_message.Message):
    __slots__ = ("data", "request_id", "append_seqno")
    DATA_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    APPEND_SEQNO_FIELD_NUMBER: _ClassVar[int]
    data: str
    request_id: BidiRequestId
    append_seqno: int
    def __init__(self, data: _Optional[str] = ..., request_id: _Optional[_Union[BidiRequestId, _Mapping]] = ..., append_seqno: _Optional[int] = ...) -> None: ...

class ErrorDetails(_message.Message):
    __slots__ = ("error", "details")
    ERROR_FIELD_NUMBER: _ClassVar[int]
    DETAILS_FIELD_NUMBER: _ClassVar[int]
    error: int
    details: CustomErrorDetails
    def __init__(self, error: _Optional[int] = ..., details: _Optional[_Union[CustomErrorDetails, _Mapping]] = ...) -> None: ...

class CustomErrorDetails(_message.Message):
    __slots__ = ("title", "detail", "is_retryable")
    TITLE_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    IS_RETRYABLE_FIELD_NUMBER: _ClassVar[int]
    title: str
    detail: str
    is_retryable: bool
    def __init__(self, title: _Optional[str] = ..., detail: _Optional[str] = ..., is_retryable: _Optional[bool] = ...) -> None: ...
