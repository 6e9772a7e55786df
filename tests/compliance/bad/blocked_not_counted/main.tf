# Fails: Blocked buckets are counted
# A bucket that is blocked has no copy, and no error either.

resource "aws_cloudwatch_log_metric_filter" "bad" {
  name           = "bad-unprotected"
  log_group_name = "/aws/lambda/bad"
  pattern        = "{ $.outcome = \"failed\" }"

  metric_transformation {
    namespace = "bad"
    name      = "Unprotected"
    value     = "1"
  }
}
