"""Which ARN a call has to name, by who makes it and where it goes."""

from __future__ import annotations

from switchgear_kiro.arns import BUILDER_ID_ARN
from switchgear_kiro.fake.people import SHARED_ARN, User
from switchgear_kiro.fake.refusals import NOT_AUTHORIZED, Refusal
from switchgear_kiro.variants import Generation


def arn_problem(
    user: User, generation: Generation, region: str, arn: object, *, missing: Refusal, wrong: Refusal
) -> Refusal | None:
    """What is wrong with the ARN that a call names; ``None`` for nothing.

    Args:
        user: who calls.
        generation: of the host.
        region: of the host; an ARN is good in its own only.
        arn: as it came; ``None`` for none.
        missing: said where one is needed.
        wrong: said to one that is not the caller's, or that nobody asked for.
    """
    if user.kind == "api-key":
        return None if arn is None else wrong
    if user.kind == "builder-id" and generation == 2:
        return None if arn is None else NOT_AUTHORIZED
    if arn is None:
        return missing
    own = {"builder-id": {BUILDER_ID_ARN}, "social": {SHARED_ARN}}.get(user.kind, set(user.profiles))
    if arn not in own:
        return wrong
    return None if str(arn).split(":")[3] == region else NOT_AUTHORIZED
