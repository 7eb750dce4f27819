"""A tour through everything a plugin does, good and bad, with eyes and ears open. Several checks look back on it."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import io
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from switchgear import hookspecs
from switchgear.loading import Installed
from switchgear.testing.contract.bench import Bench, bench
from switchgear.testing.contract.clients import CHAT, CLIENTS, Answered
from switchgear.testing.contract.fake import ADA, BEN, TOLD, FakeProvider
from switchgear.testing.leaks import LeakScanner
from switchgear.testing.logbook import Logbook
from switchgear.testing.loopwatch import LoopWatch
from switchgear.types import AttemptRecord, Dialect, Kind, Model, Quota

STREAMED = frozenset({"in_band_stream"})
BOTH_WAYS = frozenset({"cut"})
FAULTS = (
    *(kind for kind in TOLD if kind is not Kind.TOKEN_EXPIRED),
    "in_band",
    "in_band_stream",
    "cut",
    "cut_before",
    "html",
    "empty",
    Kind.TOKEN_EXPIRED,
)
"""Those that end by themselves, in the order of the tour: an expired token may stay one, so it comes last."""
PAGES = ("/health", "/health/ready", "/v1/metrics/providers", "/v1/models")


@dataclass(frozen=True, slots=True)
class Seen:
    """What one fault led to.

    Attributes:
        got: what the client got.
        attempts: the attempts, in order; ``kind`` is what the failure was called.
        hint_s: how long the first account was to be left alone, as the upstream said; ``None`` for no hint.
        asked_to_wait: the upstream's answer had a ``Retry-After``.
    """

    got: Answered
    attempts: tuple[AttemptRecord, ...]
    hint_s: float | None
    asked_to_wait: bool


@dataclass(slots=True)
class Tour:
    """What was seen.

    Attributes:
        listed: the models of the first account.
        quota: the limits of the first account.
        answers: to one good question, by dialect and whether it was streamed.
        good: the attempts of ``answers``, in the same order.
        faults: by name; a fault that the provider does not have is missing.
        missed: what could not be gone through, and why; the checks of that part say the same.
        accounts: how many could be asked.
        scanner: every text that left the gateway, and every secret of the fake.
        foreign: hosts outside this machine that were called.
        strays: connections past core's client.
        held: where the plugin's code held the event loop.
        left: tasks and threads that outlived the gateway.
    """

    listed: tuple[Model, ...] = ()
    quota: tuple[Quota, ...] = ()
    answers: dict[tuple[Dialect, bool], Answered] = field(default_factory=dict)
    good: list[AttemptRecord] = field(default_factory=list)
    faults: dict[str, Seen] = field(default_factory=dict)
    missed: dict[str, str] = field(default_factory=dict)
    accounts: int = 0
    scanner: LeakScanner = field(default_factory=LeakScanner)
    foreign: list[str] = field(default_factory=list)
    strays: list[str] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    def why(self) -> str:
        """What was missed, in one line; empty for nothing."""
        return "; ".join(f"{name}: {problem}" for name, problem in self.missed.items())

    @contextlib.asynccontextmanager
    async def part(self, name: str) -> AsyncIterator[None]:
        """One part of the tour; what goes wrong in it does not end the tour."""
        try:
            yield
        except Exception as error:
            self.missed[name] = f"{type(error).__name__}: {error}"


async def toured(fake: Callable[[], AbstractAsyncContextManager[FakeProvider]], plugin: Installed) -> Tour:
    """Go through everything once."""
    tour = Tour()
    logbook, output = Logbook(), io.StringIO()
    async with _nothing_left(tour), tour.part("the gateway"):
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
            async with bench(fake(), plugin, logbook) as one:
                await _go(one, tour)
    for line in logbook.texts():
        tour.scanner.take("a log line", line)
    tour.scanner.take("standard output", output.getvalue())
    return tour


@asynccontextmanager
async def _nothing_left(tour: Tour) -> AsyncIterator[None]:
    tasks, threads = asyncio.all_tasks(), set(threading.enumerate())
    yield
    await asyncio.sleep(0)  # what was just cancelled ends
    new_tasks = asyncio.all_tasks() - tasks
    tour.left += [f"the task {task.get_name()} ({task.get_coro()})" for task in new_tasks]
    new_threads = set(threading.enumerate()) - threads
    tour.left += [f"the thread {thread.name}" for thread in new_threads if not thread.name.startswith("asyncio_")]


async def _go(one: Bench, tour: Tour) -> None:
    watch = LoopWatch(sources_of(one.gateway.service.current.plugins.module(one.plugin.name)))
    try:
        async with watch.watching():
            await _everything(one, tour)
    finally:
        tour.held = watch.held
        tour.foreign, tour.strays = one.gateway.traffic.foreign, one.gateway.traffic.strays
        _look_around(one, tour)


async def _everything(one: Bench, tour: Tour) -> None:
    for method in one.methods:
        for person in (ADA, BEN):
            async with tour.part(f"signing {person} in with {method}"):
                await one.sign_in(person, method)
                tour.scanner.know(one.fake.secrets())
    _free(one)
    tour.accounts = len(one.entry.accounts)
    async with tour.part("listing models"):
        tour.listed = tuple(await one.list_models())
    for dialect in CLIENTS:
        for stream in (False, True):
            async with tour.part(f"asking in {dialect.name}"):
                got = tour.answers[dialect.name, stream] = await one.ask(dialect, stream=stream)
                tour.good.append(one.records[-1])
                _take(tour, got)
    async with tour.part("reading the quota"):
        tour.quota = tuple(await one.read_quota())
    for fault in FAULTS:
        await _fault(one, tour, str(fault))
    await _pages(one, tour)
    if one.methods and one.entry.can_refresh:
        async with tour.part("refreshing"):
            one.fake.expire()
            _take(tour, await one.ask())
        async with tour.part("a refresh that is refused"):
            one.fake.expire()
            one.fake.revoke()
            _take(tour, await one.ask())
        await _pages(one, tour)


async def _fault(one: Bench, tour: Tour, fault: str) -> None:
    for stream in (True, False) if fault in BOTH_WAYS else (fault in STREAMED,):
        async with tour.part(fault):
            _free(one)
            if not one.fake.fail(fault):
                return
            before, calls = len(one.records), len(one.gateway.traffic.calls)
            got = await one.ask(CHAT, stream=stream)
            _take(tour, got)
            attempts = tuple(one.records[before:])
            asked = [call.headers for call in one.gateway.traffic.calls[calls:] if (call.status or 0) >= 400]
            hints = [block.hint_s for _, _, block in one.gateway.service.health.rows(one.entry.name)]
            hint = next((hint for hint in hints if hint is not None), None)
            tour.faults[fault] = Seen(got, attempts, hint, bool(asked) and "retry-after" in asked[0])
    _free(one)


def _free(one: Bench) -> None:
    """Forget what stands against the accounts."""
    for account in one.entry.accounts:
        one.gateway.service.health.clear(one.entry.name, account.id)


async def _pages(one: Bench, tour: Tour) -> None:
    for page in PAGES:
        async with tour.part(page):
            response = await one.gateway.client.get(page)
            tour.scanner.take(f"the page {page}", response.content)


def _take(tour: Tour, got: Answered) -> None:
    headers = "\n".join(f"{name}: {value}" for name, value in got.headers.items())
    tour.scanner.take(f"an answer's headers (HTTP {got.status})", headers)
    tour.scanner.take(f"an answer (HTTP {got.status})", got.body)


def _look_around(one: Bench, tour: Tour) -> None:
    scanner = tour.scanner
    scanner.know(one.fake.secrets())
    for name, content in one.gateway.auth_files.items():
        scanner.take("an auth file's name", name)
        scanner.take(f"the auth file {name}", content)
    provider = one.entry.provider
    scanner.take(
        "the repr of its settings", f"{provider!r} {provider.settings!s} {provider.settings.model_dump_json()}"
    )
    for account in [*one.entry.accounts, *one.stored()]:
        scanner.take("the repr of an account", f"{account!r}")
    for call in one.gateway.traffic.calls:
        scanner.take(f"the URL of {call.place}", call.url)


def sources_of(plugin: object) -> list[str]:
    """Where the plugin's code is: its package's folder with a closing slash, or its file."""
    files = set()
    for name in vars(hookspecs):
        hook = inspect.unwrap(getattr(plugin, name, None)) if hasattr(plugin, name) else None  # type: ignore[arg-type]
        code: Any = getattr(hook, "__code__", None)
        if code is not None:
            files.add(code.co_filename)
    return sorted({f"{Path(file).parent}/" if (Path(file).parent / "__init__.py").exists() else file for file in files})
