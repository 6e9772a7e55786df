"""Whatever others have configured, and whatever happens: what is not ours stays to the byte."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from functional.living import RULE, Life
from functional.payload import ACCOUNT, REPLICATION_ROLE, TRIGGER, twin_marker
from s3_dr.cloning.source_policy import REPLICATION_SID, TLS_SID
from s3_dr.cloning.translators import NONCURRENT_RULE

pytest_plugins = ["functional.payload", "functional.living"]

THEIR_ROLE = f"arn:aws:iam::{ACCOUNT}:role/theirs"
UNLISTED_ROLE = f"arn:aws:iam::{ACCOUNT}:role/unlisted"
SOMEBODY = f"arn:aws:iam::{ACCOUNT}:root"
STATUS = st.sampled_from(["Enabled", "Disabled"])
DAYS = {"source": 3, "twin": 4}  # by which lifecycle rules of the two are told apart
STEPS = ["check", "tag", "untag", "drop ours", "alter ours", "release"]

# Names of ours among names of their own.
SIDE = st.fixed_dictionaries(
    {
        "lifecycle": st.dictionaries(st.sampled_from([NONCURRENT_RULE, "old"]), STATUS, max_size=2),
        "sids": st.sets(
            st.sampled_from([TLS_SID, REPLICATION_SID, f"{TLS_SID}2", "Theirs"]), max_size=3
        ),
        "tags": st.dictionaries(st.sampled_from(["team", "s3-dr:note"]), st.just("blue")),
    }
)
CONFIGURED = st.fixed_dictionaries(
    {
        "rules": st.dictionaries(st.sampled_from([RULE, f"{RULE}-2", "backup"]), STATUS),
        "role": st.sampled_from([REPLICATION_ROLE, THEIR_ROLE, UNLISTED_ROLE]),
        "source": SIDE,
        "twin": SIDE,
    }
)
PROFILE = st.fixed_dictionaries(
    {
        "on_untag": st.sampled_from(["disable", "remove", "keep"]),
        "on_foreign_role": st.sampled_from(["use", "block"]),
    },
    optional={"noncurrent_version_expiration_days": st.just(90)},
)


def read(s3: Any, operation: str, bucket: str) -> Any:
    """What S3 says of a bucket's configuration; nothing where there is none."""
    try:
        return getattr(s3, operation)(Bucket=bucket)
    except s3.exceptions.ClientError as error:
        if not error.response["Error"]["Code"].startswith("NoSuch"):
            raise
        return {}


def statements(s3: Any, bucket: str) -> list[Any]:
    """The statements of a bucket's policy."""
    policy = read(s3, "get_bucket_policy", bucket).get("Policy", '{"Statement": []}')
    found: list[Any] = json.loads(policy)["Statement"]
    return found


