"""How values of a source's properties are put in the twin's terms, one function for each property.

Each takes the cloning, the source's value (None where nothing is configured) and the twin's, and
gives the value that the twin is to have. What is left out is noted.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain, count
from typing import Any

from ..tags import MARKS, PREFIX
from . import source_policy
from .engine import Cloning, NotPortable

MAX_TAGS = 50
NONCURRENT_RULE = "s3-dr-noncurrent-versions"

OWNER = {"Type": "owner"}  # stands in an ACL for the bucket's owner, whoever that is
OWNER_ONLY = [{"Grantee": OWNER, "Permission": "FULL_CONTROL"}]

# Who everybody is. https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html
_PUBLIC_GROUPS = ("/global/AllUsers", "/global/AuthenticatedUsers")

Value = Any
Translate = Callable[[Cloning, Value, Value], Value]


def tags(cloning: Cloning, value: Value, _: Value) -> Value:
    """All tags but AWS's, ours, and those that ask for protection, which a twin must never do."""
    trigger = {
        pair
        for profile in cloning.check.settings.profiles
        for wanted in profile.match_tags
        for pair in wanted.items()
    }
    kept: dict[str, str] = {}
    for key, text in sorted((value or {}).items()):
        if key.startswith("aws:"):
            cloning.note(f"tag {key}: left out, it is AWS's own")
        elif (key, text) in trigger:
            cloning.note(f"tag {key}: left out, it asks for protection")
        elif key.startswith(PREFIX):
            cloning.note(f"tag {key}: left out, it is about how the source is protected")
        elif len(kept) == MAX_TAGS - len(MARKS):
            cloning.note(f"tag {key}: left out, a twin has room for {len(kept)} tags of its source")
        else:
            kept[key] = text
    return kept or None


def lifecycle(cloning: Cloning, value: Value, _: Value) -> Value:
    """All rules but, unless the profile wants all, what they delete.

    A replica has the age of its original, so it would be deleted at the original's hour.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-requirements.html
    """
    profile = cloning.seen.profile
    rules = []
    for rule in value["Rules"] if value else []:
        kept = dict(rule)
        if "Prefix" in kept:
            # The old form, which S3 does not take beside the new one.
            kept["Filter"] = {"Prefix": kept.pop("Prefix")}
        if profile.lifecycle == "safe":
            kept = _without_deletions(cloning, kept)
        kept = _with_lone_markers(cloning, kept)
        if kept.keys() - {"ID", "Status", "Filter"}:
            rules.append(kept)
    if days := profile.noncurrent_version_expiration_days:
        taken = {rule.get("ID") for rule in rules}
        names = (f"{NONCURRENT_RULE}-{number}" for number in count(2))
        name = next(each for each in chain([NONCURRENT_RULE], names) if each not in taken)
        cloning.note(f"rule {name}: added, for {days} days")
        expiration = {"NoncurrentDays": days}
        rules.append(
            {
                "ID": name,
                "Status": "Enabled",
                "Filter": {"Prefix": ""},
                "NoncurrentVersionExpiration": expiration,
            }
        )
    return {**(value or {}), "Rules": rules} if rules else None


def _without_deletions(cloning: Cloning, rule: dict[str, Any]) -> dict[str, Any]:
    kept = dict(rule)
    expiration = kept.pop("Expiration", {})
    if expiration.get("ExpiredObjectDeleteMarker"):
        # A delete marker with nothing behind it is no object.
        kept["Expiration"] = {"ExpiredObjectDeleteMarker": True}
    left_out = ["Expiration"] if expiration.keys() & {"Date", "Days"} else []
    if kept.pop("NoncurrentVersionExpiration", None):
        left_out.append("NoncurrentVersionExpiration")
    for name in left_out:
        cloning.note(
            f"rule {rule.get('ID', 'without ID')}: {name} left out, it would delete replicas on "
            "the original's clock"
        )
    return kept


def _with_lone_markers(cloning: Cloning, rule: dict[str, Any]) -> dict[str, Any]:
    """A rule that does not take delete markers away while existing objects are on their way.

    A marker may come before the versions that it hides: taken away as a lone one, it would leave an
    object in sight that is deleted in the source.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-batch-replication-batch.html
    """
    takes = rule.get("Expiration", {}).get("ExpiredObjectDeleteMarker")
    if not (takes and cloning.is_catching_up):
        return rule
    cloning.note(
        f"rule {rule.get('ID', 'without ID')}: ExpiredObjectDeleteMarker held back until existing "
        "objects have been copied; the check after that puts it, and `s3-dr status` says how far "
        "they are"
    )
    return {key: part for key, part in rule.items() if key != "Expiration"}


