"""Other programs' credentials, read: Kiro IDE's token file, the command lines' database, CLIProxyAPIPlus' files."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchgear import Account, LoginFailed
from switchgear_kiro import cli_database, ide_file
from switchgear_kiro.account import Credential
from switchgear_kiro.credential_fields import credential_of, moment, start_url_hash
from switchgear_kiro.importing import imported
from tests.plugins.kiro_files import (
    ARN,
    BUILDER_HASH,
    ISSUER,
    START_URL,
    closed_database,
    database,
    device_registration,
    ide,
    ide_oidc,
    oidc_token,
    put,
    registration,
    snake,
    token,
)

FEBRUARY = 1801440000.0
"""2027-02-01, when the registrations here end."""
IDC_HASH = start_url_hash(START_URL)


# -- the IDE's token file --------------------------------------------------------------------------------------


def test_the_hash_of_a_start_url_is_the_ides() -> None:
    assert start_url_hash("https://view.awsapps.com/start") == BUILDER_HASH


def ended(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


@pytest.mark.parametrize(
    ("document", "told"),
    [
        pytest.param(ide("a"), {"method": "social", "idp": "Google", "auth_region": "us-east-1"}, id="google"),
        pytest.param(ide("a", provider="Github"), {"method": "social", "idp": "Github"}, id="github"),
        pytest.param(ide("a", authMethod=None), {"method": "social", "idp": "Google"}, id="no method, a social idp"),
        pytest.param(
            ide_oidc("a"),
            {"method": "builder-id", "idp": "BuilderId", "start_url": "https://view.awsapps.com/start"},
            id="builder id",
        ),
        pytest.param(ide_oidc("a", authMethod="IDC", provider=None), {"method": "builder-id"}, id="by the hash alone"),
        pytest.param(
            ide_oidc("a", profileArn=ARN), {"method": "builder-id", "profile_arn": ""}, id="no arn of its own"
        ),
        pytest.param(
            ide_oidc("a", IDC_HASH, provider="Enterprise", region="eu-west-1", profileArn=ARN),
            {"method": "idc", "idp": "Enterprise", "sso_region": "eu-west-1", "profile_arn": ARN, "start_url": ""},
            id="an organisation's, without its start url",
        ),
        pytest.param(
            ide_oidc("a", IDC_HASH, provider="Internal", startUrl=f"{START_URL}/"),
            {"method": "idc", "idp": "Internal", "start_url": START_URL},
            id="the vendor's own",
        ),
    ],
)
def test_each_kind_of_token_file(tmp_path: Path, document: dict[str, Any], told: dict[str, str]) -> None:
    path = put(tmp_path / "kiro-auth-token.json", document)
    for hash_ in (BUILDER_HASH, IDC_HASH):
        put(tmp_path / f"{hash_}.json", registration())
    credential = ide_file.read(path).credential
    assert {name: getattr(credential, name) for name in told} == told
    assert (credential.access_token, credential.refresh_token) == (token("aoa", "a"), token("aor", "a"))
    assert credential.expires_at == pytest.approx(ended(document["expiresAt"]), abs=0.001)
    assert credential.is_pending
    if credential.method in {"builder-id", "idc"}:
        assert (credential.client_id, credential.registration_expires_at) == ("client", FEBRUARY)


EXTERNAL: dict[str, Any] = {
    "authMethod": "external_idp",
    "provider": "ExternalIdp",
    "profileArn": None,
    "tokenEndpoint": f"{ISSUER}/token",
    "issuerUrl": ISSUER,
    "clientId": "app-1",
    "scopes": ["api://kiro/.default", "offline_access"],
    "region": "eu-central-1",
}


def test_a_companys_own_identity_provider() -> None:
    credential = credential_of(ide("a", **EXTERNAL))
    assert (credential.method, credential.idp, credential.client_id) == ("external-idp", "ExternalIdp", "app-1")
    assert (credential.token_endpoint, credential.issuer_url) == (f"{ISSUER}/token", ISSUER)
    assert credential.scopes == "api://kiro/.default offline_access"


@pytest.mark.parametrize(
    ("document", "words"),
    [
        pytest.param(ide("a", refreshToken=None), "lacks refreshToken", id="no refresh token"),
        pytest.param(ide("a", accessToken="", refreshToken=""), "accessToken and refreshToken", id="signed out"),
        pytest.param(ide("a", refreshToken="aorAAAA...zzz"), "cut short", id="copied from a screen"),
        pytest.param(ide("a", accessToken="aor\ud800\n"), "lacks accessToken", id="no characters of a token"),
        pytest.param(ide("a", authMethod=None, provider=None, profileArn=None), "authMethod", id="no kind"),
        pytest.param(ide_oidc("a", "0" * 40), "0.json is missing", id="no registration"),
        pytest.param(ide_oidc("a", "../../secret"), "no name of a file", id="a hash that goes up"),
        pytest.param(ide_oidc("a", "a\\b"), "no name of a file", id="a hash with a backslash"),
        pytest.param(ide_oidc("a", region="evil.example/"), "region", id="a region that is a host"),
        pytest.param(ide("a", **{**EXTERNAL, "tokenEndpoint": None}), "name the token endpoint", id="no endpoint"),
        pytest.param(ide("a", **{**EXTERNAL, "issuerUrl": None}), "name the issuer", id="no issuer"),
        pytest.param(ide("a", **{**EXTERNAL, "clientId": None}), "name the client", id="no client"),
        pytest.param(
            ide("a", **{**EXTERNAL, "tokenEndpoint": "http://login.company.example/token"}), "no https", id="plain http"
        ),
        pytest.param(
            ide("a", **{**EXTERNAL, "tokenEndpoint": "https://login.company.example.evil/token"}),
            "own host only",
            id="another host",
        ),
        pytest.param(
            ide("a", **{**EXTERNAL, "tokenEndpoint": "https://login.company.example@evil.example/token"}),
            "no https address",
            id="a host dressed up",
        ),
    ],
)
def test_a_token_file_that_does_not_do_says_why(tmp_path: Path, document: dict[str, Any], words: str) -> None:
    put(tmp_path / f"{BUILDER_HASH}.json", registration())
    with pytest.raises(LoginFailed, match=words):
        ide_file.read(put(tmp_path / "kiro-auth-token.json", document))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("", id="empty"),
        pytest.param('{"clientId": "c', id="half"),
        pytest.param("{}", id="without the secret"),
    ],
)
def test_a_damaged_registration_is_named(tmp_path: Path, content: str) -> None:
    put(tmp_path / f"{BUILDER_HASH}.json", content)
    with pytest.raises(LoginFailed, match=f"{BUILDER_HASH}.json is missing or incomplete"):
        ide_file.read(put(tmp_path / "kiro-auth-token.json", ide_oidc("a")))


def test_a_half_written_file_is_read_again(tmp_path: Path) -> None:
    path = put(tmp_path / "kiro-auth-token.json", '{"accessToken": "aoa')
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            put(path, ide("late"))

    assert ide_file.read(path, pause).credential.access_token == token("aoa", "late")
    assert pauses == [0.05] * 3


def test_a_damaged_file_is_given_up(tmp_path: Path) -> None:
    pauses: list[float] = []
    with pytest.raises(LoginFailed, match="damaged"):
        ide_file.read(put(tmp_path / "kiro-auth-token.json", "[]"), pauses.append)
    assert len(pauses) == 9


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        pytest.param("2026-11-28T01:00:00.250Z", 1795827600.25, id="the IDE's"),
        pytest.param("2026-11-28T01:00:00.250123456Z", 1795827600.250123, id="nine digits"),
        pytest.param("2026-11-28T02:00:00+01:00", 1795827600.0, id="a zone"),
        pytest.param("2026-11-28T01:00:00", 1795827600.0, id="no zone"),
        pytest.param(1795827600, 1795827600.0, id="seconds"),
        pytest.param(1795827600000, 1795827600.0, id="milliseconds"),
        pytest.param("soon", None, id="no moment"),
        pytest.param(True, None, id="true"),
    ],
)
def test_moments(value: object, seconds: float | None) -> None:
    assert moment({"expiresAt": value}, "expires_at") == seconds


def test_a_token_without_a_moment_is_renewed_before_it_is_used() -> None:
    assert credential_of(ide("a", expiresAt=None)).expires_at == 0.0


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=2))
NAMES = st.sampled_from([*ide("a", **EXTERNAL), "clientIdHash", "clientSecret", "startUrl", "access_token", "expired"])


def outcome(document: dict[str, Any]) -> Credential | str:
    try:
        return credential_of(document)
    except LoginFailed as error:
        return str(error)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(NAMES, JSON | st.just("aorxyz"), max_size=12))
def test_any_document_gives_a_credential_or_a_reason(document: dict[str, Any]) -> None:
    found = outcome(document)
    assert found
    if isinstance(found, Credential):
        assert found.access_token
        assert found.refresh_token
        assert found.method != "external-idp" or found.token_endpoint.startswith("https://")


# -- the command lines' database -------------------------------------------------------------------------------

PROFILE = {"arn": ARN, "profile_name": "engineering"}
IDC_STATE = {
    "api.codewhisperer.profile": PROFILE,
    "auth.idc.start-url": f'"{START_URL}"',
    "auth.idc.region": '"eu-west-1"',
}
REGISTERED = {"kirocli:odic:device-registration": device_registration()}


@pytest.mark.parametrize(
    ("secrets", "state", "told"),
    [
        pytest.param(
            {"kirocli:social:token": snake("a", provider="google", profile_arn=ARN)},
            {},
            {"method": "social", "idp": "Google", "profile_arn": ARN},
            id="social",
        ),
        pytest.param(
            {"kirocli:odic:token": oidc_token("a"), **REGISTERED},
            {},
            {"method": "builder-id", "client_id": "client", "registration_expires_at": FEBRUARY + 0.123456},
            id="builder id",
        ),
        pytest.param(
            {"kirocli:oidc:token": oidc_token("a", oauth_flow="PKCE"), **REGISTERED},
            {},
            {"method": "builder-id", "flow": "code"},
            id="the other spelling",
        ),
        pytest.param(
            {
                "codewhisperer:odic:token": oidc_token("a", start_url=START_URL, region="eu-west-1"),
                "codewhisperer:odic:device-registration": device_registration(region="eu-west-1"),
            },
            IDC_STATE,
            {"method": "idc", "start_url": START_URL, "sso_region": "eu-west-1", "profile_arn": ARN},
            id="an organisation's, by Amazon Q, with its profile",
        ),
        pytest.param(
            {"kirocli:odic:token": oidc_token("a", start_url=START_URL), **REGISTERED},
            {**IDC_STATE, "auth.idc.start-url": "https://another.awsapps.com/start"},
            {"method": "idc", "profile_arn": ""},
            id="the profile of another organisation's sign-in",
        ),
        pytest.param(
            {"kirocli:odic:token": oidc_token("a"), **REGISTERED},
            IDC_STATE,
            {"method": "builder-id", "profile_arn": ""},
            id="the profile of an earlier sign-in is not a builder id's",
        ),
        pytest.param(
            {
                "kirocli:external-idp:token": snake(
                    "a", token_endpoint=f"{ISSUER}/token", issuer_url=ISSUER, client_id="app-1"
                )
            },
            IDC_STATE,
            {"method": "external-idp", "client_id": "app-1", "profile_arn": ""},
            id="a company's identity provider",
        ),
        pytest.param(
            {
                "kirocli:social:token": snake("old", 60, provider="github"),
                "kirocli:odic:token": oidc_token("a"),
                **REGISTERED,
            },
            {},
            {"method": "builder-id"},
            id="social is older",
        ),
        pytest.param(
            {
                "kirocli:social:token": snake("a", 7200, provider="Github"),
                "kirocli:odic:token": oidc_token("old"),
                **REGISTERED,
            },
            {},
            {"method": "social", "idp": "Github"},
            id="social is newer",
        ),
        pytest.param(
            {"kirocli:odic:token": oidc_token("x"), "codewhisperer:social:token": snake("a", 60, provider="google")},
            {},
            {"method": "social"},
            id="one without its registration is passed over",
        ),
        pytest.param(
            {"kirocli:odic:token": "{", "kirocli:social:token": snake("a", provider="google")},
            {},
            {"method": "social"},
            id="a row that is no JSON is passed over",
        ),
    ],
)
def test_each_sign_in_of_a_database(
    tmp_path: Path, secrets: dict[str, Any], state: dict[str, Any], told: dict[str, Any]
) -> None:
    credential = cli_database.read(closed_database(tmp_path / "data.sqlite3", secrets, state))
    assert {name: getattr(credential, name) for name in told} == {
        name: pytest.approx(value, abs=0.001) if isinstance(value, float) else value for name, value in told.items()
    }
    assert credential.access_token == token("aoa", "a")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        pytest.param(lambda path: None, "no such file", id="missing"),
        pytest.param(
            lambda path: path.write_text("x" * 100), "cannot be read: file is not a database", id="no database"
        ),
        pytest.param(lambda path: closed_database(path, {}), "nobody is signed in", id="signed out"),
        pytest.param(lambda path: path.touch(), "nobody is signed in", id="empty"),
        pytest.param(
            lambda path: closed_database(path, {"kirocli:odic:token": oidc_token("a")}),
            "its registration is missing",
            id="no registration",
        ),
        pytest.param(
            lambda path: closed_database(
                path, {"kirocli:odic:token": oidc_token("a", region="eu-west-1"), **REGISTERED}
            ),
            "another region",
            id="a registration of another region",
        ),
    ],
)
def test_a_database_that_does_not_do_says_why(tmp_path: Path, make: Callable[[Path], object], words: str) -> None:
    path = tmp_path / "data.sqlite3"
    make(path)
    with pytest.raises(LoginFailed, match=words):
        cli_database.read(path)


SOCIAL = {"kirocli:social:token": snake("old", provider="google")}


def test_a_database_in_use_is_read_with_its_latest_changes_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "data.sqlite3"
    with closing(database(path, SOCIAL, wal=True)) as program:
        newer = snake("new", provider="google")
        program.execute("UPDATE auth_kv SET value = ?", (str(newer).replace("'", '"'),))
        program.commit()
        before = {each.name: each.stat().st_mtime_ns for each in tmp_path.iterdir() if not each.name.endswith("-shm")}
        assert {"data.sqlite3", "data.sqlite3-wal"} == set(before)
        assert cli_database.read(path).access_token == token("aoa", "new")
        copies = tmp_path / "crashed"  # the changes are there, and what is needed to read them is gone
        copies.mkdir()
        for name in before:
            shutil.copyfile(tmp_path / name, copies / name)
        assert cli_database.read(copies / "data.sqlite3").access_token == token("aoa", "new")
        assert {each.name for each in copies.iterdir()} == set(before)
        assert {name: (tmp_path / name).stat().st_mtime_ns for name in before} == before
    assert {each.name for each in tmp_path.iterdir()} == {"data.sqlite3", "crashed"}
    assert cli_database.read(path).access_token == token("aoa", "new")
    assert {each.name for each in tmp_path.iterdir()} == {"data.sqlite3", "crashed"}


def test_a_locked_database_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli_database, "BUSY_S", 0.01)
    path = tmp_path / "data.sqlite3"
    with closing(database(path, SOCIAL)) as program:
        program.execute("BEGIN EXCLUSIVE")
        with pytest.raises(LoginFailed, match="cannot be read: database is locked"):
            cli_database.read(path)


@pytest.mark.parametrize(
    ("platform", "environ", "expected"),
    [
        pytest.param(
            "linux",
            {},
            [".local/share/kiro-cli/data.sqlite3", ".local/share/amazon-q/data.sqlite3"],
            id="linux",
        ),
        pytest.param(
            "darwin",
            {},
            [
                "Library/Application Support/kiro-cli/data.sqlite3",
                "Library/Application Support/amazon-q/data.sqlite3",
            ],
            id="macos",
        ),
        pytest.param(
            "win32",
            {"LOCALAPPDATA": "/home/ada/Local"},
            ["Local/Kiro-Cli/data.sqlite3", "AppData/Roaming/Kiro-Cli/data.sqlite3", "Local/amazon-q/data.sqlite3"],
            id="windows",
        ),
    ],
)
def test_where_the_databases_are(platform: str, environ: dict[str, str], expected: list[str]) -> None:
    home = Path("/home/ada")
    found = [path.relative_to(home).as_posix() for _, path in cli_database.places(platform, home, environ)]
    assert found == expected


# -- the hook --------------------------------------------------------------------------------------------------


def proxy(name: str, **fields: Any) -> dict[str, Any]:
    """A file of CLIProxyAPIPlus, which writes every field, empty or not."""
    empty = dict.fromkeys(("profile_arn", "client_id", "client_secret", "client_id_hash", "email", "start_url"), "")
    return {
        "type": "kiro",
        **empty,
        **snake(name, auth_method="social", provider="Google", region="us-east-1"),
        **fields,
    }


def taken(document: dict[str, Any], source: str = "cliproxyapi", **beside: Any) -> Account:
    account = imported(source, document, beside)
    assert account is not None
    return account


@pytest.mark.parametrize(
    ("document", "method", "account_id"),
    [
        pytest.param(proxy("a", email="Ada@x.io"), "social", "social:Google:ada@x.io", id="google"),
        pytest.param(proxy("a", auth_method="google", provider=""), "social", "pending:", id="google, an older file"),
        pytest.param(
            proxy("a", auth_method="builder_id", provider="AWS", client_id="c", client_secret="s", email="ada@x.io"),
            "builder-id",
            "builder-id:https://view.awsapps.com/start:ada@x.io",
            id="builder id",
        ),
        pytest.param(
            proxy("a", auth_method="idc", provider="AWS", client_id="c", client_secret="s", start_url=START_URL),
            "idc",
            "pending:",
            id="an organisation's",
        ),
        pytest.param(
            proxy("a", auth_method="import", provider="", client_id="c", client_secret="s", start_url=START_URL),
            "idc",
            "pending:",
            id="by what it has",
        ),
        pytest.param(ide("a"), "social", "pending:", id="the IDE's own"),
    ],
)
def test_an_imported_account(document: dict[str, Any], method: str, account_id: str) -> None:
    account = taken(document)
    assert (account.details["method"], account.id[: len(account_id)]) == (method, account_id)
    assert account.secrets["access_token"].reveal() == token("aoa", "a")
    assert Credential.of(account).is_pending


def test_two_social_accounts_of_one_profile_and_one_address_are_two() -> None:
    files = [
        proxy("a", profile_arn=ARN, email="ada@x.io"),
        proxy("b", profile_arn=ARN, email="ada@x.io", provider="Github"),
        proxy("c", profile_arn=ARN),
        proxy("d", profile_arn=ARN),
        ide("e", profileArn=ARN),
    ]
    ids = [taken(file).id for file in files]
    assert len(set(ids)) == len(files)
    assert [taken(file).id for file in files] == ids


def test_the_ides_registration_is_taken_from_beside_it() -> None:
    account = taken(ide_oidc("a"), "vendor", **{f"{BUILDER_HASH}.json": registration(), "other.json": {}})
    assert Credential.of(account).client_id == "client"
    assert account.login_expires_at == FEBRUARY
    with pytest.raises(LoginFailed, match=f"{BUILDER_HASH}.json is missing"):
        imported("vendor", ide_oidc("a"), {})


@pytest.mark.parametrize(
    ("source", "document"),
    [
        pytest.param(
            "cliproxyapi", {"type": "codex", "access_token": "a", "refresh_token": "r"}, id="another provider"
        ),
        pytest.param("vendor", proxy("a"), id="from another program"),
        pytest.param("vendor", registration(), id="a registration"),
        pytest.param("vendor", {"accessToken": "a", "refreshToken": "r", "startUrl": "u"}, id="another sso cache file"),
        pytest.param("vendor", {}, id="nothing"),
    ],
)
def test_what_is_not_kiros_is_left_to_others(source: str, document: dict[str, Any]) -> None:
    assert imported(source, document, {}) is None
