"""The ``switchgear`` command. Each group is imported only when it is used, so ``--help`` is quick."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import click

from switchgear.errors import ConfigError, SwitchgearError

COMMANDS = {
    "serve": ("switchgear.cli.serve:serve", "Run the gateway."),
    "status": ("switchgear.cli.status:status", "See the running gateway in one look."),
    "login": ("switchgear.cli.login:login", "Sign an account in to a provider."),
    "logout": ("switchgear.cli.accounts:logout", "Take an account away."),
    "accounts": ("switchgear.cli.accounts:accounts", "See the signed-in accounts, and change them."),
    "quota": ("switchgear.cli.quota:quota", "See what is left of each account's quota."),
    "cooldowns": ("switchgear.cli.cooldowns:cooldowns", "See which accounts are not asked now; ask them again."),
    "shift": ("switchgear.cli.shift:shift", "Move a prefix's traffic to another one, and back."),
    "canary": ("switchgear.cli.canary:canary", "Send one small request to a model, and see who serves it."),
    "runbook": ("switchgear.cli.runbook:runbook", "Go through the daily checks."),
    "doctor": ("switchgear.cli.doctor:doctor", "Look for what is wrong on this machine."),
    "config": ("switchgear.cli.config:config", "Check config.yaml."),
    "models": ("switchgear.cli.models:models", "List the models, or say why one is missing."),
    "explain": ("switchgear.cli.explain:explain", "Say where a request for MODEL would go, and why."),
    "plugins": ("switchgear.cli.plugins:plugins", "List the installed plugins and their state."),
    "keys": ("switchgear.cli.keys:keys", "Make client keys."),
    "secrets": ("switchgear.cli.secrets:secrets", "Keep provider keys in the system keyring."),
}


class LazyGroup(click.Group):
    """Commands by name; the module of one is imported when it is called or asked for help."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands in the order of their use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="switchgear", message="switchgear %(version)s")
def cli() -> None:
    """Switchgear: one stable API in front of any LLM provider.

    Start with `switchgear serve --demo`.
    """


def main(arguments: list[str] | None = None) -> Any:
    """Run the command line; an error of ours is a message, not a traceback."""
    try:
        return cli.main(args=arguments, prog_name="switchgear", standalone_mode=True)
    except ConfigError as error:
        for problem in error.problems:
            click.echo(str(problem), err=True)
        click.echo("nothing was started; check again with: switchgear config check", err=True)
    except SwitchgearError as error:
        click.echo(f"switchgear: {error}", err=True)
    sys.exit(1)


if __name__ == "__main__":
    main()
