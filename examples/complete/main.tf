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

  # Every tagged bucket and every twin is checked again twice a day: at most ten checks are asked for in a second.
  sweep = {
    buckets_per_second = 10
    schedule           = "cron(0 5,17 * * ? *)"
  }

  # Reports on what could not be copied are kept for two years, in a bucket that the module makes and that goes with it.
  reports = { retention_days = 730 }

  # Who is told of what failed or was blocked. An alarm tells nobody outside its region.
  alarms = { actions = var.alarm_actions }

  # Log buckets, topics, VPC endpoints and keys belong to one region. What a source names is given its twin under the
  # name that stands here; what is not here is left out of what is cloned, and the report says so.
  translations = var.translations

  # A bucket follows the first profile that its tags match.
  profiles = [
    {
      name       = "critical"
      match_tags = [{ dr = "critical" }]

      # S3 promises 15 minutes and reports in metrics when it is late. Both cost extra.
      replication_time_control = true

      # No tag of a bucket changes anything here, and nobody the twin: what was cloned and then changed by hand is put
      # back at the next check. "report", which is usual, only says so.
      on_drift  = "restore"
      overrides = []

      # Objects that were there before are copied too, as everywhere where nothing is said. For more than a million of
      # them somebody has to say yes first.
      existing_objects_limit = 1000000
    },
    {
      name       = "archive"
      match_tags = [{ dr = "archive" }]

      # Cheaper to keep, dearer to read. What is deleted in the source stays visible in the twin.
      delete_markers = false
      storage_class  = "GLACIER_IR"

      # What was overwritten is kept for 90 days in the twin, whatever is done in the source. Lifecycle rules of the
      # source come over without what they delete: replicas have the age of their originals and would go with them.
      noncurrent_version_expiration_days = 90

      # A bucket may ask for another class, by the tag s3-dr:storage-class, and for nothing else.
      overrides = ["storage_class"]

      # The tag says that it is to be copied, and nothing says stop: taking it away changes nothing.
      on_untag = "keep"
    },
    {
      name       = "reports"
      match_tags = [{ dr = "reports" }]

      # Somewhere to read reports, and not a second bucket of its kind: nothing of how the source is set up is cloned.
      clone = []

      # Only such objects are copied. Under a filter by tags S3 copies no delete markers.
      delete_markers = false

      # What others note on the objects stays with their originals.
      annotations = false

      # What was there before is counted, so that somebody can decide, and not copied.
      existing_objects = "report"
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

      # When the tag goes, our rule leaves the configuration, which others have rules in. Usually it is only disabled.
      on_untag        = "remove"
      on_foreign_role = length(var.foreign_role_arns) > 0 ? "use" : "block"
    },
    {
      name       = "inherited"
      match_tags = [{ dr = "inherited" }]

      # Whatever is there already was copied by hand.
      existing_objects = "ignore"

      # Somebody once turned versioning off, or protected it with MFA: go on all the same.
      on_mfa_delete           = "allow"
      on_suspended_versioning = "enable"
    },
    {
      name       = "standby"
      match_tags = [{ dr = "standby" }]

      # The twin is to serve when the source cannot, so it gets everything that can be cloned. With "policy" and "acl",
      # whoever is let into a source is let into its twin.
      clone = [
        "abac", "accelerate", "acl", "analytics", "cors", "intelligent_tiering", "inventory", "lifecycle", "logging",
        "metrics", "notifications", "ownership", "policy", "request_payment", "tags", "website",
      ]

      # Lifecycle rules with what they delete: the twin forgets when the source forgets.
      lifecycle = "full"
    },
    # Where nothing is said, cors, intelligent_tiering, lifecycle, metrics and tags are cloned.
    {
      name       = "standard"
      match_tags = [{ dr = "true" }]
    },
  ]
}
