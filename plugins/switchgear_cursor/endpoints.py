"""Where calls go. Every host can be replaced.

Source: live captures and the vendor's SDK, read 2026-11.
"""

from __future__ import annotations

from switchgear import SettingsModel, Url


class Endpoints(SettingsModel):
    """The hosts.

    Attributes:
        api: tokens, lists, usage, and runs over HTTP/1.1.
        website: the sign-in page.
        agent: runs over HTTP/2; absent for the host that the service names for the account.
        agent_fallback: the same, where the service names none.
    """

    api: Url = "https://api2.cursor.sh"
    website: Url = "https://cursor.com"
    agent: Url | None = None
    agent_fallback: Url = "https://agentn.global.api5.cursor.sh"


SIGN_IN_PAGE = "/loginDeepControl"
POLL = "/auth/poll"
EXCHANGE = "/auth/exchange_user_api_key"
OAUTH_TOKEN = "/oauth/token"  # noqa: S105 - a path
CREATE_KEY = "/aiserver.v1.DashboardService/CreateUserApiKey"
ME = "/aiserver.v1.DashboardService/GetMe"
USAGE = "/aiserver.v1.DashboardService/GetCurrentPeriodUsage"
HARD_LIMIT = "/aiserver.v1.DashboardService/GetHardLimit"
PLAN = "/aiserver.v1.DashboardService/GetPlanInfo"
SERVER_CONFIG = "/aiserver.v1.ServerConfigService/GetServerConfig"
USABLE_MODELS = "/agent.v1.AgentService/GetUsableModels"
AVAILABLE_MODELS = "/aiserver.v1.AiService/AvailableModels"
