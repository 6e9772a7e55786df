# Fails: One message in a failure queue is one too many
# What is sent is gone again; what stays needs a person.

resource "aws_cloudwatch_metric_alarm" "bad" {
  alarm_name          = "bad-failures"
  namespace           = "AWS/SQS"
  metric_name         = "NumberOfMessagesSent"
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
}
