"""The ``kiro`` provider: Kiro (AWS), formerly Amazon Q Developer and CodeWhisperer.

Its conversation goes out as JSON and comes back as an AWS event stream; three generations of hosts are alive, which
differ in events, reasons and rules. AWS SSO-OIDC signs in AWS Builder ID and organisations, Kiro's own auth service
Google and GitHub users; a company's identity provider, and API keys, are taken as they come.

Kiro publishes no API for this. What is known of it comes from code that AWS generated from its service models
(aws/amazon-q-developer-cli, aws/language-servers, kirodotdev/KiroCrew), captures and reports (kirodotdev/Kiro), and
independent gateways (minpeter/kiro-lb, lidge-jun/opencodex, CLIProxyAPIPlus, jwadow/kiro-gateway, kiro.rs), read
2026-11. Where they disagree, or only one says so, the code says that.
"""
