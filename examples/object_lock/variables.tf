variable "dr_region" {
  description = "Where the twins live."
  type        = string
  default     = "us-east-2"
  nullable    = false
}

variable "retention_days" {
  description = "For how many days nobody may delete a version from the twin of a ledger."
  type        = number
  default     = 30
  nullable    = false
}

variable "source_region" {
  description = "Where the buckets are that may be tagged."
  type        = string
  default     = "us-west-2"
  nullable    = false
}
