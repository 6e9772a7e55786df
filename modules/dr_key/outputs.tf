output "alias" {
  description = "Name of the key's alias."
  value       = var.key.alias
  depends_on  = [aws_kms_alias.this]
}

output "arn" {
  description = "ARN of the key, which only the apply knows."
  value       = aws_kms_key.this.arn
}
