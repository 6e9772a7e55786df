output "arn" {
  description = "ARN of the role, known in the plan and given out only once the role may do its work."
  value       = var.role.arn
  depends_on  = [aws_iam_role_policy.this]
}

output "name" {
  description = "Name of the role."
  value       = var.role.name
  depends_on  = [aws_iam_role_policy.this]
}
