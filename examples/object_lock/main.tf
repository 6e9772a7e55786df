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

  profiles = [
    {
      name       = "ledger"
      match_tags = [{ dr = "ledger" }]

      # The twin is locked even where the source is not, and keeps every version for the same time, whatever the
      # source's own default is.
      object_lock = {
        always    = true
        retention = { mode = "GOVERNANCE", days = var.retention_days }
      }
    },
    # Without object_lock, the twin of a locked bucket is locked and takes over the source's default retention.
    {
      name       = "standard"
      match_tags = [{ dr = "true" }]
    },
  ]
}
