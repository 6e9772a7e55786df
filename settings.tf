# What the functions are told: how they run, and the environment they read.

locals {
  replication_time_control = !anytrue([
    for place in local.places : contains(var.regions_without_replication_time_control, place.region)
  ])
  usual_overrides = toset(["metrics", "replication_time_control", "storage_class"])
  # No tag of a bucket may ask for what its regions do not have.
  overrides_not_offered = local.replication_time_control ? [] : ["replication_time_control"]

  usual_clone = toset(["cors", "intelligent_tiering", "lifecycle", "metrics", "tags"])

  # Lambda has 4 KB for all of the environment: what is at its default stays out.
  profiles = [for profile in var.profiles : { for key, value in {
    name       = profile.name
    match_tags = profile.match_tags

    annotations    = profile.annotations ? null : false
    clone          = profile.clone == local.usual_clone ? null : sort(profile.clone)
    delete_markers = profile.delete_markers ? null : false

    existing_objects       = profile.existing_objects == "replicate" ? null : profile.existing_objects
    existing_objects_limit = profile.existing_objects_limit
    filter = profile.filter.prefix == "" && length(profile.filter.tags) == 0 ? null : {
      for key, value in {
        prefix = profile.filter.prefix == "" ? null : profile.filter.prefix
        tags   = length(profile.filter.tags) == 0 ? null : profile.filter.tags
      } : key => value if value != null
    }
    kms_key_arn                        = profile.kms_key_arn
    lifecycle                          = profile.lifecycle == "safe" ? null : profile.lifecycle
    metrics                            = profile.metrics
    noncurrent_version_expiration_days = profile.noncurrent_version_expiration_days
    object_lock = !profile.object_lock.always && profile.object_lock.retention == null ? null : {
      for key, value in {
        always = profile.object_lock.always ? true : null
        retention = profile.object_lock.retention == null ? null : {
          for key, value in profile.object_lock.retention : key => value if value != null
        }
      } : key => value if value != null
    }
    on_drift                = profile.on_drift == "report" ? null : profile.on_drift
    on_foreign_role         = profile.on_foreign_role == "block" ? null : profile.on_foreign_role
    on_mfa_delete           = profile.on_mfa_delete == "block" ? null : profile.on_mfa_delete
    on_suspended_versioning = profile.on_suspended_versioning == "block" ? null : profile.on_suspended_versioning
    on_untag                = profile.on_untag == "disable" ? null : profile.on_untag
    overrides = local.replication_time_control && profile.overrides == local.usual_overrides ? null : sort(
      setsubtract(profile.overrides, local.overrides_not_offered)
    )
    replica_modifications    = profile.replica_modifications ? true : null
    replication_time_control = profile.replication_time_control ? true : null
    storage_class            = profile.storage_class
  } : key => value if value != null }]

  # With the roles as which they look at the other account: nothing that is cloned may lock those out.
  own_role_arns = concat(
    [for function in local.functions : function.role_arn],
    local.two_accounts ? [for reader in local.reader_roles : reader.arn] : [],
  )

  # Only where something is translated, and only for the function that clones.
  translations = length(var.translations) > 0 ? { TRANSLATIONS = jsonencode(var.translations) } : {}

  # All of it is known in the plan.
  environment = { for key, value in {
    BATCH_ROLE_ARN       = local.batch_role.arn
    DR_ACCOUNT_ID        = local.dr.account_id
    DR_BUCKET_NAMESPACE  = var.dr_bucket_namespace
    DR_BUCKET_PREFIX     = var.dr_bucket_prefix
    DR_BUCKET_SUFFIX     = var.dr_bucket_suffix
    DR_KEY_ARN           = var.kms.dr_key_arn == null ? "" : var.kms.dr_key_arn
    DR_REGION            = local.dr.region
    FOREIGN_ROLE_ARNS    = join(",", var.foreign_role_arns)
    LOG_LEVEL            = var.log_level
    MODULE_NAME          = var.name
    OWN_ROLE_ARNS        = join(",", local.own_role_arns)
    PARTITION            = local.source.partition
    PROFILES             = jsonencode(local.profiles)
    REPLICATION_ROLE_ARN = local.replication_role.arn
    REPORTS_BUCKET       = local.reports.name
    SOURCE_ACCOUNT_ID    = local.source.account_id
    SOURCE_KEY_ARNS      = var.kms.source_key_arns == null ? "" : join(",", var.kms.source_key_arns)
    SOURCE_REGION        = local.source.region
    TOPIC_01_ARN         = local.topics.topic_01.arn
    TOPIC_02_ARN         = local.topics.topic_02.arn
  } : key => value if value != "" }

  # In the other account each function reads with the one role that it needs there.
  source_reader = local.two_accounts ? { SOURCE_READER_ROLE_ARN = local.reader_roles.source.arn } : {}
  twin_reader   = local.two_accounts ? { TWIN_READER_ROLE_ARN = local.reader_roles.twin.arn } : {}

  # Either of two functions may give a job its turn, and turns the schedule on.
  queue = {
    ACTIVE_JOBS = tostring(var.backfill.active_jobs)
    JOBS_RULE   = local.rules.jobs.name
  }

  # What only one function is told.
  own_environment = {
    source_bucket_check = local.twin_reader
    destination_bucket_check = merge(
      local.source_reader,
      local.translations,
      # Such a key lets S3 in where that is needed; of another nobody knows.
      var.kms.create_dr_key ? { DR_KEY_IS_MADE = "true" } : {},
    )
    enable_replication = merge(local.twin_reader, local.queue, {
      FIRST_JOB_DELAY_SECONDS = tostring(var.backfill.first_job_delay_seconds)
    })
    sweep = merge(local.twin_reader, local.queue, {
      ENABLE_REPLICATION_ARN   = local.functions.enable_replication.function_arn
      SWEEP_BUCKETS_PER_SECOND = tostring(var.sweep.buckets_per_second)
    })
  }

  package = coalesce(var.package, "${path.module}/lambda/dist/s3_dr.zip")

  function_settings = { for key, own in local.own_environment : key => merge(var.function, {
    log_level          = var.log_level
    log_retention_days = var.log_retention_days
    package            = local.package
    tags               = var.tags
    # One sweep looks at every bucket there is, at the pace that it is told.
    timeout_seconds = key == "sweep" ? 900 : var.function.timeout_seconds

    # A created key's ARN is the one value that only the apply knows. It is put in without being looked at: a
    # filter over it would leave the whole environment unknown.
    environment = merge(
      local.environment,
      var.kms.create_dr_key ? { DR_KEY_ARN = one(module.dr_key[*].arn) } : {},
      own,
    )
  }) }

  # A created key's ARN is as long as its place and a UUID.
  created_key = var.kms.create_dr_key ? { DR_KEY_ARN = replace(local.any_key.dr, "*", uuidv5("dns", "s3-dr")) } : {}

  # Lambda counts the environment as JSON, in which what is JSON already has a backslash before each quote.
  # https://github.com/github-aws-runners/terraform-aws-github-runner/issues/3594
  #
  # Base64 turns each three bytes into four characters, so its length counts bytes where length() counts characters.
  bytes = { for key, text in merge(
    { for key, own in local.own_environment : "of_${key}" => jsonencode(
      merge(local.environment, local.created_key, own)
    ) },
    { for key, text in {
      foreign_role_arns = lookup(local.environment, "FOREIGN_ROLE_ARNS", "")
      paths = join("", [
        for number in range(length(local.own_role_arns) + (local.two_accounts ? 3 : 2)) : trimprefix(var.iam.path, "/")
      ])
      profiles        = local.environment.PROFILES
      source_key_arns = lookup(local.environment, "SOURCE_KEY_ARNS", "")
      translations    = lookup(local.translations, "TRANSLATIONS", "")
    } : key => trim(jsonencode(text), "\"") },
  ) : key => floor(length(replace(base64encode(text), "=", "")) * 3 / 4) }
  environment_bytes = max([for key in keys(local.own_environment) : local.bytes["of_${key}"]]...)
}
