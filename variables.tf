variable "alarms" {
  description = "CloudWatch alarms in each of the two regions: on anything in the failure queue, and on buckets that were blocked or whose check failed, which the log does not say with log_level = \"ERROR\". actions are ARNs of what is told, such as SNS topics, each in the region of its alarms; without any, the alarms only show."
  type = object({
    actions = optional(object({
      dr     = optional(list(string), [])
      source = optional(list(string), [])
    }), {})
    enabled = optional(bool, true)
  })
  default  = {}
  nullable = false

  validation {
    condition     = length(var.alarms.actions.dr) <= 5 && length(var.alarms.actions.source) <= 5
    error_message = "Give at most five alarms.actions.source and five alarms.actions.dr: CloudWatch takes no more."
  }

  # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
  validation {
    condition = alltrue([
      for arn in concat(var.alarms.actions.dr, var.alarms.actions.source) : length(coalesce(arn, " ")) <= 1024 && can(regex(join("", [
        "^arn:[a-z-]+:(",
        join("|", [
          "automate:[a-z0-9-]+:ec2:(reboot|recover|stop|terminate)",
          "aiops:[a-z0-9-]+:[0-9]{12}:investigation-group:[!-~]+",
          "autoscaling:[a-z0-9-]+:[0-9]{12}:scalingPolicy:[^[:cntrl:]]+",
          "lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_-]+(:([A-Za-z0-9_-]+|\\$LATEST))?",
          "sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+(\\.fifo)?",
          "ssm:[a-z0-9-]+:[0-9]{12}:opsitem:[1-4](#CATEGORY=[A-Za-z]+)?",
          "ssm-incidents::[0-9]{12}:responseplan/[A-Za-z0-9_-]+",
          "swf:[a-z0-9-]+:[0-9]{12}:action/actions/AWS_EC2\\.InstanceId\\.(Reboot|Recover|Stop|Terminate)/1\\.0",
        ]),
        ")$",
      ]), arn))
    ])
    error_message = "Give every one of alarms.actions as an ARN that an alarm can act on: of an SNS topic, a Lambda function, an OpsItem, a response plan, an investigation group, a scaling policy or an EC2 action, like \"arn:aws:sns:us-west-2:111122223333:on-call\" or \"arn:aws:ssm-incidents::111122223333:responseplan/buckets\"."
  }

  validation {
    condition = alltrue(flatten([
      for place in [
        { actions = var.alarms.actions.dr, region = local.dr_region },
        { actions = var.alarms.actions.source, region = local.source_region },
      ] : [for arn in place.actions : try(contains(["", place.region], split(":", arn)[3]), true)]
    ]))
    error_message = "Name in alarms.actions.source what is in ${local.source_region}, and in alarms.actions.dr what is in ${local.dr_region}: an alarm tells nobody outside its region."
  }
}

variable "backfill" {
  description = "How existing objects are copied. active_jobs is how many of the module's Batch Replication jobs are at work at once, of all its installations in the account and region together; the others wait in a queue. If installations have different values, the larger one counts. S3 works on six for each account, whoever started them: 5 leave one place to other jobs, 6 leave none. first_job_delay_seconds is how long a job waits after the replication rule was put, the first job of a bucket and every one after a later put: what is written while the rule spreads through S3 is copied by that job too, and needs no second one."
  type = object({
    active_jobs             = optional(number, 4)
    first_job_delay_seconds = optional(number, 900)
  })
  default  = {}
  nullable = false

  # https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops.html
  validation {
    condition     = var.backfill.active_jobs >= 1 && var.backfill.active_jobs <= 6 && floor(var.backfill.active_jobs) == var.backfill.active_jobs
    error_message = "Set backfill.active_jobs to a whole number from 1 to 6: S3 works on six Batch Replication jobs of an account at once."
  }

  validation {
    condition     = var.backfill.first_job_delay_seconds >= 0 && var.backfill.first_job_delay_seconds <= 3600 && floor(var.backfill.first_job_delay_seconds) == var.backfill.first_job_delay_seconds
    error_message = "Set backfill.first_job_delay_seconds to a whole number from 0 to 3600."
  }
}

