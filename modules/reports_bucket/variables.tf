variable "bucket" {
  description = "Name of the bucket, and the ARN that this name has."
  type = object({
    arn  = string
    name = string
  })
  nullable = false
}

variable "retention_days" {
  description = "For how many days reports and the logs of a trail are kept."
  type        = number
  nullable    = false
}

variable "tags" {
  description = "Tags for the bucket."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "trail" {
  description = "The trail that logs into the bucket, and whose it is; null if there is none."
  type = object({
    account_id = string
    arn        = string
  })
  default = null
}
