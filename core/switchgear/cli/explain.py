"""``switchgear explain MODEL``: the router's own decision, said in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import click

from switchgear.assembly import Runtime
from switchgear.cli.offline import config_option, json_option, print_json, with_runtime
from switchgear.cli.tables import print_table
from switchgear.dialects import CODECS
from switchgear.errors import Refusal
from switchgear.routing import upstream_dialect
from switchgear.types import Dialect


@click.command()
@click.argument("model")
@click.option("--dialect", type=click.Choice(sorted(CODECS)), default="openai-chat", show_default=True)
@config_option
@json_option
def explain(model: str, dialect: str, config_path: Path, as_json: bool) -> None:
    """Say where a request for MODEL would go: every candidate in order, and why.

    This is the decision of a gateway that has just started; what a running one has put to rest (cooldowns,
    refused keys) is in its /v1/metrics/providers.
    """

    async def decide(runtime: Runtime) -> dict[str, Any]:
        return _decide(runtime, model, cast("Dialect", dialect))

    result = with_runtime(config_path, decide)
    if as_json:
        print_json(result)
    elif result["error"]:
        click.echo(result["error"], err=True)
        for reason in result["reasons"]:
            click.echo(f"  {reason}", err=True)
    else:
        click.echo(f"{model} is {result['id']}, strategy {result['strategy']}")
        columns = ("provider", "account", "upstream_model", "asked_in", "why")
        rows = [(str(n), *(row[column] for column in columns)) for n, row in enumerate(result["candidates"], 1)]
        print_table(("", "provider", "account", "upstream model", "asked in", "why"), rows)
        for passed in result["passed_over"]:
            click.echo(f"passed over: {passed['provider']} {passed['account']}: {passed['reason']}")
    if result["error"]:
        raise SystemExit(1)


def _decide(runtime: Runtime, model: str, dialect: Dialect) -> dict[str, Any]:
    try:
        route = runtime.router.route(model, dialect, lambda _: True)
    except Refusal as refusal:
        reasons = runtime.catalog.why_missing(model)
        return {"model": model, "error": refusal.message, "reasons": reasons, "candidates": [], "passed_over": []}
    return {
        "model": model,
        "id": route.target.id,
        "strategy": runtime.config.routing.strategy,
        "error": "",
        "candidates": [
            {
                "provider": c.entry.name,
                "account": c.label,
                "upstream_model": c.model,
                "asked_in": upstream_dialect(c.entry, dialect) if c.entry.dialects else "events",
                "why": c.why,
            }
            for c in route.eligible()
        ],
        "passed_over": [
            {
                "provider": passed.candidate.entry.name,
                "account": passed.candidate.label,
                "reason": passed.reason,
                "seconds": passed.seconds,
            }
            for passed in route.passed_over()
        ],
    }
