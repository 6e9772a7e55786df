"""The local AWS: an emulator on loopback that behaves like AWS where this module depends on it.

MiniStack serves the APIs. Around it stands what it lacks:

* ``open_points``: what no document decides, with the variants of each;
* ``calls``: a request in AWS's words, ``names``: its name in the API and in CloudTrail;
* ``cloudtrail``: S3 management calls become CloudTrail events on the default event bus;
* ``strict``: refusals that AWS gives and MiniStack does not;
* ``properties``: bucket properties MiniStack does not keep, ``property_rules``: refusals of them;
* ``buckets``: dates, tag changes and lists; ``regions``: what is not everywhere;
* ``s3control``: tags by S3 Control, and how boto3 finds it on loopback;
* ``access``: permissions that AWS checks and MiniStack does not;
* ``roles``: what a role may do that a service acts with, ``decisions``: all that IAM was asked;
* ``kms`` and ``encryption``: keys, their policies, and how S3 and SNS encrypt with them;
* ``replication``: versions are replicated as the role, the keys and Object Lock allow it,
  ``jobs``: Batch Replication of those that were there before, ``metrics``: what failed;
* ``tagging``: resources by their tags, ``trails``: CloudTrail's trails;
* ``functions``: what a function that raised tells its caller;
* ``delivery``: EventBridge and SNS reach a function asynchronously, and only when it permits them;
* ``app``: the ASGI application that joins them, records calls and injects faults;
* ``server``: ``LocalAws``, which starts and ends one in a child process.

Each rule cites the behaviour of AWS it copies. Run one with ``python -m local_aws --port 4566``.
"""

from local_aws.server import LocalAws, LocalAwsError

__all__ = ["LocalAws", "LocalAwsError"]
