# Where the module stands, what its parts are called, and what each role may do. ARNs are put together from
# names, so that every policy can be read in the plan, before anything it speaks of exists.

# Where we are. Everything that these answers rule out is refused here, before anything is made.

data "aws_caller_identity" "source" {
  provider = aws.source
}

data "aws_caller_identity" "dr" {
  provider = aws.dr

  lifecycle {
    postcondition {
      condition     = self.account_id == data.aws_caller_identity.source.account_id
      error_message = "aws.source is account ${data.aws_caller_identity.source.account_id} and aws.dr is account ${self.account_id}: this version of the module does not support two accounts, so give both providers credentials of the same one."
    }
  }
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
      condition     = self.id != data.aws_region.source.id
      error_message = "aws.source and aws.dr are both in ${self.id}: a copy in the same region is lost with it, so give aws.dr another region."
    }
  }
}

locals {
  source = {
    account_id = data.aws_caller_identity.source.account_id
    partition  = data.aws_partition.source.partition
    region     = data.aws_region.source.id
  }
  dr = {
    account_id = data.aws_caller_identity.dr.account_id
    partition  = data.aws_partition.dr.partition
    region     = data.aws_region.dr.id
  }

  function_names = {
    for key in ["source_bucket_check", "destination_bucket_check", "enable_replication"] :
    key => "${var.name}-${replace(key, "_", "-")}"
  }

  functions = {
    for key, place in {
      source_bucket_check      = local.source
      destination_bucket_check = local.dr
      enable_replication       = local.source
      } : key => {
      function_arn   = "arn:${place.partition}:lambda:${place.region}:${place.account_id}:function:${local.function_names[key]}"
      function_name  = local.function_names[key]
      handler        = "s3_dr.handlers.${key}"
      log_group_arn  = "arn:${place.partition}:logs:${place.region}:${place.account_id}:log-group:/aws/lambda/${local.function_names[key]}"
      log_group_name = "/aws/lambda/${local.function_names[key]}"
      region         = place.region
      role_arn       = "arn:${place.partition}:iam::${place.account_id}:role/${local.function_names[key]}"
      role_name      = local.function_names[key]
    }
  }

  queues = {
    for key, place in { source = local.source, dr = local.dr } : key => {
      arn                      = "arn:${place.partition}:sqs:${place.region}:${place.account_id}:${var.name}-failures"
      name                     = "${var.name}-failures"
    }
  }

  replication_role = {
    arn  = "arn:${local.source.partition}:iam::${local.source.account_id}:role/${var.name}-replication"
    name = "${var.name}-replication"
  }

  rules = {
    for key in ["s3_events", "check_requests"] : key => {
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

  # Any bucket may be tagged, so names say nothing about the sources; the twins are known by their suffix.
  source_buckets = "arn:${local.source.partition}:s3:::*"
  twin_buckets   = "arn:${local.dr.partition}:s3:::*${var.dr_bucket_suffix}"

  function_settings = merge(var.function, {
    log_level          = var.log_level
    log_retention_days = var.log_retention_days
    package            = coalesce(var.package, "${path.module}/lambda/dist/s3_dr.zip")
    tags               = var.tags

    environment = {
      DR_ACCOUNT_ID        = local.dr.account_id
      DR_BUCKET_SUFFIX     = var.dr_bucket_suffix
      DR_REGION            = local.dr.region
      LOG_LEVEL            = var.log_level
      MODULE_NAME          = var.name
      OWN_ROLE_ARNS        = join(",", [for function in local.functions : function.role_arn])
      PARTITION            = local.source.partition
      PROFILES             = jsonencode([for profile in var.profiles : { name = profile.name, match_tags = profile.match_tags, delete_markers = profile.delete_markers }])
      REPLICATION_ROLE_ARN = local.replication_role.arn
      SOURCE_ACCOUNT_ID    = local.source.account_id
      SOURCE_REGION        = local.source.region
      TOPIC_01_ARN         = local.topics.topic_01.arn
      TOPIC_02_ARN         = local.topics.topic_02.arn
    }
  })
}

# What each function may do besides writing its own log, which modules/function adds. Reads are not held to a
# region: a bucket elsewhere must be seen to be elsewhere, not be taken for a refusal. Where S3 knows a
# bucket's owner (s3:ResourceAccount), it has to be ours.

data "aws_iam_policy_document" "source_bucket_check" {
  provider = aws.source

  statement {
    sid = "ReadTheBucketsOfThisAccount"
    actions = [
      "s3:GetBucketObjectLockConfiguration",
      "s3:GetBucketTagging",
      "s3:GetBucketVersioning",
      "s3:GetEncryptionConfiguration",
      "s3:GetReplicationConfiguration",
      "s3:ListBucket",
    ]
    resources = [local.source_buckets]

    condition {
      test     = "StringEquals"
      variable = "s3:ResourceAccount"
      values   = [local.source.account_id]
    }
  }

  statement {
    sid       = "TellBucketsOfOthersFromDeniedOnes"
    actions   = ["s3:ListAllMyBuckets"]
    resources = ["*"]
  }

  statement {
    sid       = "VersionBucketsInTheSourceRegion"
    actions   = ["s3:PutBucketVersioning"]
    resources = [local.source_buckets]

    condition {
      test     = "StringEquals"
      variable = "s3:ResourceAccount"
      values   = [local.source.account_id]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:RequestedRegion"
      values   = [local.source.region]
    }
  }

  statement {
    sid       = "TellTheDrRegion"
    actions   = ["sns:Publish"]
    resources = [local.topics.topic_01.arn]
  }

  statement {
    sid       = "KeepWhatFailed"
    actions   = ["sqs:SendMessage"]
    resources = [local.queues.source.arn]
  }
}

data "aws_iam_policy_document" "destination_bucket_check" {
  provider = aws.dr

  statement {
    sid       = "ReadTheTagsOfSourceBuckets"
    actions   = ["s3:GetBucketTagging", "s3:ListBucket"]
    resources = [local.source_buckets]

    condition {
      test     = "StringEquals"
      variable = "s3:ResourceAccount"
      values   = [local.source.account_id]
    }
  }

  statement {
    sid       = "TellBucketsOfOthersFromDeniedOnes"
    actions   = ["s3:ListAllMyBuckets"]
    resources = ["*"]
  }

  statement {
    sid = "ReadTheTwins"
    actions = [
      "s3:GetBucketOwnershipControls",
      "s3:GetBucketPolicy",
      "s3:GetBucketPublicAccessBlock",
      "s3:GetBucketTagging",
      "s3:GetBucketVersioning",
      "s3:GetEncryptionConfiguration",
      "s3:ListBucket",
    ]
    resources = [local.twin_buckets]

    condition {
      test     = "StringEquals"
      variable = "s3:ResourceAccount"
      values   = [local.dr.account_id]
    }
  }

  # A bucket that does not exist yet has no owner to ask for. Ownership and tags are part of CreateBucket: hence IfExists.
  statement {
    sid       = "CreateTwinsInTheDrRegion"
    actions   = ["s3:CreateBucket"]
    resources = [local.twin_buckets]

    condition {
      test     = "StringEquals"
      variable = "aws:RequestedRegion"
      values   = [local.dr.region]
    }
  }

  statement {
    sid       = "OwnTwinsFromTheirCreation"
    actions   = ["s3:PutBucketOwnershipControls"]
    resources = [local.twin_buckets]

    condition {
      test     = "StringEqualsIfExists"
      variable = "s3:ResourceAccount"
      values   = [local.dr.account_id]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:RequestedRegion"
      values   = [local.dr.region]
    }
  }

  statement {
    sid       = "MarkTwinsWhileCreatingThem"
    actions   = ["s3:TagResource"]
    resources = [local.twin_buckets]

    condition {
      test     = "StringEqualsIfExists"
      variable = "s3:ResourceAccount"
      values   = [local.dr.account_id]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:RequestedRegion"
      values   = [local.dr.region]
    }
    condition {
      test     = "ForAllValues:StringEquals"
      variable = "aws:TagKeys"
      values   = ["s3-dr:managed-by", "s3-dr:source-bucket"]
    }
  }

  statement {
    sid = "SecureTwinsInTheDrRegion"
    actions = [
      "s3:PutBucketPolicy",
      "s3:PutBucketPublicAccessBlock",
      "s3:PutBucketVersioning",
      "s3:PutEncryptionConfiguration",
    ]
    resources = [local.twin_buckets]

    condition {
      test     = "StringEquals"
      variable = "s3:ResourceAccount"
      values   = [local.dr.account_id]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:RequestedRegion"
      values   = [local.dr.region]
    }
  }

  statement {
    sid       = "TellTheSourceRegion"
    actions   = ["sns:Publish"]
    resources = [local.topics.topic_02.arn]
  }

  statement {
    sid       = "KeepWhatFailed"
    actions   = ["sqs:SendMessage"]
    resources = [local.queues.dr.arn]
  }
}

data "aws_iam_policy_document" "enable_replication" {
  provider = aws.source

  statement {
    sid       = "ReadTheBucketsOfThisAccount"
    actions   = ["s3:GetBucketTagging", "s3:GetReplicationConfiguration", "s3:ListBucket"]
    resources = [local.source_buckets]

    condition {
      test     = "StringEquals"
      variable = "s3:ResourceAccount"
      values   = [local.source.account_id]
    }
  }

  statement {
    sid       = "TellBucketsOfOthersFromDeniedOnes"
    actions   = ["s3:ListAllMyBuckets"]
    resources = ["*"]
  }

  statement {
    sid       = "ReadTheMarkOfTheTwins"
    actions   = ["s3:GetBucketTagging"]
    resources = [local.twin_buckets]

    condition {
      test     = "StringEquals"
      variable = "s3:ResourceAccount"
      values   = [local.dr.account_id]
    }
  }

  statement {
    sid       = "ReplicateBucketsOfTheSourceRegion"
    actions   = ["s3:PutReplicationConfiguration"]
    resources = [local.source_buckets]

    condition {
      test     = "StringEquals"
      variable = "s3:ResourceAccount"
      values   = [local.source.account_id]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:RequestedRegion"
      values   = [local.source.region]
    }
  }

  statement {
    sid       = "GiveS3TheReplicationRole"
    actions   = ["iam:PassRole"]
    resources = [local.replication_role.arn]

    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["s3.amazonaws.com"]
    }
  }

  statement {
    sid       = "KeepWhatFailed"
    actions   = ["sqs:SendMessage"]
    resources = [local.queues.source.arn]
  }
}

# S3 copies objects with this role: out of any bucket of the source account, into twins of the DR account only.

data "aws_iam_policy_document" "replication" {
  provider = aws.source

  statement {
    sid       = "ReadWhatToReplicate"
    actions   = ["s3:GetReplicationConfiguration", "s3:ListBucket"]
    resources = [local.source_buckets]

    condition {
      test     = "StringEquals"
      variable = "s3:ResourceAccount"
      values   = [local.source.account_id]
    }
  }

  statement {
    sid       = "ReadSourceObjects"
    actions   = ["s3:GetObjectVersionAcl", "s3:GetObjectVersionForReplication", "s3:GetObjectVersionTagging"]
    resources = ["${local.source_buckets}/*"]

    condition {
      test     = "StringEquals"
      variable = "s3:ResourceAccount"
      values   = [local.source.account_id]
    }
  }

  statement {
    sid       = "WriteReplicasIntoTwins"
    actions   = ["s3:ReplicateDelete", "s3:ReplicateObject", "s3:ReplicateTags"]
    resources = ["${local.twin_buckets}/*"]

    condition {
      test     = "StringEquals"
      variable = "s3:ResourceAccount"
      values   = [local.dr.account_id]
    }
  }
}
