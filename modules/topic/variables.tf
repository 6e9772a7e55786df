variable "failure_queue_arn" {
  description = "ARN of the queue, in the same region, for messages that could not be delivered."
  type        = string
  nullable    = false
}

variable "function" {
  description = "The function that listens."
  type = object({
    function_arn  = string
    function_name = string
  })
  nullable = false
}

variable "publisher_role_arns" {
  description = "ARNs of the only roles that may publish."
  type        = list(string)
  nullable    = false
}

variable "tags" {
  description = "Tags for the topic."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "topic" {
  description = "Name of the topic, and the ARN that this name has in the provider's region."
  type = object({
    arn  = string
    name = string
  })
  nullable = false
}

variable "via_service" {
  description = "Names of SNS in the region, as KMS may know it."
  type        = list(string)
  nullable    = false
}
