variable "dr_region" {
  description = "Where the twins live."
  type        = string
  default     = "us-east-2"
  nullable    = false
}

variable "dr_role_arn" {
  description = "The role of the DR account as which Terraform works there."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:[a-z-]+:iam::[0-9]{12}:role/", var.dr_role_arn))
    error_message = "Give dr_role_arn as the ARN of a role of the DR account, like \"arn:aws:iam::444455556666:role/s3-dr-terraform\"."
  }
}

variable "source_region" {
  description = "Where the buckets are that may be tagged."
  type        = string
  default     = "us-west-2"
  nullable    = false
}
