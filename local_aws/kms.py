"""KMS keys as callers of other accounts and other services use them.

MiniStack knows a key only in its own account, has no AWS managed keys, and asks no key when a
message is published to an encrypted topic.
"""

import json
import re
import threading
from typing import Any

from local_aws import open_points
from local_aws.emulator import module, wrap
from local_aws.roles import Role

_ARN = re.compile(r"arn:[^:]+:kms:([^:]+):(\d{12}):(?:key|alias)/.+")
_MANAGED = re.compile(r"alias/aws/([a-z0-9]+)$")
# "Can be used in a different AWS account: yes" (KMS Developer Guide, "AWS KMS permissions").
_ACROSS_ACCOUNTS = {
    "CreateGrant",
    "Decrypt",
    "DescribeKey",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext",
    "GetKeyRotationStatus",
    "GetPublicKey",
    "ListGrants",
}
_lock = threading.Lock()


def via(service: str, region: str) -> str:
    """The value of ``kms:ViaService``."""
    domain = open_points.CHINA_VIA_SERVICE.variant if region.startswith("cn-") else "amazonaws.com"
    return f"{service}.{region}.{domain}"


def full_arn(key: str, account: str, region: str) -> str:
    """The ARN of a key named by id, alias or ARN, as S3 and KMS tell it."""
    arn = key
    if not key.startswith("arn:"):
        kind = "" if key.startswith("alias/") else "key/"
        arn = f"arn:aws:kms:{region}:{account}:{kind}{key}"
    stored = find(arn)
    return str(stored["Arn"]) if stored else arn


def find(arn: str) -> Any:
    """The stored key of a key's or alias's ARN, in whatever account and region; or None."""
    match = _ARN.fullmatch(arn)
    if not match:
        return None
    with module("core.responses").request_scope(match[2], match[1]):
        return module("services.kms")._resolve_key(arn)


def owner(key: Any) -> str:
    """The account a stored key belongs to."""
    return str(key["Arn"].split(":")[4])


def usable(arn: str, region: str) -> Any:
    """The stored key, when it is enabled and in the region that S3 encrypts in; or None."""
    key = find(arn)
    right = key and key["KeyState"] == "Enabled" and key["Arn"].split(":")[3] == region
    return key if right else None


def role_may(role: Role, action: str, key: Any, service: str, **encryption_context: str) -> bool:
    """Whether a role that another service acts with may use a key.

    Its own policy has to allow it, and so has the key's: a replication role needs `kms:Decrypt`
    and `kms:Encrypt` in its permissions policy whatever the key (S3 User Guide, "Replicating
    encrypted objects").
    """
    region = key["Arn"].split(":")[3]
    return role.may(
        action,
        key["Arn"],
        region,
        policy=key["Policy"],
        owner=owner(key),
        both=True,
        context=_context(service, region, **encryption_context),
    )


def _context(service: str, region: str, **encryption_context: str) -> dict[str, str]:
    names = {"s3": "aws:s3:arn", "sns": "aws:sns:topicArn"}
    return {"kms:viaservice": via(service, region)} | {
        f"kms:encryptioncontext:{names[name]}".lower(): value
        for name, value in encryption_context.items()
    }


def _managed_key(service: str) -> Any:
    """The AWS managed key of a service in this account and region, made when first named.

    Its policy lets all principals of the account use it, but only through the service (KMS
    Developer Guide, "AWS managed keys"; KMS API, DescribeKey).
    """
    kms, responses = module("services.kms"), module("core.responses")
    account, region = responses.get_account_id(), responses.get_region()
    through = {"kms:ViaService": via(service, region), "kms:CallerAccount": account}
    statements = [
        {
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*"],
            "Resource": "*",
            "Condition": {"StringEquals": through},
        },
        {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
            "Action": ["kms:Describe*", "kms:Get*", "kms:List*"],
            "Resource": "*",
        },
    ]
    alias = kms._alias_arn(f"alias/aws/{service}")
    with _lock:
        if alias not in kms._aliases:
            policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
            made = json.loads(kms._create_key({"Policy": policy})[2])["KeyMetadata"]
            kms._aliases[alias] = made["KeyId"]
            kms._keys[made["KeyId"]]["managed_by_aws"] = True
        return kms._keys[kms._aliases[alias]]


