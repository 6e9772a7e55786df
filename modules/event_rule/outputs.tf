output "arn" {
  description = "ARN of the rule, known in the plan and given out only once its events reach the function."
  value       = var.rule.arn
  depends_on  = [aws_cloudwatch_event_target.this]
}
