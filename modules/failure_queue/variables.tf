variable "queue" {
  description = "Name of the queue, and the ARN that this name has in the provider's region."
  type = object({
    arn  = string
    name = string
  })
  nullable = false
}

variable "rule_arns" {
  description = "ARNs of the EventBridge rules that may send to the queue."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "tags" {
  description = "Tags for the queue."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "topic_arn" {
  description = "ARN of the topic that may send to the queue."
  type        = string
  nullable    = false
}
