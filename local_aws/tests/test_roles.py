"""Who may act for whom: roles of other accounts, keys, encrypted topics, and what IAM was asked."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws.tests.lab import Lab

ACCOUNT, OTHER, REGION, DR = "111122223333", "444455556666", "us-west-2", "us-east-2"


def allow(*actions: str, resource: str = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource, **more}


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def code(call: Any, **keywords: Any) -> str:
    """The error code of a call that must fail."""
    with pytest.raises(ClientError) as caught:
        call(**keywords)
    return str(caught.value.response["Error"]["Code"])


def trust(principal: dict[str, Any], **condition: Any) -> str:
    more = {"Condition": condition} if condition else {}
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **more}
    return policy(statement)


def answers(lab: Lab, role: str) -> dict[str, bool]:
    """What IAM said to a role; of each action one answer is expected."""
    found = [row for row in lab.server.decisions() if row["role"] == role]
    assert all(row["account"] == ACCOUNT for row in found)
    assert len({row["action"] for row in found}) == len(found), found
    return {row["action"]: row["allowed"] for row in found}


ASSUMER = """
import boto3, botocore.exceptions
def handler(event, context):
    try:
        keys = boto3.client("sts").assume_role(RoleArn=event["role"], RoleSessionName="session")
    except botocore.exceptions.ClientError as error:
        return {"code": error.response["Error"]["Code"]}
    keys = keys["Credentials"]
    s3 = boto3.client("s3", aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"], aws_session_token=keys["SessionToken"])
    sts = boto3.client("sts", aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"], aws_session_token=keys["SessionToken"])
    return {"account": sts.get_caller_identity()["Account"],
        "buckets": [b["Name"] for b in s3.list_buckets()["Buckets"]]}
"""


def test_a_function_acts_in_another_account_when_both_sides_allow_it(lab: Lab) -> None:
    reader, role = f"arn:aws:iam::{OTHER}:role/ro-reader", f"arn:aws:iam::{ACCOUNT}:role/ro-caller"
    assert lab.role("ro-caller", []) == role
    lab.function("ro-caller", ASSUMER, role)
    lab.create("ro-theirs", account=OTHER)
    here = lab.server.client("iam", REGION)
    there = lab.server.client("iam", REGION, OTHER)
    root = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    like = {"ArnLike": {"aws:PrincipalArn": role}}
    other = {"ArnLike": {"aws:PrincipalArn": f"{role}-other"}}
    there.create_role(RoleName="ro-reader", AssumeRolePolicyDocument=trust(root, **like))
    listing = policy(allow("s3:ListAllMyBuckets"))
    there.put_role_policy(RoleName="ro-reader", PolicyName="p", PolicyDocument=listing)

    def invoke() -> Any:
        answer = lab.server.client("lambda", REGION).invoke(
            FunctionName="ro-caller", Payload=json.dumps({"role": reader})
        )
        return json.load(answer["Payload"])

    assert invoke() == {"code": "AccessDenied"}, "the caller's own policy does not allow it"
    granted = policy(allow("sts:AssumeRole", resource=reader))
    here.put_role_policy(RoleName="ro-caller", PolicyName="p", PolicyDocument=granted)
    found = invoke()
    assert found["account"] == OTHER
    assert "ro-theirs" in found["buckets"]
    for refused in (
        trust(root, **other),
        trust({"AWS": f"arn:aws:iam::{OTHER}:root"}),
        trust({"Service": "lambda.amazonaws.com"}),
    ):
        there.update_assume_role_policy(RoleName="ro-reader", PolicyDocument=refused)
        assert invoke() == {"code": "AccessDenied"}, refused
    there.update_assume_role_policy(RoleName="ro-reader", PolicyDocument=trust({"AWS": role}))
    assert invoke()["account"] == OTHER


def test_the_principal_in_a_condition_is_the_role_not_its_session(lab: Lab) -> None:
    s3 = lab.create("ro-principal")
    iam = lab.server.client("iam", REGION)
    iam.create_role(
        RoleName="ro-path", Path="/a/b/", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT})
    )
    arn = f"arn:aws:iam::{ACCOUNT}:role/a/b/ro-path"
    answer = lab.server.client("sts", REGION).assume_role(RoleArn=arn, RoleSessionName="session")
    own = lab.server.client("s3", REGION, credentials=answer["Credentials"])

    def bound(principal: str) -> None:
        when = {"ArnLike": {"aws:PrincipalArn": principal}}
        statement = allow("s3:GetBucketVersioning", Condition=when)
        iam.put_role_policy(RoleName="ro-path", PolicyName="p", PolicyDocument=policy(statement))

    bound(f"arn:aws:sts::{ACCOUNT}:assumed-role/ro-path/*")
    assert code(own.get_bucket_versioning, Bucket="ro-principal") == "AccessDenied"
    bound(arn)
    own.get_bucket_versioning(Bucket="ro-principal")
    s3.delete_bucket(Bucket="ro-principal")


def test_a_key_of_another_account_is_described_when_both_accounts_allow_it(lab: Lab) -> None:
    theirs = lab.server.client("kms", REGION, OTHER)
    key = theirs.create_key()["KeyMetadata"]["Arn"]
    root = lab.server.client("kms", REGION)
    role = lab.server.client(
        "kms", REGION, credentials=lab.assume("ro-key", [allow("kms:DescribeKey", resource=key)])
    )
    poor = lab.server.client("kms", REGION, credentials=lab.assume("ro-no-key", []))
    for kms in (root, role, poor):
        assert code(kms.describe_key, KeyId=key) == "AccessDeniedException"
    assert answers(lab, "ro-key") == {"kms:DescribeKey": False}, "the key's policy counts, too"
    everyone = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    own = {"AWS": f"arn:aws:iam::{OTHER}:root"}
    theirs.put_key_policy(
        KeyId=key,
        PolicyName="default",
        Policy=policy(
            {**allow("kms:DescribeKey"), "Principal": everyone},
            {**allow("kms:*"), "Principal": own},
        ),
    )
    assert code(poor.describe_key, KeyId=key) == "AccessDeniedException"
    for kms in (root, role):
        assert kms.describe_key(KeyId=key)["KeyMetadata"]["Arn"] == key
    assert code(root.disable_key, KeyId=key) == "NotFoundException", "not across accounts"
    missing = key.rpartition("/")[0] + "/00000000-0000-0000-0000-000000000000"
    assert code(root.describe_key, KeyId=missing) == "NotFoundException"


def test_a_policy_names_the_key_not_its_alias(lab: Lab) -> None:
    kms = lab.server.client("kms", REGION)
    key = kms.create_key()["KeyMetadata"]["Arn"]
    kms.create_alias(AliasName="alias/ro-alias", TargetKeyId=key)
    alias = f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/ro-alias"
    for name, resource in (("ro-by-key", key), ("ro-by-alias", alias)):
        keys = lab.assume(name, [allow("kms:DescribeKey", resource=resource)])
        role = lab.server.client("kms", REGION, credentials=keys)
        for named in ("alias/ro-alias", alias):
            if resource == key:
                assert role.describe_key(KeyId=named)["KeyMetadata"]["Arn"] == key
            else:
                assert code(role.describe_key, KeyId=named) == "AccessDeniedException"


class Topic:
    """An encrypted topic of this account, and a role of some account that publishes to it."""

    def __init__(self, lab: Lab, name: str, account: str = ACCOUNT) -> None:
        self.lab, self.name, self.account = lab, name, account
        self.kms = lab.server.client("kms", REGION)
        self.key = self.kms.create_key()["KeyMetadata"]["Arn"]
        self.sns = lab.server.client("sns", REGION)
        self.arn = self.sns.create_topic(Name=name)["TopicArn"]
        publish = {**allow("sns:Publish*", resource=self.arn), "Principal": {"AWS": account}}
        for attribute, value in (("KmsMasterKeyId", self.key), ("Policy", policy(publish))):
            self.set(attribute, value)
        self.role = lab.server.client("sns", REGION, credentials=lab.assume(name, [], account))
        self.grant()

    def set(self, attribute: str, value: str) -> None:
        self.sns.set_topic_attributes(
            TopicArn=self.arn, AttributeName=attribute, AttributeValue=value
        )

    def grant(self, *actions: str, **context: str) -> None:
        """Let the role publish, and do this with the topic's key."""
        when = {
            "kms:ViaService": f"sns.{REGION}.amazonaws.com",
            "kms:EncryptionContext:aws:sns:topicArn": self.arn,
            **context,
        }
        use = allow(*(actions or ["kms:None"]), resource=self.key)
        statements = [
            allow("sns:Publish*", resource=self.arn),
            {**use, "Condition": {"StringEquals": when}},
        ]
        self.lab.server.client("iam", REGION, self.account).put_role_policy(
            RoleName=self.name, PolicyName="p", PolicyDocument=policy(*statements)
        )

    def publish(self) -> None:
        self.role.publish(TopicArn=self.arn, Message="m")

    def refused(self) -> str:
        batch = [{"Id": "1", "Message": "m"}]
        entries = {"TopicArn": self.arn, "PublishBatchRequestEntries": batch}
        answer = code(self.publish)
        assert code(self.role.publish_batch, **entries) == answer
        return answer


BOTH = ("kms:Decrypt", "kms:GenerateDataKey")


def test_publishing_to_an_encrypted_topic_needs_its_key(lab: Lab) -> None:
    topic = Topic(lab, "ro-topic")
    for actions in ((), BOTH[:1], BOTH[1:]):
        topic.grant(*actions)
        assert topic.refused() == "KMSAccessDenied", actions
    topic.grant(*BOTH, **{"kms:ViaService": f"s3.{REGION}.amazonaws.com"})
    assert topic.refused() == "KMSAccessDenied"
    topic.grant(*BOTH)
    topic.publish()
    nobody = {**allow("kms:*"), "Principal": {"AWS": f"arn:aws:iam::{OTHER}:root"}}
    stored = topic.kms.get_key_policy(KeyId=topic.key, PolicyName="default")["Policy"]
    for document, answer in ((policy(nobody), "KMSAccessDenied"), (stored, "")):
        topic.kms.put_key_policy(KeyId=topic.key, PolicyName="default", Policy=document)
        if answer:
            assert topic.refused() == answer
        else:
            topic.publish()
    topic.kms.disable_key(KeyId=topic.key)
    assert topic.refused() == "KMSDisabled"
    topic.kms.schedule_key_deletion(KeyId=topic.key)
    assert topic.refused() == "KMSInvalidState"
    topic.set("KmsMasterKeyId", "alias/ro-topic-missing")
    assert topic.refused() == "KMSNotFound"


def test_the_key_that_aws_manages_for_sns_is_only_for_the_topic_s_account(lab: Lab) -> None:
    own, foreign = Topic(lab, "ro-own"), Topic(lab, "ro-foreign", OTHER)
    assert foreign.refused() == "KMSAccessDenied"
    for topic in (own, foreign):
        topic.set("KmsMasterKeyId", "alias/aws/sns")
    own.publish()
    foreign.key = foreign.kms.describe_key(KeyId="alias/aws/sns")["KeyMetadata"]["Arn"]
    foreign.grant(*BOTH)
    assert foreign.refused() == "KMSAccessDenied"
    root = lab.server.client("sns", REGION, OTHER)
    assert code(root.publish, TopicArn=foreign.arn, Message="m") == "KMSAccessDenied"


def test_a_key_policy_lets_a_publisher_of_another_account_in(lab: Lab) -> None:
    topic = Topic(lab, "ro-across", OTHER)
    topic.grant(*BOTH)
    assert topic.refused() == "KMSAccessDenied"
    like = {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{OTHER}:role/ro-across"}}
    granted = {**allow(*BOTH, Condition=like), "Principal": {"AWS": f"arn:aws:iam::{OTHER}:root"}}
    topic.kms.put_key_policy(KeyId=topic.key, PolicyName="default", Policy=policy(granted))
    topic.publish()


def test_decisions_tell_each_action_a_role_was_asked_about(lab: Lab) -> None:
    twin = lab.versioned("ro-asked-dr", DR)
    lab.versioned("ro-asked")
    role = lab.assume(
        "ro-asked",
        [
            allow("s3:GetBucketVersioning", "s3:CreateBucket", "s3:PutReplicationConfiguration"),
            allow("s3:TagResource", "s3:PutBucketOwnershipControls", "iam:PassRole"),
            allow("s3:PutBucketVersioning", "s3:PutBucketObjectLockConfiguration"),
        ],
    )
    s3 = lab.server.client("s3", REGION, credentials=role)
    for _ in range(3):
        s3.get_bucket_versioning(Bucket="ro-asked")
    s3.create_bucket(
        Bucket="ro-asked-new",
        ObjectLockEnabledForBucket=True,
        ObjectOwnership="BucketOwnerEnforced",
        CreateBucketConfiguration={
            "LocationConstraint": REGION,
            "Tags": lab.tag("a=b")["TagSet"],
        },
    )
    configuration = {
        "Role": f"arn:aws:iam::{ACCOUNT}:role/ro-asked",
        "Rules": [lab.replication_rule("ro-asked-dr")],
    }
    s3.put_bucket_replication(Bucket="ro-asked", ReplicationConfiguration=configuration)
    assert code(s3.get_bucket_tagging, Bucket="ro-asked") == "AccessDenied"
    asked = answers(lab, "ro-asked")
    assert not asked.pop("s3:GetBucketTagging")
    assert asked == dict.fromkeys(
        [
            "iam:PassRole",
            "s3:CreateBucket",
            "s3:GetBucketVersioning",
            "s3:PutBucketObjectLockConfiguration",
            "s3:PutBucketOwnershipControls",
            "s3:PutBucketVersioning",
            "s3:PutReplicationConfiguration",
            "s3:TagResource",
        ],
        True,
    )
    rows = [row for row in lab.server.decisions() if row["role"] == "ro-asked"]
    counts = {row["action"]: row["count"] for row in rows}
    assert counts["s3:GetBucketVersioning"] == 3
    twin.head_bucket(Bucket="ro-asked-dr")


def test_a_refusal_by_a_foreign_bucket_is_a_decision_too(lab: Lab) -> None:
    lab.create("ro-refusing", account=OTHER)
    keys = lab.assume("ro-refused", [allow("s3:GetBucketTagging")])
    s3 = lab.server.client("s3", REGION, credentials=keys)
    assert code(s3.get_bucket_tagging, Bucket="ro-refusing") == "AccessDenied"
    said = {row["allowed"] for row in lab.server.decisions() if row["role"] == "ro-refused"}
    assert said == {True, False}, "the role's policy allowed it, the bucket's did not"


def test_what_a_role_asks_of_a_foreign_bucket_counts_as_its_own(lab: Lab) -> None:
    theirs = lab.versioned("ro-lent", account=OTHER)
    lab.versioned("ro-lent-dr", DR)
    put = "s3:PutReplicationConfiguration"
    keys = lab.assume("ro-borrower", [allow(put)])
    lent = {
        **allow(put, resource="arn:aws:s3:::ro-lent"),
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:role/ro-borrower"},
    }
    theirs.put_bucket_policy(Bucket="ro-lent", Policy=policy(lent))
    s3 = lab.server.client("s3", REGION, credentials=keys)
    configuration = {
        "Role": f"arn:aws:iam::{ACCOUNT}:role/ro-borrower",
        "Rules": [lab.replication_rule("ro-lent-dr")],
    }
    asked = {"Bucket": "ro-lent", "ReplicationConfiguration": configuration}
    assert code(s3.put_bucket_replication, **asked) == "AccessDenied"
    assert answers(lab, "ro-borrower") == {put: True, "iam:PassRole": False}


def test_decisions_can_be_cleared(lab: Lab) -> None:
    keys = lab.assume("ro-cleared", [])
    s3 = lab.server.client("s3", REGION, credentials=keys)
    assert code(s3.list_buckets) == "AccessDenied"
    assert answers(lab, "ro-cleared") == {"s3:ListAllMyBuckets": False}
    lab.server.clear_decisions()
    assert answers(lab, "ro-cleared") == {}
