output "arn" {
  description = "ARN of the queue, known in the plan and given out only once the queue takes messages."
  value       = var.queue.arn
  depends_on  = [aws_sqs_queue.this]
}

output "url" {
  description = "URL of the queue."
  value       = aws_sqs_queue.this.url
}
