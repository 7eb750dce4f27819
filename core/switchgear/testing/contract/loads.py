"""Level 1: the plugin loads, and what it declares is so."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Iterator
from typing import Any, get_args

import httpx2
from pydantic import BaseModel, ValidationError

from switchgear.errors import PluginError, UpstreamError
from switchgear.settings import ProviderSettings
from switchgear.testing.contract.base import NotApplicable, check, expect
from switchgear.testing.contract.benched import BenchedContract
from switchgear.testing.contract.clients import CHAT
from switchgear.testing.traffic import is_here
from switchgear.types import Dialect, Model, ProviderInfo

LATEST = 10.0**11
"""More Unix seconds than anybody means; milliseconds are more."""
UNKNOWN = "no-such-key"
METHOD = re.compile(r"[a-z0-9][a-z0-9-]*")
IMPORT_LIMIT_S = 30.0
_IMPORT = """
import json, sys, threading
from importlib.metadata import entry_points
seen = []
network = {"socket.connect", "socket.bind", "socket.sendto", "socket.getaddrinfo"}
sys.addaudithook(lambda event, arguments: seen.append(event) if event in network else None)
(point,) = entry_points(group="switchgear", name=sys.argv[1])
point.load()
left = [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]
print(json.dumps({"network": sorted(set(seen)), "threads": left}))
"""


class LoadChecks(BenchedContract):
    """Level 1."""

    @check(1)
    async def test_importing_it_does_nothing(self) -> None:
        """Importing the plugin opens no connection and leaves no thread."""
        if self.module is not None:
            raise NotApplicable("the plugin is given as an object, which is imported already")
        arguments = (sys.executable, "-c", _IMPORT, self.plugin)
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*arguments, stdout=pipe, stderr=pipe)
        out, errors = await asyncio.wait_for(process.communicate(), IMPORT_LIMIT_S)
        expect(process.returncode == 0, f"it cannot be imported: {errors.decode()[-300:].strip()}")
        seen = json.loads(out.splitlines()[-1])
        expect(not seen["network"], f"its import uses the network: {', '.join(seen['network'])}")
        expect(not seen["threads"], f"its import leaves threads: {', '.join(seen['threads'])}")

    @check(1)
    async def test_it_keeps_the_contract(self) -> None:
        """Its hooks have the names, the arguments and the colours of this contract version, and enough of them."""
        plugins = await self.loaded()
        for hook in ("list_models", "forward"):
            lists_otherwise = hook == "list_models" and plugins.info(self.plugin).fallback_models
            expect(plugins.implements(self.plugin, hook) or lists_otherwise, f"it has no {hook}")

    @check(1)
    async def test_what_it_says_of_itself_is_so(self) -> None:
        """Its dialects exist, its sign-in methods have a hook behind them, and its notices say something."""
        plugins = await self.loaded()
        info = plugins.info(self.plugin)
        _expect_dialects(info)
        methods = info.login_methods
        signs_in = plugins.implements(self.plugin, "authenticate")
        expect(not methods or signs_in, f"it names the sign-in methods {', '.join(methods)} and has no authenticate")
        expect(methods or not signs_in, "it has authenticate, and names no sign-in method")
        expect(len(set(methods)) == len(methods), "it names a sign-in method twice")
        odd = [method for method in methods if METHOD.fullmatch(method) is None]
        expect(not odd, f"a sign-in method is typed on a command line, so not {', '.join(map(repr, odd))}")
        expect(info.retired is None or info.retired.strip(), "retired is empty: when and why did the service end?")
        ids = [model.id for model in info.fallback_models]
        expect(len(set(ids)) == len(ids), "it names a fallback model twice")

    @check(1)
    async def test_its_settings_are_strict(self) -> None:
        """Its settings take the fake's entry, know kebab-case keys only, refuse unknown ones, and are frozen."""
        model, settings = await self._settings()
        for class_ in _models_in(settings):
            refuses = class_.model_config.get("extra") == "forbid"
            expect(refuses, f"{class_.__name__} takes unknown keys: a misspelt one would go unnoticed")
            expect(class_.model_config.get("frozen"), f"{class_.__name__} is not frozen")
            odd = [alias for name, info in class_.model_fields.items() if "_" in (alias := info.alias or name)]
            expect(not odd, f"{class_.__name__} has keys that are not kebab-case: {', '.join(odd)}")
        async with self.fake() as fake:
            try:
                model.model_validate({**fake.settings, UNKNOWN: True})
            except ValidationError:
                return
        expect(False, f"the unknown key {UNKNOWN!r} is taken")

    @check(1)
    async def test_every_host_is_a_setting(self) -> None:
        """Every address it knows is a setting, and the fake's entry replaces them all: nothing else is called."""
        _, settings = await self._settings()
        real = sorted({url for url in _urls_in(settings) if not is_here(httpx2.URL(url).host)})
        expect(not real, f"the fake's entry leaves {', '.join(real)} in place: an endpoint that is not overridden")
        foreign = sorted(set((await self.toured()).foreign))
        expect(not foreign, f"it calls {', '.join(foreign)}, which no setting names")

    @check(1)
    async def test_it_lists_models(self) -> None:
        """It lists the upstream's models, each once, the fake's among them."""
        tour = await self.toured()
        ids = [model.id for model in tour.listed]
        async with self.fake() as fake:
            model = fake.model
        expect(model in ids, f"{model!r} is not among the models: {', '.join(ids) or 'none'} {tour.why()}")
        expect(len(set(ids)) == len(ids), "a model is listed twice")
        expect(all(ids), "a model has no id")

    @check(1)
    async def test_a_failed_list_is_not_an_empty_one(self) -> None:
        """A model list that cannot be had is a failure, never an empty list: the last good one stays."""
        async with self.bench() as bench:
            await bench.accounts()
            for what, answer in FAILURES.items():
                bench.gateway.traffic.answer = answer
                try:
                    listed = await bench.list_models()
                except UpstreamError:
                    continue
                except PluginError as error:
                    expect(False, f"{what}: {error.message}; raise UpstreamError")
                expect(listed, f"{what}: it lists no model, as if the account had none")

    @check(1)
    async def test_an_alias_is_another_name_of_one_model(self) -> None:
        """An alias is a name that no other model has, as id or as alias, and a client that uses it is answered."""
        listed = (await self.toured()).listed
        aliases = [alias for model in listed for alias in model.aliases]
        if not aliases:
            raise NotApplicable("no model has another name")
        odd = [alias for alias in aliases if not alias or any(c.isspace() or not c.isprintable() for c in alias)]
        expect(not odd, f"no client can write {', '.join(map(repr, odd))}")
        ids = {model.id for model in listed}
        taken = sorted(ids.intersection(aliases))
        expect(not taken, f"{', '.join(taken)} is the id of a model, and an alias too")
        twice = sorted({alias for alias in aliases if aliases.count(alias) > 1})
        expect(not twice, f"{', '.join(twice)} is an alias twice")
        async with self.bench() as bench:
            await bench.accounts()
            mine = next((model.aliases for model in listed if model.id == bench.fake.model), ())
            for alias in mine:
                got = await CHAT.ask(bench.gateway.client, alias)
                expect(got.ok, f"{alias}: the client got {got}")

    @check(1)
    async def test_quotas_can_be_told_apart(self) -> None:
        """Each quota says what it counts, has a name where others count the same, and gives seconds for times."""
        plugins = await self.loaded()
        if not plugins.implements(self.plugin, "read_quota"):
            raise NotApplicable("it reads no quota")
        tour = await self.toured()
        problem = tour.missed.get("reading the quota")
        expect(problem is None, f"it cannot be read: {problem}")
        if not tour.quota:
            raise NotApplicable("the account has no quota")
        called = [f"{row.unit} {row.name}".strip() for row in tour.quota]
        same = sorted({name for name in called if called.count(name) > 1})
        expect(not same, f"{', '.join(same)}: more than one is called so; give each a name")
        for name, row in zip(called, tour.quota, strict=True):
            expect(row.unit, "a quota has no unit")
            expect((row.limit or 0) >= 0 and (row.used or 0) >= 0, f"{name}: {row.used} of {row.limit}")
            late = [at for at in (row.resets_at, row.observed_at) if at is not None and at > LATEST]
            expect(not late, f"{name}: {late} are no Unix seconds: milliseconds?")

    async def _settings(self) -> tuple[type[BaseModel], BaseModel]:
        info = (await self.loaded()).info(self.plugin)
        model = info.settings or ProviderSettings
        expect(issubclass(model, ProviderSettings), f"its settings, {model.__name__}, do not extend ProviderSettings")
        async with self.fake() as fake:
            try:
                return model, model.model_validate(fake.settings)
            except ValidationError as error:
                problems = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
                expect(False, f"they do not take the fake's entry: {problems}")
                raise