variable "create_trail" {
  description = "Whether to make a CloudTrail trail in the source region that logs the calls that change something, into the reports bucket. Without any trail that logs management events EventBridge never hears of a call; the first one of an account is free, so look first whether there is one."
  type        = bool
  default     = false
  nullable    = false

  validation {
    condition     = !(var.create_trail && var.reports.bucket != null)
    error_message = "Leave create_trail or reports.bucket out: the trail logs into the bucket that the module makes, and nothing of a bucket of yours is changed to let it in."
  }

  validation {
    condition     = !(var.create_trail && strcontains(var.name, "--"))
    error_message = "Give a name without two hyphens side by side, or leave create_trail out: the trail would be called ${var.name}, and CloudTrail takes no such name."
  }
}

variable "dr_bucket_namespace" {
  description = "Where the twins' names are taken from: \"global\", which all AWS accounts share, or \"account-regional\", whose names end in the DR account and region and can be nobody else's."
  type        = string
  default     = "global"
  nullable    = false

  validation {
    condition     = contains(["global", "account-regional"], var.dr_bucket_namespace)
    error_message = "Set dr_bucket_namespace to \"global\" or \"account-regional\"."
  }

  validation {
    condition     = var.dr_bucket_namespace != "account-regional" || !contains(["me-south-1", "me-central-1"], local.dr_region)
    error_message = "Leave dr_bucket_namespace at \"global\", or give aws.dr another region: ${local.dr_region} has no account-regional namespace."
  }
}

variable "dr_bucket_prefix" {
  description = "What is put before a bucket's name to name its twin, ending in a hyphen. In the DR region only buckets whose names begin so are created and changed."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^([a-z0-9][a-z0-9-]*-)?$", var.dr_bucket_prefix))
    error_message = "Give a dr_bucket_prefix of lower-case letters, digits and hyphens that begins with a letter or digit and ends in a hyphen, like \"dr-\", or leave it out."
  }

  validation {
    condition = var.dr_bucket_prefix == "" || alltrue([
      for reserved in ["xn--", "sthree-", "amzn-s3-demo-"] :
      !startswith(var.dr_bucket_prefix, reserved) && !startswith(reserved, var.dr_bucket_prefix)
    ])
    error_message = "Choose another dr_bucket_prefix: S3 keeps bucket names beginning with xn--, sthree- or amzn-s3-demo- for itself."
  }

  # The rest has to hold a name that was cut, and a hash of it; the account-regional ending takes up to 31 characters.
  validation {
    condition     = length("${var.dr_bucket_prefix}${var.dr_bucket_suffix}") <= (var.dr_bucket_namespace == "account-regional" ? 16 : 20)
    error_message = "Shorten dr_bucket_prefix and dr_bucket_suffix to 20 characters together, or to 16 in the account-regional namespace: a bucket's name has 63."
  }
}

variable "dr_bucket_suffix" {
  description = "What is put after a bucket's name to name its twin in the DR region. In the DR region only buckets whose names end so are created and changed."
  type        = string
  default     = "-dr"
  nullable    = false

  validation {
    condition     = can(regex("^-[a-z0-9-]*[a-z0-9]$", var.dr_bucket_suffix)) && length(var.dr_bucket_suffix) <= 20
    error_message = "Give a dr_bucket_suffix of at most 20 characters that begins with a hyphen, goes on in lower-case letters, digits and hyphens, and ends in a letter or digit, like \"-dr\"."
  }

  # A reserved ending can also arise from the suffix and what stands before it. Account-regional names have another end.
  validation {
    condition = var.dr_bucket_namespace == "account-regional" || alltrue([
      for reserved in ["-an", "-s3alias", "--ol-s3", "--x-s3", "--table-s3"] :
      !endswith(var.dr_bucket_suffix, reserved) && !endswith(reserved, var.dr_bucket_suffix)
    ])
    error_message = "Choose another dr_bucket_suffix: S3 keeps bucket names ending in -an, -s3alias, --ol-s3, --x-s3 or --table-s3 for itself."
  }
}

