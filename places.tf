# Where the module stands, and what its parts are called. ARNs are put together from names, so that every policy
# can be read in the plan, before anything it speaks of exists.

# What these answers rule out is refused here, before anything is made.

data "aws_caller_identity" "source" {
  provider = aws.source
}

data "aws_caller_identity" "dr" {
  provider = aws.dr
}

data "aws_partition" "source" {
  provider = aws.source
}

data "aws_partition" "dr" {
  provider = aws.dr

  lifecycle {
    postcondition {
      condition     = self.partition == data.aws_partition.source.partition
      error_message = "aws.source is in partition ${data.aws_partition.source.partition} and aws.dr in ${self.partition}: S3 does not replicate from one partition to another, so choose two regions of the same one."
    }
  }
}

data "aws_region" "source" {
  provider = aws.source
}

data "aws_region" "dr" {
  provider = aws.dr

  lifecycle {
    postcondition {
      condition     = lookup(self, "region", lookup(self, "id", null)) != local.source_region
      error_message = "aws.source and aws.dr are both in ${local.source_region}: a copy in the same region is lost with it, so give aws.dr another region."
    }
  }
}

locals {
  # Provider 6.47 deprecates the id of a region, and provider 5 has no other name for it that is not deprecated in 6:
  # "region" is new in 6. A look-up by name is the one form that neither of them refuses or warns of.
  source_region = lookup(data.aws_region.source, "region", lookup(data.aws_region.source, "id", null))
  dr_region     = lookup(data.aws_region.dr, "region", lookup(data.aws_region.dr, "id", null))

  places = {
    source = {
      account_id = data.aws_caller_identity.source.account_id
      dns_suffix = data.aws_partition.source.dns_suffix
      partition  = data.aws_partition.source.partition
      region     = local.source_region
    }
    dr = {
      account_id = data.aws_caller_identity.dr.account_id
      dns_suffix = data.aws_partition.dr.dns_suffix
      partition  = data.aws_partition.dr.partition
      region     = local.dr_region
    }
  }
  source       = local.places.source
  dr           = local.places.dr
  two_accounts = local.source.account_id != local.dr.account_id

  # A policy that is a boundary is of one account, unless AWS manages it.
  iam = {
    source = {
      path                     = var.iam.path
      permissions_boundary_arn = var.iam.permissions_boundary_arn
    }
    dr = {
      path = var.iam.path
      permissions_boundary_arn = var.iam.dr_permissions_boundary_arn != null || (
        local.two_accounts && !try(strcontains(var.iam.permissions_boundary_arn, ":iam::aws:"), true)
      ) ? var.iam.dr_permissions_boundary_arn : var.iam.permissions_boundary_arn
    }
  }

  function_names = {
    for key in ["source_bucket_check", "destination_bucket_check", "enable_replication", "sweep"] :
    key => "${var.name}-${replace(key, "_", "-")}"
  }

  functions = {
    for key, place in {
      source_bucket_check      = local.source
      destination_bucket_check = local.dr
      enable_replication       = local.source
      sweep                    = local.source
      } : key => {
      function_arn   = "arn:${place.partition}:lambda:${place.region}:${place.account_id}:function:${local.function_names[key]}"
      function_name  = local.function_names[key]
      handler        = "s3_dr.handlers.${key}"
      log_group_arn  = "arn:${place.partition}:logs:${place.region}:${place.account_id}:log-group:/aws/lambda/${local.function_names[key]}"
      log_group_name = "/aws/lambda/${local.function_names[key]}"
      region         = place.region
      role_arn       = "arn:${place.partition}:iam::${place.account_id}:role${var.iam.path}${local.function_names[key]}"
      role_name      = local.function_names[key]
    }
  }

  queues = {
    for key, place in local.places : key => {
      arn  = "arn:${place.partition}:sqs:${place.region}:${place.account_id}:${var.name}-failures"
      name = "${var.name}-failures"
    }
  }

  # With two accounts, a function reads the buckets of the other one as a role that is there.
  reader_roles = {
    for key, reader in {
      source = { place = local.source, suffix = "source-reader" }
      twin   = { place = local.dr, suffix = "twin-reader" }
      } : key => {
      arn  = "arn:${reader.place.partition}:iam::${reader.place.account_id}:role${var.iam.path}${var.name}-${reader.suffix}"
      name = "${var.name}-${reader.suffix}"
    }
  }

  replication_role = {
    arn  = "arn:${local.source.partition}:iam::${local.source.account_id}:role${var.iam.path}${var.name}-replication"
    name = "${var.name}-replication"
  }

  batch_role = {
    arn  = "arn:${local.source.partition}:iam::${local.source.account_id}:role${var.iam.path}${var.name}-batch"
    name = "${var.name}-batch"
  }

  # Batch Replication jobs have IDs that nobody knows before.
  any_job = "arn:${local.source.partition}:s3:${local.source.region}:${local.source.account_id}:job/*"

  # A foreign role is used where a bucket already has a replication configuration of that role.
  replication_role_arns = sort(setunion([local.replication_role.arn], var.foreign_role_arns))

  rules = {
    for key in ["s3_events", "tag_changes", "check_requests", "sweep", "jobs", "job_events"] : key => {
      arn  = "arn:${local.source.partition}:events:${local.source.region}:${local.source.account_id}:rule/${var.name}-${replace(key, "_", "-")}"
      name = "${var.name}-${replace(key, "_", "-")}"
    }
  }

  topics = {
    for key, place in { topic_01 = local.dr, topic_02 = local.source } : key => {
      arn                        = "arn:${place.partition}:sns:${place.region}:${place.account_id}:${var.name}-${trimprefix(key, "topic_")}"
      name                       = "${var.name}-${trimprefix(key, "topic_")}"
      region                     = place.region
    }
  }

  # Requests and what is asked for go over the bus that every account has in every region.
  event_bus_arn = "arn:${local.source.partition}:events:${local.source.region}:${local.source.account_id}:event-bus/default"

  # No other account can want this name: it says whose the bucket is, and where.
  reports_name = coalesce(var.reports.bucket, "${var.name}-${local.source.account_id}-${local.source.region}")
  reports = {
    arn  = "arn:${local.source.partition}:s3:::${local.reports_name}"
    name = local.reports_name
  }

  trail = {
    arn  = "arn:${local.source.partition}:cloudtrail:${local.source.region}:${local.source.account_id}:trail/${var.name}"
    name = var.name
  }

  # Any bucket may be tagged, so names say nothing about the sources; the twins are known by how theirs begin and end.
  twin_ending    = var.dr_bucket_namespace == "global" ? var.dr_bucket_suffix : "${var.dr_bucket_suffix}-${local.dr.account_id}-${local.dr.region}-an"
  source_buckets = "arn:${local.source.partition}:s3:::*"
  twin_buckets   = "arn:${local.dr.partition}:s3:::${var.dr_bucket_prefix}*${local.twin_ending}"

  # Nobody knows a key's ID before it is made; what has to be in the plan names it by its place.
  any_key = {
    for key, place in local.places : key => "arn:${place.partition}:kms:${place.region}:${place.account_id}:key/*"
  }
  dr_keys = sort(distinct(compact(concat(
    var.kms.create_dr_key ? [local.any_key.dr] : [],
    [var.kms.dr_key_arn],
    var.profiles[*].kms_key_arn,
  ))))
  # Rules that are on buckets change their key only when the bucket is checked.
  replica_keys = sort(setunion(local.dr_keys, var.kms.former_dr_key_arns))
  source_keys  = var.kms.source_key_arns == null ? [local.any_key.source] : sort(var.kms.source_key_arns)

  dr_key = {
    account_id  = local.dr.account_id
    alias       = "alias/${var.name}-dr"
    name        = var.name
    partition   = local.dr.partition
    via_service = local.via_s3.dr
  }

  # KMS is reached through the service that encrypts. Its name may have the ending of the partition, or everywhere the
  # usual one: the documentation's examples are of one partition only.
  via_s3  = { for key, place in local.places : key => [for end in local.endings[key] : "s3.${place.region}.${end}"] }
  via_sns = { for key, place in local.places : key => [for end in local.endings[key] : "sns.${place.region}.${end}"] }
  endings = { for key, place in local.places : key => distinct(["amazonaws.com", place.dns_suffix]) }
}
