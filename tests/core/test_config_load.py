"""``config.yaml``: all that is wrong at once, each with its line, its key and what to write instead (C1, C3)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import AfterValidator, Field, model_validator
from ruamel.yaml import YAML

from switchgear.config import ProviderEntry, RawConfig, check_names, read_config, validate_entries
from switchgear.config.schema import ClientKey
from switchgear.errors import ConfigError
from switchgear.secret import Secret, redact
from switchgear.settings import ProviderSettings, SettingsModel

CANARY = "sk-canary-0a1b2c3d4e5f"
KEY = "client-key-of-24-letters"
KEYS = f"api-keys: [{KEY}]\n"


def _no_colour(value: str) -> str:
    if value not in {"red", "blue"}:
        raise ValueError(f"{value!r} is no colour")
    return value


class Credential(SettingsModel):
    api_key: Secret
    headers: Mapping[str, str] = Field(default_factory=dict)


class Nested(SettingsModel):
    number: int = 0


class AcmeSettings(ProviderSettings):
    """What a plugin may come up with; its validators quote their input, which must not get out."""

    base_url: Annotated[str, Field(pattern="^https?://")] = "https://acme.invalid"
    api_key_entries: Annotated[tuple[Credential, ...], Field(strict=False)] = ()
    colour: Annotated[str, AfterValidator(_no_colour)] = "red"
    either: Nested | bool | None = None

    @model_validator(mode="after")
    def _consistent(self) -> AcmeSettings:
        if self.colour == "blue" and self.base_url:
            raise ValueError(f"no blue with {self.base_url} or {[c.api_key.reveal() for c in self.api_key_entries]}")
        return self


PLUGINS: dict[str, type[ProviderSettings]] = {"acme": AcmeSettings, "basic": ProviderSettings}


def read(text: str, installed: Mapping[str, object] = PLUGINS) -> RawConfig:
    return read_config(Path("config.yaml"), text, installed=installed.keys())


def entries_of(text: str) -> tuple[ProviderEntry, ...]:
    return validate_entries(read(text), PLUGINS)


def names_of(text: str) -> None:
    """All three steps; an entry without a prefix of its own has none."""
    raw = read(text)
    check_names(raw, [(entry, entry.settings.prefix or "") for entry in validate_entries(raw, PLUGINS)])


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        names_of(text)
    return [str(problem).removeprefix("config.yaml:") for problem in caught.value.problems]


def cases(table: str) -> list[Any]:
    """Parameters from a table: ``# what it is``, the file, and after ``=>`` one of the problems that it has."""
    found = []
    for case in table.strip().split("\n\n"):
        head, _, expected = case.replace("$KEY", KEY).partition("\n=> ")
        name, _, text = head.partition("\n")
        found.append(pytest.param(text, expected, id=name.removeprefix("# ")))
    return found


# -- what is right -----------------------------------------------------------------------------------------


def test_the_defaults_are_those_of_the_design() -> None:
    config = read(KEYS).config
    assert config.model_dump(by_alias=True, exclude={"client_keys", "auth_dir"}) == {
        "host": "127.0.0.1",
        "port": 8317,
        "management-key": None,
        "force-model-prefix": False,
        "request-retry": 3,
        "max-retry-interval": 30.0,
        "max-body-mib": 32,
        "models-ttl-seconds": 600.0,
        "drain-seconds": 30.0,
        "routing": {
            "strategy": "round-robin",
            "fallbacks": {},
            "cooldown-floor-seconds": 1.0,
            "cooldown-cap-seconds": 3600.0,
        },
        "metrics": {"loopback-open": True},
        "log": {"format": "auto", "level": "info"},
    }
    assert config.auth_dir == Path("~/.switchgear/auth").expanduser()


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
    assert KEY not in repr(config) + repr(config.api_keys) + config.model_dump_json(
        exclude={"client_keys", "management"}
    )
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
    text = f"{KEYS}routing: {{fallbacks: {{acme: [b], b: [gone]}}}}\nacme: {{prefix: gone, what: ever}}\nbasic: {{prefix: b}}\n"
    raw = read(text)
    (entry,) = validate_entries(raw, {"basic": ProviderSettings})
    check_names(raw, [(entry, "b")])
    assert entry.name == "basic"


