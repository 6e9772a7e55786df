# What examples/cross_account advises against: everything that can be cloned into another account, and kept so.

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

  assume_role {
    role_arn = var.dr_role_arn
  }
}

variable "dr_role_arn" {
  description = "The role in the DR account."
  type        = string
}

variable "translations" {
  description = "What stands in the DR region for what the sources name."
  type        = map(string)
}

module "s3_dr" {
  source = "../../../.."

  providers = {
    aws.source = aws.source
    aws.dr     = aws.dr
  }

  translations = var.translations
  create_trail = true

  iam = { path = "/platform/" }

  profiles = [{
    name       = "everything"
    match_tags = [{ dr = "true" }]
    on_drift   = "restore"
    metrics    = true

    existing_objects_limit = 1000

    clone = [
      "abac", "accelerate", "acl", "analytics", "cors", "intelligent_tiering", "inventory", "lifecycle", "logging",
      "metrics", "notifications", "ownership", "policy", "tags", "website",
    ]
  }]
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
