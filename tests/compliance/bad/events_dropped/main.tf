# Fails: Events that a rule could not deliver go to a queue
# No dead_letter_config: what the rule cannot deliver is gone.

resource "aws_cloudwatch_event_target" "bad" {
  rule      = "bad-s3-events"
  target_id = "bad-source-bucket-check"
  arn       = "arn:aws:lambda:us-west-2:111122223333:function:bad-source-bucket-check"

  retry_policy {
    maximum_retry_attempts = 185
  }
}
