# Fails: Requests and ends of jobs come from one account
# Whoever may put events on the bus can have a bucket checked.

resource "aws_cloudwatch_event_rule" "bad" {
  name = "bad-check-requests"

  event_pattern = jsonencode({
    source      = ["s3-dr"]
    detail-type = ["Bucket Check Requested"]
    detail      = { bucket = [{ exists = true }] }
  })
}
