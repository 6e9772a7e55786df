# What of a bucket can be cloned onto its twin, and what each property takes.

locals {
  # events: the calls, by CloudTrail's names, after which a source is checked again. reads: what may be read of sources
  # and of twins. writes: what may be done to twins. lambda/s3_dr has the same names.
  properties = {
    ownership = {
      events = ["PutBucketOwnershipControls", "DeleteBucketOwnershipControls"]
      reads  = ["s3:GetBucketOwnershipControls"]
      writes = ["s3:PutBucketOwnershipControls"]
    }
    tags = {
      events = ["PutBucketTagging", "DeleteBucketTagging", "TagResource", "UntagResource"]
      reads  = ["s3:GetBucketTagging"]
      writes = ["s3:TagResource", "s3:UntagResource"]
    }
    lifecycle = {
      events = ["PutBucketLifecycle", "DeleteBucketLifecycle"]
      reads  = ["s3:GetLifecycleConfiguration"]
      writes = ["s3:PutLifecycleConfiguration"]
    }
    cors = {
      events = ["PutBucketCors", "DeleteBucketCors"]
      reads  = ["s3:GetBucketCORS"]
      writes = ["s3:PutBucketCORS"]
    }
    website = {
      events = ["PutBucketWebsite", "DeleteBucketWebsite"]
      reads  = ["s3:GetBucketWebsite"]
      writes = ["s3:PutBucketWebsite", "s3:DeleteBucketWebsite"]
    }
    intelligent_tiering = {
      events = ["PutBucketIntelligentTieringConfiguration", "DeleteBucketIntelligentTieringConfiguration"]
      reads  = ["s3:GetIntelligentTieringConfiguration"]
      writes = ["s3:PutIntelligentTieringConfiguration"]
    }
    metrics = {
      events = ["PutBucketMetricsConfiguration", "DeleteBucketMetricsConfiguration"]
      reads  = ["s3:GetMetricsConfiguration"]
      writes = ["s3:PutMetricsConfiguration"]
    }
    analytics = {
      events = ["PutBucketAnalyticsConfiguration", "DeleteBucketAnalyticsConfiguration"]
      reads  = ["s3:GetAnalyticsConfiguration"]
      writes = ["s3:PutAnalyticsConfiguration"]
    }
    inventory = {
      events = ["PutBucketInventoryConfiguration", "DeleteBucketInventoryConfiguration"]
      reads  = ["s3:GetInventoryConfiguration"]
      writes = ["s3:PutInventoryConfiguration"]
    }
    logging = {
      events = ["PutBucketLogging"]
      reads  = ["s3:GetBucketLogging"]
      writes = ["s3:PutBucketLogging"]
    }
    notifications = {
      events = ["PutBucketNotification"]
      reads  = ["s3:GetBucketNotification"]
      writes = ["s3:PutBucketNotification"]
    }
    request_payment = {
      events = ["PutBucketRequestPayment"]
      reads  = ["s3:GetBucketRequestPayment"]
      writes = ["s3:PutBucketRequestPayment"]
    }
    accelerate = {
      events = ["PutAccelerateConfiguration"]
      reads  = ["s3:GetAccelerateConfiguration"]
      writes = ["s3:PutAccelerateConfiguration"]
    }
    abac = {
      events = ["PutBucketAbac"]
      reads  = ["s3:GetBucketAbac"]
      writes = ["s3:PutBucketAbac"]
    }
    acl = {
      events = ["PutBucketAcl"]
      reads  = ["s3:GetBucketAcl"]
      writes = ["s3:PutBucketAcl"]
    }
    policy = {
      events = ["PutBucketPolicy", "DeleteBucketPolicy"]
      reads  = ["s3:GetBucketPolicy"]
      writes = ["s3:PutBucketPolicy"]
    }
  }

  # One role clones for all profiles, so what it may do is what any of them asks for, and nothing where none does.
  cloned = sort(distinct(flatten([for profile in var.profiles : tolist(profile.clone)])))
  cloning = {
    for key in ["events", "reads", "writes"] : key => sort(distinct(flatten([
      for name, property in local.properties : property[key] if contains(local.cloned, name)
    ])))
  }

  # Ownership and policy are written on every twin anyway, and tags have a statement of their own.
  cloned_onto_twins = setsubtract(local.cloning.writes, concat(
    local.properties.ownership.writes,
    local.properties.policy.writes,
    local.properties.tags.writes,
  ))
  # Since when a twin lives, and what was written last, is remembered in tags of the twin.
  marks = concat(
    length(local.cloned) > 0 ? ["s3-dr:cloned"] : [],
    ["s3-dr:life", "s3-dr:managed-by", "s3-dr:source-bucket"],
  )
}
