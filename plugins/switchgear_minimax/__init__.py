"""The ``minimax`` provider: MiniMax's Token Plan (a subscription, by sign-in or ``sk-cp-`` key) and pay-as-you-go API.

The service speaks Anthropic Messages, OpenAI chat and OpenAI Responses over plain HTTPS, signs nothing, and is run
twice: ``global`` and ``cn``. Tokens and keys belong to one region.

What is known of it comes from platform.minimax.io's documentation, the vendor's command-line program (MiniMax-AI/cli)
and independent clients (router-for-me/CLIProxyAPI, openclaw/openclaw, NousResearch/hermes-agent), read 2026-11. Where
they disagree, or only one report says so, the code says that.
"""
