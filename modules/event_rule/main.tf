# One rule on the default event bus that hands its events to one function: by a pattern, on a schedule, or both. Region: the
# provider's.

resource "aws_cloudwatch_event_rule" "this" {
  name                = var.rule.name
  description         = var.description
  event_pattern       = var.event_pattern
  schedule_expression = var.schedule_expression
  state               = var.state
  tags                = var.tags

  # Who turns a rule on or off later has a reason. But a change of anything here except tags puts it back to what it was
  # made as, if that is given: the provider then sends the state that is configured.
  lifecycle {
    ignore_changes = [state]
  }
}

resource "aws_lambda_permission" "this" {
  statement_id  = "Rule-${var.rule.name}-MayInvoke"
  action        = "lambda:InvokeFunction"
  function_name = var.function.function_name
  principal     = "events.amazonaws.com"
  source_arn    = var.rule.arn
}

resource "aws_cloudwatch_event_target" "this" {
  rule      = aws_cloudwatch_event_rule.this.name
  target_id = var.function.function_name
  arn       = var.function.function_arn
  input     = var.input

  dead_letter_config {
    arn = var.failure_queue_arn
  }

  # As long as EventBridge can: a late event does no harm, because the function reads the present state.
  retry_policy {
    maximum_event_age_in_seconds = 86400
    maximum_retry_attempts       = 185
  }

  depends_on = [aws_lambda_permission.this]
}