def website(cloning: Cloning, value: Value, _: Value) -> Value:
    """The same, with the host names that the user translates."""

    def with_host(redirect: dict[str, Any]) -> dict[str, Any]:
        host = redirect.get("HostName")
        said = cloning.terms.user_says(host) if host else None
        return {**redirect, "HostName": said} if said else redirect

    if not value:
        return None
    kept = dict(value)
    if everything := kept.get("RedirectAllRequestsTo"):
        kept["RedirectAllRequestsTo"] = with_host(everything)
    if rules := kept.get("RoutingRules"):
        kept["RoutingRules"] = [{**rule, "Redirect": with_host(rule["Redirect"])} for rule in rules]
    return kept


def each(translate: Callable[[Cloning, Any], Any]) -> Translate:
    """A translator of several configurations, by ID, from one of a single configuration."""

    def whole(cloning: Cloning, value: Value, _: Value) -> Value:
        kept = {}
        for name, item in (value or {}).items():
            try:
                kept[name] = translate(cloning, item)
            except NotPortable as reason:
                cloning.note(f"{name}: left out, {reason}")
        if value and not kept:
            raise NotPortable("nothing else is configured")
        return kept or None

    return whole


def metrics(cloning: Cloning, item: Any) -> Any:
    """A request metrics configuration that is not about an access point of the source."""
    chosen = item.get("Filter", {})
    if "AccessPointArn" in chosen or "AccessPointArn" in chosen.get("And", {}):
        raise NotPortable("it is about an access point of the source")
    return item


def inventory(cloning: Cloning, item: Any) -> Any:
    """An inventory whose reports go to a bucket of the DR region.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/configure-inventory.html
    """
    target = _report_target(cloning, item["Destination"]["S3BucketDestination"], "AccountId")
    if key := target.get("Encryption", {}).get("SSEKMS", {}).get("KeyId"):
        found = cloning.terms.user_says(key) or cloning.terms.replica_key_arn
        if not found:
            raise NotPortable("there is no KMS key of the DR region for its reports")
        target["Encryption"] = {"SSEKMS": {"KeyId": found}}
        _doubt_key(cloning, found)
    return {**item, "Destination": {"S3BucketDestination": target}}


def analytics(cloning: Cloning, item: Any) -> Any:
    """A storage class analysis; its export only where that can go to a bucket of the DR region."""
    analysis = item["StorageClassAnalysis"]
    if "DataExport" not in analysis:
        return item
    export = analysis["DataExport"]
    try:
        target = _report_target(
            cloning, export["Destination"]["S3BucketDestination"], "BucketAccountId"
        )
    except NotPortable as reason:
        cloning.note(f"{item['Id']}: export left out, {reason}")
        return {**item, "StorageClassAnalysis": {}}
    export = {**export, "Destination": {"S3BucketDestination": target}}
    return {**item, "StorageClassAnalysis": {"DataExport": export}}


def _report_target(cloning: Cloning, target: dict[str, Any], account: str) -> dict[str, Any]:
    bucket = _given(cloning.terms.bucket_arn(target["Bucket"]), target["Bucket"])
    translated = {**target, "Bucket": bucket}
    if account in target:
        translated[account] = cloning.terms.account(target[account])
    if bucket != cloning.terms.twin_arn:
        _doubt_bucket(cloning, bucket, "s3.amazonaws.com")
        return translated
    default = cloning.kept("encryption")
    if default and default.is_kms and "Encryption" not in target:
        _doubt_key(cloning, default.key)
    return translated


def _doubt_bucket(cloning: Cloning, bucket: str, service: str) -> None:
    cloning.doubt(
        f"GRANT_NEEDED: the policy of {bucket} has to let {service} write for {cloning.terms.twin} "
        "(s3:PutObject, by aws:SourceArn and aws:SourceAccount); nobody looked whether it does"
    )


def _doubt_key(cloning: Cloning, key: str) -> None:
    """A key that the module made lets S3 in already; what another's policy says nobody knows.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/configure-inventory.html#configure-inventory-kms-key-policy
    """
    settings = cloning.check.settings
    if not (settings.dr_key_is_made and key == settings.dr_key_arn):
        cloning.doubt(
            f"GRANT_NEEDED: the policy of the KMS key {key} has to let s3.amazonaws.com encrypt "
            f"reports about {cloning.terms.twin} (kms:GenerateDataKey, by aws:SourceArn and "
            "aws:SourceAccount); nobody looked whether it does"
        )


