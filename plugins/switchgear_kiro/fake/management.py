"""The fake's control plane: who somebody is, what they may use, and what is left; on each host in its own manner."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from switchgear.testing import Exchange
from switchgear_kiro.fake.catalogue import MODELS
from switchgear_kiro.fake.people import People, User
from switchgear_kiro.fake.profile_arns import arn_problem
from switchgear_kiro.fake.refusals import BAD_TOKEN, TOLD, UNKNOWN_OPERATION, Refusal, invalid, refuse
from switchgear_kiro.variants import AWS_JSON, Generation

Json = dict[str, Any]

PATH = re.compile(r"/(?P<host>management|q|codewhisperer)(?:/(?P<region>[a-z0-9-]+))?(?P<path>/|/[A-Za-z]+)")
TARGETS = {
    "management": re.compile(
        r"(KiroControlPlaneBearerService|AmazonCodeWhispererService(?=\.ListAvailableProfiles))\.(?P<operation>\w+)"
    ),
    "q": re.compile(r"AmazonCodeWhispererService\.(?P<operation>\w+)"),
    "codewhisperer": re.compile(
        r"(com\.amazon\.aws\.codewhisperer\.runtime\.)?AmazonCodeWhispererService\.(?P<operation>\w+)"
    ),
}
REST = {
    ("GET", "/ListAvailableModels"): "ListAvailableModels",
    ("GET", "/getUsageLimits"): "GetUsageLimits",
    ("POST", "/ListAvailableProfiles"): "ListAvailableProfiles",
}
TOKEN_TYPES = {"api-key": "API_KEY", "external-idp": "EXTERNAL_IDP"}
BAD_ARN = invalid("Invalid profileArn.")
NO_BUILDER_ID = Refusal(403, "AccessDeniedException", "AWS Builder ID is not supported for this operation.")
BAD_TOKEN_IN_JSON = Refusal(400, "AccessDeniedException", "Invalid token")
TOKEN_EXPIRED = Refusal(403, "", "Token expired")
NO_PRODUCT = Refusal(
    403, "AccessDeniedException", "User is not authorized to access this feature.", "FEATURE_NOT_SUPPORTED"
)


class FakeManagement:
    """Answers the control-plane operations of the hosts below ``/management``, ``/q`` and ``/codewhisperer``.

    Attributes:
        models: what is listed.
        page_size: models on a page, at most.
        usage: what the usage call says beside who it is.
        hides: members of ``userInfo`` that are left out.
        scripts: refusals for the next calls, by operation.
        asked: the operations, oldest first, with the user, the host and the fields.
    """

    def __init__(self, people: People) -> None:
        self._people = people
        self.models: list[Json] = [dict(model) for model in MODELS]
        self.page_size = 7
        self.usage: Json = USAGE
        self.hides: set[str] = set()
        self.scripts: dict[str, list[Refusal]] = {}
        self.asked: list[tuple[str, User, str, Json]] = []
        self._operations: dict[str, Callable[[User, str, str, Json], Json | Refusal]] = {
            "ListAvailableModels": self._list_models,
            "ListAvailableProfiles": self._list_profiles,
            "GetUsageLimits": self._limits,
        }

    async def answer(self, exchange: Exchange) -> bool:
        """Answer one request, if it is for here; whether it was."""
        found = PATH.fullmatch(exchange.path)
        if found is None:
            return False
        host, region, path = found["host"], found["region"] or "us-east-1", found["path"]
        generation: Generation = 3 if host == "management" else 2
        typed = path == "/"
        target = TARGETS[host].fullmatch(exchange.headers.get("x-amz-target", ""))
        operation = (target["operation"] if target else "") if typed else REST.get((exchange.method, path), "")
        if operation not in self._operations:
            if host != "management":
                return False  # the same host answers chats
            await refuse(exchange, UNKNOWN_OPERATION, generation, typed=True)
            return True
        told = self._told(exchange, operation, host, region, typed=typed)
        if isinstance(told, Refusal):
            await refuse(exchange, told, generation, typed=typed)
        else:
            await exchange.respond(200, json.dumps(told), content_type=AWS_JSON if typed else "application/json")
        return True

    def _told(self, exchange: Exchange, operation: str, host: str, region: str, *, typed: bool) -> Json | Refusal:
        if typed and (exchange.method, exchange.headers.get("content-type")) != ("POST", AWS_JSON):
            return UNKNOWN_OPERATION
        user = self._people.bearer_of(exchange)
        if user is None or exchange.headers.get("tokentype") != TOKEN_TYPES.get(user.kind):
            if typed:
                return BAD_TOKEN_IN_JSON
            return TOKEN_EXPIRED if host == "management" else BAD_TOKEN
        fields = json.loads(exchange.body or b"{}") if exchange.method == "POST" else dict(parse_qsl(exchange.query))
        self.asked.append((operation, user, host, fields))
        script = self.scripts.get(operation)
        if script:
            return script.pop(0)
        if user.suspended:
            return TOLD["suspended"]
        return self._operations[operation](user, host, region, {**fields, "": exchange.headers.get("user-agent", "")})

    # -- operations ------------------------------------------------------------------------------------------------

    def _list_models(self, user: User, host: str, region: str, fields: Json) -> Json | Refusal:
        problem = _arn_problem(user, host, region, fields)
        if problem is not None:
            return problem
        if (
            fields.get("origin") not in {"AI_EDITOR", "KIRO_CLI", "CLI"}
            or not 1 <= int(fields.get("maxResults", 50)) <= 100
        ):
            return invalid("Improperly formed request.")
        first = int(fields.get("nextToken", "page-0").removeprefix("page-"))
        size = min(self.page_size, int(fields.get("maxResults", 50)))
        page: Json = {"models": self.models[first : first + size], "defaultModel": self.models[0]}
        if first + size < len(self.models):
            page["nextToken"] = f"page-{first + size}"
        return page

    def _list_profiles(self, user: User, host: str, region: str, fields: Json) -> Json | Refusal:
        if user.kind == "builder-id":
            return NO_BUILDER_ID
        profiles = [
            {"arn": arn, "profileName": name, "status": "ACTIVE"}
            for arn, name in user.profiles.items()
            if arn.split(":")[3] == region
        ]
        first = int(fields.get("nextToken", "0"))
        size = int(fields.get("maxResults", 10))
        more = {"nextToken": str(first + size)} if first + size < len(profiles) else {}
        return {"profiles": profiles[first : first + size], **more}

    def _limits(self, user: User, host: str, region: str, fields: Json) -> Json | Refusal:
        if not re.search(r"Kiro|AmazonQ", fields[""]):
            return NO_PRODUCT
        problem = _arn_problem(user, host, region, fields)
        if problem is not None:
            return problem
        wants_email = str(fields.get("isEmailRequired")).lower() == "true"
        told = {"userId": user.user_id, "email": user.email if wants_email else None}
        return {**self.usage, "userInfo": {name: value for name, value in told.items() if name not in self.hides}}


def _arn_problem(user: User, host: str, region: str, fields: Json) -> Refusal | None:
    generation: Generation = 3 if host == "management" else 2
    return arn_problem(user, generation, region, fields.get("profileArn"), missing=BAD_ARN, wrong=BAD_ARN)


USAGE: Json = {
    "daysUntilReset": 12,
    "nextDateReset": 4_102_444_800.0,
    "limits": [],
    "usageBreakdownList": [
        {
            "resourceType": "CREDIT",
            "displayName": "Credit",
            "displayNamePlural": "Credits",
            "unit": "INVOCATIONS",
            "currentUsage": 412,
            "currentUsageWithPrecision": 412.37,
            "usageLimit": 1000,
            "usageLimitWithPrecision": 1000.0,
            "currentOverages": 0,
            "currentOveragesWithPrecision": 0.0,
            "overageRate": 0.04,
            "overageCharges": 0.0,
            "overageCap": 10000,
            "overageCapWithPrecision": 10000.0,
            "currency": "USD",
            "nextDateReset": 4_102_444_800.0,
            "freeTrialInfo": {
                "freeTrialStatus": "ACTIVE",
                "freeTrialExpiry": 4_102_444_800_000.0,
                "currentUsage": 20,
                "currentUsageWithPrecision": 20.5,
                "usageLimit": 500,
                "usageLimitWithPrecision": 500.0,
            },
            "bonuses": [
                {
                    "bonusCode": "X",
                    "displayName": "Welcome",
                    "description": "",
                    "status": "ACTIVE",
                    "currentUsage": 0.0,
                    "usageLimit": 100.0,
                    "redeemedAt": 1_790_000_000.0,
                    "expiresAt": 4_102_444_800.0,
                }
            ],
        }
    ],
    "subscriptionInfo": {
        "subscriptionTitle": "KIRO PRO",
        "type": "Q_DEVELOPER_STANDALONE_PRO",
        "upgradeCapability": "UPGRADE_CAPABLE",
        "overageCapability": "OVERAGE_CAPABLE",
        "subscriptionManagementTarget": "MANAGE",
    },
    "overageConfiguration": {"overageStatus": "DISABLED", "overageLimit": None},
}
"""A paying account in the middle of its month, as captured; the trial's end is in milliseconds, as it was."""
