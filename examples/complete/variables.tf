variable "dr_region" {
  description = "Where the twins live."
  type        = string
  default     = "us-east-2"
  nullable    = false
}

variable "foreign_role_arns" {
  description = "Roles of other replication rules on buckets tagged dr = \"shared\". Empty: such buckets are blocked."
  type        = set(string)
  default     = []
  nullable    = false
}

variable "source_region" {
  description = "Where the buckets are that may be tagged."
  type        = string
  default     = "us-west-2"
  nullable    = false
}
