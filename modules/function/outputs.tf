# Known in the plan, and given out only once the function can run.

output "function_arn" {
  description = "ARN of the function."
  value       = var.function.function_arn
  depends_on  = [aws_lambda_function_event_invoke_config.this]
}

output "function_name" {
  description = "Name of the function."
  value       = var.function.function_name
  depends_on  = [aws_lambda_function_event_invoke_config.this]
}

output "log_group_name" {
  description = "Name of its log group."
  value       = var.function.log_group_name
  depends_on  = [aws_lambda_function_event_invoke_config.this]
}

output "region" {
  description = "Region it runs in."
  value       = var.function.region
  depends_on  = [aws_lambda_function_event_invoke_config.this]
}

output "role_arn" {
  description = "ARN of its role."
  value       = var.function.role_arn
  depends_on  = [aws_lambda_function_event_invoke_config.this]
}

output "role_name" {
  description = "Name of its role."
  value       = var.function.role_name
  depends_on  = [aws_lambda_function_event_invoke_config.this]
}
