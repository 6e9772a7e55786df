# Fails: Failed calls are not heard
# Only failed calls are heard.

resource "aws_cloudwatch_event_rule" "bad" {
  name = "bad-s3-events"

  event_pattern = jsonencode({
    source      = ["aws.s3"]
    detail-type = ["AWS API Call via CloudTrail"]
    detail = {
      errorCode = [{ exists = true }]
      eventName = ["CreateBucket", "PutBucketTagging", "TagResource"]
    }
  })
}