def _publishing(topic: Any) -> tuple[str, str] | None:
    """Why a caller may not publish to a topic, as far as its key is concerned.

    SNS asks for `kms:GenerateDataKey` and `kms:Decrypt` in the caller's name (SNS Developer Guide,
    "Key management"; the codes: SNS API, Publish).
    """
    named = topic["attributes"].get("KmsMasterKeyId")
    if not named:
        return None
    _, _, _, region, account, _ = topic["arn"].split(":", 5)
    key = find(full_arn(named, account, region))
    if key is None:
        return "KMSNotFound", f"The key {named} of the topic does not exist."
    if key["KeyState"] != "Enabled":
        code = "KMSDisabled" if key["KeyState"] == "Disabled" else "KMSInvalidState"
        return code, f"The key {key['Arn']} is {key['KeyState']}."
    for action in ("kms:GenerateDataKey", "kms:Decrypt"):
        if not _caller_may(action, key, _context("sns", region, sns=topic["arn"])):
            return "KMSAccessDenied", f"The caller may not {action} with {key['Arn']}."
    return None


def _caller_may(action: str, key: Any, context: dict[str, str]) -> bool:
    """Whether who asks now may use a key; an account's root also needs a foreign key's policy."""
    iam, responses = module("core.iam_evaluator"), module("core.responses")
    account, region = responses.get_account_id(), key["Arn"].split(":")[3]
    caller = iam._verified_key.get() or account  # empty for an account's root
    if iam.enforce(caller, action, "kms", region, resource_arn=key["Arn"], service_context=context):
        return False
    return owner(key) == account or _key_policy_allows(action, key, context)


def _key_policy_allows(action: str, key: Any, context: dict[str, str]) -> bool:
    iam = module("core.iam_evaluator")
    asked = iam.EvalContext(
        principal_arn=iam.caller_arn(),
        principal_type="Root",
        principal_account=module("core.responses").get_account_id(),
        action=action,
        resource_arn=key["Arn"],
        region=key["Arn"].split(":")[3],
        service_context=context,
    )
    return bool(iam.evaluate_resource_policy(key["Policy"], asked).decision == "Allow")


def install() -> None:  # noqa: C901 - a list of small wrappers
    """Put foreign keys, AWS managed keys and encrypted topics into MiniStack."""
    kms, sns, responses = module("services.kms"), module("services.sns"), module("core.responses")

    def resolving(original: Any) -> Any:
        def resolve(name: str) -> Any:
            managed = _MANAGED.search(name or "")
            found = original(name)
            if found or not managed:
                return found
            # An ARN names an account and a region: only this one's are resolved here.
            alias = managed[0]
            return _managed_key(managed[1]) if name in (alias, kms._alias_arn(alias)) else None

        return resolve

    def describing(original: Any) -> Any:
        def metadata(key: Any) -> Any:
            manager = {"KeyManager": "AWS"} if key.get("managed_by_aws") else {}
            return {**original(key), **manager}

        return metadata

    def key_policy(_: Any) -> Any:
        def policy(arn: str) -> tuple[str, str] | None:
            key = find(arn)
            return (key.get("Policy") or "", owner(key)) if key else None

        return policy

    def aliases_are_keys(original: Any) -> Any:
        # "To allow access to a KMS key, the policy has to name the key": an alias in the request
        # is not what IAM looks at (KMS Developer Guide, "Controlling access to aliases").
        def resource(service: str, *arguments: Any) -> str:
            arn = str(original(service, *arguments))
            key = find(arn) if service == "kms" and ":alias/" in arn else None
            return str(key["Arn"]) if key else arn

        return resource

    def across_accounts(original: Any) -> Any:
        # Both accounts have to agree: the caller's IAM was asked before, here the key's policy is
        # (KMS Developer Guide, "Allowing users in other accounts to use a KMS key").
        async def handle(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
            action = headers.get("x-amz-target", "").rpartition(".")[2]
            match = re.search(rb'"KeyId"\s*:\s*"([^"]+)"', body or b"")
            key = find(match[1].decode()) if match and action in _ACROSS_ACCOUNTS else None
            if key is None or owner(key) == responses.get_account_id():
                return await original(method, path, headers, body, query)
            if not _key_policy_allows(f"kms:{action}", key, {}):
                message = f"No key policy allows kms:{action} on {key['Arn']} to this caller."
                return responses.error_response_json("AccessDeniedException", message, 400)
            with responses.request_scope(owner(key), responses.get_region()):
                return await original(method, path, headers, body, query)

        return handle

    def publishing(original: Any) -> Any:
        def publish(params: Any) -> Any:
            arn = sns._p(params, "TopicArn") or sns._p(params, "TargetArn")
            topic, refused = sns._get_topic(arn, "sns:Publish") if arn else (None, None)
            if topic and not refused and (reason := _publishing(topic)):
                return sns._error(*reason, 400)
            return original(params)

        return publish

    wrap(kms, "_resolve_key", resolving)
    wrap(kms, "_key_metadata", describing)
    wrap(kms, "key_policy_for_arn", key_policy)
    wrap(kms, "handle_request", across_accounts)
    wrap(module("core.iam_actions"), "extract_resource_arn", aliases_are_keys)
    wrap(sns, "_publish", publishing)
    wrap(sns, "_publish_batch", publishing)
