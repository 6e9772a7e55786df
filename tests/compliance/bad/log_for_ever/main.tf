# Fails: Every log group expires
# No retention: the log is kept, and paid for, for ever.

resource "aws_cloudwatch_log_group" "bad" {
  name = "/aws/lambda/bad"
}
