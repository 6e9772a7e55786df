provider "aws" {
  alias  = "source"
  region = var.source_region
}

provider "aws" {
  alias  = "dr"
  region = var.dr_region
}

module "s3_dr" {
  source = "../.."

  providers = {
    aws.source = aws.source
    aws.dr     = aws.dr
  }

  # Replicas of what KMS encrypts in the source are encrypted with this key. To use one that you have, give
  # kms = { dr_key_arn = "arn:aws:kms:…:key/…" } instead. Which keys of the source may be used to read is narrowed
  # with source_key_arns.
  kms = { create_dr_key = true }
}
