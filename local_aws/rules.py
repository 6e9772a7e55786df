"""EventBridge's rules: whom IAM lets turn them on and off, and when a schedule then counts.

MiniStack names a rule of the default bus to IAM as one of a bus that is called ``default``, turns
on what does not exist, and takes a schedule for due that was off when it would have been.
"""

from typing import Any

from local_aws.emulator import Answer, module, wrap

_DEFAULT = ":rule/default/"


def _named(original: Any) -> Any:
    """A rule of the default bus has no bus in its ARN.

    (Service Authorization Reference, EventBridge, "rule-on-default-event-bus",
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridge.html.)
    """

    def extract(service: str, *request: Any) -> str:
        arn: str = original(service, *request)
        return arn.replace(_DEFAULT, ":rule/") if service == "events" else arn

    return extract


def _existing(original: Any) -> Any:
    """ "If the rule does not exist, the operation fails" (EventBridge API, EnableRule)."""

    def call(asked: dict[str, Any]) -> Answer:
        events, responses = module("services.eventbridge"), module("core.responses")
        bus = asked.get("EventBusName", "default")
        key = events._rule_key(asked.get("Name"), bus)
        rule = events._rules.get(key)
        if rule is None:
            message = f"Rule {asked.get('Name')} does not exist on EventBus {bus}."
            refused: Answer = responses.error_response_json(
                "ResourceNotFoundException", message, 400
            )
            return refused
        was_off = rule["State"] == "DISABLED"
        answer: Answer = original(asked)
        if was_off:
            # The time until the schedule is due begins anew; that it does is not documented.
            place = responses.get_account_id(), responses.get_region(), key
            events._rule_last_fired[place] = events._now_ts()
        return answer

    return call


def install() -> None:
    events = module("services.eventbridge")
    wrap(module("core.iam_actions"), "extract_resource_arn", _named)
    wrap(events, "_enable_rule", _existing)
    wrap(events, "_disable_rule", _existing)
