"""What makes a tagged bucket unfit, where no emulator can show it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from s3_dr import source
from s3_dr.outcomes import Blocked, Reason

# MFA delete needs a root user's device; neither emulator has one.


def check(**answers: object) -> Any:
    """A check whose source bucket answers reads so, and takes no write."""
    bucket = SimpleNamespace(name="orders", read=lambda operation, absent="": answers[operation])
    return cast(Any, SimpleNamespace(source=bucket, observe_source=lambda: None))


@pytest.mark.parametrize("status", ["Enabled", "Suspended"])
def test_mfa_delete_blocks(status: str) -> None:
    versioning = {"Status": status, "MFADelete": "Enabled"}

    with pytest.raises(Blocked) as caught:
        source.source_bucket_check(check(get_bucket_versioning=versioning))

    assert caught.value.reason == Reason.SOURCE_MFA_DELETE
    assert "orders" in str(caught.value), "the remedy names the bucket"


@pytest.mark.parametrize("algorithm", ["aws:kms", "aws:kms:dsse"])
def test_every_kind_of_kms_blocks(algorithm: str) -> None:
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": algorithm}}
    encryption = {"ServerSideEncryptionConfiguration": {"Rules": [rule]}}

    with pytest.raises(Blocked) as caught:
        source.source_bucket_check(
            check(get_bucket_versioning={}, get_bucket_encryption=encryption)
        )

    assert caught.value.reason == Reason.KMS_WITHOUT_DR_KEY
