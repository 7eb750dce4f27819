"""URLs, headers, settings and bodies of the openai-compatibility plugin."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from pydantic import ValidationError

from switchgear import Account, Secret
from switchgear_openai_compatibility.settings import KeyEntry, Settings
from switchgear_openai_compatibility.target import Target
from switchgear_openai_compatibility.wire import base_of, below, has_path, next_page, without_empty_tools

KEY = "upstream-key-5f0c2d91"


def settings(**fields: Any) -> Settings:
    return Settings.model_validate({"name": "up", "base-url": "https://host/v1", **fields})


def account(key: str | None = KEY, id_: str = "up-1") -> Account:
    return Account(id_, secrets={} if key is None else {"api-key": Secret(key)})


@pytest.mark.parametrize(
    ("base", "url"),
    [
        pytest.param("https://api.openai.com/v1", "https://api.openai.com/v1/chat/completions", id="as given"),
        pytest.param("https://host/v1/", "https://host/v1/chat/completions", id="closing slash"),
        pytest.param("https://host/v1//", "https://host/v1/chat/completions", id="closing slashes"),
        pytest.param("https://api.deepseek.com", "https://api.deepseek.com/chat/completions", id="no path, no /v1"),
        pytest.param("http://host:8000", "http://host:8000/chat/completions", id="a port"),
        pytest.param(
            "https://generativelanguage.googleapis.com/v1beta/openai",
            "https://generativelanguage.googleapis.com/v1beta/openai/chat/completions",
            id="gemini",
        ),
        pytest.param("https://host/v1/chat/completions", "https://host/v1/chat/completions", id="pasted whole"),
        pytest.param("https://host/v1/chat/completions/", "https://host/v1/chat/completions", id="pasted, with slash"),
        pytest.param(
            "https://r.openai.azure.com/openai/deployments/d?api-version=2024-10-21",
            "https://r.openai.azure.com/openai/deployments/d/chat/completions?api-version=2024-10-21",
            id="azure keeps its query",
        ),
        pytest.param(
            "https://host/x/chat/completions?api-version=1",
            "https://host/x/chat/completions?api-version=1",
            id="pasted whole, with a query",
        ),
        pytest.param("https://host/v1/messages", "https://host/v1/chat/completions", id="messages pasted whole"),
        pytest.param(
            "https://host/v1/messages/count_tokens/?a=1",
            "https://host/v1/chat/completions?a=1",
            id="counting pasted whole",
        ),
        pytest.param("https://host/v1/responses", "https://host/v1/chat/completions", id="responses pasted whole"),
        pytest.param("https://host/messages/v1", "https://host/messages/v1/chat/completions", id="a path of that name"),
        pytest.param("https://host/my-responses", "https://host/my-responses/chat/completions", id="a longer name"),
        pytest.param("https://host/a%2Fb", "https://host/a%2Fb/chat/completions", id="escapes stay"),
        pytest.param("http://[::1]:11434/v1", "http://[::1]:11434/v1/chat/completions", id="ipv6"),
    ],
)
def test_urls(base: str, url: str) -> None:
    assert str(below(base_of(base), "/chat/completions")) == url


def test_a_path_may_have_a_query_of_its_own() -> None:
    assert str(below(base_of("https://host/v1?a=1"), "/models?b=2")) == "https://host/v1/models?a=1&b=2"
    assert str(below(base_of("https://host/v1"), "/models?b=2")) == "https://host/v1/models?b=2"


@pytest.mark.parametrize(
    ("base", "expected"),
    [("https://host", False), ("https://host/", False), ("https://host?a=1", False), ("https://host/v1", True)],
)
def test_whether_a_base_has_a_path(base: str, expected: bool) -> None:
    assert has_path(base_of(base)) is expected
    suggestion = Target(base).suggestion
    assert (suggestion is None) is expected
    assert suggestion is None or suggestion.path == "/v1"


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        pytest.param("/v1/models?page=2", "https://host/v1/models?page=2", id="relative"),
        pytest.param("https://host/v1/models?page=2", "https://host/v1/models?page=2", id="absolute"),
        pytest.param("https://elsewhere/v1/models?page=2", None, id="another host"),
        pytest.param("http://host/v1/models?page=2", None, id="another scheme"),
        pytest.param("https://host/v1/models", None, id="the same page again"),
        pytest.param("https://host:wrong/", None, id="no address"),
        pytest.param(None, None, id="the end"),
        pytest.param("", None, id="empty"),
        pytest.param(7, None, id="no text"),
    ],
)
def test_next_page(link: object, expected: str | None) -> None:
    found = next_page({"links": {"next": link}}, httpx2.URL("https://host/v1/models"))
    assert (None if found is None else str(found)) == expected


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        pytest.param({"has_more": True, "last_id": "m 1"}, "https://host/v1/models?a=1&after_id=m+1", id="more"),
        pytest.param({"has_more": False, "last_id": "m"}, None, id="the end"),
        pytest.param({"has_more": True, "last_id": None}, None, id="after nothing"),
        pytest.param({"has_more": "true", "last_id": "m"}, None, id="no flag"),
    ],
)
def test_next_page_after_an_id(page: object, expected: str | None) -> None:
    found = next_page(page, httpx2.URL("https://host/v1/models?a=1"))
    assert (None if found is None else str(found)) == expected
    if found is not None:
        again = next_page({"has_more": True, "last_id": "z"}, found)
        assert str(again) == "https://host/v1/models?a=1&after_id=z"


@pytest.mark.parametrize("page", [[], {}, {"links": None}, {"links": []}, None])
def test_no_next_page(page: object) -> None:
    assert next_page(page, httpx2.URL("https://host/v1/models")) is None


# -- bodies --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        pytest.param(b'{"a":1}', b'{"a":1}', id="no tools"),
        pytest.param(b'{"tools":[]}', b"{}", id="empty tools"),
        pytest.param(b'{"a":1.50,"tools": [ ] }', b'{"a":1.50}', id="spaced, digits stay"),
        pytest.param(
            b'{"tools":[],"tool_choice":"auto","parallel_tool_calls":true,"n":1}',
            b'{"n":1}',
            id="with what needs tools",
        ),
        pytest.param(b'{"tools": [{"type":"function"}]}', b'{"tools": [{"type":"function"}]}', id="tools stay"),
        pytest.param(b'{"x": {"tools": []}}', b'{"x": {"tools": []}}', id="deeper down"),
        pytest.param(b'{"x":"\\"tools\\": []"}', b'{"x":"\\"tools\\": []"}', id="in a text"),
    ],
)
def test_empty_tools_are_dropped(body: bytes, sent: bytes) -> None:
    assert without_empty_tools(body) == sent


# -- headers -------------------------------------------------------------------------------------------------


def sent(target: Target, by: Account, *, stream: bool = False, **client: str) -> dict[str, str]:
    headers = {name.replace("_", "-"): value for name, value in client.items()}
    request = target.post("openai-chat", by, stream=stream, client_headers=headers).request(b"{}")
    names = [name.lower() for name, _ in request.headers.raw]
    assert len(names) == len(set(names))
    return dict(request.headers.items())


def test_a_request_is_whole() -> None:
    post = Target("https://host:8443/v1").post("openai-embeddings", account(), stream=False, client_headers={})
    request = post.request(b'{"input":"x"}')
    assert (request.method, str(request.url)) == ("POST", "https://host:8443/v1/embeddings")
    assert request.content == b'{"input":"x"}'
    assert dict(request.headers.items()) == {
        "host": "host:8443",
        "content-type": "application/json",
        "content-length": "13",
        "accept": "application/json",
        "authorization": f"Bearer {KEY}",
    }


@pytest.mark.parametrize(("stream", "accept"), [(True, "text/event-stream"), (False, "application/json")])
def test_says_what_it_accepts(stream: bool, accept: str) -> None:
    assert sent(Target("https://host/v1"), account(), stream=stream)["accept"] == accept


@pytest.mark.parametrize(("style", "other"), [("api-key", "x-api-key"), ("x-api-key", "api-key")])
def test_some_want_the_key_in_another_header(style: Any, other: str) -> None:
    headers = sent(Target("https://host/v1", auth_style=style), account())
    assert headers[style] == KEY
    assert not {"authorization", other} & set(headers)


@pytest.mark.parametrize("style", ["bearer", "api-key", "x-api-key"])
def test_without_a_key_nothing_is_sent(style: Any) -> None:
    headers = sent(Target("https://host/v1", auth_style=style), account(None))
    assert not {"authorization", "api-key", "x-api-key"} & set(headers)


def test_static_headers_and_those_of_the_client() -> None:
    own = {"X-Title": Secret("mine"), "X-Trace": Secret("$X-Request-Id"), "X-Gone": Secret("$X-Absent")}
    headers = sent(Target("https://host/v1", headers=own), account(), x_request_id="r1", x_other="no")
    assert (headers["x-title"], headers["x-trace"]) == ("mine", "r1")
    assert not {"x-gone", "x-other", "x-request-id"} & set(headers)


def test_a_keys_headers_replace_the_entrys() -> None:
    target = Target(
        "https://host/v1",
        headers={"X-Org": Secret("all"), "X-Title": Secret("title")},
        account_headers={"up-1": {"x-org": Secret("one"), "Authorization": Secret("Basic abc")}},
    )
    one, two = sent(target, account()), sent(target, account(id_="up-2"))
    assert (one["x-org"], one["x-title"], one["authorization"]) == ("one", "title", "Basic abc")
    assert (two["x-org"], two["authorization"]) == ("all", f"Bearer {KEY}")


def test_a_list_is_asked_for_with_the_key_and_without_the_clients_headers() -> None:
    target = Target("https://host/v1", headers={"X-Trace": Secret("$X-Request-Id")}, models_path="/x")
    request = target.get(target.models_url, account())
    assert (request.method, str(request.url)) == ("GET", "https://host/v1/x")
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert "x-trace" not in request.headers


# -- settings ------------------------------------------------------------------------------------------------


def test_an_entry_with_everything() -> None:
    entry = settings(
        **{
            "api-key-entries": [
                {"api-key": KEY, "proxy-url": "socks5h://proxy:1080", "headers": {"X-A": "b"}, "label": "first"},
                {"api-key": KEY + "2"},
            ],
            "headers": {"X-Title": "$X-Title"},
            "auth-style": "api-key",
            "models-path": "/api/v0/models",
        }
    )
    first, second = entry.api_key_entries
    assert (first.label, second.label, second.proxy_url) == ("first", None, None)
    assert entry.target is entry.target
    assert KEY not in repr(entry)


def test_an_account_is_named_by_the_keys_digest() -> None:
    id_ = settings().account_id(KeyEntry.model_validate({"api-key": KEY}))
    assert id_ == "up-" + Secret(KEY).fingerprint(12)
    assert len(id_) == len("up-") + 12


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        pytest.param("base-url", "host/v1", "https://", id="no scheme"),
        pytest.param("base-url", "ftp://host", "https://", id="another scheme"),
        pytest.param("base-url", "https://", "https://", id="no host"),
        pytest.param("base-url", "https://host:port/v1", "https://", id="no port number"),
        pytest.param("base-url", f"https://user:{KEY}@host", "api-key-entries", id="a password in the address"),
        pytest.param("base-url", "https://host/#x", "#", id="a fragment"),
        pytest.param("models-path", "models", "pattern", id="a relative path"),
        pytest.param("headers", {"X Y": "z"}, "header", id="no header name"),
        pytest.param("headers", {"Content-Length": "7"}, "gateway itself", id="the connection's own header"),
        pytest.param("headers", {"X-A": "ключ"}, "no header can carry", id="a value no header can carry"),
        pytest.param("auth-style", "basic", "bearer", id="another style"),
        pytest.param("api-key-entries", [{"api-key": "kéy-kéy-kéy"}], "no header can carry", id="a key with an accent"),
        pytest.param("api-key-entries", [{"api-key": "<your-key>"}], "example", id="a template key"),
        pytest.param("api-key-entries", [{"api-key": KEY}, {"api-key": KEY}], "same api-key", id="a key twice"),
        pytest.param(
            "api-key-entries",
            [{"api-key": KEY, "label": "a"}, {"api-key": KEY + "2", "label": "a"}],
            "same label",
            id="a label twice",
        ),
        pytest.param("api-key-entries", [{"api-key": KEY, "proxy-url": "proxy:1080"}], "socks5://", id="no proxy"),
        pytest.param("api-key-entries", [{"api-key": KEY, "key": "x"}], "extra", id="an unknown key"),
        pytest.param("name", None, "string", id="no name"),
    ],
)
def test_settings_refuse(field: str, value: object, said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        settings(**{field: value})
    (problem,) = caught.value.errors(include_url=False, include_context=False, include_input=False)
    assert said.lower() in f"{problem['type']} {problem['msg']}".lower()
    assert KEY not in str(problem)


def test_a_name_is_needed() -> None:
    with pytest.raises(ValidationError, match="name"):
        Settings.model_validate({"base-url": "https://host"})
