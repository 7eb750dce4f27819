"""``config.yaml`` becomes settings; what is wrong is told all at once (C1)."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from switchgear.config import check_names, read_config, validate_entries
from switchgear.config.schema import ClientKey
from switchgear.errors import ConfigError
from switchgear.secret import redact
from switchgear.settings import ProviderSettings
from tests.core.configs import KEY, KEYS, entries_of, problems, read


def test_the_defaults_are_those_of_the_design() -> None:
    config = read(KEYS).config
    assert config.model_dump(by_alias=True, exclude={"client_keys", "auth_dir", "state_dir"}) == {
        "host": "127.0.0.1",
        "port": 8317,
        "auth-file-permissions": "fix",
        "secrets": "auto",
        "management-key": None,
        "management-remote": False,
        "force-model-prefix": False,
        "request-retry": 3,
        "max-retry-interval": 30.0,
        "max-body-mib": 32,
        "models-ttl-seconds": 600.0,
        "drain-seconds": 30.0,
        "server": "fast",
        "routing": {
            "strategy": "round-robin",
            "keep-conversations": False,
            "queue-size": 1000,
            "queue-seconds": 30.0,
            "shift-on-alert": {},
            "fallbacks": {},
            "cooldown-floor-seconds": 1.0,
            "cooldown-cap-seconds": 3600.0,
        },
        "responses": {"max-mib": 64, "ttl-seconds": 3600.0},
        "metrics": {"loopback-open": True},
        "alerts": {"rules": {}, "webhook": None},
        "log": {"format": "auto", "level": "info"},
    }
    assert config.auth_dir == Path("~/.switchgear/auth").expanduser()
    assert config.state_dir == Path("~/.switchgear/state").expanduser()


def test_client_keys_are_kept_as_digests(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SG_KEY", KEY + "-env")
    (tmp_path / "key").write_text(KEY + "-file\n")
    digest = hashlib.sha256(b"whatever").hexdigest()
    config = read(f"""
api-keys:
  - {KEY}
  - env:SG_KEY
  - {{name: batch, key: "file:{tmp_path / "key"}", models: ["or/*"], requests-per-minute: 60, max-concurrency: 2}}
  - {{key: "sha256:{digest}", scopes: ["metrics:read"]}}
management-key: {KEY}-management
""").config
    assert config.api_keys == (
        ClientKey("key-1", hashlib.sha256(KEY.encode()).digest()),
        ClientKey("key-2", hashlib.sha256(f"{KEY}-env".encode()).digest()),
        ClientKey("batch", hashlib.sha256(f"{KEY}-file".encode()).digest(), ("or/*",), 60, 2),
        ClientKey("key-4", bytes.fromhex(digest), scopes=frozenset({"metrics:read"})),
    )
    assert config.management_key == ClientKey("management", hashlib.sha256(f"{KEY}-management".encode()).digest())
    assert KEY not in repr(config) + repr(config.api_keys) + repr(config.management_key)
    assert redact(f"sent {KEY}-env") == "sent ***"


def test_a_block_is_a_list_an_entry_or_nothing() -> None:
    entries = entries_of(f"{KEYS}acme:\nbasic:\n  prefix: b\n")
    assert [(entry.name, entry.settings.prefix, entry.place.line) for entry in entries] == [
        ("acme", None, 2),
        ("basic", "b", 4),
    ]
    entries = entries_of(f"{KEYS}acme:\n  - {{}}\n  - name: mine\n  - {{}}\n")
    assert [(entry.name, entry.key, entry.place.line) for entry in entries] == [
        ("acme", "acme", 3),
        ("mine", "acme", 4),
        ("acme-3", "acme", 5),
    ]


def test_a_plugin_that_could_not_be_loaded_is_no_fault_of_the_file() -> None:
    blocks = "acme: {prefix: gone, what: ever}\nbasic: {prefix: b}\n"
    raw = read(f"{KEYS}routing: {{fallbacks: {{acme: [b], b: [gone]}}}}\n{blocks}")
    (entry,) = validate_entries(raw, {"basic": ProviderSettings})
    check_names(raw, [(entry, "b")])
    assert entry.name == "basic"


def test_the_file_itself_is_read(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(KEYS + "port: 0\n")
    raw = read_config(path, installed=())
    assert raw.config.port == 0
    assert raw.digest == hashlib.sha256(path.read_bytes()).hexdigest()


def test_all_problems_come_at_once_and_in_the_order_of_lines() -> None:
    found = problems("acme: {colour: green, nmae: x}\nport: x\napi-keys: [a, b]\nbasic: {prefix: 1}\nhots: y\n")
    assert [line.partition(": ")[0] for line in found] == ["1:16", "1:23", "2:7", "3:12", "3:15", "4:17", "5:1"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(lambda path: None, "there is no such file; copy config.example.yaml to it", id="missing"),
        pytest.param(lambda path: path.mkdir(), "cannot be read: Is a directory", id="a directory"),
        pytest.param(lambda path: path.write_text("- a\n"), "must be a mapping of 'key: value' lines", id="a list"),
    ],
)
def test_a_file_that_is_no_configuration(make: Any, message: str, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    make(path)
    with pytest.raises(ConfigError) as caught:
        read_config(path, installed=())
    assert message in str(caught.value)
