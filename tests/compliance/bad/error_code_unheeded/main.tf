# Fails: Failed calls are not heard
# Failed calls are heard like all others.

resource "aws_cloudwatch_event_rule" "bad" {
  name = "bad-s3-events"

  event_pattern = jsonencode({
    source      = ["aws.s3"]
    detail-type = ["AWS API Call via CloudTrail"]
    detail = {
      eventName = ["CreateBucket", "PutBucketTagging", "TagResource"]
    }
  })
}
