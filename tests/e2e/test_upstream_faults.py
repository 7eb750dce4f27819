"""What upstreams do wrong, and what the client gets: faults U1 to U9 of a whole gateway on real sockets."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from pathlib import Path

import httpx2
import pytest

from switchgear.testing import Exchange, LoopbackServer
from tests.gateways import DONE, HELLO, SSE, STOP, completion, delta, gateway, wired


def key_of(exchange: Exchange) -> str:
    """The account a request came from: ``Bearer token-of-NAME-N``."""
    return exchange.headers["authorization"].split("-")[-2]


async def answers(exchange: Exchange) -> None:
    await exchange.respond(200, completion())


async def dead_port() -> int:
    async with LoopbackServer(answers) as server:
        return server.port


# -- U1: no connection -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "words"),
    [
        pytest.param("http://127.0.0.1:{dead}", "Connection refused", id="refused"),
        pytest.param("http://no-such-host.invalid", "cannot connect", id="DNS"),
        pytest.param("https://127.0.0.1:{plain}", "cannot connect", id="TLS against a plain server"),
    ],
)
async def test_u1_no_connection_is_a_502_that_says_so(tmp_path: Path, url: str, words: str) -> None:
    async with LoopbackServer(answers) as plain:
        base = url.format(dead=await dead_port(), plain=plain.port)
        config = {"request-retry": 0, "wired": [{"base-url": base, "models": [{"name": "m"}]}]}
        async with gateway(tmp_path, config) as running:
            response = await running.chat()
            assert response.status_code == 502
            assert response.json()["error"]["code"] == "connection"
            assert words in response.json()["error"]["message"]
            assert (await running.counted("wired"))["failures"] == 1


async def test_u1_the_next_candidate_is_tried(tmp_path: Path) -> None:
    async with LoopbackServer(answers) as upstream:
        config = {
            "routing": {"fallbacks": {"first": ["second"]}},
            "wired": [
                {
                    "name": "dead",
                    "prefix": "first",
                    "base-url": f"http://127.0.0.1:{await dead_port()}",
                    "models": [{"name": "m"}],
                },
                {"name": "alive", "prefix": "second", "base-url": upstream.url, "models": [{"name": "m"}]},
            ],
        }
        async with gateway(tmp_path, config) as running:
            response = await running.chat("first/m")
            assert response.status_code == 200
            assert response.headers["x-switchgear-provider"] == "alive"
            assert response.headers["x-switchgear-attempts"] == "2"
            assert (await running.counted("dead"))["fallbacks_out"] == 1


# -- U2, U7: error statuses --------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [500, 502, 503, 504, 520, 529])
async def test_u2_a_failing_account_is_left_for_the_next(tmp_path: Path, status: int) -> None:
    async def handle(exchange: Exchange) -> None:
        if key_of(exchange) == "one":
            await exchange.respond(status, '{"error": {"message": "down"}}')
        else:
            await exchange.respond(200, completion())

    async with LoopbackServer(handle) as upstream:
        config = {**wired(upstream, accounts=["one", "two"]), "routing": {"strategy": "fill-first"}}
        async with gateway(tmp_path, config) as running:
            response = await running.chat()
            assert response.status_code == 200
            assert response.headers["x-switchgear-account"] == "two"
            assert (await running.counted("wired"))["status"][str(status)] == 1


@pytest.mark.parametrize("status", [500, 503, 529])
async def test_u2_the_original_status_reaches_the_client_when_all_fail(tmp_path: Path, status: int) -> None:
    async def handle(exchange: Exchange) -> None:
        await exchange.respond(status, '{"error": {"message": "down for today", "type": "odd", "code": "x1"}}')

    async with (
        LoopbackServer(handle) as upstream,
        gateway(tmp_path, {**wired(upstream), "request-retry": 1}) as running,
    ):
        response = await running.chat()
        assert response.status_code == status
        error = response.json()["error"]
        assert (error["message"], error["type"], error["code"]) == ("down for today", "odd", "x1")
        assert len(upstream.requests) == 2


@pytest.mark.parametrize("status", [400, 422])
async def test_u7_the_clients_own_fault_is_returned_once(tmp_path: Path, status: int) -> None:
    async def handle(exchange: Exchange) -> None:
        await exchange.respond(status, '{"error": {"message": "bad payload", "param": "messages"}}')

    async with LoopbackServer(handle) as upstream:
        async with gateway(tmp_path, wired(upstream, accounts=["one", "two"])) as running:
            response = await running.chat()
            assert (response.status_code, response.json()["error"]["param"]) == (status, "messages")
            assert len(upstream.requests) == 1
            counted = await running.counted("wired")
            assert (counted["failures"], counted["client_faults"], counted["success_ratio"]) == (0, 1, None)
            assert (await running.provider("wired"))["cooldowns"] == []


# -- U3, U4: rate limits ------------------------------------------------------------------------------------------


async def test_u3_a_cooling_account_is_not_called(tmp_path: Path) -> None:
    async def handle(exchange: Exchange) -> None:
        if key_of(exchange) == "one":
            await exchange.respond(429, '{"error": {"message": "slow"}}', {"retry-after": "864000"})
        else:
            await exchange.respond(200, completion())

    async with LoopbackServer(handle) as upstream:
        async with gateway(tmp_path, wired(upstream, accounts=["one", "two"])) as running:
            for _ in range(6):
                assert (await running.chat()).status_code == 200
            assert sum("token-of-one" in request.headers["authorization"] for request in upstream.requests) == 1
            (row,) = (await running.provider("wired"))["cooldowns"]
            assert (row["account"], row["model"], row["reason"]) == ("one", "m", "rate_limited")
            assert (row["capped"], row["hint_seconds"]) == (True, 864000)
            counted = await running.counted("wired")
            assert (counted["status"]["429"], counted["rate_limit_ratio"]) == (1, pytest.approx(1 / 7))


async def test_u4_when_all_accounts_are_limited_the_client_gets_the_real_reason(tmp_path: Path) -> None:
    async def handle(exchange: Exchange) -> None:
        wait = "90" if key_of(exchange) == "one" else "50"
        await exchange.respond(429, '{"error": {"message": "too many tokens"}}', {"retry-after": wait})

    async with LoopbackServer(handle) as upstream:
        async with gateway(tmp_path, wired(upstream, accounts=["one", "two"])) as running:
            response = await running.chat()
            assert response.status_code == 429
            assert response.json()["error"]["message"] == "too many tokens"
            assert 48 <= int(response.headers["retry-after"]) <= 50
            assert len(upstream.requests) == 2

            refused = await running.chat()
            assert refused.status_code == 503, "our own refusal is never passed off as an upstream's 429"
            assert refused.json()["error"]["code"] == "no_account_available"
            assert 48 <= int(refused.headers["retry-after"]) <= 50
            assert len(upstream.requests) == 2
            counted = await running.counted("wired")
            assert (counted["short_circuited"], counted["status"]["429"]) == (1, 2)


async def test_u4_a_short_cooldown_is_waited_for(tmp_path: Path) -> None:
    seen: list[float] = []

    async def handle(exchange: Exchange) -> None:
        seen.append(time.monotonic())
        if len(seen) == 1:
            await exchange.respond(429, "{}", {"retry-after": "0.2"})
        else:
            await exchange.respond(200, completion())

    async with LoopbackServer(handle) as upstream:
        config = {**wired(upstream), "routing": {"cooldown-floor-seconds": 0.1}}
        async with gateway(tmp_path, config) as running:
            response = await running.chat()
            assert response.status_code == 200
            assert seen[1] - seen[0] >= 0.2
            assert float(response.headers["x-switchgear-overhead-ms"]) < 150


# -- U5, U6: credentials ------------------------------------------------------------------------------------------


class TokenUpstream:
    """Accepts tokens of a generation; hands out the next one."""

    def __init__(self) -> None:
        self.valid_from = 1
        self.refreshes = 0
        self.refresh_status = 200
        self.hold: asyncio.Event | None = None

    async def __call__(self, exchange: Exchange) -> None:
        if exchange.path == "/token":
            self.refreshes += 1
            if self.hold is not None:
                await self.hold.wait()
            token = f"token-of-{exchange.body.decode()}-{self.refreshes}"
            await exchange.respond(self.refresh_status, token, content_type="text/plain")
        elif int(exchange.headers["authorization"].rsplit("-", 1)[1]) >= self.valid_from:
            await exchange.respond(200, completion())
        else:
            await exchange.respond(401, '{"error": {"message": "token expired", "code": "token_expired"}}')


async def test_u5_an_expired_token_is_refreshed_once_and_the_request_replayed(tmp_path: Path) -> None:
    fake = TokenUpstream()
    async with LoopbackServer(fake) as upstream, gateway(tmp_path, wired(upstream)) as running:
        response = await running.chat()
        assert response.status_code == 200
        assert (fake.refreshes, upstream.hits("/chat/completions")) == (1, 2)
        assert (await running.provider("wired"))["auth"]["last_refresh_result"] == "ok"
        assert (await running.chat()).status_code == 200
        assert fake.refreshes == 1


async def test_u5_a_second_refusal_takes_the_account_out(tmp_path: Path) -> None:
    fake = TokenUpstream()
    fake.valid_from = 100
    async with LoopbackServer(fake) as upstream, gateway(tmp_path, wired(upstream)) as running:
        response = await running.chat()
        assert (response.status_code, response.json()["error"]["message"]) == (401, "token expired")
        assert (fake.refreshes, upstream.hits("/chat/completions")) == (1, 2)
        assert (await running.provider("wired"))["accounts"]["auth_failed"] == 1
        assert (await running.chat()).json()["error"]["code"] == "no_account_available"
        assert upstream.hits("/chat/completions") == 2


async def test_u5_a_spent_refresh_token_takes_the_account_out(tmp_path: Path) -> None:
    fake = TokenUpstream()
    fake.refresh_status = 400
    async with LoopbackServer(fake) as upstream, gateway(tmp_path, wired(upstream)) as running:
        assert (await running.chat()).status_code == 401
        assert (await running.provider("wired"))["accounts"]["auth_failed"] == 1
        assert fake.refreshes == 1


async def test_u5_a_token_endpoint_that_fails_for_now_does_not_end_the_account(tmp_path: Path) -> None:
    fake = TokenUpstream()
    fake.refresh_status = 503
    async with LoopbackServer(fake) as upstream, gateway(tmp_path, wired(upstream)) as running:
        assert (await running.chat()).status_code == 401
        assert (await running.provider("wired"))["accounts"]["auth_failed"] == 0
        fake.refresh_status = 200
        assert (await running.chat()).status_code == 200


async def test_u5_without_a_retry_left_the_next_request_finds_the_token_fresh(tmp_path: Path) -> None:
    fake = TokenUpstream()
    async with LoopbackServer(fake) as upstream, gateway(tmp_path, {**wired(upstream), "request-retry": 0}) as running:
        assert (await running.chat()).status_code == 401
        assert (await running.chat()).status_code == 200
        assert fake.refreshes == 1


async def test_a1_many_requests_on_an_expired_token_refresh_it_once(tmp_path: Path) -> None:
    fake = TokenUpstream()
    fake.hold = asyncio.Event()
    async with LoopbackServer(fake) as upstream, gateway(tmp_path, wired(upstream)) as running:
        asked = [asyncio.create_task(running.chat()) for _ in range(20)]
        await upstream.wait_for(lambda: upstream.hits("/chat/completions") == 20)
        fake.hold.set()
        assert {response.status_code for response in await asyncio.gather(*asked)} == {200}
        assert fake.refreshes == 1


async def test_a_client_that_hangs_up_does_not_interrupt_a_refresh(tmp_path: Path) -> None:
    fake = TokenUpstream()
    fake.hold = asyncio.Event()
    async with LoopbackServer(fake) as upstream, gateway(tmp_path, wired(upstream)) as running:
        asked = asyncio.create_task(running.chat())
        await upstream.wait_for(lambda: fake.refreshes == 1)
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)
        fake.hold.set()
        assert (await running.chat()).status_code == 200
        assert fake.refreshes == 1


async def test_u6_a_suspension_is_final_and_not_rotated_around(tmp_path: Path) -> None:
    async def handle(exchange: Exchange) -> None:
        if key_of(exchange) == "one":
            await exchange.respond(403, '{"error": {"message": "account suspended"}}')
        else:
            await exchange.respond(200, completion())

    async with LoopbackServer(handle) as upstream:
        config = {**wired(upstream, accounts=["one", "two"]), "routing": {"strategy": "fill-first"}}
        async with gateway(tmp_path, config) as running:
            response = await running.chat()
            assert (response.status_code, len(upstream.requests)) == (403, 1)
            provider = await running.provider("wired")
            assert (provider["accounts"]["suspended"], provider["status"]) == (1, "degraded")
            assert "suspended" in provider["status_reasons"]


async def test_u10_a_model_that_vanished_leaves_the_account_ready(tmp_path: Path) -> None:
    async def handle(exchange: Exchange) -> None:
        await exchange.respond(404, '{"error": {"message": "no such model", "code": "model_not_found"}}')

    async with LoopbackServer(handle) as upstream, gateway(tmp_path, wired(upstream)) as running:
        assert (await running.chat()).status_code == 404
        provider = await running.provider("wired")
        assert provider["accounts"]["ready"] == 1
        assert provider["cooldowns"][0]["reason"] == "model_not_found"


# -- U8: answers that are none ------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(
    ("body", "headers"),
    [
        pytest.param(b"<html><body>Welcome</body></html>", {"content-type": "text/html"}, id="HTML"),
        pytest.param(b"", {}, id="empty body"),
        pytest.param(b"PNG", {"content-type": "image/png"}, id="wrong content type"),
        pytest.param(b'{"hello": "world"}', {}, id="JSON of another kind"),
        pytest.param(b"garbage", {"content-encoding": "gzip"}, id="damaged gzip"),
        pytest.param(b"x", {"content-encoding": "br"}, id="unrequested brotli"),
    ],
)
async def test_u8_a_200_that_is_no_answer(tmp_path: Path, stream: bool, body: bytes, headers: dict[str, str]) -> None:
    async def handle(exchange: Exchange) -> None:
        await exchange.respond(200, body, headers)

    async with (
        LoopbackServer(handle) as upstream,
        gateway(tmp_path, {**wired(upstream), "request-retry": 0}) as running,
    ):
        response = await running.chat(stream=stream)
        assert response.status_code in {500, 502}
        assert "Traceback" not in response.text
        assert (await running.counted("wired"))["failures"] == 1


async def test_u8_an_answer_in_gzip_is_unpacked(tmp_path: Path) -> None:
    async def handle(exchange: Exchange) -> None:
        await exchange.respond(200, gzip.compress(completion("zipped")), {"content-encoding": "gzip"})

    async with LoopbackServer(handle) as upstream, gateway(tmp_path, wired(upstream)) as running:
        response = await running.chat()
        assert response.json()["choices"][0]["message"]["content"] == "zipped"
        assert upstream.requests[0].headers["accept-encoding"] == "identity"


async def test_u8_a_gzip_bomb_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("switchgear.attempt.MAX_ANSWER_BYTES", 4 * 1024 * 1024)
    bomb = gzip.compress(b" " * 256 * 1024 * 1024, compresslevel=1)

    async def handle(exchange: Exchange) -> None:
        await exchange.respond(200, bomb, {"content-encoding": "gzip"})

    async with (
        LoopbackServer(handle) as upstream,
        gateway(tmp_path, {**wired(upstream), "request-retry": 0}) as running,
    ):
        response = await running.chat()
        assert response.status_code == 502
        assert "exceeds 4194304 bytes" in response.json()["error"]["message"]


async def test_u8_a_body_without_end_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("switchgear.attempt.MAX_ANSWER_BYTES", 1024 * 1024)

    async def handle(exchange: Exchange) -> None:
        await exchange.start(200, {"content-type": "application/json"})
        while True:
            await exchange.send(b" " * 65536)

    async with (
        LoopbackServer(handle) as upstream,
        gateway(tmp_path, {**wired(upstream), "request-retry": 0}) as running,
    ):
        assert (await running.chat()).json()["error"]["code"] == "protocol"


async def test_u8_a_redirect_is_not_followed_with_the_key(tmp_path: Path) -> None:
    async def handle(exchange: Exchange) -> None:
        await exchange.respond(302, "", {"location": f"{other.url}/steal"})

    async with LoopbackServer(answers) as other, LoopbackServer(handle) as upstream:
        async with gateway(tmp_path, {**wired(upstream), "request-retry": 0}) as running:
            assert (await running.chat()).status_code == 502
            assert len(other.requests) == 0


# -- U9: time ------------------------------------------------------------------------------------------------------


async def never(exchange: Exchange) -> None:
    await exchange.closed.wait()


async def idle_after_start(exchange: Exchange) -> None:
    await exchange.start(200, SSE)
    await exchange.send(HELLO)
    await exchange.closed.wait()


async def comments_only(exchange: Exchange) -> None:
    await exchange.start(200, SSE)
    while True:
        await exchange.send(b": keep-alive\n\n")
        await exchange.pause(0.02)


async def trickle(exchange: Exchange) -> None:
    await exchange.start(200, SSE)
    await exchange.send(HELLO)
    for byte in delta(content="x" * 10_000):
        await exchange.send(bytes([byte]))
        await exchange.pause(0.02)


@pytest.mark.parametrize(
    ("handle", "limit", "committed"),
    [
        pytest.param(never, "first-byte-seconds", False, id="the first byte never comes"),
        pytest.param(comments_only, "first-byte-seconds", False, id="comments are no first token"),
        pytest.param(idle_after_start, "idle-seconds", True, id="idle in the middle"),
        pytest.param(trickle, "total-seconds", True, id="a trickle"),
    ],
)
async def test_u9_limits_fire_and_the_slot_is_freed(
    tmp_path: Path, handle: object, limit: str, committed: bool
) -> None:
    timeouts = {"first-byte-seconds": 20, "idle-seconds": 10, "total-seconds": 30, limit: 0.3}
    async with LoopbackServer(handle) as upstream:  # type: ignore[arg-type]
        async with gateway(tmp_path, {**wired(upstream, timeouts=timeouts), "request-retry": 0}) as running:
            response = await running.chat(stream=True)
            if committed:
                assert response.status_code == 200
                last = response.text.strip().rpartition("\n\n")[2]
                assert json.loads(last.removeprefix("data: "))["error"]["code"] == "timeout"
            else:
                assert (response.status_code, response.json()["error"]["code"]) == (504, "timeout")
            await upstream.wait_for(lambda: upstream.open_connections == 0)
            assert (await running.provider("wired"))["in_flight"] == 0
            assert (await running.counted("wired"))["timeout_ratio"] == 1


# -- plain sailing -------------------------------------------------------------------------------------------------


async def test_bytes_pass_untouched_both_ways(tmp_path: Path) -> None:
    stream = b": hi\r\n\r\n" + HELLO + b'data: {"choices":[],"odd":1.10,"x":[ ]}\r\n\r\n' + STOP + b"data:[DONE]\n\n"

    async def handle(exchange: Exchange) -> None:
        await exchange.start(200, SSE)
        for position in range(0, len(stream), 7):
            await exchange.send(stream[position : position + 7])

    async with LoopbackServer(handle) as upstream, gateway(tmp_path, wired(upstream)) as running:
        response = await running.chat(stream=True, brand_new={"deep": [1.10, "é"]}, seed=12345678901234567890)
        assert response.content == stream
        sent = json.loads(upstream.requests[0].body)
        assert sent["brand_new"] == {"deep": [1.10, "é"]}
        assert b"12345678901234567890" in upstream.requests[0].body


async def test_round_robin_takes_turns_and_fill_first_does_not(tmp_path: Path) -> None:
    async with LoopbackServer(answers) as upstream:
        for strategy, expected in (("round-robin", ["one", "two", "one", "two"]), ("fill-first", ["one"] * 4)):
            config = {**wired(upstream, accounts=["one", "two"]), "routing": {"strategy": strategy}}
            async with gateway(tmp_path, config) as running:
                served = [(await running.chat()).headers["x-switchgear-account"] for _ in range(4)]
                assert served == expected


async def test_a_pool_of_one_alias_fails_over(tmp_path: Path) -> None:
    async def handle(exchange: Exchange) -> None:
        if json.loads(exchange.body)["model"] == "old":
            await exchange.respond(404, '{"error": {"message": "gone"}}')
        else:
            await exchange.respond(200, completion())

    async with LoopbackServer(handle) as upstream:
        pool = [{"name": "old", "alias": "best"}, {"name": "new", "alias": "best"}]
        async with gateway(tmp_path, wired(upstream, models=pool)) as running:
            for _ in range(4):
                assert (await running.chat("best")).status_code == 200
            asked = [json.loads(request.body)["model"] for request in upstream.requests]
            assert asked.count("old") == 1


async def test_an_unfinished_error_body_is_still_an_error(tmp_path: Path) -> None:
    async def handle(exchange: Exchange) -> None:
        await exchange.start(500, {"content-length": "1000"})
        await exchange.send(b"half")
        exchange.cut()

    async with (
        LoopbackServer(handle) as upstream,
        gateway(tmp_path, {**wired(upstream), "request-retry": 0}) as running,
    ):
        assert (await running.chat()).status_code in {500, 502}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_the_upstream_is_asked_over_kept_connections(tmp_path: Path, stream: bool) -> None:
    async def handle(exchange: Exchange) -> None:
        if not stream:
            await answers(exchange)
            return
        await exchange.start(200, SSE)
        await exchange.send(HELLO + STOP + DONE)
        await exchange.end()

    async with LoopbackServer(handle) as upstream, gateway(tmp_path, wired(upstream)) as running:
        for _ in range(10):
            await running.chat(stream=stream)
        assert upstream.connections_made == 1


async def test_an_upstream_that_does_not_end_after_done_holds_up_nobody(tmp_path: Path) -> None:
    async def handle(exchange: Exchange) -> None:
        await exchange.start(200, SSE)
        await exchange.send(HELLO + STOP + DONE)
        await exchange.closed.wait()

    async with LoopbackServer(handle) as upstream, gateway(tmp_path, wired(upstream)) as running:
        assert (await running.chat(stream=True)).content == HELLO + STOP + DONE
        await upstream.wait_for(lambda: upstream.open_connections == 0, timeout_s=2)
        await running.app.active.idle.wait()
        assert (await running.counted("wired"))["successes"] == 1


async def test_a_stale_connection_is_no_failure_for_the_client(tmp_path: Path) -> None:
    async def handle(exchange: Exchange) -> None:
        await exchange.respond(200, completion(), {"connection": "close"})

    async with LoopbackServer(handle) as upstream, gateway(tmp_path, wired(upstream)) as running:
        statuses = [(await running.chat()).status_code for _ in range(5)]
        assert statuses == [200] * 5


async def test_a_model_may_be_retrieved_by_its_whole_name(tmp_path: Path) -> None:
    async with LoopbackServer(answers) as upstream:
        models = [{"name": "maker/model:free"}]
        async with gateway(tmp_path, wired(upstream, models=models, prefix="w")) as running:
            response: httpx2.Response = await running.client.get("/v1/models/w/maker/model:free")
            assert response.json()["id"] == "w/maker/model:free"
            listed = [model["id"] for model in (await running.client.get("/v1/models")).json()["data"]]
            assert listed == ["w/maker/model:free", "maker/model:free"]


async def test_a_list_that_cannot_be_had_is_said_and_is_no_404(tmp_path: Path) -> None:
    base = f"http://127.0.0.1:{await dead_port()}"
    async with gateway(tmp_path, {"wired": [{"base-url": base}]}) as running:
        async with asyncio.timeout(5):
            while "problem" not in (health := (await running.client.get("/health")).json())["providers"]["wired"]:
                await asyncio.sleep(0.02)
        assert "Connection refused" in health["providers"]["wired"]["problem"]
        assert (health["status"], health["providers"]["wired"]["status"]) == ("down", "down")
        response = await running.chat("anything")
        assert (response.status_code, response.json()["error"]["code"]) == (503, "models_unavailable")
        ready = await running.client.get("/health/ready")
        assert (ready.status_code, "Connection refused" in ready.text) == (503, True)


async def test_an_account_that_cools_for_one_model_is_ready_for_the_others(tmp_path: Path) -> None:
    async def handle(exchange: Exchange) -> None:
        if b'"busy"' in exchange.body:
            await exchange.respond(429, "{}", {"retry-after": "60"})
        else:
            await exchange.respond(200, completion())

    async with LoopbackServer(handle) as upstream:
        models = [{"name": "busy"}, {"name": "m"}]
        async with gateway(tmp_path, wired(upstream, models=models)) as running:
            assert (await running.chat("busy")).status_code == 429
            assert (await running.provider("wired"))["accounts"]["ready"] == 1
            assert (await running.chat("m")).status_code == 200