variable "foreign_role_arns" {
  description = "ARNs of roles of replication configurations that are not the module's. Where a profile sets on_foreign_role = \"use\", its rule may be put into a configuration with such a role. The role needs the replication_role output's policy too."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.foreign_role_arns : can(regex("^arn:[a-z-]+:iam::[0-9]{12}:role/([!-#%-)+->@-~]+/)?[A-Za-z0-9_+=,.@-]{1,64}$", arn))])
    error_message = "Give every one of foreign_role_arns as the ARN of one role, without *, ? and $ in its path, like \"arn:aws:iam::111122223333:role/replication\"."
  }

  validation {
    condition     = alltrue([for arn in var.foreign_role_arns : startswith(arn, "arn:${data.aws_partition.source.partition}:iam::${data.aws_caller_identity.source.account_id}:")])
    error_message = "Name in foreign_role_arns roles of the source account, ${data.aws_caller_identity.source.account_id}, only: S3 replicates with a role of the bucket's own account."
  }
}

variable "function" {
  description = "How the functions run: processor architecture, memory, Python runtime (python3.12 or later; the AWS provider has to know it, and 5.100 knows none after python3.13), time-out (the sweep always has 900 seconds) and, if it is given, how many runs of each there may be at once; what comes beyond that waits in Lambda's queue."
  type = object({
    architecture         = optional(string, "arm64")
    memory_mb            = optional(number, 512)
    reserved_concurrency = optional(number)
    runtime              = optional(string, "python3.13")
    timeout_seconds      = optional(number, 120)
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains(["arm64", "x86_64"], var.function.architecture)
    error_message = "Set function.architecture to \"arm64\" or \"x86_64\"."
  }

  validation {
    condition     = var.function.memory_mb >= 128 && var.function.memory_mb <= 10240 && floor(var.function.memory_mb) == var.function.memory_mb
    error_message = "Set function.memory_mb to a whole number from 128 to 10240."
  }

  validation {
    condition     = var.function.reserved_concurrency == null || try(var.function.reserved_concurrency >= 2 && floor(var.function.reserved_concurrency) == var.function.reserved_concurrency, false)
    error_message = "Set function.reserved_concurrency to a whole number from 2, or leave it out to share the account's: none at all would stop the functions."
  }

  validation {
    condition     = can(regex("^python3\\.(1[2-9]|[2-9][0-9])$", var.function.runtime))
    error_message = "Set function.runtime to \"python3.12\" or a later Python that your AWS provider knows."
  }

  validation {
    condition     = var.function.timeout_seconds >= 30 && var.function.timeout_seconds <= 900 && floor(var.function.timeout_seconds) == var.function.timeout_seconds
    error_message = "Set function.timeout_seconds to a whole number from 30 to 900: below 30 a function has no time to repeat a call that S3 throttled."
  }
}

variable "iam" {
  description = "What every role that the module makes has besides its name, in either account: a path, and a permissions boundary. permissions_boundary_arn names a managed policy of the source account, or one of AWS's; dr_permissions_boundary_arn names one for the roles of the DR region, and is needed where that is another account's. A boundary has to allow what the roles need, and without iam they have none."
  type = object({
    dr_permissions_boundary_arn = optional(string)
    path                        = optional(string, "/")
    permissions_boundary_arn    = optional(string)
  })
  default  = {}
  nullable = false

  # https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
  validation {
    condition     = can(regex("^/([!-~]+/)?$", var.iam.path)) && length(var.iam.path) <= 512
    error_message = "Give iam.path as IAM takes it, of at most 512 characters and with a slash at both ends, like \"/platform/\"."
  }

  # https://docs.aws.amazon.com/IAM/latest/UserGuide/using-service-linked-roles.html
  validation {
    condition     = !can(regex("^/(aws-reserved|aws-service-role)/", var.iam.path))
    error_message = "Choose another iam.path: /aws-service-role/ and /aws-reserved/ are for roles that AWS makes."
  }

  # The roles' ARNs are in policies.
  validation {
    condition     = !can(regex("[*?$]", var.iam.path))
    error_message = "Take the characters *, ? and $ out of iam.path: in the policies that name the roles they would stand for others too."
  }

  validation {
    condition = alltrue([
      for arn in [var.iam.dr_permissions_boundary_arn, var.iam.permissions_boundary_arn] :
      arn == null || can(regex("^arn:[a-z-]+:iam::([0-9]{12}|aws):policy/([!-~]+/)?[A-Za-z0-9_+=,.@-]+$", arn))
    ])
    error_message = "Give iam.permissions_boundary_arn and iam.dr_permissions_boundary_arn as the ARN of a managed policy, like \"arn:aws:iam::111122223333:policy/boundary\"."
  }

  validation {
    condition = alltrue([
      for each in [
        { arn = var.iam.dr_permissions_boundary_arn, account_id = data.aws_caller_identity.dr.account_id },
        { arn = var.iam.permissions_boundary_arn, account_id = data.aws_caller_identity.source.account_id },
      ] : each.arn == null || try(contains([each.account_id, "aws"], split(":", each.arn)[4]) && split(":", each.arn)[1] == data.aws_partition.source.partition, true)
    ])
    error_message = "Name in iam.permissions_boundary_arn a policy of the source account, ${data.aws_caller_identity.source.account_id}, and in iam.dr_permissions_boundary_arn one of the DR account, ${data.aws_caller_identity.dr.account_id}, or one that AWS manages, in partition ${data.aws_partition.source.partition}: IAM takes no other for a boundary."
  }

  validation {
    condition = (
      data.aws_caller_identity.source.account_id == data.aws_caller_identity.dr.account_id || var.iam.permissions_boundary_arn == null ||
      try(strcontains(var.iam.permissions_boundary_arn, ":iam::aws:"), false) || var.iam.dr_permissions_boundary_arn != null
    )
    error_message = "Give iam.dr_permissions_boundary_arn too: a boundary of the source account is none for the roles of account ${data.aws_caller_identity.dr.account_id}, which would have none."
  }
}

variable "kms" {
  description = "Keys for objects that are encrypted with KMS. dr_key_arn names the key of the DR region that encrypts their replicas, and create_dr_key makes one; without either, and without a key of the profile, a bucket that is encrypted with KMS is blocked. former_dr_key_arns are keys that rules of buckets may still name after a change of key: keep each there until all those buckets have been checked. source_key_arns are the keys of the source region that may be used to read; null means any of the source account."
  type = object({
    create_dr_key      = optional(bool, false)
    dr_key_arn         = optional(string)
    former_dr_key_arns = optional(set(string), [])
    source_key_arns    = optional(set(string))
  })
  default  = {}
  nullable = false

  validation {
    condition     = !(var.kms.create_dr_key && var.kms.dr_key_arn != null)
    error_message = "Set kms.create_dr_key or kms.dr_key_arn, not both: one key encrypts the replicas."
  }

  validation {
    condition     = var.kms.dr_key_arn == null || can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.kms.dr_key_arn))
    error_message = "Give kms.dr_key_arn as the ARN of a key, not of an alias, like \"arn:aws:kms:us-east-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab\"."
  }

  validation {
    condition     = var.kms.dr_key_arn == null || try(startswith(var.kms.dr_key_arn, "arn:${data.aws_partition.dr.partition}:kms:${local.dr_region}:"), true)
    error_message = "Name in kms.dr_key_arn a key of the DR region, ${local.dr_region} in partition ${data.aws_partition.dr.partition}: S3 encrypts replicas where they are."
  }

  # Whoever owns the source could turn the key off, and with it every replica.
  validation {
    condition     = var.kms.dr_key_arn == null || data.aws_caller_identity.dr.account_id == data.aws_caller_identity.source.account_id || try(!strcontains(var.kms.dr_key_arn, ":${data.aws_caller_identity.source.account_id}:"), true)
    error_message = "Name in kms.dr_key_arn a key of another account than the source's, ${data.aws_caller_identity.source.account_id}: its owner could make every replica unreadable."
  }

  validation {
    condition     = try(alltrue([for arn in var.kms.former_dr_key_arns : can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", arn)) && startswith(arn, "arn:${data.aws_partition.dr.partition}:kms:${local.dr_region}:")]), true)
    error_message = "Give every one of kms.former_dr_key_arns as the ARN of a key of the DR region, ${local.dr_region} in partition ${data.aws_partition.dr.partition}, and not of an alias."
  }

  validation {
    condition     = var.kms.source_key_arns == null || try(length(var.kms.source_key_arns) > 0, true)
    error_message = "Give kms.source_key_arns at least one key, or leave it out to allow every key of the source account in the source region."
  }

  validation {
    condition     = var.kms.source_key_arns == null || try(alltrue([for arn in var.kms.source_key_arns : can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", arn))]), true)
    error_message = "Give every one of kms.source_key_arns as the ARN of a key, not of an alias, like \"arn:aws:kms:us-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab\"."
  }

  validation {
    condition     = var.kms.source_key_arns == null || try(alltrue([for arn in var.kms.source_key_arns : startswith(arn, "arn:${data.aws_partition.source.partition}:kms:${local.source_region}:")]), true)
    error_message = "Name in kms.source_key_arns keys of the source region, ${local.source_region} in partition ${data.aws_partition.source.partition}, only: S3 decrypts objects where they are."
  }

  validation {
    condition     = var.kms.source_key_arns == null || var.kms.create_dr_key || var.kms.dr_key_arn != null || anytrue([for profile in var.profiles : profile.kms_key_arn != null])
    error_message = "Set kms.create_dr_key, kms.dr_key_arn or a profile's kms_key_arn beside kms.source_key_arns: what is decrypted in the source region needs a key of the DR region to be encrypted with."
  }
}

variable "layers" {
  description = "ARNs of layer versions for the functions in the source and in the DR region, such as a newer boto3. A layer belongs to one region: publish it in both."
  type = object({
    dr     = optional(list(string), [])
    source = optional(list(string), [])
  })
  default  = {}
  nullable = false

  validation {
    condition     = length(var.layers.dr) <= 5 && length(var.layers.source) <= 5
    error_message = "Give at most five layers.source and five layers.dr: Lambda takes no more."
  }

  validation {
    condition     = alltrue([for arn in concat(var.layers.dr, var.layers.source) : can(regex("^arn:[a-z-]+:lambda:[a-z0-9-]+:[0-9]{12}:layer:[A-Za-z0-9_-]+:[0-9]+$", arn))])
    error_message = "Give every layer as the ARN of one version, like \"arn:aws:lambda:us-west-2:111122223333:layer:boto3:1\"."
  }
}

variable "log_level" {
  description = "The least serious log record that the functions write."
  type        = string
  default     = "INFO"
  nullable    = false

  validation {
    condition     = contains(["DEBUG", "INFO", "WARN", "ERROR"], var.log_level)
    error_message = "Set log_level to DEBUG, INFO, WARN or ERROR."
  }
}

variable "log_retention_days" {
  description = "How many days CloudWatch keeps the functions' logs."
  type        = number
  default     = 365
  nullable    = false

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "Set log_retention_days to a number of days that CloudWatch offers: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653."
  }
}

variable "name" {
  description = "Begins the name of everything the module creates. Give each installation in an account its own: IAM role names carry it, and IAM knows no regions."
  type        = string
  default     = "s3-dr"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}[a-z0-9]$", var.name))
    error_message = "Give a name of 3 to 32 lower-case letters, digits and hyphens that begins with a letter and does not end in a hyphen."
  }
}

variable "package" {
  description = "Path of another zip with the functions' code. Null takes the one that comes with the module."
  type        = string
  default     = null

  validation {
    condition     = var.package == null || try(endswith(var.package, ".zip") && fileexists(var.package), false)
    error_message = "Give package the path of an existing .zip file, or leave it out to take the one that comes with the module."
  }
}

variable "regions_without_replication_time_control" {
  description = "Regions in which S3 has no replication time control. Where the source or the DR region is one of them, no profile and no bucket may ask for it."
  type        = set(string)
  default     = ["cn-north-1", "cn-northwest-1"]
  nullable    = false

  validation {
    condition     = alltrue([for region in var.regions_without_replication_time_control : can(regex("^[a-z]+(-[a-z]+)+-[0-9]+$", region))])
    error_message = "Give every one of regions_without_replication_time_control as a region's name, like \"cn-north-1\"."
  }
}

variable "reports" {
  description = "Where the reports of Batch Replication go, and what the functions remember of each bucket. bucket names one of your own, in the source account and region, of which nothing is changed and whose name the plan has to know; without it the module makes one, and deletes it with all that is in it when the module is destroyed. retention_days is how long the made one keeps reports, and the logs of a trail that the module makes."
  type = object({
    bucket         = optional(string)
    retention_days = optional(number, 365)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.reports.bucket == null || can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.reports.bucket)) && !can(regex("\\.\\.|^([0-9]{1,3}\\.){3}[0-9]{1,3}$", var.reports.bucket))
    error_message = "Give reports.bucket as the name of a bucket, not as its ARN, or leave it out to have one made."
  }

  validation {
    condition     = var.reports.retention_days >= 1 && var.reports.retention_days <= 2147483647 && floor(var.reports.retention_days) == var.reports.retention_days
    error_message = "Set reports.retention_days to a whole number from 1 to 2147483647: S3 takes no other."
  }
}

variable "sweep" {
  description = "When every tagged bucket and every twin is checked again, as a rate or cron expression of EventBridge, and how many checks are asked for in a second."
  type = object({
    buckets_per_second = optional(number, 20)
    schedule           = optional(string, "rate(6 hours)")
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.sweep.buckets_per_second >= 1 && var.sweep.buckets_per_second <= 200 && floor(var.sweep.buckets_per_second) == var.sweep.buckets_per_second
    error_message = "Set sweep.buckets_per_second to a whole number from 1 to 200."
  }

  validation {
    condition     = length(var.sweep.schedule) <= 256 && can(regex("^(rate\\((1 (minute|hour|day)|([2-9]|[1-9][0-9]+) (minutes|hours|days))\\)|cron\\(([0-9A-Za-z*,/?#-]+ ){5}[0-9A-Za-z*,/?#-]+\\))$", var.sweep.schedule))
    error_message = "Give sweep.schedule as EventBridge takes it, like \"rate(6 hours)\" or \"cron(0 3 * * ? *)\"."
  }

  # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
  validation {
    condition     = !startswith(var.sweep.schedule, "cron(") || length(split(" ", var.sweep.schedule)) != 6 || try((split(" ", var.sweep.schedule)[2] == "?") != (split(" ", var.sweep.schedule)[4] == "?"), true)
    error_message = "Put a ? for the day of the month or for the day of the week in sweep.schedule, and not for both: EventBridge looks at one of them only."
  }
}

variable "tags" {
  description = "Tags for the module's own resources. The twins do not get them."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = length(var.tags) <= 50 && alltrue([for key, value in var.tags : try(length(key) >= 1 && length(key) <= 128 && length(value) <= 256 && !startswith(lower(key), "aws:"), false)])
    error_message = "Give at most 50 tags, each with a key of 1 to 128 characters that does not begin with aws: and a value of at most 256 characters."
  }

  # https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html
  validation {
    condition     = alltrue([for key, value in var.tags : value == null || can(regex("^[\\p{L}\\p{Z}\\p{N}_.:/=+@-]*$", "${key}${value}"))])
    error_message = "Use nothing in tags but letters, digits, spaces and _ . : / = + - @: AWS takes no other characters."
  }

  validation {
    condition     = length(distinct([for key in keys(var.tags) : lower(key)])) == length(var.tags)
    error_message = "Give no two tags whose keys differ by upper and lower case only: IAM takes them for one."
  }
}

variable "translations" {
  description = "What stands in the DR region for what configurations of sources name: from the exact string there to the one that a twin is given. Names of log buckets, ARNs of buckets, topics, queues, functions, roles and keys, IDs of keys, VPCs and VPC endpoints, host names. A string that stands for itself means the same in both regions. What is not translated and cannot be the same for a twin is left out of what is cloned, and reported."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for key, value in var.translations : try(length(key) >= 1 && length(value) >= 1, false)])
    error_message = "Give translations no empty key and no empty value: leave out what has nothing to stand for it, and it is not cloned."
  }

  validation {
    condition     = alltrue([for key, value in var.translations : try(length(key) <= 1024 && length(value) <= 1024, true)])
    error_message = "Shorten every key and value of translations to 1024 characters: nothing that is translated is longer."
  }

  validation {
    condition     = alltrue([for key, value in var.translations : value == null || can(regex("^[^[:cntrl:]]*$", "${key}${value}"))])
    error_message = "Take the control characters out of translations: no name, ID or ARN has any."
  }
}
