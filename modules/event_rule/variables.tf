variable "description" {
  description = "What the rule listens for, in words."
  type        = string
  nullable    = false
}

variable "event_pattern" {
  description = "JSON of the pattern that an event has to match; null for a rule with a schedule only."
  type        = string
  default     = null
}

variable "failure_queue_arn" {
  description = "ARN of the queue, in the same region, for events that could not be delivered."
  type        = string
  nullable    = false
}

variable "function" {
  description = "The function that gets the events."
  type = object({
    function_arn  = string
    function_name = string
  })
  nullable = false
}

variable "input" {
  description = "JSON that the function gets instead of the event; null for the event itself."
  type        = string
  default     = null
}

variable "rule" {
  description = "Name of the rule, and the ARN that this name has in the provider's region."
  type = object({
    arn  = string
    name = string
  })
  nullable = false
}

variable "schedule_expression" {
  description = "When the function is started besides; null for never."
  type        = string
  default     = null
}

variable "state" {
  description = "Whether the rule is made ENABLED or DISABLED; null for EventBridge's default, enabled. That somebody turns it on or off later is no change."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags for the rule."
  type        = map(string)
  default     = {}
  nullable    = false
}
