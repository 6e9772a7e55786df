# What no example gives another value: names of the account's own, and keys that are there already.

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
  region = "eu-west-1"
}

provider "aws" {
  alias  = "dr"
  region = "eu-central-1"
}

variable "dr_key_arn" {
  description = "The key for replicas."
  type        = string
}

variable "profile_key_arn" {
  description = "The key for replicas of one profile."
  type        = string
}

variable "source_key_arns" {
  description = "The only keys that may be used to read."
  type        = set(string)
}

module "s3_dr" {
  source = "../../../.."

  providers = {
    aws.source = aws.source
    aws.dr     = aws.dr
  }

  dr_bucket_namespace = "account-regional"
  dr_bucket_prefix    = "dr-"
  dr_bucket_suffix    = "-copy"
  create_trail        = true
  name                = "backup"

  iam = {
    path                     = "/platform/dr/"
    permissions_boundary_arn = "arn:aws:iam::aws:policy/AdministratorAccess"
  }

  kms = {
    dr_key_arn      = var.dr_key_arn
    source_key_arns = var.source_key_arns
  }

  profiles = [
    { name = "secret", match_tags = [{ dr = "secret" }], kms_key_arn = var.profile_key_arn },
    { name = "standard", match_tags = [{ dr = "true" }], existing_objects_limit = 1000 },
  ]
}

output "dr_bucket_suffix" {
  value = module.s3_dr.dr_bucket_suffix
}

output "dr_key" {
  value = module.s3_dr.dr_key
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

output "topics" {
  value = [module.s3_dr.topic_01, module.s3_dr.topic_02]
}
