"""``switchgear explain MODEL``: the router's own decision, said in words."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, get_args

import click

from switchgear.cli.amounts import spoken
from switchgear.cli.offline import with_runtime
from switchgear.cli.options import json_option, print_json
from switchgear.cli.running import GatewayError, RefusedError, Running, gateway_options
from switchgear.cli.tables import plain, print_table
from switchgear.types import Dialect

if TYPE_CHECKING:
    from switchgear.assembly import Runtime


@click.command()
@click.argument("model")
@click.option("--as", "key", metavar="KEYNAME", help="For a client with this key: the name it has under api-keys.")
@click.option("--dialect", type=click.Choice(sorted(get_args(Dialect))), default="openai-chat", show_default=True)
@gateway_options
@json_option
def explain(model: str, key: str | None, dialect: str, config_path: Path, url: str | None, as_json: bool) -> None:
    """Say where the next request for MODEL would go: every candidate in order, why, and who is passed over.

    The running gateway is asked, and takes no turn for it. Where none can be asked, for want of one or of a management
    key, this is the decision of one that has just started, and said so. The exit code is 1 when nobody would be asked.
    """
    result = _decision(model, key, dialect, config_path, url)
    if as_json:
        print_json(result)
    else:
        _print(result)
    if result["error"] or not result["candidates"]:
        raise SystemExit(1)


def _decision(model: str, key: str | None, dialect: str, config_path: Path, url: str | None) -> dict[str, Any]:
    query = {"model": model, "dialect": dialect, **({} if key is None else {"as": key})}
    try:
        with Running.open(config_path, url) as running:
            return {"gateway": running.url, "note": "", **running.get("/explain", **query)}
    except RefusedError:
        raise
    except GatewayError as error:
        if url is not None:
            raise
        reason = str(error).partition("\n")[0].partition(";")[0]
        note = f"{reason}: this is the decision of a gateway that has just started"

    async def decide(runtime: Runtime) -> dict[str, Any]:
        from switchgear.explaining import explain as decision  # imported where used, so that `--help` is quick
        from switchgear.explaining import key_named

        try:
            found = None if key is None else key_named(runtime.config.api_keys, key)
        except LookupError as error:
            raise click.BadParameter(str(error), param_hint="--as") from None
        return decision(runtime, model, cast("Dialect", dialect), found)

    return {"gateway": None, "note": note, **with_runtime(config_path, decide)}


def _print(result: dict[str, Any]) -> None:
    if result["note"]:
        click.echo(result["note"], err=True)
    if result["error"]:
        click.echo(plain(result["error"]), err=True)
        for reason in result["reasons"]:
            click.echo(f"  {plain(reason)}", err=True)
    else:
        kept = "; a conversation stays on one account" if result["keep_conversations"] else ""
        scope = "" if result["key"] is None else f", for the key {result['key']['name']}"
        click.echo(f"{result['model']} is {result['id']}, strategy {result['strategy']}{kept}{scope}")
    if result["aliases"]:
        click.echo(f"it is also reached as {plain(', '.join(result['aliases']))}")
    if result["shift"]:
        click.echo(_shift(result["shift"]))
    if result["candidates"]:
        print_table(
            ("", "provider", "account", "upstream model", "asked in", "why"),
            [_row(number, row) for number, row in enumerate(result["candidates"], 1)],
        )
    for row in result["passed_over"]:
        wait = "until you act" if row["seconds"] is None else f"for {spoken(row['seconds'])} more"
        said = f": {plain(row['message'])}" if row["message"] else ""
        click.echo(f"passed over: {row['provider']} {row['account']}: {row['reason']}, {wait}{said}")
    for row in result["left_out"]:
        click.echo(f"left out: {' '.join(filter(None, (row['provider'], row['account'])))}: {row['reason']}")


def _row(number: int, row: dict[str, Any]) -> tuple[str, ...]:
    full = f"; has all the {row['calls']} calls it may have, so it is asked when one ends" if row["full"] else ""
    return (
        str(number),
        row["provider"],
        row["account"],
        row["upstream_model"],
        row["asked_in"],
        row["why"] + full,
    )


def _shift(row: dict[str, Any]) -> str:
    if not row["target_lists_it"]:
        return f"{row['from']} is shifted to {row['to']}, which does not list this model: nothing moves"
    following = "the next one does" if row["moves_next"] else "the next one does not"
    return f"{row['share']} % of the requests for {row['from']} go to {row['to']} first (by {row['by']}); {following}"
