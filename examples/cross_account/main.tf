# The account of the buckets: Terraform's own credentials.
provider "aws" {
  alias  = "source"
  region = var.source_region
}

# The account of the twins, which whoever owns the first one need not be able to change.
provider "aws" {
  alias  = "dr"
  region = var.dr_region

  assume_role {
    role_arn = var.dr_role_arn
  }
}

module "s3_dr" {
  source = "../.."

  providers = {
    aws.source = aws.source
    aws.dr     = aws.dr
  }

  # What is cloned comes from the first account, so profiles keep their defaults here, which let nobody in and delete
  # nothing: clone = ["cors", "intelligent_tiering", "lifecycle", "metrics", "tags"] and lifecycle = "safe". With
  # "policy" or "acl" in clone, or lifecycle = "full", whoever owns a source says who may delete its replicas, and when.

  # Replicas of what KMS encrypts need a key of the DR account: S3 cannot use the one it manages itself there.
  kms = { create_dr_key = true }
}