def _refused(request: httpx2.Request) -> httpx2.Response | None:
    raise httpx2.ConnectError("connection refused", request=request)


def _silent(request: httpx2.Request) -> httpx2.Response | None:
    raise httpx2.ReadTimeout("nothing came", request=request)


def _unavailable(request: httpx2.Request) -> httpx2.Response | None:
    body = b'{"error": {"message": "Service unavailable"}}'
    stream = httpx2.ByteStream(body)
    return httpx2.Response(503, headers={"content-type": "application/json"}, stream=stream, request=request)


FAILURES = {"nobody answers": _refused, "nothing comes in time": _silent, "HTTP 503": _unavailable}
"""Ways of the upstream to be away for a moment, by what the client sees."""


def _expect_dialects(info: ProviderInfo) -> None:
    unknown = sorted(set(info.dialects) - set(get_args(Dialect)))
    expect(not unknown, f"it names unknown dialects: {', '.join(unknown)}")
    expect(len(set(info.dialects)) == len(info.dialects), "it names a dialect twice")
    expect(all(isinstance(model, Model) for model in info.fallback_models), "a fallback model is no Model")


def _models_in(value: object) -> Iterator[type[BaseModel]]:
    """The settings models of an entry, nested ones too."""
    if isinstance(value, BaseModel):
        yield type(value)
        for name in type(value).model_fields:
            yield from _models_in(getattr(value, name))
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _models_in(item)


def _urls_in(value: Any) -> Iterator[str]:
    if isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _urls_in(getattr(value, name))
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _urls_in(item)
    elif isinstance(value, dict):
        yield from _urls_in(list(value.values()))
    elif isinstance(value, str) and re.match(r"https?://", value):
        yield value
