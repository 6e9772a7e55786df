variable "bucket_name" {
  description = "Name of the bucket that takes the logs; its policy has to let the trail in."
  type        = string
  nullable    = false
}

variable "name" {
  description = "Name of the trail."
  type        = string
  nullable    = false
}

variable "prefix" {
  description = "Below what the logs are written in the bucket."
  type        = string
  nullable    = false
}

variable "tags" {
  description = "Tags for the trail."
  type        = map(string)
  default     = {}
  nullable    = false
}
