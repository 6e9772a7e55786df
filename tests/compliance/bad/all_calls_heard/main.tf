# Fails: No other calls are heard
# A read starts the function.

resource "aws_cloudwatch_event_rule" "bad" {
  name = "bad-s3-events"

  event_pattern = jsonencode({
    source      = ["aws.s3"]
    detail-type = ["AWS API Call via CloudTrail"]
    detail = {
      errorCode = [{ exists = false }]
      eventName = ["CreateBucket", "PutBucketTagging", "TagResource", "GetBucketTagging"]
    }
  })
}