class Others:
    """What others have configured on a source and its twin."""

    def __init__(self, life: Life, wanted: dict[str, Any]) -> None:
        self.life, self.wanted = life, wanted
        self.elsewhere = life.foreign_rule()["Destination"]
        self.sides = {"source": (life.s3, life.bucket), "twin": (life.dr, life.twin)}
        for side, (s3, bucket) in self.sides.items():
            self._configure(s3, bucket, DAYS[side], **wanted[side])
        rules = [
            {
                **life.foreign_rule(10 + number, name),
                "Status": status,
                "Destination": self.elsewhere,
            }
            for number, (name, status) in enumerate(wanted["rules"].items())
        ]
        if rules:
            kept = [rule for rule in life.rules() if rule["ID"] not in wanted["rules"]]
            life.world.replicate(life.bucket, [*kept, *rules], wanted["role"])
        self.before = self.seen()

    def _configure(
        self,
        s3: Any,
        bucket: str,
        days: int,
        lifecycle: dict[str, str],
        sids: set[str],
        tags: dict[str, str],
    ) -> None:
        there = read(s3, "get_bucket_tagging", bucket).get("TagSet", [])
        had = {each["Key"]: each["Value"] for each in there}
        self.life.world.tag(bucket, {**had, **tags}, s3.meta.region_name)
        rules = [
            {
                "ID": name,
                "Status": status,
                "Filter": {"Prefix": f"{name}/"},
                "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": days},
            }
            for name, status in lifecycle.items()
        ]
        if rules:
            s3.put_bucket_lifecycle_configuration(
                Bucket=bucket, LifecycleConfiguration={"Rules": rules}
            )
        denied = [
            {
                "Sid": sid,
                "Effect": "Deny",
                "Principal": {"AWS": SOMEBODY},
                "Action": "s3:PutObjectAcl",
                "Resource": f"arn:aws:s3:::{bucket}/*",
            }
            for sid in sorted(sids)
        ]
        if denied:
            kept = [each for each in statements(s3, bucket) if each.get("Sid") not in sids]
            policy = {"Version": "2012-10-17", "Statement": [*kept, *denied]}
            s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))

    def seen(self) -> dict[str, list[str]]:
        """All of theirs that is there, as text, in its order."""
        found: dict[str, list[Any]] = {
            "rules": [r for r in self.life.rules() if r["Destination"] == self.elsewhere]
        }
        for side, (s3, bucket) in self.sides.items():
            theirs = self.wanted[side]
            rules = read(s3, "get_bucket_lifecycle_configuration", bucket).get("Rules", [])
            found[f"{side} lifecycle"] = [
                rule
                for rule in rules
                if rule.get("AbortIncompleteMultipartUpload") == {"DaysAfterInitiation": DAYS[side]}
            ]
            found[f"{side} policy"] = [
                each
                for each in statements(s3, bucket)
                if each["Principal"] == {"AWS": SOMEBODY} and each["Sid"] in theirs["sids"]
            ]
            tags = read(s3, "get_bucket_tagging", bucket).get("TagSet", [])
            found[f"{side} tags"] = [each for each in tags if each["Key"] in theirs["tags"]]
        return {name: [json.dumps(each) for each in parts] for name, parts in found.items()}


def ours(life: Life) -> list[Any]:
    """The rules into the twin."""
    return [rule for rule in life.rules() if rule["Destination"]["Bucket"].endswith(life.twin)]


def take(life: Life, step: str) -> None:
    """What happens next, and the check that follows."""
    tags, mine = life.world.tags(life.bucket), ours(life)
    if step == "tag":
        life.retag(**{**tags, **TRIGGER})
    elif step == "untag" and "dr" in tags:
        life.retag(**{key: text for key, text in tags.items() if key != "dr"}, was="protected")
    elif step in ("drop ours", "alter ours") and mine:
        altered = [{**rule, "Status": "Disabled"} for rule in mine if step == "alter ours"]
        rest = [rule for rule in life.rules() if rule not in mine]
        if altered or rest:
            role = life.world.replication(life.bucket)["Role"]
            life.world.replicate(life.bucket, [*altered, *rest], role)
        else:
            life.drop_rule()
    if step == "release":
        life.asked("Bucket Release Requested")
    else:
        life.check()


@settings(
    max_examples=20,
    phases=[Phase.generate],  # a life is long: what fails is told as it was
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    is_adopted=st.booleans(),
    wanted=CONFIGURED,
    profile=PROFILE,
    steps=st.lists(st.sampled_from(STEPS), min_size=1, max_size=5),
)
def test_what_we_did_not_write_stays_to_the_byte(
    life: Life,
    is_adopted: bool,
    wanted: dict[str, Any],
    profile: dict[str, Any],
    steps: list[str],
) -> None:
    one = Life(life.functions, life.world, life.local_aws, life.reports, life._set)
    one._set("FOREIGN_ROLE_ARNS", THEIR_ROLE)
    one.deploy(**profile)
    one.put("a")
    one.retag()
    if is_adopted:
        one.world.twin(one.bucket, twin_marker(one.bucket), versioning="Enabled")
    else:
        one.check()
    others = Others(one, wanted)

    for step in [*steps, "release"]:
        take(one, step)
        assert others.seen() == others.before, step

    assert ours(one) == [], "and no rule of ours is left"
    mine = {**one.foreign_rule(name=RULE), "Destination": {"Bucket": f"arn:aws:s3:::{one.twin}"}}
    one.world.replicate(one.bucket, [mine], UNLISTED_ROLE)
    theirs = one.world.replication(one.bucket)
    for step in ("untag", "check", "release"):
        take(one, step)
        assert one.world.replication(one.bucket) == theirs, f"after its release, {step}"
