# Fails: Of a job only the end is heard
# The sweep would be started again and again while jobs are at work.

resource "aws_cloudwatch_event_rule" "bad" {
  name = "bad-job-events"

  event_pattern = jsonencode({
    account     = ["111122223333"]
    source      = ["aws.s3"]
    detail-type = ["AWS Service Event via CloudTrail"]
    detail = {
      eventName           = ["JobStatusChanged"]
      serviceEventDetails = { status = ["Active", "Complete"] }
    }
  })
}
