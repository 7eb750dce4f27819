"""Levels 2 and 3: a whole answer and a stream in every client's dialect, and what breaks them off."""

from __future__ import annotations

import asyncio

from switchgear.testing.contract.base import check, expect
from switchgear.testing.contract.bench import Bench
from switchgear.testing.contract.benched import BenchedContract
from switchgear.testing.contract.clients import CHAT, CLIENTS, MESSAGES, QUESTION, RESPONSES, Answered, ClientDialect
from switchgear.testing.contract.fake import BEN
from switchgear.types import Kind

AT_ONCE = 8
GONE_S = 1.0
"""How soon the upstream has to see that the client went."""


class AnswerChecks(BenchedContract):
    """Levels 2 and 3."""

    @check(2)
    async def test_answers_chat_clients(self) -> None:
        """A client of chat completions gets a whole answer."""
        await self._answers(CHAT, stream=False)

    @check(2)
    async def test_answers_messages_clients(self) -> None:
        """A client of Anthropic's messages gets a whole answer."""
        await self._answers(MESSAGES, stream=False)

    @check(2)
    async def test_answers_responses_clients(self) -> None:
        """A client of OpenAI's responses gets a whole answer."""
        await self._answers(RESPONSES, stream=False)

    @check(2)
    async def test_counts_tokens(self) -> None:
        """The tokens that the upstream reports reach the client and the metrics."""
        tour = await self.toured()
        expect(len(tour.good) == 2 * len(CLIENTS), f"not everything could be asked: {tour.why()}")
        for ((dialect, stream), got), record in zip(tour.answers.items(), tour.good, strict=True):
            if stream and dialect == CHAT.name:
                continue  # there a client that wants to know has to say so
            where = f"{dialect}, {'streamed' if stream else 'whole'}"
            counted = (record.input_tokens, record.output_tokens)
            expect(all(counted), f"{where}: the metrics count {counted}")
            expect(counted == got.tokens, f"{where}: the metrics count {counted}, the client is told {got.tokens}")

    @check(2)
    async def test_counts_tokens_beforehand(self) -> None:
        """A client that asks for the count of tokens gets one, more for a longer request, without a failing hook."""
        async with self.bench() as bench:
            await bench.accounts()
            counts = [await _counted(bench, QUESTION * times) for times in (1, 50)]
            failed = [line for line in bench.gateway.logbook.lines if line["event"] == "tokens_not_counted"]
            expect(not failed, f"count_tokens failed: {failed[0]['problem'] if failed else ''}; give None to decline")
            expect(0 < counts[0] < counts[1], f"a short request has {counts[0]} tokens, a long one {counts[1]}")

    @check(2)
    async def test_an_unknown_model_is_not_found(self) -> None:
        """A model that nobody lists is a 404, and no account suffers for it."""
        async with self.bench() as bench:
            await bench.accounts()
            got = await CHAT.ask(bench.gateway.client, f"{bench.model}-of-another-world")
            expect(got.status == 404, f"the client got {got}")
            expect((await bench.ask()).ok, "afterwards the model that there is does not answer")

    async def _answers(self, dialect: ClientDialect, *, stream: bool) -> None:
        tour = await self.toured()
        got = tour.answers.get((dialect.name, stream))
        expect(got is not None, f"it could not be asked: {tour.why()}")
        expect(got is not None and got.ok, f"the client got {got}")
        expect(got is not None and got.text, "the answer holds no text")

    # -- streams -------------------------------------------------------------------------------------------

    @check(3)
    async def test_streams_to_chat_clients(self) -> None:
        """A client of chat completions gets a stream with its proper end."""
        await self._answers(CHAT, stream=True)

    @check(3)
    async def test_streams_to_messages_clients(self) -> None:
        """A client of Anthropic's messages gets a stream with its proper end."""
        await self._answers(MESSAGES, stream=True)

    @check(3)
    async def test_streams_to_responses_clients(self) -> None:
        """A client of OpenAI's responses gets a stream with its proper end."""
        await self._answers(RESPONSES, stream=True)

    @check(3)
    async def test_a_cut_stream_ends_with_an_error(self) -> None:
        """A stream that breaks off ends with the dialect's error event, and no finish is invented."""
        async with self.bench() as bench:
            await bench.accounts()
            for dialect in CLIENTS:
                bench.fail("cut")
                got = await bench.ask(dialect, stream=True)
                seen = f"{dialect.name}: the client got {got}"
                expect(got.status == 200 and got.said, f"{seen}; some output was to come before the break")
                expect(got.failed, f"{seen}, and is not told that the stream broke off")
                expect(not got.finished, f"{seen}: a finish that never came")
                kind = bench.records[-1].kind
                expect(
                    kind is not None and kind is not Kind.CANCELLED,
                    f"{dialect.name}: it is counted as {kind or 'good'}",
                )

    @check(3)
    async def test_nothing_is_asked_again_after_output(self) -> None:
        """Once output has gone to the client, neither the plugin nor another account asks again."""
        async with self.bench() as bench:
            accounts = await bench.accounts()
            if bench.methods and len(accounts) == 1:
                await bench.sign_in(BEN)
            expect((await bench.ask(stream=True)).ok, "the stream does not work at all")
            usual = bench.gateway.traffic.calls[-1].place
            before = self._calls(bench, usual)
            bench.fail("cut")
            got = await bench.ask(stream=True)
            again = self._calls(bench, usual) - before - 1
            expect(again == 0, f"the upstream was asked {again} more time(s) after the break; the client got {got}")

    @staticmethod
    def _calls(bench: Bench, place: str) -> int:
        return sum(call.place == place for call in bench.gateway.traffic.calls)

    @check(3)
    async def test_a_client_that_leaves_frees_the_upstream(self) -> None:
        """A client that leaves in the middle of a stream ends the upstream's call within a second."""
        async with self.bench() as bench:
            await bench.accounts()
            bench.fail("slow")
            async with CHAT.asked(bench.gateway.client, bench.model, stream=True) as response:
                expect(response.status_code == 200, f"the stream did not begin: HTTP {response.status_code}")
                await anext(aiter(response.aiter_raw()))
                open_then = bench.fake.server.open_connections
            await self._freed(bench, open_then)

    @check(3)
    async def test_a_client_that_leaves_early_frees_the_upstream(self) -> None:
        """A client that leaves before the answer begins ends the upstream's call within a second."""
        async with self.bench() as bench:
            await bench.accounts()
            bench.fail("never_starts")
            server = bench.fake.server
            before = len(server.requests)
            asking = asyncio.create_task(bench.ask())
            await server.wait_for(lambda: len(server.requests) > before)
            open_then = server.open_connections
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            await self._freed(bench, open_then)

    @staticmethod
    async def _freed(bench: Bench, open_then: int) -> None:
        server = bench.fake.server
        try:
            await server.wait_for(lambda: server.open_connections < open_then, GONE_S)
        except TimeoutError:
            expect(False, f"the upstream's connection was still open after {GONE_S:g} s: let CancelledError through")
        try:
            await bench.gateway.attempts.wait_for(1)
        except TimeoutError:
            expect(False, "the attempt has not ended: let CancelledError through")
        kind = bench.records[-1].kind
        expect(kind is Kind.CANCELLED, f"the attempt is counted as {kind or 'good'}, not as cancelled")

    @check(3)
    async def test_requests_go_side_by_side(self) -> None:
        """Whole and streamed requests at the same time are all answered, each with its own answer."""
        async with self.bench() as bench:
            await bench.accounts()
            dialects = [CLIENTS[number % len(CLIENTS)] for number in range(AT_ONCE)]
            asked = [bench.ask(dialect, stream=number % 2 == 0) for number, dialect in enumerate(dialects)]
            answers: list[Answered] = await asyncio.gather(*asked)
            bad = [f"{dialect.name}: {got}" for dialect, got in zip(dialects, answers, strict=True) if not got.ok]
            expect(not bad, f"{len(bad)} of {AT_ONCE} went wrong: {'; '.join(bad)}")


async def _counted(bench: Bench, text: str) -> int:
    body = {"model": bench.model, "messages": [{"role": "user", "content": text}]}
    response = await bench.gateway.client.post(f"{MESSAGES.path}/count_tokens", json=body)
    expect(response.status_code == 200, f"the client got HTTP {response.status_code}: {response.text[:200]}")
    return int(response.json()["input_tokens"])
