"""CloudWatch's replication metrics that S3 publishes in the source's region.

``OperationsFailedReplication`` counts live and batch replication under a rule with metrics: a 1 for
an operation that failed, a 0 for one that did not, so that its average is the rate of failure and
its sample count the number of operations (S3 User Guide, "Using S3 Replication metrics",
https://docs.aws.amazon.com/AmazonS3/latest/userguide/repl-metrics.html). On AWS it takes minutes;
here it is there at once. The metrics of the destination's region are not published here.
"""

import time
from typing import TYPE_CHECKING, Any

from local_aws.emulator import module

if TYPE_CHECKING:
    from local_aws.replication import Bucket


def count_operation(source: "Bucket", rule: Any, failed: bool) -> None:
    """Count one replication by a rule, if the rule has metrics."""
    destination = rule["Destination"]
    if destination.get("Metrics", {}).get("Status") != "Enabled":
        return
    dimensions = {
        "DestinationBucket": destination["Bucket"].rpartition(":::")[2],
        "RuleId": rule.get("ID", ""),
        "SourceBucket": source.name,
    }
    with module("core.responses").request_scope(source.account, source.region):
        module("services.cloudwatch")._store_datum(
            "AWS/S3",
            "OperationsFailedReplication",
            dimensions,
            time.time(),
            "Count",
            float(failed),
            None,
            None,
            None,
        )
