variable "actions" {
  description = "ARNs of what is told, such as an SNS topic in the same region."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "log_group_names" {
  description = "Names of the functions' log groups."
  type        = list(string)
  nullable    = false
}

variable "name" {
  description = "Begins the names of the alarms, and is the namespace of the metric."
  type        = string
  nullable    = false
}

variable "queue_name" {
  description = "Name of the failure queue."
  type        = string
  nullable    = false
}

variable "tags" {
  description = "Tags for the alarms."
  type        = map(string)
  default     = {}
  nullable    = false
}