def test_the_file_itself_is_read(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(KEYS + "port: 0\n")
    raw = read_config(path, installed=())
    assert raw.config.port == 0
    assert raw.digest == hashlib.sha256(path.read_bytes()).hexdigest()


# -- what is wrong -----------------------------------------------------------------------------------------


UNKNOWN_KEYS = """
# top
prot: 1
=> 1:1: prot: unknown key, and no installed plugin has this name; did you mean 'port'?

# underscore
api_keys: []
=> 1:1: api_keys: unknown key, and no installed plugin has this name; did you mean 'api-keys'?

# plugin
acne: {}
=> 1:1: acne: unknown key, and no installed plugin has this name; did you mean 'acme'?

# far from all
zzz: {}
=> 1:1: zzz: unknown key, and no installed plugin has this name; see: switchgear plugins list

# entry
acme: {base_ur: x}
=> 1:8: acme.base_ur: unknown key; did you mean 'base-url'?

# nested
acme: [{timeouts: {idle: 3}}]
=> 1:20: acme[0].timeouts.idle: unknown key; known are 'connect-seconds', 'first-byte-seconds', 'idle-seconds' and 'total-seconds'

# in a list
acme: [{api-key-entries: [{apikey: x}]}]
=> 1:28: acme[0].api-key-entries[0].apikey: unknown key; did you mean 'api-key'?

# short list
log: {colour: red}
=> 1:7: log.colour: unknown key; known are 'format' and 'level'

# client key
api-keys: [{kye: x}]
=> 1:13: api-keys[0].kye: unknown key; did you mean 'key'?
"""


@pytest.mark.parametrize(("text", "expected"), cases(UNKNOWN_KEYS))
def test_an_unknown_key_gets_the_nearest_spelling(text: str, expected: str) -> None:
    assert expected in problems(text)


WRONG_VALUES = """
# quoted number
port: '8317'
=> 1:7: port: must be a whole number, without quotes

# text for number
port: eighty
=> 1:7: port: must be a whole number

# switch for number
port: true
=> 1:7: port: must be a whole number

# fraction
port: 1.5
=> 1:7: port: must be a whole number

# too great
port: 70000
=> 1:7: port: may be 65535 at most

# too small
request-retry: -1
=> 1:16: request-retry: must be at least 0

# too many
request-retry: 11
=> 1:16: request-retry: may be 10 at most

# limit of a number
max-retry-interval: 301
=> 1:21: max-retry-interval: may be 300 at most

# not a number
drain-seconds: .nan
=> 1:16: drain-seconds: must be at least 0

# no
force-model-prefix: no
=> 1:21: force-model-prefix: must be true or false

# quoted switch
force-model-prefix: 'true'
=> 1:21: force-model-prefix: must be true or false, without quotes

# number for text
host: 127
=> 1:7: host: must be a text; put it in quotes

# host with port
host: localhost:8317
=> 1:7: host: must be an IP address or a host name, without a port

# list for path
auth-dir: [a]
=> 1:11: auth-dir: must be the path of a directory

# empty mapping
log:
=> 1:1: log: is empty; write a mapping of 'key: value' lines, or leave the key out

# text for mapping
log: json
=> 1:6: log: must be a mapping of 'key: value' lines

# no such choice
log: {level: loud}
=> 1:14: log.level: must be 'debug', 'info', 'warning' or 'error'

# no such strategy
routing: {strategy: random}
=> 1:21: routing.strategy: must be 'round-robin' or 'fill-first'

# text for list
routing: {fallbacks: {a: b}}
=> 1:26: routing.fallbacks.a: must be a list ('- ' before each item)

# bad prefix
routing: {fallbacks: {a/b: [c]}}
=> 1:23: routing.fallbacks.a/b: may not hold '/': a model is named prefix/alias

# floor over cap
routing: {cooldown-floor-seconds: 9, cooldown-cap-seconds: 8}
=> 1:10: routing: cooldown-floor-seconds is greater than cooldown-cap-seconds

# block
acme: 3
=> 1:7: acme: must be a list of entries, or one entry's 'key: value' lines

# entry
acme: [{}, 3]
=> 1:12: acme[1]: must be a mapping of 'key: value' lines

# name
acme: {name: a b}
=> 1:14: acme.name: has characters that are not allowed here; allowed is ^[A-Za-z0-9][A-Za-z0-9._-]*$

# missing
acme: {models: [{alias: x}]}
=> 1:17: acme.models[0].name: is missing

# empty text
acme: {models: [{name: ''}]}
=> 1:24: acme.models[0].name: may not be empty

# member of a union
acme: {either: {number: x}}
=> 1:25: acme.either.number: must be a whole number

# switch for seconds
acme: {timeouts: {idle-seconds: true}}
=> 1:33: acme.timeouts.idle-seconds: must be a number

# digits as secret
acme: {api-key-entries: [{api-key: 0123456}]}
=> 1:36: acme.api-key-entries[0].api-key: must be a text; put it in quotes (a number loses its leading zeros)

# secret missing
acme: {api-key-entries: [{}]}
=> 1:26: acme.api-key-entries[0].api-key: is missing
"""


@pytest.mark.parametrize(("text", "expected"), cases(WRONG_VALUES))
def test_a_wrong_value_is_told_in_plain_words(text: str, expected: str) -> None:
    assert expected in problems(text)


CLIENT_KEYS = """
# empty file

=> 1:1: api-keys: needs at least one client key; make one with: switchgear keys new

# empty list
port: 1
api-keys: []
=> 2:1: api-keys: needs at least one client key; make one with: switchgear keys new

# nothing
api-keys:
=> 1:1: api-keys: is empty; write a list ('- ' before each item), or leave the key out

# short
api-keys: [short]
=> 1:12: api-keys[0]: is shorter than 16 characters; make a good one with: switchgear keys new

# digits
api-keys: [12345678901234567]
=> 1:12: api-keys[0]: must be a text; put it in quotes (a number loses its leading zeros)

# mapping
api-keys: [{key: {}}]
=> 1:18: api-keys[0].key: must be a text

# spaces
api-keys: ['not a key for a header']
=> 1:12: api-keys[0]: may hold only ASCII letters, digits and signs, no spaces: it travels in an HTTP header

# digest
api-keys: ['sha256:abc']
=> 1:12: api-keys[0]: must be sha256: and 64 hexadecimal digits; make one with: switchgear keys new

# environment
api-keys: ['env:SG_UNSET']
=> 1:12: api-keys[0]: environment variable SG_UNSET is not set

# template
api-keys: ['<your-key-goes-here>']
=> 1:12: api-keys[0]: is still the example's value; write the real one, or env:NAME, file:PATH or keyring:NAME

# no key
api-keys: [{name: a}]
=> 1:12: api-keys[0].key: is missing

# no models
api-keys: [{key: $KEY, models: []}]
=> 1:49: api-keys[0].models: must hold at least 1; leave the key out for the default

# scope
api-keys: [{key: $KEY, scopes: [all]}]
=> 1:50: api-keys[0].scopes[0]: must be 'metrics:read'

# no concurrency
api-keys: [{key: $KEY, max-concurrency: 0}]
=> 1:58: api-keys[0].max-concurrency: must be at least 1

# same key
api-keys:
- $KEY
- {name: b, key: $KEY}
=> 3:18: api-keys[1].key: is the same key as 'key-1'; make one with: switchgear keys new

# same name
api-keys:
- $KEY
- {name: key-1, key: $KEY2}
=> 3:10: api-keys[1].name: the key on line 2 has the same name, 'key-1'

# management key
api-keys: [$KEY]
management-key: $KEY
=> 2:17: management-key: is the same key as the client key 'key-1'; make one with: switchgear keys new
"""


@pytest.mark.parametrize(("text", "expected"), cases(CLIENT_KEYS))
def test_client_keys_are_checked(text: str, expected: str) -> None:
    assert expected in problems(text)


NAMES = """
# name twice
acme: [{name: a}]
basic: [{name: a}]
=> 3:16: basic[0].name: the entry on line 2 has the same name, 'a'; give each its own 'name'

# name like a default
acme: [{name: acme-2}, {}]
=> 2:24: acme[1]: the entry on line 2 has the same name, 'acme-2'; give each its own 'name'

# alias twice
acme: {prefix: p, models: [{name: x, alias: m}]}
basic: {prefix: p, models: [{name: m}]}
=> 3:36: basic.models[0].name: the entry 'acme' also serves a model 'p/m' (line 2); give one of them another alias or prefix, or put both models into one entry to pool them

# alias like prefix and alias
acme: {prefix: p, models: [{name: m}]}
basic: {models: [{name: x, alias: p/m}]}
=> 3:35: basic.models[0].alias: the entry 'acme' also serves a model 'p/m' (line 2); give one of them another alias or prefix, or put both models into one entry to pool them

# prefix = model
acme: {models: [{name: or}]}
basic: {prefix: or}
=> 3:17: basic.prefix: the prefix 'or' is also the name of a model (line 2); change one of them

# fallback from nowhere
routing: {fallbacks: {kirro: [kiro]}}
acme: {prefix: kiro}
=> 2:23: routing.fallbacks.kirro: no entry has the prefix 'kirro'; did you mean 'kiro'?

# fallback to nowhere
routing: {fallbacks: {kiro: [ro, zz]}}
acme: [{prefix: kiro}, {prefix: or}]
=> 2:34: routing.fallbacks.kiro[1]: no entry has the prefix 'zz'; known are 'kiro' and 'or'

# fallbacks in a circle
routing: {fallbacks: {a: [b], b: [c], c: [a]}}
acme: [{prefix: a}, {prefix: b}, {prefix: c}]
=> 2:23: routing.fallbacks.a: fallbacks go in a circle: a -> b -> c -> a; remove one of them

# fallback to itself
routing: {fallbacks: {a: [a]}}
acme: {prefix: a}
=> 2:23: routing.fallbacks.a: fallbacks go in a circle: a -> a; remove one of them
"""


@pytest.mark.parametrize(("text", "expected"), cases(NAMES))
def test_names_are_checked_over_the_whole_file(text: str, expected: str) -> None:
    assert expected in problems(KEYS + text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("acme: {models: [{name: a, alias: m}, {name: b, alias: m}]}", id="an alias twice in one entry"),
        pytest.param("acme: [{prefix: p}, {prefix: p}]", id="two lists from upstream under one prefix"),
        pytest.param("acme: [{prefix: p, models: [{name: m}]}, {prefix: q, models: [{name: m}]}]", id="two prefixes"),
        pytest.param("acme: [{models: [{name: m}]}, {disabled: true, models: [{name: m}]}]", id="one is disabled"),
        pytest.param(
            "routing: {fallbacks: {a: [b]}}\nacme: [{prefix: a}, {prefix: b, disabled: true}]", id="to a disabled"
        ),
        pytest.param(
            "routing: {fallbacks: {a: [c], b: [c]}}\nacme: [{prefix: a}, {prefix: b}, {prefix: c}]", id="no circle"
        ),
    ],
)
def test_names_that_do_not_collide(text: str) -> None:
    names_of(KEYS + text)


