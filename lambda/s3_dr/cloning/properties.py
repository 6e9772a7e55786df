"""The table of all properties of a bucket that its twin has from it, in the order of cloning.

First what keeps the twin private and whole, last what lets somebody in. A new property of S3 is one
entry more here, its name in `profiles.CLONABLE`, and its events and actions in ``properties.tf``.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from .. import encryption, object_lock, twin
from ..aws import Bucket
from . import translators, twin_policy
from .engine import Cloning, Fidelity, Property, Why, is_refusal
from .source_policy import LOGS_SID, REPORTS_SID

_OWNERSHIP = "BucketOwnerEnforced"

# How S3 says that a region, or a whole partition, does not have what is asked for.
# https://github.com/hashicorp/terraform-provider-aws/issues/16969
_LACKING = frozenset({"MethodNotAllowed", "NotImplemented", "UnsupportedArgument"})

# https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLifecycleConfiguration.html
_MINIMUM_SIZE = "TransitionDefaultMinimumObjectSize"
_USUAL_MINIMUM_SIZE = "all_storage_classes_128K"


def _whole(
    name: str,
    get: str,
    put: str,
    *,
    select: Callable[[Any], Any],
    parameters: Callable[[Any], dict[str, Any]],
    absent: str | None = None,
    unset: Any = None,
    delete: str = "",
    **others: Any,
) -> Property:
    """A property that is read and written as a whole.

    Args:
        name: that of the property.
        get: the method that reads it.
        put: the method that writes it.
        select: the value in a response.
        parameters: what ``put`` is called with, for a value and for None.
        absent: the error code that means "not configured".
        unset: the value that a bucket then has.
        delete: the method that takes the property away.
        others: for `Property`.
    """

    def read(bucket: Bucket) -> Any:
        response = bucket.read(get, absent=absent)
        return unset if response is None else select(response) or None

    def write(cloning: Cloning, wanted: Any, _: Any) -> None:
        if wanted is None and delete:
            cloning.check.twin.write(delete)
        else:
            cloning.check.twin.write(put, **parameters(wanted))

    return Property(name, read, write, **others)


def _several(name: str, shape: str, translate: translators.Translate) -> Property:
    """A property of which a bucket has several, each under an ID: a value is a map of them.

    S3 gives them page by page, and boto3 has no paginator for them.
    """
    method = "".join(f"_{char.lower()}" if char.isupper() else char for char in shape)

    def read(bucket: Bucket) -> Any:
        found: dict[str, Any] = {}
        page = bucket.read(f"list_bucket{method}s")
        while True:
            found.update({item["Id"]: item for item in page.get(f"{shape}List", [])})
            if not page.get("IsTruncated"):
                return found or None
            token = page["NextContinuationToken"]
            page = bucket.read(f"list_bucket{method}s", ContinuationToken=token)

    def write(cloning: Cloning, wanted: Any, found: Any) -> None:
        bucket, wanted, found = cloning.check.twin, wanted or {}, found or {}
        refusal = None
        for key in sorted(found.keys() - wanted.keys()):
            bucket.write(f"delete_bucket{method}", Id=key)
        for key, item in sorted(wanted.items()):
            if _in_any_order(item) == _in_any_order(found.get(key)):
                continue
            try:
                bucket.write(f"put_bucket{method}", Id=key, **{shape: item})
            except ClientError as error:
                if not is_refusal(error):
                    raise
                cloning.note(f"{key}: left out, S3 does not take it")
                refusal = refusal or error
        if refusal:
            raise refusal

    return Property(name, read, write, translate, normal=_in_any_order)


def _public_access_block(*_: Any) -> Any:
    names = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    return dict.fromkeys(names, True)


def _ownership(response: Any) -> Any:
    [rule] = response["OwnershipControls"]["Rules"]
    return None if rule["ObjectOwnership"] == _OWNERSHIP else rule["ObjectOwnership"]


def _ownership_if_chosen(cloning: Cloning, value: Any, _: Any) -> Any:
    return value if "ownership" in cloning.seen.profile.clone else None


def _put_versioning(cloning: Cloning, wanted: Any, found: Any) -> None:
    check = cloning.check
    if found == "Suspended":
        # S3 failed to copy what was written meanwhile, and will not try again: that has to be seen
        # by the function that looks after existing objects.
        twin.tell_life(check, cloning.marked)
        cloning.was_suspended = True
    check.twin.write("put_bucket_versioning", VersioningConfiguration={"Status": wanted})
    if found == "Suspended":
        # Again: what failed since the first time is for the next look.
        twin.tell_life(check, cloning.marked)


def _put_encryption(cloning: Cloning, wanted: Any, _: Any) -> None:
    encryption.put(cloning.check.twin, wanted)


def _put_object_lock(cloning: Cloning, wanted: Any, _: Any) -> None:
    object_lock.put(cloning.check.twin, wanted)


def _put_tags(cloning: Cloning, wanted: Any, found: Any) -> None:
    wanted, found = wanted or {}, found or {}
    if gone := found.keys() - wanted.keys():
        twin.untag(cloning.check, gone)
    if new := {key: text for key, text in wanted.items() if found.get(key) != text}:
        twin.tag(cloning.check, new)


def _lifecycle(response: Any) -> Any:
    value = {"Rules": response["Rules"]}
    if response.get(_MINIMUM_SIZE, _USUAL_MINIMUM_SIZE) != _USUAL_MINIMUM_SIZE:
        value[_MINIMUM_SIZE] = response[_MINIMUM_SIZE]
    return value


def _lifecycle_parameters(value: Any) -> dict[str, Any]:
    size = value.get(_MINIMUM_SIZE, _USUAL_MINIMUM_SIZE)
    return {"LifecycleConfiguration": {"Rules": value["Rules"]}, _MINIMUM_SIZE: size}


def _flat(response: Any) -> Any:
    """A response that is itself the value."""
    return {key: value for key, value in response.items() if key != "ResponseMetadata"}


def _acl(response: Any) -> Any:
    owner = response["Owner"]["ID"]
    grants = [
        {**grant, "Grantee": _grantee(grant["Grantee"], owner)} for grant in response["Grants"]
    ]
    return None if grants == translators.OWNER_ONLY else grants


def _grantee(grantee: dict[str, str], owner: str) -> dict[str, str]:
    if grantee.get("ID") == owner:
        return translators.OWNER
    return {key: value for key, value in grantee.items() if key != "DisplayName"}


def _put_acl(cloning: Cloning, wanted: Any, _: Any) -> None:
    bucket = cloning.check.twin
    owner = bucket.read("get_bucket_acl")["Owner"]
    grantee = {"Type": "CanonicalUser", "ID": owner["ID"]}
    grants = [
        {**grant, "Grantee": grantee} if grant["Grantee"] == translators.OWNER else grant
        for grant in wanted or translators.OWNER_ONLY
    ]
    bucket.write("put_bucket_acl", AccessControlPolicy={"Owner": owner, "Grants": grants})


def _put_policy(cloning: Cloning, wanted: Any, _: Any) -> None:
    try:
        needed = deliveries(cloning)
        cloning.policy = twin_policy.put(cloning.check, cloning.seen, wanted, needed)
    except Exception:
        # It may have come through: what is shared is looked for in what is there.
        cloning.policy = cloning.check.twin.policy()
        raise


def deliveries(cloning: Cloning) -> dict[str, list[str]]:
    """What S3 writes into the twin, by our statements that let it, and for which buckets.

    That is what the twin sends to itself, and what other twins send to it by ``translations``.
    A statement stays where a property could not be read, or was cloned and is now left as it is.
    """
    settings, arn = cloning.check.settings, cloning.terms.twin_arn
    names_of_twin = {cloning.terms.twin, arn}
    there = {each.get("Sid") for each in cloning.policy.get("Statement", [])}
    clones = frozenset[str]().union(*(profile.clone for profile in settings.profiles))
    is_named = not names_of_twin.isdisjoint(settings.translations.values())
    found: dict[str, list[str]] = {}
    for sid, names in _DELIVERED.items():
        steps = [cloning.step(name) for name in names]
        if is_named and not clones.isdisjoint(names):
            found[sid] = [settings.bucket_arn(settings.twin_names.pattern)]
            continue
        targets = {x for step in steps for x in translators.targets(step.each.name, step.wanted)}
        may_deliver = any(
            step.outcome == Fidelity.FAILED
            or (step.reason in (Why.DRIFT, Why.NOT_CHOSEN) and cloning.is_ours(step.each))
            for step in steps
        )
        if targets & names_of_twin or (may_deliver and sid in there):
            found[sid] = [arn]
    return found


_DELIVERED = {LOGS_SID: ("logging",), REPORTS_SID: ("analytics", "inventory")}


def _in_any_order(value: Any) -> Any:
    """A value with each list in an order of our own: S3 gives them in any."""
    if isinstance(value, dict):
        return {key: _in_any_order(item) for key, item in value.items()}
    if isinstance(value, list):
        return sorted(map(_in_any_order, value), key=_text)
    return value


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _first_counts(value: Any) -> Any:
    """The same of CORS rules, whose own order means something: the first that fits counts."""
    return [_in_any_order(rule) for rule in value]


POLICY = Property(
    "policy",
    lambda bucket: bucket.policy() or None,
    _put_policy,
    translators.policy,
    normal=twin_policy.normal,
    is_whole=True,
    read_twin=lambda bucket: twin_policy.of_others(bucket.policy()),
)

PROPERTIES = (
    _whole(
        "public_access_block",
        "get_public_access_block",
        "put_public_access_block",
        select=lambda response: response["PublicAccessBlockConfiguration"],
        parameters=lambda value: {"PublicAccessBlockConfiguration": value},
        absent="NoSuchPublicAccessBlockConfiguration",
        translate=_public_access_block,
        is_forced=True,
    ),
    _whole(
        "ownership",
        "get_bucket_ownership_controls",
        "put_bucket_ownership_controls",
        select=_ownership,
        parameters=lambda value: {
            "OwnershipControls": {"Rules": [{"ObjectOwnership": value or _OWNERSHIP}]}
        },
        absent="OwnershipControlsNotFoundError",
        # Buckets of before April 2023 may have none, and are then owned object by object.
        unset="ObjectWriter",
        translate=_ownership_if_chosen,
        is_forced=True,
    ),
    Property(
        "versioning",
        lambda bucket: bucket.read("get_bucket_versioning").get("Status"),
        _put_versioning,
        translate=lambda *_: "Enabled",
        is_forced=True,
    ),
    Property(
        "encryption",
        encryption.read,
        _put_encryption,
        lambda cloning, value, found: encryption.wanted(cloning.check, cloning.seen, value, found),
        is_forced=True,
    ),
    Property(
        "object_lock",
        object_lock.read,
        _put_object_lock,
        lambda cloning, value, found: object_lock.kept(cloning.seen, value, found),
        is_forced=True,
    ),
    Property(
        "tags",
        lambda bucket: bucket.tags(),
        _put_tags,
        translators.tags,
        read_twin=lambda bucket: twin.of_others(bucket.tags()),
    ),
    _whole(
        "lifecycle",
        "get_bucket_lifecycle_configuration",
        "put_bucket_lifecycle_configuration",
        select=_lifecycle,
        parameters=_lifecycle_parameters,
        absent="NoSuchLifecycleConfiguration",
        delete="delete_bucket_lifecycle",
        translate=translators.lifecycle,
        normal=_in_any_order,
    ),
    _whole(
        "cors",
        "get_bucket_cors",
        "put_bucket_cors",
        select=lambda response: response["CORSRules"],
        parameters=lambda value: {"CORSConfiguration": {"CORSRules": value}},
        absent="NoSuchCORSConfiguration",
        delete="delete_bucket_cors",
        normal=_first_counts,
    ),
    _whole(
        "website",
        "get_bucket_website",
        "put_bucket_website",
        select=_flat,
        parameters=lambda value: {"WebsiteConfiguration": value},
        absent="NoSuchWebsiteConfiguration",
        delete="delete_bucket_website",
        translate=translators.website,
    ),
    _several(
        "intelligent_tiering",
        "IntelligentTieringConfiguration",
        translators.each(lambda _, item: item),
    ),
    _several("metrics", "MetricsConfiguration", translators.each(translators.metrics)),
    _several("analytics", "AnalyticsConfiguration", translators.each(translators.analytics)),
    _several("inventory", "InventoryConfiguration", translators.each(translators.inventory)),
    _whole(
        "logging",
        "get_bucket_logging",
        "put_bucket_logging",
        select=lambda response: response.get("LoggingEnabled"),
        parameters=lambda value: {
            "BucketLoggingStatus": {"LoggingEnabled": value} if value else {}
        },
        translate=translators.logging,
    ),
    _whole(
        "notifications",
        "get_bucket_notification_configuration",
        "put_bucket_notification_configuration",
        select=_flat,
        parameters=lambda value: {"NotificationConfiguration": value or {}},
        translate=translators.notifications,
        normal=_in_any_order,
    ),
    _whole(
        "request_payment",
        "get_bucket_request_payment",
        "put_bucket_request_payment",
        select=lambda response: response["Payer"].replace("BucketOwner", ""),
        parameters=lambda value: {"RequestPaymentConfiguration": {"Payer": value or "BucketOwner"}},
        translate=translators.request_payment,
    ),
    _whole(
        "accelerate",
        "get_bucket_accelerate_configuration",
        "put_bucket_accelerate_configuration",
        select=lambda response: response.get("Status", "").replace("Suspended", ""),
        parameters=lambda value: {"AccelerateConfiguration": {"Status": value or "Suspended"}},
        translate=translators.accelerate,
        # https://github.com/hashicorp/terraform-provider-aws/issues/16969
        lacking=_LACKING,
    ),
    _whole(
        "abac",
        "get_bucket_abac",
        "put_bucket_abac",
        select=lambda response: response["AbacStatus"]["Status"].replace("Disabled", ""),
        parameters=lambda value: {"AbacStatus": {"Status": value or "Disabled"}},
        operation="get_bucket_abac",
        lacking=_LACKING,
    ),
    Property(
        "acl",
        lambda bucket: _acl(bucket.read("get_bucket_acl")),
        _put_acl,
        translators.acl,
        normal=_in_any_order,
    ),
    POLICY,
)
