variable "alarm_actions" {
  description = "What is told of failures, such as SNS topics, in each of the two regions. Empty: the alarms only show."
  type = object({
    dr     = optional(list(string), [])
    source = optional(list(string), [])
  })
  default  = {}
  nullable = false
}

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

variable "translations" {
  description = "What stands in the DR region for what sources name: exact strings, from the source's to the twin's."
  type        = map(string)
  default = {
    # The log bucket of buckets tagged dr = "standby", a topic that they notify, and the VPC endpoint of their readers.
    "example-logs-us-west-2"                     = "example-logs-us-east-2"
    "arn:aws:sns:us-west-2:111122223333:uploads" = "arn:aws:sns:us-east-2:111122223333:uploads"
    "vpce-0a1b2c3d4e5f60001"                     = "vpce-0a1b2c3d4e5f60002"
  }
  nullable = false
}
