"""One local AWS for its own tests."""

from local_aws.tests.lab import lab, local_aws

__all__ = ["lab", "local_aws"]
