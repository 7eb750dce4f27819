"""The ``iflow`` provider: iFlow (iflow.cn), which closed its sign-in for command-line clients in April 2026.

What is known of it comes from the vendor's command-line client 0.5 (The-Sunder-islands/iflow-cli-ce at 0d24a6e) and the
issues of iflow-ai/iflow-cli, from router-for-me/CLIProxyAPI before f5dc6483d, jc01rho/CLIProxyAPIPlus,
KooshaPari/cliproxyapi-plusplus, cacaview/iflow2api and anomalyco/models.dev; all read 2026-11. Whether any of its
endpoints still answers is not known, so every address is a setting.
"""
