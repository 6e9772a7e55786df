variable "encrypts_reports" {
  description = "Whether S3 may encrypt the reports about twins with the key, too."
  type        = bool
  nullable    = false
}

variable "foreign_replication_role_arns" {
  description = "ARNs of the roles of another account with which S3 copies objects into the twins."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "key" {
  description = "What the key is for and called, where it is, and the name of S3 there as KMS knows it."
  type = object({
    account_id  = string
    alias       = string
    name        = string
    partition   = string
    via_service = list(string)
  })
  nullable = false
}

variable "tags" {
  description = "Tags for the key."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "twin_buckets" {
  description = "ARN pattern of the buckets whose objects the key encrypts."
  type        = string
  nullable    = false
}
