"""The local AWS refuses what AWS refuses, with the codes that AWS gives."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws.tests.lab import Lab

ACCOUNT, OTHER, REGION, DR = "111122223333", "444455556666", "us-west-2", "us-east-2"
ENABLED, SUSPENDED = {"Status": "Enabled"}, {"Status": "Suspended"}


def refusal(call: Any, *arguments: Any, **keywords: Any) -> tuple[str, int]:
    """Code and HTTP status of a call that must fail."""
    with pytest.raises(ClientError) as caught:
        call(*arguments, **keywords)
    answer = caught.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


def replicate(s3: Any, bucket: str, *rules: dict[str, Any], role: str = "any") -> None:
    configuration = {"Role": f"arn:aws:iam::{ACCOUNT}:role/{role}", "Rules": list(rules)}
    s3.put_bucket_replication(Bucket=bucket, ReplicationConfiguration=configuration)


def test_a_rule_comes_back_as_it_was_put(lab: Lab) -> None:
    s3 = lab.versioned("st-round")
    lab.versioned("st-round-dr", DR)
    rule = lab.replication_rule("st-round-dr")
    replicate(s3, "st-round", rule)
    found = s3.get_bucket_replication(Bucket="st-round")["ReplicationConfiguration"]
    assert found == {"Role": f"arn:aws:iam::{ACCOUNT}:role/any", "Rules": [rule]}


def test_replication_needs_versioning_on_both_sides(lab: Lab) -> None:
    s3 = lab.create("st-unversioned")
    twin = lab.create("st-unversioned-dr", DR)
    rule = lab.replication_rule("st-unversioned-dr")
    with pytest.raises(ClientError, match="Versioning must be 'Enabled' on the bucket"):
        replicate(s3, "st-unversioned", rule)
    s3.put_bucket_versioning(Bucket="st-unversioned", VersioningConfiguration=ENABLED)
    with pytest.raises(ClientError, match="Destination bucket must have versioning enabled"):
        replicate(s3, "st-unversioned", rule)
    twin.put_bucket_versioning(Bucket="st-unversioned-dr", VersioningConfiguration=ENABLED)
    replicate(s3, "st-unversioned", rule)


def test_the_destination_must_exist_be_another_and_be_owned_as_said(lab: Lab) -> None:
    s3 = lab.versioned("st-dest")
    lab.versioned("st-dest-other", DR, OTHER)
    with pytest.raises(ClientError, match=r"InvalidRequest.*Destination bucket must exist\."):
        replicate(s3, "st-dest", lab.replication_rule("st-dest-missing"))
    same = lab.replication_rule("st-dest")
    assert refusal(replicate, s3, "st-dest", same) == ("InvalidRequest", 400)
    wrong_owner = lab.replication_rule("st-dest-other")
    assert refusal(replicate, s3, "st-dest", wrong_owner) == ("InvalidArgument", 400)
    no_arn = lab.replication_rule("x", Destination={"Bucket": "st-dest-other"})
    assert refusal(replicate, s3, "st-dest", no_arn) == ("InvalidArgument", 400)
    assert refusal(s3.get_bucket_replication, Bucket="st-dest")[1] == 404, "nothing was stored"


def test_rules_must_agree_with_each_other(lab: Lab) -> None:
    s3 = lab.versioned("st-rules")
    lab.versioned("st-rules-dr", DR)
    lab.versioned("st-rules-dr2", DR)
    rule = lab.replication_rule("st-rules-dr")
    for missing in ("Priority", "DeleteMarkerReplication"):
        part = {key: value for key, value in rule.items() if key != missing}
        assert refusal(replicate, s3, "st-rules", part) == ("InvalidRequest", 400), missing
    twice = {**rule, "Priority": 2}
    assert refusal(replicate, s3, "st-rules", rule, twice) == ("InvalidArgument", 400)
    overlap = {**rule, "ID": "other"}
    assert refusal(replicate, s3, "st-rules", rule, overlap) == ("InvalidRequest", 400)
    elsewhere = lab.replication_rule("st-rules-dr2", ID="other")
    replicate(s3, "st-rules", rule, elsewhere)


def test_kms_options_are_checked(lab: Lab) -> None:
    s3 = lab.versioned("st-kms")
    lab.versioned("st-kms-dr", DR)
    criteria = {"SseKmsEncryptedObjects": {"Status": "Enabled"}}
    without_key = lab.replication_rule("st-kms-dr", SourceSelectionCriteria=criteria)
    assert refusal(replicate, s3, "st-kms", without_key) == ("InvalidRequest", 400)
    key = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/00000000-0000-0000-0000-000000000000"
    without_key["Destination"]["EncryptionConfiguration"] = {"ReplicaKmsKeyID": key}
    assert refusal(replicate, s3, "st-kms", without_key) == ("InvalidRequest", 400)


def test_rules_that_s3_refuses_one_by_one(lab: Lab) -> None:
    s3 = lab.versioned("st-each")
    lab.versioned("st-each-dr", DR)
    rule = lab.replication_rule("st-each-dr")
    change: dict[str, Any]
    tag = {"Key": "a", "Value": "b"}
    destination = {"Bucket": "arn:aws:s3:::st-each-dr"}
    owner = {"AccessControlTranslation": {"Owner": "Destination"}}
    invalid, argument = ("InvalidRequest", 400), ("InvalidArgument", 400)
    for change, answer in (
        ({"Filter": {"Tag": tag}}, invalid),
        ({"Filter": {"And": {"Prefix": "p", "Tags": [tag]}}}, invalid),
        ({"ID": "i" * 256}, argument),
        ({"ID": "é"}, argument),
        ({"Destination": {**destination, **owner}}, invalid),
        ({"Destination": {**destination, "StorageClass": "WARM"}}, ("MalformedXML", 400)),
    ):
        assert refusal(replicate, s3, "st-each", {**rule, **change}) == answer, change
    for change in (
        {"Filter": {"Tag": tag}, "DeleteMarkerReplication": {"Status": "Disabled"}},
        {"ID": "i" * 255},
        {"Destination": {**destination, **owner, "Account": ACCOUNT}},
        {"Destination": {**destination, "StorageClass": "STANDARD_IA"}},
    ):
        replicate(s3, "st-each", {**rule, **change})


def test_versions_of_rules_do_not_mix_and_there_are_at_most_a_thousand(lab: Lab) -> None:
    s3 = lab.versioned("st-many")
    lab.versioned("st-many-dr", DR)
    rule = lab.replication_rule("st-many-dr")
    first = {"ID": "v1", "Prefix": "p", "Status": "Enabled", "Destination": rule["Destination"]}
    assert refusal(replicate, s3, "st-many", rule, first) == ("InvalidRequest", 400)
    replicate(s3, "st-many", first)
    many = [{**rule, "ID": f"i{number}", "Priority": number} for number in range(1001)]
    assert refusal(replicate, s3, "st-many", *many) == ("InvalidRequest", 400)
    replicate(s3, "st-many", *many[:1000])


def test_time_control_is_not_everywhere(lab: Lab) -> None:
    minutes = {"Minutes": 15}
    options = {
        "ReplicationTime": {"Status": "Enabled", "Time": minutes},
        "Metrics": {"Status": "Enabled", "EventThreshold": minutes},
    }
    for name, region in (("st-time", REGION), ("st-time-cn", "cn-north-1")):
        s3 = lab.versioned(name, region)
        lab.versioned(f"{name}-dr", "cn-northwest-1")
        rule = lab.replication_rule(f"{name}-dr")
        rule["Destination"].update(options)
        if region == REGION:
            replicate(s3, name, rule)
            continue
        with pytest.raises(ClientError, match=r"Time Control is not supported in this Region"):
            replicate(s3, name, rule)
        assert refusal(replicate, s3, name, rule) == ("InvalidRequest", 400)
        del rule["Destination"]["ReplicationTime"], rule["Destination"]["Metrics"]
        replicate(s3, name, rule)


def test_object_lock_can_be_put_on_a_versioned_bucket_and_never_ends(lab: Lab) -> None:
    s3 = lab.create("st-lock")
    retention = {"DefaultRetention": {"Mode": "COMPLIANCE", "Years": 2}}
    locked = {"ObjectLockEnabled": "Enabled", "Rule": retention}
    asked = {"Bucket": "st-lock", "ObjectLockConfiguration": locked}
    assert refusal(s3.put_object_lock_configuration, **asked) == ("InvalidBucketState", 409)
    s3.put_bucket_versioning(Bucket="st-lock", VersioningConfiguration=ENABLED)
    missing = refusal(s3.get_object_lock_configuration, Bucket="st-lock")
    assert missing == ("ObjectLockConfigurationNotFoundError", 404)
    s3.put_object_lock_configuration(**asked)
    for configuration in (
        {
            "ObjectLockEnabled": "Enabled",
            "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 3}},
        },
        {"ObjectLockEnabled": "Enabled"},
        locked,
    ):
        asked["ObjectLockConfiguration"] = configuration
        s3.put_object_lock_configuration(**asked)
        found = s3.get_object_lock_configuration(Bucket="st-lock")
        assert found["ObjectLockConfiguration"] == configuration
    asked["ObjectLockConfiguration"] = {"ObjectLockEnabled": "Disabled"}
    assert refusal(s3.put_object_lock_configuration, **asked)[1] == 400
    asked["ObjectLockConfiguration"] = {}
    assert refusal(s3.put_object_lock_configuration, **asked)[1] == 400
    found = s3.get_object_lock_configuration(Bucket="st-lock")
    assert found["ObjectLockConfiguration"] == locked
    suspend = {"Bucket": "st-lock", "VersioningConfiguration": SUSPENDED}
    assert refusal(s3.put_bucket_versioning, **suspend) == ("InvalidBucketState", 409)


def test_a_bucket_created_with_object_lock_is_versioned(lab: Lab) -> None:
    s3 = lab.server.client("s3", REGION)
    s3.create_bucket(
        Bucket="st-lock-born",
        ObjectLockEnabledForBucket=True,
        CreateBucketConfiguration={"LocationConstraint": REGION},
    )
    assert s3.get_bucket_versioning(Bucket="st-lock-born")["Status"] == "Enabled"
    found = s3.get_object_lock_configuration(Bucket="st-lock-born")
    assert found["ObjectLockConfiguration"] == {"ObjectLockEnabled": "Enabled"}


def test_a_policy_cannot_name_a_role_or_user_that_is_not_there(lab: Lab) -> None:
    s3 = lab.create("st-principal")
    role = lab.role("st-principal", [], OTHER)
    iam = lab.server.client("iam", REGION, OTHER)
    user = iam.create_user(UserName="st-principal")["User"]["Arn"]

    def put(principal: Any) -> None:
        statement = {
            "Effect": "Allow",
            "Principal": {"AWS": principal},
            "Action": "s3:ListBucket",
            "Resource": "arn:aws:s3:::st-principal",
        }
        document = {"Version": "2012-10-17", "Statement": statement}
        s3.put_bucket_policy(Bucket="st-principal", Policy=json.dumps(document))

    for wrong in (
        f"{role}-missing",
        role.replace(OTHER, ACCOUNT),
        role.replace("role/", "role/path/"),
        f"{user}-missing",
        [role, f"{role}-missing"],
    ):
        assert refusal(put, wrong) == ("MalformedPolicy", 400), wrong
        with pytest.raises(ClientError, match="Invalid principal in policy"):
            put(wrong)
    assert refusal(s3.get_bucket_policy, Bucket="st-principal")[1] == 404, "nothing was stored"
    for right in (role, user, [role, user], OTHER, f"arn:aws:iam::{OTHER}:root"):
        put(right)


def test_versioning_cannot_be_suspended_under_replication_or_object_lock(lab: Lab) -> None:
    s3 = lab.versioned("st-suspend")
    lab.versioned("st-suspend-dr", DR)
    replicate(s3, "st-suspend", lab.replication_rule("st-suspend-dr"))
    suspend = {"Bucket": "st-suspend", "VersioningConfiguration": SUSPENDED}
    with pytest.raises(ClientError, match="A replication configuration is present on this bucket"):
        s3.put_bucket_versioning(**suspend)
    assert refusal(s3.put_bucket_versioning, **suspend) == ("InvalidBucketState", 409)
    assert s3.get_bucket_versioning(Bucket="st-suspend")["Status"] == "Enabled"
    s3.put_bucket_versioning(Bucket="st-suspend", VersioningConfiguration=ENABLED)
    s3.delete_bucket_replication(Bucket="st-suspend")
    s3.put_bucket_versioning(**suspend)

    s3.create_bucket(
        Bucket="st-locked",
        ObjectLockEnabledForBucket=True,
        CreateBucketConfiguration={"LocationConstraint": REGION},
    )
    locked = {"Bucket": "st-locked", "VersioningConfiguration": SUSPENDED}
    assert refusal(s3.put_bucket_versioning, **locked) == ("InvalidBucketState", 409)


def test_another_expected_owner_is_refused_on_every_call(lab: Lab) -> None:
    s3 = lab.create("st-owner")
    wrong = {"Bucket": "st-owner", "ExpectedBucketOwner": OTHER}
    right = {"Bucket": "st-owner", "ExpectedBucketOwner": ACCOUNT}
    denied = ("AccessDenied", 403)
    assert refusal(s3.head_bucket, **wrong) == ("403", 403)
    assert refusal(s3.get_bucket_tagging, **wrong) == denied
    assert refusal(s3.get_bucket_versioning, **wrong) == denied
    versioning = {"VersioningConfiguration": ENABLED}
    assert refusal(s3.put_bucket_versioning, **wrong, **versioning) == denied
    assert refusal(s3.put_bucket_tagging, **wrong, Tagging=lab.tag("a=b")) == denied
    assert refusal(s3.list_objects_v2, **wrong) == denied
    assert refusal(s3.put_object, **wrong, Key="k") == denied
    assert refusal(s3.delete_bucket, **wrong) == denied
    s3.head_bucket(**right)
    s3.put_bucket_versioning(**right, **versioning)
    missing = {"Bucket": "st-owner-missing", "ExpectedBucketOwner": ACCOUNT}
    assert refusal(s3.get_bucket_tagging, **missing) == ("NoSuchBucket", 404)


def test_system_tags_are_refused(lab: Lab) -> None:
    s3 = lab.create("st-tags")
    control = lab.server.client("s3control", REGION)
    invalid = ("InvalidTag", 400)
    tags = {"Bucket": "st-tags", "Tagging": lab.tag("dr=true", "aws:x=y")}
    assert refusal(s3.put_bucket_tagging, **tags) == invalid
    born = {"Tags": lab.tag("aws:x=y")["TagSet"]}
    assert refusal(lab.create, "st-tags-2", **born) == invalid
    arn = {"AccountId": ACCOUNT, "ResourceArn": "arn:aws:s3:::st-tags"}
    assert refusal(control.tag_resource, **arn, Tags=born["Tags"]) == invalid
    assert refusal(s3.get_bucket_tagging, Bucket="st-tags") == ("NoSuchTagSet", 404)
    control.tag_resource(**arn, Tags=lab.tag("a=b")["TagSet"])
    assert s3.get_bucket_tagging(Bucket="st-tags")["TagSet"] == lab.tag("a=b")["TagSet"]


def test_s3_control_tags_only_buckets_of_the_caller(lab: Lab) -> None:
    lab.create("st-control", account=OTHER)
    control = lab.server.client("s3control", REGION)
    tags = lab.tag("a=b")["TagSet"]
    for name, answer in (
        ("st-control", ("AccessDenied", 403)),
        ("st-control-missing", ("NoSuchResource", 404)),
    ):
        arn = f"arn:aws:s3:::{name}"
        asked = {"AccountId": ACCOUNT, "ResourceArn": arn, "Tags": tags}
        assert refusal(control.tag_resource, **asked) == answer, name


@pytest.mark.parametrize(
    "name",
    [
        "st-name-s3alias",
        "st-name--ol-s3",
        "st-name.mrap",
        "st-name--x-s3",
        "st-name--table-s3",
        "st-name-an",
        "xn--st-name",
        "sthree-st-name",
        "amzn-s3-demo-st-name",
        "St-name",
        "st_name",
        "st..name",
        "-st-name",
        "st-name-",
        "192.168.5.4",
        "ab",
        "a" * 64,
    ],
)
def test_reserved_names_are_refused(lab: Lab, name: str) -> None:
    assert refusal(lab.create, name) == ("InvalidBucketName", 400)


def test_account_regional_names_need_their_suffix(lab: Lab) -> None:
    s3 = lab.server.client("s3", REGION)
    more = {
        "BucketNamespace": "account-regional",
        "CreateBucketConfiguration": {"LocationConstraint": REGION},
    }
    s3.create_bucket(Bucket=f"st-{ACCOUNT}-{REGION}-an", **more)
    wrong = f"st-{OTHER}-{REGION}-an"
    assert refusal(s3.create_bucket, Bucket=wrong, **more) == ("InvalidNamespaceHeader", 400)
    long = "s" * 63 + f"-{ACCOUNT}-{REGION}-an"
    assert refusal(s3.create_bucket, Bucket=long, **more) == ("InvalidBucketName", 400)


def test_create_bucket_can_be_bound_to_a_place_and_a_namespace(lab: Lab) -> None:
    place = {"s3:locationconstraint": REGION}
    space = {"s3:x-amz-bucket-namespace": "account-regional"}
    for number, (condition, here, elsewhere) in enumerate(
        (
            (place, "st-where-1", "st-where-2"),
            (space, f"st-where-{ACCOUNT}-{REGION}-an", "st-where-3"),
        )
    ):
        statement = {
            "Effect": "Allow",
            "Action": "s3:CreateBucket",
            "Resource": "*",
            "Condition": {"StringEquals": condition},
        }
        credentials = lab.assume(f"st-where-{number}", [statement])

        def create(name: str, region: str, credentials: Any = credentials) -> None:
            more = {"BucketNamespace": "account-regional"} if name.endswith("-an") else {}
            lab.server.client("s3", region, credentials=credentials).create_bucket(
                Bucket=name, CreateBucketConfiguration={"LocationConstraint": region}, **more
            )

        other = DR if condition == place else REGION
        assert refusal(create, elsewhere, other) == ("AccessDenied", 403)
        create(here, REGION)


def test_unserved_subresources_neither_create_nor_delete_the_bucket(lab: Lab) -> None:
    s3 = lab.create("st-sub", "us-east-1")
    state = {"InventoryTableConfiguration": {"ConfigurationState": "DISABLED"}}
    for bucket in ("st-sub", "st-sub-missing"):
        put = s3.update_bucket_metadata_inventory_table_configuration
        assert refusal(put, Bucket=bucket, **state) == ("NotImplemented", 501)
    delete = refusal(s3.delete_bucket_metadata_configuration, Bucket="st-sub")
    assert delete == ("NotImplemented", 501)
    s3.head_bucket(Bucket="st-sub")
    assert refusal(s3.head_bucket, Bucket="st-sub-missing") == ("404", 404)


def test_a_bucket_of_another_account_is_denied_unless_its_policy_allows(lab: Lab) -> None:
    other = lab.create("st-foreign", account=OTHER)
    mine = lab.server.client("s3", REGION)
    statement = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    role = lab.server.client("s3", REGION, credentials=lab.assume("st-foreign", [statement]))
    denied = ("AccessDenied", 403)
    for s3 in (mine, role):
        with pytest.raises(ClientError, match="403") as head:
            s3.head_bucket(Bucket="st-foreign")
        headers = head.value.response["ResponseMetadata"]["HTTPHeaders"]
        assert headers["x-amz-bucket-region"] == REGION
        assert refusal(s3.get_bucket_tagging, Bucket="st-foreign") == denied
        assert refusal(s3.put_bucket_tagging, Bucket="st-foreign", Tagging=lab.tag()) == denied
    granted = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:role/st-foreign"},
        "Action": "s3:GetBucketVersioning",
        "Resource": "arn:aws:s3:::st-foreign",
    }
    document = {"Version": "2012-10-17", "Statement": [granted]}
    other.put_bucket_policy(Bucket="st-foreign", Policy=json.dumps(document))
    role.get_bucket_versioning(Bucket="st-foreign")
    assert refusal(role.get_bucket_tagging, Bucket="st-foreign") == denied
    assert refusal(mine.get_bucket_versioning, Bucket="st-foreign") == denied


def test_resource_account_is_the_owner_and_unknown_before_creation(lab: Lab) -> None:
    own = {"StringEquals": {"s3:ResourceAccount": ACCOUNT}}
    allow = {"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": own}
    s3 = lab.server.client("s3", REGION, credentials=lab.assume("st-resource", [allow]))
    other = lab.create("st-resource", account=OTHER)
    everyone = {
        "Effect": "Allow",
        "Principal": {"AWS": ACCOUNT},
        "Action": "s3:*",
        "Resource": "arn:aws:s3:::st-resource",
    }
    document = {"Version": "2012-10-17", "Statement": [everyone]}
    other.put_bucket_policy(Bucket="st-resource", Policy=json.dumps(document))
    lab.server.client("s3", REGION).get_bucket_versioning(Bucket="st-resource")
    assert refusal(s3.get_bucket_versioning, Bucket="st-resource") == ("AccessDenied", 403)
    lab.create("st-resource-own")
    s3.get_bucket_versioning(Bucket="st-resource-own")
    missing = refusal(s3.get_bucket_versioning, Bucket="st-resource-missing")
    assert missing == ("NoSuchBucket", 404)
    create = {
        "Bucket": "st-resource-new",
        "CreateBucketConfiguration": {"LocationConstraint": REGION},
    }
    assert refusal(s3.create_bucket, **create) == ("AccessDenied", 403)


def test_iam_is_enforced_and_asked_before_the_strict_rules(lab: Lab) -> None:
    lab.versioned("st-iam")
    credentials = lab.assume(
        "st-iam", [{"Effect": "Allow", "Action": "s3:GetBucketTagging", "Resource": "*"}]
    )
    s3 = lab.server.client("s3", REGION, credentials=credentials)
    control = lab.server.client("s3control", REGION, credentials=credentials)
    denied = ("AccessDenied", 403)
    assert refusal(s3.get_bucket_tagging, Bucket="st-iam") == ("NoSuchTagSet", 404)
    assert refusal(s3.put_bucket_tagging, Bucket="st-iam", Tagging=lab.tag("aws:a=b")) == denied
    missing = lab.replication_rule("st-iam-missing")
    assert refusal(replicate, s3, "st-iam", missing) == denied
    arn = {"AccountId": ACCOUNT, "ResourceArn": "arn:aws:s3:::st-iam"}
    assert refusal(control.tag_resource, **arn, Tags=lab.tag("aws:a=b")["TagSet"]) == denied


def test_what_comes_with_a_call_needs_permission_too(lab: Lab) -> None:
    def statement(*actions: str, resource: str = "*", **condition: Any) -> dict[str, Any]:
        more = {"Condition": {"StringEquals": condition["when"]}} if condition else {}
        return {"Effect": "Allow", "Action": list(actions), "Resource": resource, **more}

    lab.versioned("st-extra")
    lab.versioned("st-extra-dr", DR)
    passed = f"arn:aws:iam::{ACCOUNT}:role/any"
    only = {"iam:PassedToService": "s3.amazonaws.com"}
    poor = lab.assume("st-poor", [statement("s3:CreateBucket", "s3:PutReplicationConfiguration")])
    rich = lab.assume(
        "st-rich",
        [
            statement("s3:CreateBucket", "s3:PutReplicationConfiguration", "s3:TagResource"),
            statement("s3:PutBucketOwnershipControls"),
            statement("iam:PassRole", resource=passed, when=only),
        ],
    )
    configuration = {"LocationConstraint": REGION}
    tagged: dict[str, Any] = {
        "CreateBucketConfiguration": {**configuration, "Tags": lab.tag("a=b")["TagSet"]}
    }
    owned: dict[str, Any] = {
        "CreateBucketConfiguration": configuration,
        "ObjectOwnership": "BucketOwnerEnforced",
    }
    for number, more in enumerate((tagged, owned)):
        bucket = {"Bucket": f"st-extra-{number}", **more}
        s3 = lab.server.client("s3", REGION, credentials=poor)
        assert refusal(s3.create_bucket, **bucket) == ("AccessDenied", 403)
        lab.server.client("s3", REGION, credentials=rich).create_bucket(**bucket)
    rule = lab.replication_rule("st-extra-dr")
    s3 = lab.server.client("s3", REGION, credentials=poor)
    with pytest.raises(ClientError, match="iam:PassRole"):
        replicate(s3, "st-extra", rule)
    s3 = lab.server.client("s3", REGION, credentials=rich)
    with pytest.raises(ClientError, match="iam:PassRole"):
        replicate(s3, "st-extra", rule, role="another")
    replicate(s3, "st-extra", rule)


def test_a_tls_only_policy_sees_tls(lab: Lab) -> None:
    s3 = lab.create("st-tls")
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": ["arn:aws:s3:::st-tls", "arn:aws:s3:::st-tls/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    document = {"Version": "2012-10-17", "Statement": [deny]}
    s3.put_bucket_policy(Bucket="st-tls", Policy=json.dumps(document))
    allow = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    role = lab.server.client("s3", REGION, credentials=lab.assume("st-tls", [allow]))
    role.get_bucket_versioning(Bucket="st-tls")


def test_a_bucket_of_another_region_is_found_as_on_aws(lab: Lab) -> None:
    lab.create("st-region", DR, Tags=lab.tag("a=b")["TagSet"])
    elsewhere = lab.server.client("s3", REGION)
    assert elsewhere.head_bucket(Bucket="st-region")["BucketRegion"] == DR
    elsewhere = lab.server.client("s3", "eu-west-1")  # the other knows by now where it is
    tags = elsewhere.get_bucket_tagging(Bucket="st-region")["TagSet"]
    assert tags == lab.tag("a=b")["TagSet"], "boto3 follows the redirect"
    statuses = [
        (call["region"], call["status"])
        for call in lab.server.calls()
        if call["bucket"] == "st-region" and call["operation"] == "GetBucketTagging"
    ]
    assert statuses == [("eu-west-1", 301), (DR, 200)]
