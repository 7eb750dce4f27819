"""The iflow block: its defaults, what it refuses, and what the plugin says of itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from switchgear.plugins import Plugins
from switchgear_iflow import plugin
from switchgear_iflow.settings import Settings


def test_core_takes_the_plugin_in() -> None:
    plugins = Plugins()
    plugins.register("iflow", plugin)
    info = plugins.info("iflow")
    assert info.login_methods == ("oauth", "oauth-code", "cookie", "api-key")
    assert info.dialects == ("openai-chat",)
    assert "2026-04-17" in (info.retired or "")
    assert "blocks keys" in info.terms


def test_the_defaults() -> None:
    settings = Settings()
    assert settings.disabled
    assert settings.client_id == "10009311001"
    assert settings.client_secret is None
    assert settings.endpoints.model_dump(by_alias=True) == {
        "authorize": "https://iflow.cn/oauth",
        "token": "https://iflow.cn/oauth/token",
        "success": "https://iflow.cn/oauth/success",
        "error": "https://iflow.cn/oauth/error",
        "code-display": "https://iflow.cn/oauth/code-display",
        "user-info": "https://iflow.cn/api/oauth/getUserInfo",
        "platform-keys": "https://platform.iflow.cn/api/openapi/apikey",
        "inference": "https://apis.iflow.cn/v1",
    }


def test_keys_may_be_references_and_are_never_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("IFLOW_CLIENT_SECRET", "oauth-3fa97c10d2")
    (tmp_path / "key").write_text("sk-from-a-file\n")
    entry = {"client-secret": "env:IFLOW_CLIENT_SECRET", "api-keys": [f"file:{tmp_path / 'key'}", "sk-written-down"]}
    settings = Settings.model_validate(entry)
    assert settings.client_secret is not None
    assert settings.client_secret.reveal() == "oauth-3fa97c10d2"
    assert [key.reveal() for key in settings.api_keys] == ["sk-from-a-file", "sk-written-down"]
    assert not any(secret in repr(settings) for secret in ("oauth-3fa97c10d2", "sk-from-a-file", "sk-written-down"))


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param({"client-sekret": "x"}, id="an unknown key"),
        pytest.param({"endpoints": {"inferense": "https://h"}}, id="an unknown endpoint"),
        pytest.param({"endpoints": {"inference": "h/v1"}}, id="no address"),
        pytest.param({"callback-port": 70_000}, id="no port"),
        pytest.param({"aliases": {"best": {"candidates": []}}}, id="an alias of nothing"),
        pytest.param({"ask-for-models": "yes"}, id="a word where a truth value belongs"),
    ],
)
def test_what_is_refused(entry: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate(entry)
