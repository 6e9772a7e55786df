# Fails: Every way to tag a bucket is heard
# The console tags buckets with TagResource.

resource "aws_cloudwatch_event_rule" "bad" {
  name = "bad-s3-events"

  event_pattern = jsonencode({
    source      = ["aws.s3"]
    detail-type = ["AWS API Call via CloudTrail"]
    detail = {
      errorCode = [{ exists = false }]
      eventName = ["CreateBucket", "PutBucketTagging"]
    }
  })
}