def test_each_circle_is_told_once() -> None:
    text = "routing: {fallbacks: {x: [a], a: [b], b: [a], c: [d], d: [c]}}\nacme: " + str(
        [{"prefix": prefix} for prefix in "xabcd"]
    )
    assert [line.partition("circle: ")[2] for line in problems(KEYS + text)] == [
        "a -> b -> a; remove one of them",
        "c -> d -> c; remove one of them",
    ]


def test_all_problems_come_at_once_and_in_the_order_of_lines() -> None:
    found = problems("acme: {colour: green, nmae: x}\nport: x\napi-keys: [a, b]\nbasic: {prefix: 1}\nhots: y\n")
    assert [line.rpartition(": ")[0].partition(": ")[0] for line in found] == ["1:16", "1:23", "2:7", "3:12", "3:15", "4:17", "5:1"]  # fmt: skip


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


# -- secrets stay secret -----------------------------------------------------------------------------------

VALID = f"""
host: localhost
port: 1
auth-dir: dir
api-keys: [{KEY}, {{name: batch, key: {KEY}-2, models: ["*"], scopes: ["metrics:read"], max-concurrency: 1}}]
management-key: {KEY}-3
force-model-prefix: true
drain-seconds: 1
routing: {{strategy: fill-first, fallbacks: {{p: [q]}}, cooldown-floor-seconds: 2}}
metrics: {{loopback-open: false}}
log: {{format: json, level: info}}
acme:
  - name: one
    prefix: p
    base-url: https://acme.invalid
    colour: red
    either: {{number: 1}}
    api-key-entries: [{{api-key: provider-key, headers: {{x: y}}}}]
    models: [{{name: m, alias: n, context-length: 3}}]
    excluded-models: ["*-x"]
    timeouts: {{idle-seconds: 3}}
  - {{prefix: q, disabled: false}}
"""


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for step, inner in steps for found in _paths(inner, (*path, step)))]


