# Two alarms: something waits in the failure queue, and a function could not do what it was asked. Region: the
# provider's.

resource "aws_cloudwatch_metric_alarm" "failures" {
  alarm_name          = "${var.name}-failures"
  alarm_description   = "Events or messages that could not be delivered or done wait in the queue ${var.queue_name}"
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = var.queue_name }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  # SQS reports nothing of a queue that nobody has used for hours: what waits there waits still.
  treat_missing_data = "ignore"
  alarm_actions      = var.actions
  ok_actions         = var.actions
  tags               = var.tags
}

# The functions write one record for each bucket that they looked at.
resource "aws_cloudwatch_log_metric_filter" "unprotected" {
  for_each = toset(var.log_group_names)

  name           = "${var.name}-unprotected"
  log_group_name = each.value
  pattern        = "{ ($.outcome = \"blocked\") || ($.outcome = \"failed\") }"

  metric_transformation {
    namespace = var.name
    name      = "Unprotected"
    unit      = "Count"
    value     = "1"
  }
}

resource "aws_cloudwatch_metric_alarm" "unprotected" {
  alarm_name          = "${var.name}-unprotected"
  alarm_description   = "A bucket was blocked, or a check of one failed: look in the functions' logs for the outcomes blocked and failed"
  namespace           = var.name
  metric_name         = "Unprotected"
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  # Where no record matches there is no data.
  treat_missing_data = "notBreaching"
  alarm_actions      = var.actions
  tags               = var.tags
}
