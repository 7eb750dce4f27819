"""``switchgear canary MODEL...``: is it served, by whom, and how fast."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from switchgear.cli.options import json_option, print_json
from switchgear.cli.running import Running, gateway_options
from switchgear.cli.tables import plain, print_table

PATIENCE_S = 30.0
"""How much longer than the gateway's own limit for a canary its answer is waited for."""
MOST = 100


@click.command()
@click.argument("models", metavar="MODEL...", nargs=-1, required=True)
@click.option("--account", metavar="ACCOUNT", help="Ask this account, and nobody else if it fails.")
@click.option("--count", type=click.IntRange(1, MOST), default=1, show_default=True, help="So many to each model.")
@gateway_options
@json_option
def canary(
    models: tuple[str, ...], account: str | None, count: int, config_path: Path, url: str | None, as_json: bool
) -> None:
    """Send one small request to each MODEL through the running gateway, as a client's would go.

    It costs what a short question costs. TTFT is the time to the first token. With --count, say whether accounts begin
    to be refused (401, 403, 429) as more follow. The exit code is 1 when a request was not served.
    """
    from switchgear.canary import LIMIT_S, NO_BURST  # it brings the whole gateway: not for `--help`

    bodies = [{"model": model} if account is None else {"model": model, "account": account} for model in models]
    with Running.open(config_path, url) as running:
        results = [running.post("/canary", body, LIMIT_S + PATIENCE_S) for body in bodies for _ in range(count)]
    refused = [attempt for result in results for attempt in result["attempts"] if attempt["status"] in NO_BURST]
    if as_json:
        print_json({"canaries": results, "refused_attempts": len(refused)})
    else:
        print_table(
            ("model", "verdict", "status", "provider", "account", "upstream model", "ttft", "total", "attempts", ""),
            map(_row, results),
        )
        click.echo(_summary(results, refused))
    if not all(result["ok"] for result in results):
        raise SystemExit(1)


def _row(result: dict[str, Any]) -> tuple[str, ...]:
    tried = result["attempts"]
    last = tried[-1] if tried else {"provider": "-", "account": "-", "upstream_model": "-"}
    return (
        result["model"],
        "served" if result["ok"] else result["code"] or result["kind"],
        str(result["status"] or "-"),
        last["provider"],
        last["account"],
        last["upstream_model"],
        _ms(result["ttft_ms"]),
        _ms(result["duration_ms"]),
        str(len(tried)),
        plain(result["message"]) or _before(tried),
    )


def _before(tried: list[dict[str, Any]]) -> str:
    """What went wrong before it was served."""
    return ", ".join(f"{each['provider']} {each['account']}: {each['kind']}" for each in tried[:-1])


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f} ms"


def _summary(results: list[dict[str, Any]], refused: list[dict[str, Any]]) -> str:
    served = sum(result["ok"] for result in results)
    attempts = sum(len(result["attempts"]) for result in results)
    burst = "no 401, 403 or 429"
    if refused:
        by_status = ", ".join(str(status) for status in sorted({attempt["status"] for attempt in refused}))
        burst = f"{len(refused)} of {attempts} attempts refused ({by_status})"
    return f"{served} of {len(results)} served; {burst}"
