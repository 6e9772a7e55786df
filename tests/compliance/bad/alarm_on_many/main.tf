# Fails: One failure is one too many
# Ten buckets may be unprotected, and nobody is told.

resource "aws_cloudwatch_metric_alarm" "bad" {
  alarm_name          = "bad-unprotected"
  namespace           = "AWS/SQS"
  metric_name         = "Unprotected"
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 10
}
