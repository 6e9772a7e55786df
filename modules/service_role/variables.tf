variable "description" {
  description = "What the role is for, in words."
  type        = string
  nullable    = false
}

variable "iam" {
  description = "Path of the role, and the ARN of its permissions boundary; null for none."
  type = object({
    path                     = string
    permissions_boundary_arn = optional(string)
  })
  nullable = false
}

variable "policy" {
  description = "JSON of what the role may do."
  type        = string
  nullable    = false
}

variable "role" {
  description = "Name of the role, and the ARN that this name has in the account."
  type = object({
    arn  = string
    name = string
  })
  nullable = false
}

variable "service" {
  description = "The service that takes the role, and what the statement is called that lets it."
  type = object({
    principal = string
    sid       = string
  })
  nullable = false
}

variable "source_account_id" {
  description = "The account whose buckets are replicated."
  type        = string
  nullable    = false
}

variable "tags" {
  description = "Tags for the role."
  type        = map(string)
  default     = {}
  nullable    = false
}
