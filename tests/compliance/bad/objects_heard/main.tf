# Fails: S3 calls are heard through CloudTrail
# Object Created is about objects; a bucket that is tagged is never heard of.

resource "aws_cloudwatch_event_rule" "bad" {
  name = "bad-s3-events"

  event_pattern = jsonencode({
    source      = ["aws.s3"]
    detail-type = ["Object Created"]
    detail = {
      errorCode = [{ exists = false }]
      eventName = ["CreateBucket", "PutBucketTagging", "TagResource"]
    }
  })
}
