# What make fleet applies: the module with a bounded concurrency, a sweep and first jobs that do not wait.

terraform {
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7.0"
    }
  }
}

provider "aws" {
  alias  = "source"
  region = "us-west-2"
}

provider "aws" {
  alias  = "dr"
  region = "us-east-2"
}

variable "concurrency" {
  description = "How many runs of each function there are at most at once."
  type        = number
  default     = null
}

variable "create_trail" {
  description = "Whether S3's events of jobs are heard, and not only the calls."
  type        = bool
  default     = false
}

variable "dr_key_arn" {
  description = "The key of the DR region."
  type        = string
  default     = null
}

module "s3_dr" {
  source = "../../.."

  providers = {
    aws.source = aws.source
    aws.dr     = aws.dr
  }

  backfill     = { first_job_delay_seconds = 0 }
  create_trail = var.create_trail
  function     = { reserved_concurrency = var.concurrency }
  kms          = { dr_key_arn = var.dr_key_arn }
  sweep        = { buckets_per_second = 200 }
}

output "dr_bucket_suffix" {
  value = module.s3_dr.dr_bucket_suffix
}

output "event_rules" {
  value = module.s3_dr.event_rules
}

output "failure_queues" {
  value = module.s3_dr.failure_queues
}

output "functions" {
  value = [
    module.s3_dr.source_bucket_check,
    module.s3_dr.destination_bucket_check,
    module.s3_dr.enable_replication,
    module.s3_dr.sweep,
  ]
}

output "regions" {
  value = module.s3_dr.regions
}

output "replication_role" {
  value = module.s3_dr.replication_role
}
