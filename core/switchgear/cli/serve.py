"""``switchgear serve``: run the gateway, on a config file or in demo mode."""

from __future__ import annotations

import asyncio
import gc
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from switchgear.cli.no_config import NoConfigError
from switchgear.errors import SwitchgearError

if TYPE_CHECKING:
    from switchgear.assembly import Service

DEMO_GROUP = "switchgear.demo"
"""Entry points named like a plugin's block; each gives an async context manager that yields the block's entries."""

COLLECTED_AFTER = (10_000, 20, 50)
"""New objects before the youngest generation is looked through, and how often that before the next older one."""

Demo = Callable[[], AbstractAsyncContextManager[list[dict[str, object]]]]


@click.command()
@click.option(
    "--config", "config_path", type=click.Path(path_type=Path), default=Path("config.yaml"), show_default=True
)
@click.option("--host", help="Listen here instead of the file's host.")
@click.option("--port", type=click.IntRange(0, 65535), help="Listen here instead of the file's port; 0: a free one.")
@click.option("--demo", is_flag=True, help="Serve a scriptable upstream of our own; needs no file, key or network.")
def serve(config_path: Path, host: str | None, port: int | None, demo: bool) -> None:
    """Run the gateway until Ctrl-C or SIGTERM. SIGHUP reloads; so does saving the file.

    \b
    With --demo the gateway routes to an upstream inside the same process, over real
    HTTP, through the real plugin. It prints a key and a command to try. Its models
    let you practise faults; ask for one by name:

    \b
      demo         a streamed or whole answer
      demo-401     the upstream refuses the key; it is then out, so ask again and see a 503
      demo-429     too many requests, with Retry-After
      demo-500     the upstream fails
      demo-slow    the first token takes a few seconds
      demo-cut     the stream breaks off in the middle
    """  # noqa: D301 - the backspace is click's mark for text that keeps its lines
    if not demo and not config_path.exists():
        raise NoConfigError(
            f"there is no {config_path}; copy config.example.yaml to it, name another with --config, "
            "or look around first with: switchgear serve --demo"
        )
    with suppress(KeyboardInterrupt):
        asyncio.run(_demo(host, port) if demo else _serve(config_path, host, port))


async def _serve(path: Path, host: str | None, port: int | None) -> None:
    from switchgear.assembly import Service, load  # what is imported in functions here, `--help` does without

    loaded = await asyncio.to_thread(load, path)
    await _run(Service(path, loaded), host, port, banner=_operator_banner)


async def _demo(host: str | None, port: int | None) -> None:
    import msgspec

    from switchgear.assembly import Service, load

    async with AsyncExitStack() as stack:
        blocks: dict[str, object] = {}
        for point in entry_points(group=DEMO_GROUP):
            demo: Demo = point.load()
            blocks[point.name] = await stack.enter_async_context(demo())
        if not blocks:
            raise SwitchgearError("no installed plugin brings a demo")
        key = f"sg-{secrets.token_urlsafe(32)}"
        # JSON is YAML too; nothing is written to disk.
        text = msgspec.json.encode({"api-keys": [{"name": "demo", "key": key}], **blocks}).decode()
        path = Path("demo.yaml")
        loaded = await asyncio.to_thread(load, path, text)
        await _run(Service(path, loaded, text), host, port, banner=lambda url: _demo_banner(url, key))


async def _run(service: Service, host: str | None, port: int | None, banner: Callable[[str], str]) -> None:
    from switchgear import logs
    from switchgear.cli.server import listen, run
    from switchgear.http.app import App

    config = service.current.config
    listener = listen(host or config.host, config.port if port is None else port)
    address = listener.getsockname()
    shown = f"[{address[0]}]" if ":" in address[0] else address[0]
    app = App(service)
    with logs.behind(config.log.format, config.log.level):
        async with _started(service):
            _collect_seldom()
            await run(
                app,
                listener,
                drain=app.drain,
                reload=service.reload,
                choice=config.server,
                ready=lambda: click.echo(banner(f"http://{shown}:{address[1]}")),
            )


def _collect_seldom() -> None:
    """Look for garbage in cycles less often, and not among what was there at the start.

    By its own measure the collector goes through every request in flight each few milliseconds: with a thousand of them
    that took a quarter of the time, and nearly nothing in a request is in a cycle.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTED_AFTER)


@asynccontextmanager
async def _started(service: Service) -> AsyncIterator[None]:
    from switchgear.config import watch

    await service.start()
    watching: set[asyncio.Task[Any]] = set()
    if not service.in_memory:
        watching.add(asyncio.create_task(watch(service.path, service.reload, asyncio.Event(), seen=service.digest)))
    try:
        yield
    finally:
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
        await service.aclose()


def _operator_banner(url: str) -> str:
    return f"switchgear listens on {url} (health: {url}/health). Stop with Ctrl-C."


def _demo_banner(url: str, key: str) -> str:
    ask = '{"model": "demo", "messages": [{"role": "user", "content": "Hello!"}], "stream": true}'
    return f"""
  Switchgear demo. Nothing leaves this machine.

    base URL   {url}/v1
    API key    {key}

  Try it:

    curl -N {url}/v1/chat/completions \\
      -H "Authorization: Bearer {key}" \\
      -H "Content-Type: application/json" \\
      -d '{ask}'

  Without "stream": true you get one JSON answer. Practise faults with the models
  demo-401, demo-429, demo-500, demo-slow and demo-cut. Ask twice: a key that was
  refused (401) or is cooling down (429) is not asked again, and you are told so.
  Watch it in

    curl -sS {url}/health
    curl -sS {url}/v1/metrics/providers

  Stop with Ctrl-C.
"""
