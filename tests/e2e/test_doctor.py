"""``doctor`` on a whole machine: a gateway that runs, upstreams that can and cannot be reached, accounts that are ill."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from switchgear.authfile import refreshed_now
from switchgear.testing import Exchange, LoopbackServer
from tests.counter import command
from tests.desk import opened
from tests.gateways import KEY, gateway

UPSTREAM_KEY = "upstream-key-0123456789"
NOWHERE = "http://127.0.0.1:9"


@dataclass(frozen=True)
class Found:
    code: int
    state: str
    checks: Mapping[str, Mapping[str, Any]]
    text: str

    def of(self, name: str) -> tuple[str, str]:
        return self.checks[name]["state"], self.checks[name]["detail"]


def files(folder: Path) -> dict[str, tuple[int, bytes]]:
    """All but the bytecode that Python keeps of a plugin it imports."""
    found = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return {str(path): (path.stat().st_mode, path.read_bytes()) for path in found}


async def doctor(config: Path) -> Found:
    """Run it for people and for programs; both must agree, and neither may change a file."""
    before = files(config.parent)
    code, text, errors = await command("doctor", "--config", str(config))
    assert errors == ""
    again, out, _ = await command("doctor", "--config", str(config), "--json")
    result = json.loads(out)
    assert (again, code) == (code, int(result["state"] == "failed"))
    assert files(config.parent) == before
    checks = {check["name"]: check for check in result["checks"]}
    assert [name for name, check in checks.items() if check["state"] == "failed" and not check["advice"]] == []
    return Found(code, result["state"], checks, text + out)


def entry(url: str, **more: Any) -> dict[str, Any]:
    return {"name": "up", "base-url": f"{url}/v1", "api-key-entries": [{"api-key": UPSTREAM_KEY}], **more}


def write(folder: Path, *entries: dict[str, Any], **more: Any) -> Path:
    whole = {
        "port": 9,
        "api-keys": [KEY],
        "auth-dir": str(folder / "auth"),
        "state-dir": str(folder / "state"),
        **({"openai-compatibility": list(entries)} if entries else {}),
        **more,
    }
    path = folder / "config.yaml"
    path.write_text(json.dumps(whole))
    path.chmod(0o600)
    return path


class Upstream:
    """Answers with a clock of its own, and remembers what it was asked."""

    def __init__(self, ahead_s: float = 0.0) -> None:
        self.ahead_s = ahead_s
        self.asked: list[tuple[str, str]] = []
        self.credentials: list[str] = []
        self.server = LoopbackServer(self._handle)

    async def _handle(self, exchange: Exchange) -> None:
        self.asked.append((exchange.method, exchange.path))
        self.credentials += [value for name, value in exchange.headers.items() if "auth" in name or "key" in name]
        await exchange.respond(404, "{}", {"date": formatdate(time.time() + self.ahead_s, usegmt=True)})


# -- with and without a gateway ------------------------------------------------------------------------------


async def test_all_is_well_and_the_gateway_has_this_very_file(tmp_path: Path) -> None:
    upstream = Upstream()
    async with upstream.server:
        listed = {"models": [{"name": "m"}]}
        blocks = {"openai-compatibility": [entry(upstream.server.url, **listed)]}
        async with gateway(tmp_path, blocks) as running:
            path = running.config_file
            path.write_text(json.dumps(json.loads(path.read_text()) | {"port": running.port}))
            path.chmod(0o600)
            await running.service.reload()
            found = await doctor(path)
            assert found.state == "ok", found.text
            assert found.of("port") == ("ok", f"a gateway of ours answers at {running.url}")
            assert found.of("gateway")[1].endswith("it has this very configuration")
            assert found.of("accounts of up") == ("ok", "1 ready")
            assert found.of("clock")[1] == "it runs evenly; within 30 s of 1 upstreams"
            assert set(upstream.asked) == {("HEAD", "/")}
            assert upstream.credentials == [], "no credential goes out"

            path.write_text(path.read_text().replace('"up"', '"down"'))
            found = await doctor(path)
            assert found.of("gateway")[0] == "attention"
            assert "does not have the file as it is now" in found.of("gateway")[1]

            (tmp_path / "elsewhere").mkdir()
            other = write(tmp_path / "elsewhere", port=running.port, **{"state-dir": str(tmp_path / "state")})
            assert "it runs on another file" in (await doctor(other)).of("gateway")[1]

            path.write_text(path.read_text().replace('"port"', '"prot"'))
            await running.service.reload()
            path.write_text(path.read_text().replace('"prot"', '"port"'))
            found = await doctor(path)
            assert found.of("gateway")[0] == "failed"
            assert "it refused the file" in found.of("gateway")[1]


async def test_without_anything_it_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    found = await doctor(tmp_path / "config.yaml")
    assert found.code == 1
    assert found.of("config") == ("failed", f"there is no {tmp_path}/config.yaml")
    assert "copy config.example.yaml" in found.checks["config"]["advice"]
    assert {found.of(name)[0] for name in ("program", "tls", "auth-dir", "state-dir", "sealing key")} == {"ok"}
    assert found.of("providers")[0] == "skipped"
    assert list((tmp_path / "home").iterdir()) == [], "and makes nothing"


async def test_a_free_port_and_a_gateway_to_be_started(tmp_path: Path) -> None:
    found = await doctor(write(tmp_path))
    assert found.of("port") == ("ok", "127.0.0.1:9 is free")
    assert found.checks["gateway"]["advice"] == "switchgear serve"
    assert (await doctor(write(tmp_path, port=0))).of("port")[0] == "skipped"
    found = await doctor(write(tmp_path, host="192.0.2.1"))
    assert found.of("port")[0] in {"failed", "ok"}


@pytest.mark.parametrize(
    "answer", [pytest.param(b'{"hello": "there"}', id="JSON"), pytest.param(b"<html>", id="a page")]
)
async def test_another_program_on_the_port(tmp_path: Path, answer: bytes) -> None:
    async def stranger(exchange: Exchange) -> None:
        await exchange.respond(200, answer)

    async with LoopbackServer(stranger) as other:
        found = await doctor(write(tmp_path, port=int(other.url.rpartition(":")[2])))
    assert found.code == 1
    assert found.of("port") == ("failed", f"something else than a gateway of this program answers at {other.url}")


async def test_a_program_that_speaks_no_http_on_the_port(tmp_path: Path) -> None:
    async def mumbles(exchange: Exchange) -> None:
        await exchange.send_raw(b"220 mail.example ESMTP\r\n")
        exchange.cut(reset=False)

    async with LoopbackServer(mumbles) as other:
        found = await doctor(write(tmp_path, port=int(other.url.rpartition(":")[2])))
    assert found.of("port")[0] == "failed"


# -- the ways to the upstreams -------------------------------------------------------------------------------


async def test_ways_that_are_open_closed_through_a_proxy_or_not_to_be_tried(tmp_path: Path) -> None:
    proxy = "http://someone:proxy-password-0123@127.0.0.1:9"
    upstream = Upstream()
    async with upstream.server:
        url = upstream.server.url
        through = [{"api-key": UPSTREAM_KEY, "proxy-url": proxy}, {"api-key": f"{UPSTREAM_KEY}-2"}]
        found = await doctor(
            write(
                tmp_path,
                entry(url),
                entry(NOWHERE, name="closed"),
                entry(url, name="proxied", **{"api-key-entries": through}),
                entry(NOWHERE, name="off", disabled=True),
                roo={},
            )
        )
    host = url.removeprefix("http://")
    assert found.of("way to up") == ("ok", f"{host} can be reached")
    assert found.of("way to closed") == (
        "failed",
        "127.0.0.1:9: cannot connect to the upstream: Connection refused",
    )
    state, detail = found.of("way to proxied")
    assert (state, f"{host} through its proxy: " in detail) == ("attention", True), detail
    assert found.of("way to off") == ("skipped", "the entry is disabled")
    assert found.of("way to roo")[0] == "skipped"
    assert "2026-05-15" in found.of("way to roo")[1]
    assert "proxy-password" not in found.text
    assert UPSTREAM_KEY not in found.text


async def test_an_upstream_that_says_nothing_is_reached_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("switchgear.doctor.network.LIMIT_S", 0.1)

    async def mute(exchange: Exchange) -> None:
        await exchange.pause(60)

    async with LoopbackServer(mute) as server:
        found = await doctor(write(tmp_path, entry(server.url)))
    assert found.of("way to up")[0] == "ok"
    assert found.of("clock")[1] == "it runs evenly; no upstream told the time to compare with"


async def test_a_clock_that_is_wrong_shows_beside_an_upstream(tmp_path: Path) -> None:
    async with (upstream := Upstream(ahead_s=7200)).server:
        found = await doctor(write(tmp_path, entry(upstream.server.url)))
    state, detail = found.of("clock")
    assert (state, "7200 s behind" in detail or "7199 s behind" in detail) == ("failed", True), detail


# -- accounts ------------------------------------------------------------------------------------------------


async def test_accounts_are_told_with_what_ails_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path / "path"))
    async with opened(tmp_path) as desk:
        path = tmp_path / "config.yaml"
        path.chmod(0o600)
        assert (await doctor(path)).of("accounts of signing") == (
            "failed",
            "it has no account; sign in with: switchgear login signing",
        )
        await desk.sign_in("ada")
        state, detail = (await doctor(path)).of("accounts of signing")
        assert (state, detail) == ("ok", "1 ready; next expiry in 60 min")
        await desk.sign_in("ben", expires_at=time.time() + 300)
        desk.upstream.revoke()
        await desk.run("accounts", "refresh", "signing", "ben")
        found = await doctor(path)
        state, detail = found.of("accounts of signing")
        assert state == "attention"
        assert "1 ready; 1 login required; ben: login required" in detail
        assert found.checks["accounts of signing"]["advice"] == "switchgear login signing"
        damaged = tmp_path / "auth" / "signing-x-0123456789abcdef.json"
        damaged.write_text("{")
        damaged.chmod(0o600)
        (tmp_path / "auth" / "someone-elses.json").write_text("{}")
        found = await doctor(path)
        assert "1 not usable" in found.of("accounts of signing")[1]
        assert f"{damaged.name}: it is damaged: no JSON" in found.of("accounts of signing")[1]
        assert found.of("other auth files")[0] == "attention"
        assert "someone-elses.json" in found.of("other auth files")[1]
        assert found.of("auth files")[0] == "attention", "the last one may be read by others"
        desk.said += found.text  # the desk sees that no token stands in it


async def test_a_token_whose_refresh_failed_and_which_runs_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path / "path"))
    async with opened(tmp_path) as desk:
        account = await desk.sign_in("ada", expires_at=time.time() + 300)
        desk.files.write_note(account.id, refreshed_now("the upstream did not answer"))
        (tmp_path / "config.yaml").chmod(0o600)
        state, detail = (await doctor(tmp_path / "config.yaml")).of("accounts of signing")
        assert state == "attention"
        assert "0 min ago: the upstream did not answer" in detail
        assert "the refresh of ada failed, and the token runs out" in detail


# -- what is never shown (X2) --------------------------------------------------------------------------------


async def test_a_broken_plugin_and_a_wrong_file_are_told_and_no_secret_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "sk-live-9f8e7d6c5b4a3210"
    info = tmp_path / "path" / "switchgear_ill-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: switchgear-ill\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[switchgear]\nill = ill_plugin\n")
    (tmp_path / "path" / "ill_plugin.py").write_text(f"raise RuntimeError('what is {secret} to me')\n")
    monkeypatch.syspath_prepend(str(tmp_path / "path"))
    keys = [{"api-key": secret, "headers": {"x-extra": "a-header-secret-0123"}}]
    path = write(
        tmp_path, entry(NOWHERE, **{"api-key-entries": keys}), ill={}, **{"management-key": "sg-operator-987654"}
    )
    found = await doctor(path)
    assert found.of("plugin ill")[0] == "failed"
    assert "to me" in found.of("plugin ill")[1]
    wrong = await doctor(write(tmp_path, entry(NOWHERE, **{"api-key-entries": keys, "api-kee": secret})))
    assert wrong.of("config")[0] == "failed"
    assert "api-kee" in wrong.of("config")[1]
    for hidden in (secret, "a-header-secret-0123", "sg-operator-987654", KEY):
        assert hidden not in found.text + wrong.text
