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

  # How a twin is called: <prefix><bucket><suffix>. Names are shared by all AWS accounts, so somebody may have taken
  # one. Names of the account's own namespace, which end in its number and the region, nobody else can have:
  # dr_bucket_namespace = "account-regional"
  # dr_bucket_prefix    = "dr-"
  dr_bucket_suffix = "-dr"

  # Other replication rules on a bucket name one role for all of them. Where a profile says "use", ours joins them
  # under a role of this list.
  foreign_role_arns = var.foreign_role_arns

  log_level          = "INFO"
  log_retention_days = 90
  tags               = { application = "s3-dr" }

  # A bucket follows the first profile that its tags match.
  profiles = [
    {
      name       = "critical"
      match_tags = [{ dr = "critical" }]

      # S3 promises 15 minutes and reports in metrics when it is late. Both cost extra.
      replication_time_control = true

      # No tag of a bucket changes anything here.
      overrides = []
    },
    {
      name       = "archive"
      match_tags = [{ dr = "archive" }]

      # Cheaper to keep, dearer to read. What is deleted in the source stays visible in the twin.
      delete_markers = false
      storage_class  = "GLACIER_IR"

      # A bucket may ask for another class, by the tag s3-dr:storage-class, and for nothing else.
      overrides = ["storage_class"]
    },
    {
      name       = "reports"
      match_tags = [{ dr = "reports" }]

      # Only such objects are copied. Under a filter by tags S3 copies no delete markers.
      delete_markers = false
      filter = {
        prefix = "reports/"
        tags   = { keep = "yes" }
      }
    },
    {
      name       = "shared"
      match_tags = [{ dr = "shared" }]

      # Where a rule of yours leads back from the twin, changes made to replicas are copied both ways.
      replica_modifications = true
      metrics               = true
      on_foreign_role       = length(var.foreign_role_arns) > 0 ? "use" : "block"
    },
    {
      name       = "inherited"
      match_tags = [{ dr = "inherited" }]

      # Somebody once turned versioning off, or protected it with MFA: go on all the same.
      on_mfa_delete           = "allow"
      on_suspended_versioning = "enable"
    },
    {
      name       = "standard"
      match_tags = [{ dr = "true" }]
    },
  ]
}
