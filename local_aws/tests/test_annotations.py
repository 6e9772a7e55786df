"""The local AWS replicates annotations of objects, where the role, the twin and the keys let it."""

from typing import Any

import pytest

from local_aws.annotations import NOT_READ, NOT_WRITTEN, READ, WRITE
from local_aws.tests import test_jobs, test_replication
from local_aws.tests.lab import Lab
from local_aws.tests.test_replication import ACCOUNT, ALL, OTHER, allow, policy


def annotate(pair: Any, payload: str, name: str = "labels") -> str:
    """The replication status of an annotation of the object ``k`` that was put just now."""
    which = {"Bucket": pair.name, "Key": "k", "AnnotationName": name}
    pair.s3.put_object_annotation(**which, AnnotationPayload=payload.encode())
    return str(pair.s3.get_object_annotation(**which).get("ReplicationStatus", ""))


def replicas(pair: Any) -> dict[str, tuple[str, str]]:
    """The annotations of the twin's object ``k``: payload and replication status by name."""
    which = {"Bucket": pair.twin, "Key": "k"}
    found = {}
    for row in pair.dr.list_object_annotations(**which).get("Annotations", []):
        name = row["AnnotationName"]
        read = pair.dr.get_object_annotation(**which, AnnotationName=name)
        found[name] = read["AnnotationPayload"].read().decode(), row["ReplicationStatus"]
    return found


def refuse(pair: Any) -> dict[str, Any]:
    """A statement of the twin's policy that takes no annotations."""
    return {
        "Effect": "Deny",
        "Principal": "*",
        "Action": WRITE,
        "Resource": f"arn:aws:s3:::{pair.twin}/*",
    }


def test_an_annotation_is_replicated_when_it_is_put(lab: Lab) -> None:
    pair = test_replication.Pair(lab, twin_account=OTHER)
    lets_in = {
        **allow(*ALL, resource=[f"arn:aws:s3:::{pair.twin}", f"arn:aws:s3:::{pair.twin}/*"]),
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
    }
    pair.dr.put_bucket_policy(Bucket=pair.twin, Policy=policy(lets_in))
    pair.grant(allow(*ALL, READ))
    assert annotate_new(pair) == "", "no rule covers it"
    pair.replicate()

    pair.put()
    assert annotate(pair, "one") == "COMPLETED", "what writes objects writes annotations"
    assert annotate(pair, "two") == "COMPLETED"
    assert replicas(pair) == {"labels": ("two", "REPLICA")}
    pair.s3.delete_object_annotation(Bucket=pair.name, Key="k", AnnotationName="labels")
    assert replicas(pair) == {"labels": ("two", "REPLICA")}, "a deletion is not replicated"

    pair.grant(allow(*ALL))
    assert annotate(pair, "three") == "FAILED"
    assert pair.asked()[READ] == {True, False}
    pair.grant(allow(*ALL, READ), {**allow(WRITE), "Effect": "Deny"})
    assert annotate(pair, "three") == "FAILED", "the role's own policy may refuse them"
    pair.grant(allow(*ALL, READ))
    pair.dr.put_bucket_policy(Bucket=pair.twin, Policy=policy(lets_in, refuse(pair)))
    assert annotate(pair, "three") == "FAILED"
    assert pair.put() == "COMPLETED", "objects are replicated all the same"
    pair.dr.put_bucket_policy(Bucket=pair.twin, Policy=policy(lets_in))
    pair.dr.delete_object(Bucket=pair.twin, Key="k", VersionId=pair.replica()["VersionId"])
    assert annotate(pair, "three") == "FAILED", "the replica is gone"


def annotate_new(pair: Any) -> str:
    pair.s3.put_object(Bucket=pair.name, Key="k", Body=b"x")
    return annotate(pair, "zero")


def test_the_keys_of_an_object_are_those_of_its_annotations(lab: Lab) -> None:
    keys = test_replication.Keys(test_replication.Pair(lab))
    keys.pair.grant(*keys.permissions(), allow(READ))
    keys.replicate()
    assert keys.put() == "COMPLETED"
    assert annotate(keys.pair, "one") == "COMPLETED"
    keys.pair.grant(allow(*ALL, READ))
    assert annotate(keys.pair, "two") == "FAILED"


@pytest.mark.usefixtures("quick_jobs")
def test_a_job_takes_annotations_along_and_fails_with_them(lab: Lab) -> None:
    pair = test_jobs.Pair(lab)
    pair.put("k")
    annotate(pair, "one"), annotate(pair, "two", "text")
    pair.replicate()

    def why() -> str:
        job = pair.run("NONE", "FAILED", "COMPLETED")
        assert pair.status("k") == "COMPLETED", "the object is there"
        return "".join(row[5] for row in pair.report(job)[1].get("failed", []))

    assert why() == NOT_READ
    pair.grant("", allow(*test_jobs.COPIES, READ))
    pair.dr.put_bucket_policy(Bucket=pair.twin, Policy=policy(refuse(pair)))
    assert why() == NOT_WRITTEN
    assert replicas(pair) == {}
    pair.dr.delete_bucket_policy(Bucket=pair.twin)
    assert why() == ""
    assert replicas(pair) == {"labels": ("one", "REPLICA"), "text": ("two", "REPLICA")}


@pytest.fixture
def quick_jobs(lab: Lab) -> Any:
    lab.server.jobs(step=0.02)
    yield
    lab.server.jobs(step=0.1)
