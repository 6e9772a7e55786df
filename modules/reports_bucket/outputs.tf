output "arn" {
  description = "ARN of the bucket, known in the plan and given out only once the bucket is locked down."
  value       = var.bucket.arn
  depends_on  = [aws_s3_bucket_lifecycle_configuration.this, aws_s3_bucket_policy.this]
}

output "name" {
  description = "Name of the bucket."
  value       = var.bucket.name
  depends_on  = [aws_s3_bucket_lifecycle_configuration.this, aws_s3_bucket_policy.this]
}

output "trail_prefix" {
  description = "Below what a trail may write."
  value       = local.trail_prefix
}