def _dumped(data: Any) -> str:
    import io

    stream = io.StringIO()
    YAML(typ="safe", pure=True).dump(data, stream)
    return stream.getvalue()


@pytest.mark.parametrize("shape", ["text", "env", "keyring", "list", "mapping", "key", "nested"])
def test_no_error_ever_shows_a_secret_wherever_it_was_put(shape: str) -> None:
    wrong: Any = {
        "text": CANARY,
        "env": f"env:{CANARY}",
        "keyring": f"keyring:{CANARY}/",
        "list": [CANARY],
        "mapping": {"value": CANARY},
        "key": {CANARY: "value"},
        "nested": [{"api-key": CANARY, "colour": CANARY}],
    }[shape]
    refused = 0
    names_of(VALID)
    for path in _paths(YAML(typ="safe", pure=True).load(VALID)):
        data = YAML(typ="safe", pure=True).load(VALID)
        if path:
            place = data
            for step in path[:-1]:
                place = place[step]
            place[path[-1]] = wrong
        else:
            data = wrong
        try:
            names_of(_dumped(data))
        except ConfigError as error:
            refused += 1
            if _is_name(path):
                continue  # a prefix or alias is public: an error about it names it
            assert CANARY not in str(error), path
    assert refused > 20


def _is_name(path: tuple[Any, ...]) -> bool:
    return bool(path) and (path[-1] in {"prefix", "alias", "name", "models"} or "fallbacks" in path)


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param(f"{{colour: {CANARY}}}", id="a field's validator"),
        pytest.param(f"{{colour: blue, base-url: 'https://{CANARY}'}}", id="an entry's validator"),
        pytest.param(f"{{colour: blue, api-key-entries: [{{api-key: {CANARY}}}]}}", id="a literal that was revealed"),
        pytest.param("{colour: blue, api-key-entries: [{api-key: env:SG_CANARY}]}", id="a reference that was revealed"),
    ],
)
def test_a_plugins_validator_that_quotes_its_input_is_masked(entry: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SG_CANARY", CANARY)
    (found,) = problems(f"{KEYS}acme: {entry}\n")
    assert "***" in found
    assert CANARY not in found
