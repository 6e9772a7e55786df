variable "profiles" {
  description = "Which buckets are protected, and how. A bucket follows the first profile one of whose match_tags sets it carries in full; keys and values are case-sensitive, as S3's are. object_lock.always makes every twin of the profile with Object Lock, which can never be turned off again: what is retained in COMPLIANCE mode nobody can delete, and it is paid for until its time is over. The README says what each setting does."
  type = list(object({
    name                   = string
    match_tags             = list(map(string))
    annotations            = optional(bool, true)
    clone                  = optional(set(string), ["cors", "intelligent_tiering", "lifecycle", "metrics", "tags"])
    delete_markers         = optional(bool, true)
    existing_objects       = optional(string, "replicate")
    existing_objects_limit = optional(number)
    filter = optional(object({
      prefix = optional(string, "")
      tags   = optional(map(string), {})
    }), {})
    kms_key_arn                        = optional(string)
    lifecycle                          = optional(string, "safe")
    metrics                            = optional(bool)
    noncurrent_version_expiration_days = optional(number)
    object_lock = optional(object({
      always = optional(bool, false)
      retention = optional(object({
        mode  = string
        days  = optional(number)
        years = optional(number)
      }))
    }), {})
    on_drift                 = optional(string, "report")
    on_foreign_role          = optional(string, "block")
    on_mfa_delete            = optional(string, "block")
    on_suspended_versioning  = optional(string, "block")
    on_untag                 = optional(string, "disable")
    overrides                = optional(set(string), ["metrics", "replication_time_control", "storage_class"])
    replica_modifications    = optional(bool, false)
    replication_time_control = optional(bool, false)
    storage_class            = optional(string)
  }))
  default = [{
    name       = "standard"
    match_tags = [{ dr = "true" }, { DR = "true" }]
  }]
  nullable = false

  validation {
    condition     = length(var.profiles) > 0
    error_message = "Give at least one profile: without one no bucket would ever be protected."
  }

  validation {
    condition     = alltrue([for profile in var.profiles : can(regex("^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$", profile.name))])
    error_message = "Give every profile a name of 1 to 64 letters, digits, hyphens and underscores that begins with a letter or digit."
  }

  validation {
    condition     = try(length(distinct(var.profiles[*].name)) == length(var.profiles), false)
    error_message = "Give every profile a name of its own."
  }

  validation {
    condition     = alltrue([for profile in var.profiles : try(length(profile.match_tags) > 0 && alltrue([for tags in profile.match_tags : length(tags) > 0]), false)])
    error_message = "Give every profile at least one match_tags set, and every set at least one tag: an empty set would match every bucket."
  }

  validation {
    condition     = alltrue([for profile in var.profiles : try(alltrue([for tags in profile.match_tags : length(tags) <= 50]), false)])
    error_message = "Put at most 50 tags in a match_tags set: a bucket cannot carry more."
  }

  validation {
    condition = alltrue([for profile in var.profiles : try(alltrue(flatten([for tags in profile.match_tags : [
      for key, value in tags : length(key) >= 1 && length(key) <= 128 && length(value) <= 256
    ]])), false)])
    error_message = "Give every tag in match_tags a key of 1 to 128 characters and a value of at most 256: no bucket can carry another."
  }

  # https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html
  validation {
    condition = alltrue(flatten([for profile in var.profiles : [
      for tags in concat(profile.match_tags, [profile.filter.tags]) : [
        for key, value in tags : try(can(regex("^[\\p{L}\\p{Z}\\p{N}_.:/=+@-]*$", "${key}${value}")), true)
      ]
    ]]))
    error_message = "Use nothing in match_tags and filter.tags but letters, digits, spaces and _ . : / = + - @: S3 takes no other characters in a tag."
  }

  validation {
    condition = alltrue([for profile in var.profiles : try(alltrue(flatten([for tags in profile.match_tags : [
      for key, value in tags : !startswith(lower(key), "aws:") && !startswith(key, "s3-dr:")
    ]])), false)])
    error_message = "Match other tags: keys beginning with aws: belong to AWS, and keys beginning with s3-dr: mark the twins, which must never match a profile."
  }

  validation {
    condition     = alltrue(flatten([for profile in var.profiles : [for name in profile.clone : try(contains(keys(local.properties), name), false)]]))
    error_message = "Put nothing in clone but ${join(", ", keys(local.properties))}: no other property can be cloned, and versioning, encryption, Object Lock and the public access block of a twin are always seen to."
  }

  validation {
    condition     = alltrue([for profile in var.profiles : contains(profile.clone, "acl") == contains(profile.clone, "ownership")])
    error_message = "Put acl and ownership in clone together: a twin whose ownership is not cloned has its ACLs turned off, and where ACLs count somebody has to look whom they let in."
  }

  validation {
    condition     = alltrue([for profile in var.profiles : contains(["replicate", "report", "ignore"], profile.existing_objects)])
    error_message = "Set existing_objects to \"replicate\", \"report\" or \"ignore\"."
  }

  validation {
    condition     = alltrue([for profile in var.profiles : try(profile.existing_objects_limit >= 0 && floor(profile.existing_objects_limit) == profile.existing_objects_limit, profile.existing_objects_limit == null)])
    error_message = "Set existing_objects_limit to a whole number of objects, 0 or more, or leave it out to have any number replicated without a question."
  }

  validation {
    condition     = alltrue([for profile in var.profiles : !profile.delete_markers || length(profile.filter.tags) == 0])
    error_message = "Set delete_markers = false in every profile with filter.tags: S3 replicates no delete markers under a rule that looks at tags."
  }

  validation {
    condition     = alltrue([for profile in var.profiles : length(profile.filter.tags) <= 10])
    error_message = "Put at most 10 tags in filter.tags: an object cannot carry more."
  }

  validation {
    condition = alltrue(flatten([for profile in var.profiles : [
      for key, value in profile.filter.tags : try(length(key) >= 1 && length(key) <= 128 && length(value) <= 256 && !startswith(lower(key), "aws:"), false)
    ]]))
    error_message = "Give every tag in filter.tags a key of 1 to 128 characters that does not begin with aws: and a value of at most 256 characters: no object can carry another."
  }

  # Base64 turns each three bytes into four characters, so its length counts bytes where length() counts characters.
  validation {
    condition     = alltrue([for profile in var.profiles : can(regex("^[^[:cntrl:]]*$", profile.filter.prefix))])
    error_message = "Take the control characters out of filter.prefix: XML, in which S3 is told the rule, has none."
  }

  validation {
    condition     = alltrue([for profile in var.profiles : length(replace(base64encode(profile.filter.prefix), "=", "")) * 3 / 4 < 1025])
    error_message = "Shorten filter.prefix to 1024 bytes: no object's key is longer."
  }

  validation {
    condition     = alltrue([for profile in var.profiles : profile.kms_key_arn == null || can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", profile.kms_key_arn))])
    error_message = "Give every profile's kms_key_arn as the ARN of a key, not of an alias, like \"arn:aws:kms:us-east-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab\"."
  }

  validation {
    condition     = alltrue([for profile in var.profiles : profile.kms_key_arn == null || try(startswith(profile.kms_key_arn, "arn:${data.aws_partition.dr.partition}:kms:${local.dr_region}:"), true)])
    error_message = "Name in a profile's kms_key_arn a key of the DR region, ${local.dr_region} in partition ${data.aws_partition.dr.partition}: S3 encrypts replicas where they are."
  }

  validation {
    condition     = data.aws_caller_identity.dr.account_id == data.aws_caller_identity.source.account_id || alltrue([for profile in var.profiles : profile.kms_key_arn == null || try(!strcontains(profile.kms_key_arn, ":${data.aws_caller_identity.source.account_id}:"), true)])
    error_message = "Name in a profile's kms_key_arn a key of another account than the source's, ${data.aws_caller_identity.source.account_id}: its owner could make every replica unreadable."
  }

  validation {
    condition     = alltrue([for profile in var.profiles : contains(["safe", "full"], profile.lifecycle)])
    error_message = "Set lifecycle to \"safe\", which clones no rule that deletes what is kept, or to \"full\"."
  }

  validation {
    condition     = alltrue([for profile in var.profiles : !(profile.replication_time_control && profile.metrics == false)])
    error_message = "Leave metrics out, or set it to true, in every profile with replication_time_control = true: S3 does not take one without the other."
  }

  validation {
    condition = !anytrue(var.profiles[*].replication_time_control) || !anytrue([
      for region in [local.source_region, local.dr_region] : contains(var.regions_without_replication_time_control, region)
    ])
    error_message = "Leave replication_time_control out of every profile: it is not offered from ${local.source_region} to ${local.dr_region}, says regions_without_replication_time_control."
  }

  validation {
    condition     = alltrue([for profile in var.profiles : try(profile.noncurrent_version_expiration_days >= 1 && profile.noncurrent_version_expiration_days <= 2147483647 && floor(profile.noncurrent_version_expiration_days) == profile.noncurrent_version_expiration_days, profile.noncurrent_version_expiration_days == null)])
    error_message = "Set noncurrent_version_expiration_days to a whole number from 1 to 2147483647, or leave it out to keep every version: S3 takes no other."
  }

  validation {
    condition     = alltrue([for profile in var.profiles : profile.noncurrent_version_expiration_days == null || contains(profile.clone, "lifecycle")])
    error_message = "Put lifecycle in clone in every profile with noncurrent_version_expiration_days: otherwise the rules of its twins are left alone."
  }

  validation {
    condition     = alltrue([for profile in var.profiles : try(contains(["GOVERNANCE", "COMPLIANCE"], profile.object_lock.retention.mode), profile.object_lock.retention == null)])
    error_message = "Set object_lock.retention.mode to GOVERNANCE or COMPLIANCE."
  }

  validation {
    condition     = alltrue([for profile in var.profiles : profile.object_lock.retention == null || try((profile.object_lock.retention.days == null) != (profile.object_lock.retention.years == null), true)])
    error_message = "Give object_lock.retention either days or years: S3 takes exactly one of them."
  }

  validation {
    condition = alltrue([for profile in var.profiles : profile.object_lock.retention == null || try(alltrue([
      for given in [
        { value = profile.object_lock.retention.days, most = 36500 },
        { value = profile.object_lock.retention.years, most = 100 },
      ] : given.value >= 1 && given.value <= given.most && floor(given.value) == given.value if given.value != null
    ]), true)])
    error_message = "Set object_lock.retention.days to a whole number from 1 to 36500, or object_lock.retention.years to one from 1 to 100."
  }

  validation {
    condition     = alltrue([for profile in var.profiles : contains(["report", "restore"], profile.on_drift)])
    error_message = "Set on_drift to \"report\" or \"restore\"."
  }

  validation {
    condition     = alltrue([for profile in var.profiles : contains(["block", "use"], profile.on_foreign_role)])
    error_message = "Set on_foreign_role to \"block\" or \"use\"."
  }

  validation {
    condition     = length(var.foreign_role_arns) > 0 || !contains(var.profiles[*].on_foreign_role, "use")
    error_message = "Name in foreign_role_arns the roles that on_foreign_role = \"use\" is about: the module may use no other."
  }

  validation {
    condition     = alltrue([for profile in var.profiles : contains(["block", "allow"], profile.on_mfa_delete)])
    error_message = "Set on_mfa_delete to \"block\" or \"allow\"."
  }

  validation {
    condition     = alltrue([for profile in var.profiles : contains(["block", "enable"], profile.on_suspended_versioning)])
    error_message = "Set on_suspended_versioning to \"block\" or \"enable\"."
  }

  validation {
    condition     = alltrue([for profile in var.profiles : contains(["disable", "remove", "keep"], profile.on_untag)])
    error_message = "Set on_untag to \"disable\", \"remove\" or \"keep\"."
  }

  validation {
    condition     = alltrue(flatten([for profile in var.profiles : [for name in profile.overrides : try(contains(["delete_markers", "metrics", "replication_time_control", "storage_class"], name), false)]]))
    error_message = "Put nothing in overrides but \"delete_markers\", \"metrics\", \"replication_time_control\" and \"storage_class\": a bucket's tags can override no other setting."
  }

  validation {
    condition     = alltrue([for profile in var.profiles : profile.storage_class == null || try(contains(["STANDARD", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE"], profile.storage_class), false)])
    error_message = "Set storage_class to STANDARD, STANDARD_IA, ONEZONE_IA, INTELLIGENT_TIERING, GLACIER_IR, GLACIER or DEEP_ARCHIVE, or leave it out to keep each object's own."
  }
}
