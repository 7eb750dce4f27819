"""A reference becomes the secret it names, or an error that names the reference and never a value (C3)."""

from __future__ import annotations

from pathlib import Path

import pytest
from keyring.backend import KeyringBackend
from keyring.backends import chainer, fail, null

from switchgear import references
from switchgear.references import KEYRING_SERVICE, LONGEST_SECRET_BYTES, accept, looks_secret, resolve
from tests.core.keyrings import LockedKeyring, MemoryKeyring, PlaintextKeyring, PromptingKeyring, new, using

CANARY = "sk-canary-0a1b2c3d4e5f"


def problem_of(reference: object) -> str:
    with pytest.raises(ValueError) as caught:
        resolve(reference)
    assert caught.value.__cause__ is None
    return str(caught.value)


# -- what is right -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "literal",
    ["sk-live-0a1b", "  sk-live-0a1b\n", "vault:x", "https://user:pass@proxy:1080", "socks5://proxy:1080", "0123456"],
)
def test_anything_else_is_the_secret_itself(literal: str) -> None:
    assert resolve(literal) == literal.strip()


def test_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SG_SECRET", f" {CANARY}\n")
    assert resolve("env:SG_SECRET") == CANARY


def test_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret").write_text(f"{CANARY}\n")
    assert resolve(f"file:{tmp_path / 'secret'}") == CANARY
    monkeypatch.setenv("HOME", str(tmp_path))
    assert resolve("file:~/secret") == CANARY


def test_from_the_keyring() -> None:
    backend = MemoryKeyring()
    backend.set_password(KEYRING_SERVICE, "openrouter", CANARY)
    with using(backend):
        assert resolve("keyring:openrouter") == CANARY


def test_the_best_of_several_keyrings_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = MemoryKeyring()
    backend.set_password(KEYRING_SERVICE, "openrouter", CANARY)
    monkeypatch.setattr(chainer.ChainerBackend, "backends", [backend, PlaintextKeyring()])
    with using(new(chainer.ChainerBackend)):
        assert resolve("keyring:openrouter") == CANARY


@pytest.mark.parametrize(
    "word",
    [
        "base-url",
        "OPENROUTER_KEY_2",
        "gpt4turbo2024",
        "team-2026-01-31",
        "anthropic-dangerous-direct-browser-access",
        "",
    ],
)
def test_a_name_does_not_look_secret(word: str) -> None:
    assert not looks_secret(word)


@pytest.mark.parametrize(
    "word", [CANARY, "sk-or-v1-9f8e7d6c5b4a", "AbCdEfGhIjKlMnOpQrSt1", "d41d8cd98f00b204", "x" * 60]
)
def test_a_key_looks_secret(word: str) -> None:
    assert looks_secret(word)


# -- what is wrong -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        pytest.param(None, "is empty", id="nothing"),
        pytest.param("", "is empty", id="empty"),
        pytest.param("  ", "is empty", id="blank"),
        pytest.param(123456, "put it in quotes", id="number"),
        pytest.param(True, "put it in quotes", id="switch"),
        pytest.param(["a"], "must be a text", id="list"),
        pytest.param("two\nlines", "holds a line break", id="two lines"),
        pytest.param("env:SG_UNSET", "environment variable SG_UNSET is not set", id="unset variable"),
        pytest.param("env:SG_EMPTY", "environment variable SG_EMPTY is empty", id="empty variable"),
        pytest.param(f"env:{CANARY}", "env: takes the name of an environment variable", id="a secret after env:"),
        pytest.param("env:", "env: takes the name of an environment variable", id="nothing after env:"),
        pytest.param(f"sha256:{CANARY}", "sha256: is for client keys only", id="digest"),
        pytest.param(f"keyring:{CANARY}/+=", "keyring: takes the name of a secret", id="a secret after keyring:"),
        pytest.param(f"keyring:{CANARY}", "keyring: takes the name of a secret", id="a secret for a name"),
        pytest.param(f"env:{CANARY.replace('-', '_')}", "env: takes the name", id="a secret for a variable"),
        pytest.param("keyring:unknown", "store it with: switchgear secrets set unknown", id="not in the keyring"),
    ],
)
def test_says_what_is_wrong(reference: object, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SG_EMPTY", " ")
    monkeypatch.delenv("SG_UNSET", raising=False)
    with using(MemoryKeyring()):
        problem = problem_of(reference)
    assert message in problem
    assert CANARY not in problem.replace("_", "-")


@pytest.mark.parametrize(
    "value",
    [
        "<your-key>",
        "${API_KEY}",
        "{{ api_key }}",
        "...",
        "sk-...",
        "xxxxxx",
        "sk-xxxx",
        "sk-1234567890",
        "your-api-key",
        "YOUR_API_KEY_HERE",
        "my-secret-token",
        "insert key here",
        "changeme",
        "replace-me",
        "api-key",
        "password",
        "TODO",
    ],
)
@pytest.mark.parametrize("form", ["literal", "variable"])
def test_a_template_is_refused_by_name(value: str, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SG_TEMPLATE", value)
    assert "still the example's value" in problem_of("env:SG_TEMPLATE" if form == "variable" else value)


@pytest.mark.parametrize("value", ["sk-proj-9f8e7d6c5b4a", "your9f8e7d6c5b4a", "xkeysib-9f8e", "my9f8e7d", "a" * 40])
def test_what_only_resembles_a_template_is_taken(value: str) -> None:
    assert accept(value) == value


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(None, "cannot be read: No such file or directory", id="missing"),
        pytest.param(b"", "is empty", id="empty"),
        pytest.param(b"\xff\xfe", "is not a UTF-8 text", id="binary"),
        pytest.param(CANARY.encode() * 5000, f"is larger than {LONGEST_SECRET_BYTES} bytes", id="large"),
        pytest.param(f"{CANARY}\n{CANARY}".encode(), "holds a line break", id="two lines"),
    ],
)
def test_a_file_that_holds_no_secret(content: bytes | None, message: str, tmp_path: Path) -> None:
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)
    problem = problem_of(f"file:{path}")
    assert message in problem
    assert CANARY not in problem


@pytest.mark.parametrize(
    ("backend", "message"),
    [
        pytest.param(new(fail.Keyring), "this machine has no keyring; use env:NAME or file:PATH", id="none"),
        pytest.param(new(null.Keyring), "(keyring.backends.null.Keyring) does not keep secrets safe", id="null"),
        pytest.param(PlaintextKeyring(), "PlaintextKeyring) does not keep secrets safe", id="plain text"),
        pytest.param(LockedKeyring(), "cannot be used (InitError); on a machine without one", id="locked"),
    ],
)
def test_a_keyring_that_is_none(backend: KeyringBackend, message: str) -> None:
    with using(backend):
        problem = problem_of("keyring:some-name")
    assert message in problem
    assert "some-name" not in problem


def test_a_keyring_that_waits_for_a_person_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(references, "KEYRING_LIMIT_S", 0.05)
    backend = PromptingKeyring()
    try:
        with using(backend):
            assert problem_of("keyring:name") == "the keyring did not answer within 0.05 s; is it locked?"
    finally:
        backend.answered.set()
