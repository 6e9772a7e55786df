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

variable "reader_role_arns" {
  description = "ARNs of the only roles that may take this one."
  type        = list(string)
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

variable "tags" {
  description = "Tags for the role."
  type        = map(string)
  default     = {}
  nullable    = false
}
