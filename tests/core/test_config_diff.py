"""What a configuration changes: keys and never values; against a file, and against what a gateway loaded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from switchgear.assembly import load, outline_of
from switchgear.cli.main import cli
from switchgear.config.diff import DOCUMENT, Changes, LoadedOutline, Outline, compare, new_salt, outline
from switchgear.config.load import read_config, validate_entries
from switchgear.state import StateStore
from tests.core.configs import CANARY, KEYS, PLUGINS
from tests.gateways import WIRED

SALT = new_salt()


def outlined(text: str, salt: str = SALT) -> Outline:
    raw = read_config(Path("config.yaml"), KEYS + text, installed=PLUGINS.keys())
    entries = validate_entries(raw, PLUGINS)
    return outline(raw.config, [(entry.key, entry.name, entry.settings) for entry in entries], salt)


def changes(old: str, new: str) -> Changes:
    return compare(outlined(old), outlined(new))


ACME = "acme: {name: a, api-key-entries: [{api-key: first-key-of-acme}]}"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param("port: 1", "port: 1", Changes(), id="the same"),
        pytest.param("", "port: 8317", Changes(), id="a default written out"),
        pytest.param("port: 1\nhost: a", "host: a\nport: 1", Changes(), id="another order of keys"),
        pytest.param("port: 1", "port: 2", Changes(changed=("port",)), id="a value"),
        pytest.param("log: {level: info}", "log: {level: debug}", Changes(changed=("log.level",)), id="below a key"),
        pytest.param("", ACME, Changes(added=("acme",)), id="a block"),
        pytest.param(ACME, "", Changes(removed=("acme",)), id="no block"),
        pytest.param(
            "acme: [{name: a}]", "acme: [{name: a}, {name: b}]", Changes(added=("acme[b]",)), id="another entry"
        ),
        pytest.param(
            "acme: [{name: a}, {name: c}]",
            "acme: [{name: b}, {name: c}]",
            Changes(added=("acme[b]",), removed=("acme[a]",)),
            id="an entry renamed",
        ),
        pytest.param(
            "acme: [{name: a}, {name: b}]",
            "acme: [{name: b}, {name: a}]",
            Changes(changed=("the order of providers",)),
            id="entries in another order",
        ),
        pytest.param(
            "acme: [{name: a}, {name: b}]",
            "acme: [{name: c}, {name: a}, {name: b}]",
            Changes(added=("acme[c]",)),
            id="one before the others is no other order",
        ),
        pytest.param(
            ACME,
            ACME.replace("first", "second"),
            Changes(changed=("acme[a].api-key-entries[0].api-key",)),
            id="a secret",
        ),
        pytest.param(
            "acme: {models: [{name: x, alias: y}, {name: z}]}",
            "acme: {models: [{name: z}, {name: x, alias: w}]}",
            Changes(changed=("acme[acme].models[x].alias",)),
            id="an alias, found by the model's name",
        ),
        pytest.param(
            "acme: {models: [{name: x, alias: y}, {name: x, alias: z}]}",
            "acme: {models: [{name: x, alias: y}, {name: x, alias: w}]}",
            Changes(changed=("acme[acme].models[1].alias",)),
            id="by position where names repeat",
        ),
        pytest.param(
            "acme: {excluded-models: [a, b]}",
            "acme: {excluded-models: [b]}",
            Changes(changed=("acme[acme].excluded-models",)),
            id="a list of texts",
        ),
        pytest.param(
            "routing: {fallbacks: {a: [b]}}\nacme: [{name: a, prefix: a}, {name: b, prefix: b}]",
            "acme: [{name: a, prefix: a}, {name: b, prefix: b}]",
            Changes(removed=("routing.fallbacks.a",)),
            id="a key of a mapping",
        ),
        pytest.param(
            "acme: {api-key-entries: [{api-key: k-of-acme, headers: {X-A: one}}]}",
            "acme: {api-key-entries: [{api-key: k-of-acme, headers: {X-A: two, X-B: one}}]}",
            Changes(
                added=("acme[acme].api-key-entries[0].headers.X-B",),
                changed=("acme[acme].api-key-entries[0].headers.X-A",),
            ),
            id="headers",
        ),
        pytest.param("acme: {either: true}", "acme: {either: {number: 1}}", Changes(changed=("acme[acme].either",)), id="another type"),
    ],
)  # fmt: skip
def test_the_keys_that_differ(old: str, new: str, expected: Changes) -> None:
    assert changes(old, new) == expected
    back = changes(new, old)
    assert (back.added, back.removed, back.changed) == (expected.removed, expected.added, expected.changed)


def test_a_client_key_is_told_by_its_name_and_not_shown(tmp_path: Path) -> None:
    def of(text: str) -> Outline:
        raw = read_config(tmp_path / "c.yaml", text, installed=())
        return outline(raw.config, (), SALT)

    old = of("api-keys: [{name: batch, key: client-key-of-24-letters, models: [a]}]")
    new = of("api-keys: [{name: batch, key: another-key-of-24-letters, models: [a]}, third-key-of-24-letters]")
    assert compare(old, new) == Changes(added=("api-keys[1]",), changed=("api-keys[batch].key",))


def test_a_secret_that_was_rotated_behind_its_reference_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "acme: {name: a, api-key-entries: [{api-key: env:ACME_KEY}]}"
    monkeypatch.setenv("ACME_KEY", "key-of-monday")
    old = outlined(text)
    monkeypatch.setenv("ACME_KEY", "key-of-tuesday")
    assert compare(old, outlined(text)).changed == ("acme[a].api-key-entries[0].api-key",)


def test_an_outline_holds_no_value() -> None:
    entry = f"acme: {{name: a, base-url: https://private.invalid, api-key-entries: [{{api-key: {CANARY}, headers: {{{CANARY}: x}}}}]}}"
    kept = LoadedOutline("/etc/config.yaml", 1.0, outlined(entry))
    text = json.dumps(kept.document())
    assert CANARY not in text
    assert "private" not in text
    assert "client-key" not in text
    assert LoadedOutline.read(json.loads(text)) == kept


def test_digests_differ_from_salt_to_salt_and_are_not_compared() -> None:
    old, new = outlined("port: 1"), outlined("port: 1", new_salt())
    assert old.tree["port"] != new.tree["port"]
    with pytest.raises(ValueError, match="compared"):
        compare(old, new)


FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "port": st.integers(0, 3),
        "request-retry": st.integers(0, 3),
        "force-model-prefix": st.booleans(),
        "routing": st.fixed_dictionaries({}, optional={"strategy": st.sampled_from(["round-robin", "fill-first"])}),
        "acme": st.lists(
            st.fixed_dictionaries({"name": st.sampled_from("ab")}, optional={"disabled": st.booleans()}),
            max_size=2,
            unique_by=lambda entry: entry["name"],
        ),
    },
)


@settings(max_examples=60, deadline=None)
@given(old=FIELDS, new=FIELDS)
def test_nothing_differs_exactly_where_the_validated_configurations_are_equal(old: Any, new: Any) -> None:
    def loaded(fields: Any) -> tuple[Any, Any]:
        text = json.dumps({"api-keys": ["client-key-of-24-letters"], **fields})
        raw = read_config(Path("c.yaml"), text, installed=PLUGINS.keys())
        return raw.config, [(entry.key, entry.name, entry.settings) for entry in validate_entries(raw, PLUGINS)]

    before, after = loaded(old), loaded(new)
    found = compare(outline(*before, SALT), outline(*after, SALT))
    assert bool(found) is (before != after)


@pytest.mark.parametrize(
    ("paths", "providers", "touched", "at_start"),
    [
        pytest.param(
            ("port", "log.level", "state-dir"), {"acme"}, False, ["port", "log.level", "state-dir"], id="core"
        ),
        pytest.param(("acme[a].prefix",), {"acme"}, True, [], id="an entry"),
        pytest.param(("acme",), {"acme"}, True, [], id="a block"),
        pytest.param(("acme-two[a]",), {"acme"}, False, [], id="another block whose name begins alike"),
        pytest.param(("the order of providers",), {"acme"}, False, [], id="their order"),
    ],
)
def test_what_a_change_is_about(
    paths: tuple[str, ...], providers: set[str], touched: bool, at_start: list[str]
) -> None:
    found = Changes(changed=paths)
    assert found.touches(providers) is touched
    assert found.at_start == at_start


# -- the command -------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path: Path, **fields: Any) -> Path:
    whole = {"api-keys": ["client-key-of-24-letters"], "state-dir": "state", **fields}
    path.write_text(json.dumps(whole))
    return path


def diff(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["config", "diff", *arguments])


def test_against_a_file(folder: Path) -> None:
    write(folder / "config.yaml", port=1)
    write(folder / "old.yaml", port=2, **{"request-retry": 1})
    result = diff("--against", "old.yaml")
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "config.yaml against old.yaml",
        "  ~ port (takes a restart)",
        "  ~ request-retry",
    ]
    found = json.loads(diff("--against", "old.yaml", "--json").stdout)
    assert found == {
        "file": "config.yaml",
        "against": "old.yaml",
        "added": [],
        "removed": [],
        "changed": ["port", "request-retry"],
        "restart_needed": ["port"],
    }


def test_against_itself(folder: Path) -> None:
    write(folder / "config.yaml")
    result = diff("--against", "config.yaml")
    assert (result.exit_code, result.stdout) == (0, "config.yaml against config.yaml: no difference\n")


def test_against_what_a_gateway_loaded(folder: Path) -> None:
    path = write(folder / "config.yaml", port=1)
    loaded = LoadedOutline(str(path), 1767225600.0, outline_of(load(path, available=WIRED), SALT))
    StateStore(folder / "state").write(DOCUMENT, loaded.document())
    assert diff().exit_code == 0
    write(path, port=2)
    result = diff()
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        f"config.yaml against {path}, loaded 2026-01-01T00:00:00Z",
        "  ~ port (takes a restart)",
    ]


@pytest.mark.parametrize("kept", [None, {"file": 7}], ids=["nothing", "something damaged"])
def test_where_no_gateway_has_kept_anything_it_says_so(folder: Path, kept: dict[str, Any] | None) -> None:
    write(folder / "config.yaml")
    if kept is not None:
        StateStore(folder / "state").write(DOCUMENT, kept)
    result = diff()
    assert result.exit_code == 2
    assert result.stderr == "no gateway has kept in state what it loaded; compare with a file: --against FILE\n"


@pytest.mark.parametrize("wrong", ["config.yaml", "old.yaml"])
def test_a_wrong_file_cannot_be_compared(folder: Path, wrong: str) -> None:
    write(folder / "config.yaml")
    write(folder / "old.yaml")
    (folder / wrong).write_text(f"prot: {CANARY}\n")
    result = diff("--against", "old.yaml")
    assert result.exit_code == 2
    assert f"{wrong}:1:1: prot" in result.stderr
    assert CANARY not in result.output
