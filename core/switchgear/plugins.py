"""Entry points become checked plugins, with one typed method for each hook. Alone in knowing pluggy's manager.

Metadata is read first and only configured plugins are imported. A plugin that cannot be used is *broken*: named with
its problem, and everyone else is served.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, cast

import pluggy
import structlog

from switchgear import hookspecs
from switchgear.conversation import NOTHING
from switchgear.dialog import Login
from switchgear.errors import (
    AuthFileError,
    LoginCancelled,
    LoginFailed,
    PluginError,
    Refusal,
    UpstreamError,
)
from switchgear.events import Event
from switchgear.hookspecs import CONTRACT_VERSION
from switchgear.loading import Installed, check_hook, import_plugin, installed
from switchgear.secret import redact
from switchgear.types import (
    Account,
    Alert,
    AttemptRecord,
    AuthStore,
    Failure,
    ForwardRequest,
    Model,
    Provider,
    ProviderInfo,
    Quota,
    Reply,
    Verdict,
)
from switchgear.upstream import UpstreamClient

HOOK_LIMIT_S = 60.0
SLOW_PLAIN_HOOK_S = 0.1

State = Literal["active", "broken", "not configured"]
T = TypeVar("T")
log = structlog.get_logger("switchgear.plugins")


@dataclass(frozen=True, slots=True)
class PluginStatus:
    """What became of one plugin. ``problem`` is empty unless it is broken."""

    name: str
    distribution: str
    version: str
    state: State
    problem: str = ""


class Plugins:
    """The loaded plugins. Every call is contained: see :meth:`_call`."""

    def __init__(self, hook_limit_s: float = HOOK_LIMIT_S) -> None:
        self._hook_limit_s = hook_limit_s
        self._manager = pluggy.PluginManager("switchgear")
        self._manager.add_hookspecs(hookspecs)
        self._modules: dict[str, object] = {}
        self._callers: dict[tuple[str, str], Callable[..., Any]] = {}
        self._info: dict[str, ProviderInfo] = {}
        self.statuses: dict[str, PluginStatus] = {}
        self.errors: Counter[tuple[str, str]] = Counter()
        self.last_error: dict[str, str] = {}

    @classmethod
    def load(cls, wanted: Collection[str], available: Mapping[str, Installed] | None = None) -> Plugins:
        """Import and check the plugins in ``wanted``; list the others. Never raises for a bad plugin.

        It blocks for the imports (each at most 10 s), so call it in a thread when an event loop runs.
        """
        plugins = cls()
        for name, found in (installed() if available is None else available).items():
            state: State = "not configured"
            problem = ""
            if name in wanted:
                try:
                    plugins.register(name, import_plugin(found))
                    state = "active"
                except PluginError as error:
                    state, problem = "broken", error.message
                    log.error("plugin_broken", plugin=name, problem=problem)
            plugins.statuses[name] = PluginStatus(name, found.distribution, found.version, state, problem)
        return plugins

    def register(self, name: str, plugin: object) -> None:
        """Check ``plugin`` against the contract and take it in.

        Raises:
            PluginError: it breaks the contract; nothing of it is registered.
        """
        for attribute in dir(plugin):
            options = self._manager.parse_hookimpl_opts(plugin, attribute)
            if options is not None:
                check_hook(name, getattr(plugin, attribute), options.get("specname") or attribute, options)
        try:
            self._manager.register(plugin, name)
        except (pluggy.PluginValidationError, ValueError) as error:
            raise PluginError(name, None, f"does not fit the contract: {error}") from error
        self._modules[name] = plugin
        self._callers.clear()
        try:
            self._info[name] = self._read_info(name)
        except PluginError:
            self._manager.unregister(plugin)
            del self._modules[name]
            raise
        self.statuses.setdefault(name, PluginStatus(name, "?", "?", "active"))

    def _read_info(self, name: str) -> ProviderInfo:
        if not self.implements(name, "provider_info"):
            return ProviderInfo()
        info = self._plain(name, "provider_info", ProviderInfo)
        if info is None:
            return ProviderInfo()
        oldest, newest = info.contract
        if not oldest <= CONTRACT_VERSION <= newest:
            raise PluginError(
                name,
                None,
                f"is made for contract version {oldest} to {newest}, this is version {CONTRACT_VERSION}; "
                f"{'update the plugin' if newest < CONTRACT_VERSION else 'update switchgear'}",
            )
        return info

    # -- what is there -------------------------------------------------------------------------------------

    def __contains__(self, name: str) -> bool:
        return name in self._modules

    def info(self, name: str) -> ProviderInfo:
        """What the plugin says of itself."""
        return self._info[name]

    def module(self, name: str) -> object:
        """The plugin's module or object."""
        return self._modules[name]

    def implements(self, name: str, hook: str) -> bool:
        """Whether the plugin has this hook (as its own, not as a wrapper)."""
        return any(
            impl.plugin_name == name and not (impl.wrapper or impl.hookwrapper)
            for impl in getattr(self._manager.hook, hook).get_hookimpls()
        )

    # -- one typed method a hook ---------------------------------------------------------------------------

    async def load_accounts(self, provider: Provider, store: AuthStore) -> Sequence[Account]:
        """See the hook; without it, the stored accounts, and one anonymous one where nobody signs in."""
        if not self.implements(provider.key, "load_accounts"):
            accounts = store.load()
            return accounts or ([] if self.implements(provider.key, "authenticate") else [Account("anonymous")])
        result = await self._call(provider.key, "load_accounts", provider=provider, store=store)
        return _sequence(provider.key, "load_accounts", result, Account)

    async def list_models(self, provider: Provider, account: Account, client: UpstreamClient) -> Sequence[Model] | None:
        """See the hook; ``None`` when the plugin does not list."""
        if not self.implements(provider.key, "list_models"):
            return None
        result = await self._call(provider.key, "list_models", provider=provider, account=account, client=client)
        return _sequence(provider.key, "list_models", result, Model)

    async def authenticate(self, provider: Provider, login: Login, store: AuthStore, client: UpstreamClient) -> Account:
        """See the hook. It waits for a person, so it has no time limit of its own."""
        result = await self._call(
            provider.key,
            "authenticate",
            bounded=False,
            provider=provider,
            login=login,
            store=store,
            client=client,
        )
        return _instance(provider.key, "authenticate", result, Account)

    def import_account(
        self,
        provider: Provider,
        source: str,
        document: Mapping[str, Any],
        beside: Mapping[str, Mapping[str, Any]] = NOTHING,
    ) -> Account | None:
        """See the hook; ``None`` when the plugin imports nothing."""
        if not self.implements(provider.key, "import_account"):
            return None
        return self._plain(
            provider.key, "import_account", Account, provider=provider, source=source, document=document, beside=beside
        )

    async def refresh_token(
        self, provider: Provider, account: Account, store: AuthStore, client: UpstreamClient
    ) -> Account:
        """See the hook."""
        result = await self._call(
            provider.key, "refresh_token", provider=provider, account=account, store=store, client=client
        )
        fresh = _instance(provider.key, "refresh_token", result, Account)
        if fresh.id != account.id:
            raise self._problem(provider.key, "refresh_token", "returned another account's credential")
        return fresh

    async def read_quota(self, provider: Provider, account: Account, client: UpstreamClient) -> Sequence[Quota]:
        """See the hook; empty when the plugin has none."""
        if not self.implements(provider.key, "read_quota"):
            return ()
        result = await self._call(provider.key, "read_quota", provider=provider, account=account, client=client)
        return _sequence(provider.key, "read_quota", result, Quota)

    async def forward(
        self, provider: Provider, request: ForwardRequest, account: Account, client: UpstreamClient
    ) -> Reply | AsyncIterator[Event]:
        """See the hook. The time limits of ``request.timeouts`` are the caller's to keep."""
        key = provider.key
        try:
            outcome = self._caller(key, "forward")(provider=provider, request=request, account=account, client=client)
            if inspect.isawaitable(outcome):
                outcome = await outcome
        except (UpstreamError, Refusal):  # a refusal comes from reading the client's conversation
            raise
        except Exception as error:
            raise self._raised(key, "forward", error) from error
        if isinstance(outcome, Reply):
            return outcome
        if hasattr(outcome, "__anext__"):
            return self._contained(key, outcome)
        raise self._problem(key, "forward", f"gave {type(outcome).__name__}, not a Reply or an async generator")

    async def _contained(self, name: str, events: AsyncIterator[Event]) -> AsyncIterator[Event]:
        try:
            async for event in events:
                if not isinstance(event, Event):
                    raise self._problem(name, "forward", f"yielded {type(event).__name__}, not an event")
                yield event
        except (UpstreamError, PluginError, Refusal):
            raise
        except Exception as error:
            raise self._raised(name, "forward", error) from error
        finally:
            close = getattr(events, "aclose", None)
            if close is not None:
                await close()

    async def count_tokens(
        self, provider: Provider, request: ForwardRequest, account: Account, client: UpstreamClient
    ) -> int | None:
        """See the hook; ``None`` when the plugin has none."""
        if not self.implements(provider.key, "count_tokens"):
            return None
        result = await self._call(
            provider.key, "count_tokens", provider=provider, request=request, account=account, client=client
        )
        return None if result is None else _instance(provider.key, "count_tokens", result, int)

    def classify_error(self, provider: Provider, failure: Failure) -> Verdict | None:
        """See the hook; ``None`` when the plugin leaves it to core, or fails at it."""
        if not self.implements(provider.key, "classify_error"):
            return None
        try:
            return self._plain(provider.key, "classify_error", Verdict, provider=provider, failure=failure)
        except PluginError:
            return None

    def attempt_finished(self, record: AttemptRecord) -> None:
        """Tell every observer; one that raises is named in the log and harms nobody."""
        self._broadcast("attempt_finished", record=record)

    def alert_changed(self, alert: Alert) -> None:
        """Tell every observer, likewise."""
        self._broadcast("alert_changed", alert=alert)

    def blocked(self, name: str, where: str, seconds: float) -> None:
        """Note that the plugin's code held the event loop for so long."""
        self._problem(name, "forward", f"blocked the event loop for {seconds:.1f} s in {where}")

    # -- how a call is made --------------------------------------------------------------------------------

    def _caller(self, name: str, hook: str) -> Callable[..., Any]:
        """The hook with ``name``'s implementation and everyone's wrappers, and with no other provider's."""
        caller = self._callers.get((name, hook))
        if caller is None:
            others = [
                impl.plugin
                for impl in getattr(self._manager.hook, hook).get_hookimpls()
                if impl.plugin_name != name and not (impl.wrapper or impl.hookwrapper)
            ]
            chain = self._manager.subset_hook_caller(hook, others)
            caller = self._callers[name, hook] = _straight(chain) or chain
        return caller

    async def _call(self, name: str, hook: str, bounded: bool = True, **arguments: Any) -> object:
        """Run a coroutine hook. What it raises other than the contract's own errors becomes a PluginError."""
        try:
            async with asyncio.timeout(self._hook_limit_s if bounded else None):
                call = cast(Coroutine[Any, Any, object], self._caller(name, hook)(**arguments))
                return await call
        except (UpstreamError, LoginCancelled, LoginFailed, AuthFileError, Refusal):
            raise
        except TimeoutError:
            raise self._problem(name, hook, f"did not return within {self._hook_limit_s:g} s") from None
        except Exception as error:
            raise self._raised(name, hook, error) from error

    def _plain(self, name: str, hook: str, type_: type[T], **arguments: Any) -> T | None:
        started = time.perf_counter()
        try:
            result = self._caller(name, hook)(**arguments)
        except LoginFailed:
            raise
        except Exception as error:
            raise self._raised(name, hook, error) from error
        spent = time.perf_counter() - started
        if spent > SLOW_PLAIN_HOOK_S:
            log.warning("plugin_slow", plugin=name, hook=hook, milliseconds=round(spent * 1000))
        return None if result is None else _instance(name, hook, result, type_)

    def _broadcast(self, hook: str, **arguments: Any) -> None:
        caller: pluggy.HookCaller = getattr(self._manager.hook, hook)
        for impl in caller.get_hookimpls():
            name = impl.plugin_name
            try:
                impl.function(*(arguments[argument] for argument in impl.argnames))
            except Exception as error:
                self._raised(name, hook, error)

    def _raised(self, name: str, hook: str, error: Exception) -> PluginError:
        if isinstance(error, PluginError):
            return error
        log.error("plugin_raised", plugin=name, hook=hook, exc_info=error)
        return self._problem(name, hook, f"raised {type(error).__name__}: {redact(str(error))[:200]}")

    def _problem(self, name: str, hook: str, message: str) -> PluginError:
        error = PluginError(name, hook, message)
        self.errors[name, hook] += 1
        self.last_error[name] = f"{hook}: {message}"
        return error


def _straight(chain: pluggy.HookCaller) -> Callable[..., Any] | None:
    """The one implementation as a function of the hook's arguments; ``None`` where there are wrappers, or none."""
    impls = chain.get_hookimpls()
    if len(impls) != 1 or impls[0].wrapper or impls[0].hookwrapper:
        return None
    function, names = impls[0].function, impls[0].argnames

    def call(**arguments: Any) -> Any:
        return function(*map(arguments.__getitem__, names))

    return call


def _instance(name: str, hook: str, value: object, type_: type[T]) -> T:
    if not isinstance(value, type_):
        raise PluginError(name, hook, f"returned {type(value).__name__}, not {type_.__name__}")
    return value


def _sequence(name: str, hook: str, value: object, type_: type[T]) -> Sequence[T]:
    if not isinstance(value, list | tuple):
        raise PluginError(name, hook, f"returned {type(value).__name__}, not a list of {type_.__name__}")
    return [_instance(name, hook, item, type_) for item in value]