def _given(translation: str | None, text: str) -> str:
    if translation is None:
        raise NotPortable(f"{text} is of the source region, and translations has nothing for it")
    return translation


def logging(cloning: Cloning, value: Value, _: Value) -> Value:
    """Access logs that go to a bucket of the DR region.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html
    """
    if not value:
        return None
    bucket = _given(cloning.terms.bucket(value["TargetBucket"]), value["TargetBucket"])
    if bucket == cloning.terms.twin:
        _refuse_logs(cloning)
    else:
        _doubt_bucket(cloning, bucket, "logging.s3.amazonaws.com")
    kept = {**value, "TargetBucket": bucket}
    if kept.pop("TargetGrants", None):
        cloning.note("TargetGrants left out: the policy of the bucket for logs says who reads them")
    return kept


def _refuse_logs(cloning: Cloning) -> None:
    """Refuse what S3 would: some twins can take no logs."""
    lock, encryption = cloning.kept("object_lock"), cloning.kept("encryption")
    if lock and lock.retention:
        raise NotPortable(
            "the twin has a default retention, and S3 writes no access logs into such a bucket"
        )
    if encryption and encryption.is_kms:
        raise NotPortable(
            "the twin encrypts with KMS by default, and S3 writes no access logs into such a bucket"
        )


def targets(name: str, value: Value) -> list[str]:
    """The buckets, by name or ARN, to which one that is configured like this sends something."""
    if name == "logging":
        return [value["TargetBucket"]] if value else []
    items = [item.get("StorageClassAnalysis", item) for item in (value or {}).values()]
    exports = [item.get("DataExport", item) for item in items]
    found = [
        each["Destination"]["S3BucketDestination"] for each in exports if "Destination" in each
    ]
    return [each["Bucket"] for each in found]


_TARGETS = {
    "TopicConfigurations": "TopicArn",
    "QueueConfigurations": "QueueArn",
    "LambdaFunctionConfigurations": "LambdaFunctionArn",
}


def notifications(cloning: Cloning, value: Value, _: Value) -> Value:
    """Notifications to what the user names in the DR region, and to EventBridge there.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventNotifications.html
    """
    kept: dict[str, Any] = {}
    for kind, items in (value or {}).items():
        if kind not in _TARGETS:
            kept[kind] = items
            continue
        for item in items:
            try:
                target = item[_TARGETS[kind]]
                said = _given(cloning.terms.user_says(target), target)
                kept.setdefault(kind, []).append({**item, _TARGETS[kind]: said})
            except NotPortable as reason:
                cloning.note(f"{item.get('Id', kind)}: left out, {reason}")
    if value and not kept:
        raise NotPortable("nothing else is configured")
    return kept or None


def request_payment(cloning: Cloning, value: Value, _: Value) -> Value:
    """The same, within one account.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-requirements.html
    """
    if value and cloning.terms.has_two_accounts:
        raise NotPortable("S3 replicates into no Requester Pays bucket of another account")
    return value


def accelerate(cloning: Cloning, value: Value, _: Value) -> Value:
    """The same, unless the twin's name has dots.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/transfer-acceleration.html
    """
    if value and "." in cloning.terms.twin:
        raise NotPortable("S3 accelerates no bucket with dots in its name")
    return value


def acl(cloning: Cloning, value: Value, _: Value) -> Value:
    """All grants but those to everybody."""
    kept = []
    for grant in value or []:
        grantee = grant["Grantee"]
        if grantee.get("URI", "").endswith(_PUBLIC_GROUPS):
            cloning.note(f"{grant['Permission']} for {grantee['URI']}: left out, it is public")
        elif grantee.get("Type") == "AmazonCustomerByEmail":
            cloning.note(f"{grant['Permission']} for an e-mail address: left out, S3 takes no more")
        elif grantee.get("Type") == "CanonicalUser" and cloning.terms.has_two_accounts:
            # It may be the source's account that is meant, or the twin's, whose owner that is.
            cloning.note(f"{grant['Permission']} for another account: left out with two accounts")
        else:
            kept.append(grant)
    return None if kept == OWNER_ONLY else kept or None


def policy(cloning: Cloning, value: Value, _: Value) -> Value:
    """The statements that may be on the twin."""
    if not value:
        return None
    statements, notes = source_policy.translate(value, cloning.terms)
    for sentence in notes:
        cloning.note(sentence)
    return {"Version": "2012-10-17", "Statement": statements} if statements else None
