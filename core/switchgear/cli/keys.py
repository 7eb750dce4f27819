"""``switchgear keys``: make client keys."""

from __future__ import annotations

import hashlib
import json
import secrets

import click

KEY_BYTES = 32


@click.group()
def keys() -> None:
    """Make client keys."""


@keys.command()
@click.option("--name", default="my-app", show_default=True, help="Labels the key's requests in logs and metrics.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
def new(name: str, as_json: bool) -> None:
    """Make a client key and show it once; nothing is stored.

    config.yaml needs only its SHA-256, so the key itself can stay with the client.
    """
    from switchgear.references import KEYRING_NAME

    if not KEYRING_NAME.fullmatch(name):
        raise click.BadParameter("use letters, digits, '.', '_' and '-'; 64 at most", param_hint="--name")
    key = f"sg-{secrets.token_urlsafe(KEY_BYTES)}"
    digest = f"sha256:{hashlib.sha256(key.encode()).hexdigest()}"
    if as_json:
        click.echo(json.dumps({"name": name, "key": key, "sha256": digest}, indent=2))
        return
    click.echo(f"""
  {key}

  This is the only time it is shown. Put it into config.yaml under api-keys, best by its digest:

    api-keys:
      - {{name: {name}, key: "{digest}"}}

  or as it is, if the file is as secret as the key:

    api-keys:
      - {{name: {name}, key: "{key}"}}

  A client sends it as 'Authorization: Bearer KEY' or 'x-api-key: KEY'. OpenAI's SDKs and most tools
  take it from the environment:

    export OPENAI_BASE_URL=http://127.0.0.1:8317/v1
    export OPENAI_API_KEY={key}
""")
