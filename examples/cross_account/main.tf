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

  # Replicas of what KMS encrypts need a key of the DR account: S3 cannot use the one it manages itself there.
  kms = { create_dr_key = true }
}
