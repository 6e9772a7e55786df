output "arn" {
  description = "ARN of the topic, known in the plan and given out only once the topic is guarded and heard."
  value       = var.topic.arn
  depends_on  = [aws_sns_topic_policy.this, aws_sns_topic_subscription.this]
}
