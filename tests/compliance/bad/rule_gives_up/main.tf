# Fails: A rule tries again
# No retry: Lambda is not there for a moment, and the event needs a person.

resource "aws_cloudwatch_event_target" "bad" {
  rule      = "bad-s3-events"
  target_id = "bad-source-bucket-check"
  arn       = "arn:aws:lambda:us-west-2:111122223333:function:bad-source-bucket-check"

  dead_letter_config {
    arn = "arn:aws:sqs:us-west-2:111122223333:bad-failures"
  }

  retry_policy {
    maximum_retry_attempts = 0
  }
}
