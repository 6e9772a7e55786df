variable "failure_queue_arn" {
  description = "ARN of the queue, in the same region, for events that the function could not deal with."
  type        = string
  nullable    = false
}

variable "function" {
  description = "What the function and its parts are called."
  type = object({
    function_arn   = string
    function_name  = string
    handler        = string
    log_group_arn  = string
    log_group_name = string
    region         = string
    role_arn       = string
    role_name      = string
  })
  nullable = false
}

variable "iam" {
  description = "Path of the role, and the ARN of its permissions boundary; null for none."
  type = object({
    path                     = string
    permissions_boundary_arn = optional(string)
  })
  nullable = false
}

variable "layers" {
  description = "ARNs of layer versions in the function's region."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "policy" {
  description = "JSON of what the function may do besides logging; it has to allow sqs:SendMessage on the failure queue."
  type        = string
  nullable    = false
}

variable "settings" {
  description = "How the function runs."
  type = object({
    architecture         = string
    environment          = map(string)
    log_level            = string
    log_retention_days   = number
    memory_mb            = number
    reserved_concurrency = optional(number)
    package              = string
    runtime              = string
    tags                 = map(string)
    timeout_seconds      = number
  })
  nullable = false
}
