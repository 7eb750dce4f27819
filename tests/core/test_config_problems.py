"""Each mistake is told with its line, its key and what to write instead (C1, C3)."""

from __future__ import annotations

import pytest

from tests.core.configs import cases, has_problem

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
=> 1:20: acme[0].timeouts.idle: unknown key; known are 'connect-seconds', ...

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
    has_problem(text, expected)


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
=> 1:16: drain-seconds: may be 3600 at most

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
=> 1:21: routing.strategy: must be 'round-robin', 'fill-first', 'weighted' or 'least-busy'

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
=> 1:14: acme.name: has characters that are not allowed here; allowed are letters, digits, '.', '_' and '-'

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
    has_problem(text, expected)


CLIENT_KEYS = """
# empty file
# nothing in it
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
=> 1:52: api-keys[0].models: must hold at least 1; leave the key out for the default

# scope
api-keys: [{key: $KEY, scopes: [all]}]
=> 1:53: api-keys[0].scopes[0]: must be 'metrics:read'

# no concurrency
api-keys: [{key: $KEY, max-concurrency: 0}]
=> 1:61: api-keys[0].max-concurrency: must be at least 1

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
    has_problem(text, expected)
