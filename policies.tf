# What each function may do besides writing its own log, which modules/function adds. Reads are not held to a
# region: a bucket elsewhere must be seen to be elsewhere, not be taken for a refusal. Where S3 knows a
# bucket's owner (s3:ResourceAccount), it has to be ours. With two accounts, a function reads the buckets of the
# other one as a role that is there (two_accounts.tf), and a topic there has a key of its own.

data "aws_iam_policy_document" "source_bucket_check" {
  provider = aws.source

  statement {
    sid = "ReadTheBucketsOfThisAccount"
    actions = [
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

  dynamic "statement" {
    for_each = local.two_accounts ? [local.reader_roles.twin.arn] : []

    content {
      sid       = "LookAtTheTwins"
      actions   = ["sts:AssumeRole"]
      resources = [statement.value]
    }
  }

  dynamic "statement" {
    # KMS asks for the key that is behind an alias; emulators ask for the alias.
    for_each = var.kms.source_key_arns == null ? [] : [sort(setunion(
      [local.any_key.source, replace(local.any_key.source, ":key/", ":alias/")],
      local.source_keys,
    ))]

    content {
      sid       = "TellListedKeysFromOthers"
      actions   = ["kms:DescribeKey"]
      resources = statement.value
    }
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
    sid       = "TellThatABucketIsNotTaggedAnyMore"
    actions   = ["sns:Publish"]
    resources = [local.topics.topic_02.arn]
  }

  dynamic "statement" {
    for_each = local.two_accounts ? [[local.any_key.dr, local.any_key.source]] : []

    content {
      sid       = "EncryptWhatItTells"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = statement.value

      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = concat(local.via_sns.dr, local.via_sns.source)
      }
      condition {
        test     = "StringEquals"
        variable = "kms:EncryptionContext:aws:sns:topicArn"
        values   = [local.topics.topic_01.arn, local.topics.topic_02.arn]
      }
    }
  }

  statement {
    sid       = "KeepWhatFailed"
    actions   = ["sqs:SendMessage"]
    resources = [local.queues.source.arn]
  }
}

data "aws_iam_policy_document" "destination_bucket_check" {
  provider = aws.dr
  # In one account the function reads the sources itself.
  source_policy_documents = local.two_accounts ? [] : [data.aws_iam_policy_document.source_reader.json]

  dynamic "statement" {
    for_each = local.two_accounts ? [local.reader_roles.source.arn] : []

    content {
      sid       = "ReadTheSourceBucketsOfTheOtherAccount"
      actions   = ["sts:AssumeRole"]
      resources = [statement.value]
    }
  }

  statement {
    sid       = "TellBucketsOfOthersFromDeniedOnes"
    actions   = ["s3:ListAllMyBuckets"]
    resources = ["*"]
  }

  statement {
    sid = "ReadTheTwins"
    actions = setunion([
      "s3:GetBucketObjectLockConfiguration",
      "s3:GetBucketOwnershipControls",
      "s3:GetBucketPolicy",
      "s3:GetBucketPublicAccessBlock",
      "s3:GetBucketTagging",
      "s3:GetBucketVersioning",
      "s3:GetEncryptionConfiguration",
      "s3:ListBucket",
    ], local.cloning.reads)
    resources = [local.twin_buckets]

    condition {
      test     = "StringEquals"
      variable = "s3:ResourceAccount"
      values   = [local.dr.account_id]
    }
  }

  # A bucket that does not exist yet has no owner to ask for. Object Lock, with the versioning that it needs, ownership
  # and tags are part of CreateBucket: hence IfExists.
  statement {
    sid       = "CreateTwinsInTheDrRegion"
    actions   = ["s3:CreateBucket"]
    resources = [local.twin_buckets]

    condition {
      test     = "StringEquals"
      variable = "aws:RequestedRegion"
      values   = [local.dr.region]
    }
    dynamic "condition" {
      for_each = var.dr_bucket_namespace == "global" ? [] : [var.dr_bucket_namespace]

      content {
        test     = "StringEquals"
        variable = "s3:x-amz-bucket-namespace"
        values   = [condition.value]
      }
    }
  }

  statement {
    sid = "LockVersionAndOwnTwinsFromTheirCreation"
    actions = [
      "s3:PutBucketObjectLockConfiguration",
      "s3:PutBucketOwnershipControls",
      "s3:PutBucketVersioning",
    ]
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
    sid       = "MarkTwinsInTheDrRegion"
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
      values   = local.marks
    }
  }

  # The keys are whatever the sources' are. No document says whether S3 Control names the account of the bucket.
  dynamic "statement" {
    for_each = contains(local.cloned, "tags") ? [local.properties.tags.writes] : []

    content {
      sid       = "CloneTagsOntoTwins"
      actions   = statement.value
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
  }

  dynamic "statement" {
    for_each = length(local.cloned_onto_twins) > 0 ? [local.cloned_onto_twins] : []

    content {
      sid       = "CloneOntoTwinsInTheDrRegion"
      actions   = statement.value
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
  }

  statement {
    sid = "SecureTwinsInTheDrRegion"
    actions = [
      "s3:PutBucketPolicy",
      "s3:PutBucketPublicAccessBlock",
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

  # Whatever a twin's own policy may come to say.
  statement {
    sid    = "NeverTouchWhatIsInTheTwins"
    effect = "Deny"
    actions = [
      "s3:BypassGovernanceRetention",
      "s3:DeleteBucket",
      "s3:DeleteObject",
      "s3:DeleteObjectVersion",
      "s3:GetObject",
      "s3:GetObjectVersion",
      "s3:PutObject",
    ]
    resources = [local.twin_buckets, "${local.twin_buckets}/*"]
  }

  dynamic "statement" {
    for_each = length(local.dr_keys) > 0 ? [local.dr_keys] : []

    content {
      sid       = "SeeThatTheDrKeyIsUsable"
      actions   = ["kms:DescribeKey"]
      resources = statement.value
    }
  }

  statement {
    sid       = "TellTheSourceRegion"
    actions   = ["sns:Publish"]
    resources = [local.topics.topic_02.arn]
  }

  dynamic "statement" {
    for_each = local.two_accounts ? [local.any_key.source] : []

    content {
      sid       = "EncryptWhatItTells"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = [statement.value]

      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = local.via_sns.source
      }
      condition {
        test     = "StringEquals"
        variable = "kms:EncryptionContext:aws:sns:topicArn"
        values   = [local.topics.topic_02.arn]
      }
    }
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
    sid = "ReadTheBucketsOfThisAccount"
    actions = [
      "s3:GetBucketTagging",
      "s3:GetEncryptionConfiguration",
      "s3:GetReplicationConfiguration",
      "s3:ListBucket",
      "s3:ListBucketVersions",
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

  dynamic "statement" {
    for_each = local.two_accounts ? [local.reader_roles.twin.arn] : []

    content {
      sid       = "ReadTheMarkOfTheTwinsOfTheOtherAccount"
      actions   = ["sts:AssumeRole"]
      resources = [statement.value]
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
    sid       = "GiveS3TheRoleOfTheConfiguration"
    actions   = ["iam:PassRole"]
    resources = local.replication_role_arns

    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["s3.amazonaws.com"]
    }
  }

  # No document says how s3:RequestJobOperation spells a replication, so it is not asked. A job does what its role may,
  # and of the module's own roles Batch Operations takes the one below only, which starts replications and nothing else.
  statement {
    sid       = "HaveExistingObjectsReplicated"
    actions   = ["s3:CreateJob"]
    resources = ["*"]

    condition {
      test     = "StringEquals"
      variable = "aws:RequestedRegion"
      values   = [local.source.region]
    }
    # Other people's jobs usually have 10, and of more jobs than S3 works on it pauses those of the lower priority.
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-batch-replication-batch.html
    condition {
      test     = "NumericLessThan"
      variable = "s3:RequestJobPriority"
      values   = ["10"]
    }
  }

  # A list of jobs has no ARN.
  statement {
    sid       = "SeeWhichPlacesAreTaken"
    actions   = ["s3:ListJobs"]
    resources = ["*"]

    condition {
      test     = "StringEquals"
      variable = "aws:RequestedRegion"
      values   = [local.source.region]
    }
  }

  statement {
    sid       = "FollowItsJobs"
    actions   = ["s3:DescribeJob", "s3:UpdateJobStatus"]
    resources = [local.any_job]
  }

  # The documentation names no value for CreateJob. Policies that AWS wrote say s3.amazonaws.com, others the service that
  # takes the role, which the role's own trust says too.
  # https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-iam-role-policies.html
  statement {
    sid       = "GiveBatchOperationsItsRole"
    actions   = ["iam:PassRole"]
    resources = [local.batch_role.arn]

    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["batchoperations.s3.amazonaws.com", "s3.amazonaws.com"]
    }
  }

  statement {
    sid       = "RememberWhatWasDone"
    actions   = ["s3:GetObject", "s3:PutObject"]
    resources = ["${local.reports.arn}/state/*"]

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
    sid       = "KeepTheQueueOfJobs"
    actions   = ["s3:GetObject", "s3:PutObject"]
    resources = ["${local.reports.arn}/queue.json"]

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
    sid       = "TurnTheScheduleOfTheQueueOn"
    actions   = ["events:EnableRule"]
    resources = [local.rules.jobs.arn]
  }

  statement {
    sid       = "ReadTheReportsOfItsJobs"
    actions   = ["s3:GetObject"]
    resources = ["${local.reports.arn}/leaving.json", "${local.reports.arn}/reports/*"]

    condition {
      test     = "StringEquals"
      variable = "s3:ResourceAccount"
      values   = [local.source.account_id]
    }
  }

  statement {
    sid       = "SeeWhatCouldNotBeReplicated"
    actions   = ["cloudwatch:GetMetricData"]
    resources = ["*"]
  }

  statement {
    sid       = "KeepWhatFailed"
    actions   = ["sqs:SendMessage"]
    resources = [local.queues.source.arn]
  }
}

data "aws_iam_policy_document" "sweep" {
  provider = aws.source

  statement {
    sid       = "FindTaggedBuckets"
    actions   = ["tag:GetResources"]
    resources = ["*"]
  }

  statement {
    sid       = "TellBucketsOfOthersFromDeniedOnes"
    actions   = ["s3:ListAllMyBuckets"]
    resources = ["*"]
  }

  dynamic "statement" {
    for_each = local.two_accounts ? [local.reader_roles.twin.arn] : []

    content {
      sid       = "FindTheTwinsOfTheOtherAccount"
      actions   = ["sts:AssumeRole"]
      resources = [statement.value]
    }
  }

  statement {
    sid       = "AskForChecksOnTheEventBus"
    actions   = ["events:PutEvents"]
    resources = [local.event_bus_arn]

    # A request has a list of sources, one for each entry: all of them, and at least one.
    # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-conditions.html
    condition {
      test     = "ForAllValues:StringEquals"
      variable = "events:source"
      values   = ["s3-dr"]
    }
    condition {
      test     = "Null"
      variable = "events:source"
      values   = ["false"]
    }
  }

  statement {
    sid       = "SeeWhetherATrailListens"
    actions   = ["cloudtrail:DescribeTrails", "cloudtrail:GetEventSelectors", "cloudtrail:GetTrailStatus"]
    resources = ["*"]
  }

  statement {
    sid       = "HaveBucketsReleasedAndJobsStarted"
    actions   = ["lambda:InvokeFunction"]
    resources = [local.functions.enable_replication.function_arn]
  }

  statement {
    sid       = "RememberHowFarItCame"
    actions   = ["s3:GetObject", "s3:PutObject"]
    resources = ["${local.reports.arn}/leaving.json", "${local.reports.arn}/sweep.json"]

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

  # A list of jobs has no ARN.
  statement {
    sid       = "SeeWhichPlacesAreTaken"
    actions   = ["s3:ListJobs"]
    resources = ["*"]

    condition {
      test     = "StringEquals"
      variable = "aws:RequestedRegion"
      values   = [local.source.region]
    }
  }

  statement {
    sid       = "SeeHowFarJobsAre"
    actions   = ["s3:DescribeJob"]
    resources = [local.any_job]
  }

  statement {
    sid       = "SeeWhoWaits"
    actions   = ["s3:GetObject"]
    resources = ["${local.reports.arn}/state/*"]

    condition {
      test     = "StringEquals"
      variable = "s3:ResourceAccount"
      values   = [local.source.account_id]
    }
  }

  statement {
    sid       = "KeepTheQueueOfJobs"
    actions   = ["s3:GetObject", "s3:PutObject"]
    resources = ["${local.reports.arn}/queue.json"]

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
    sid       = "TurnTheScheduleOfTheQueueOnAndOff"
    actions   = ["events:DisableRule", "events:EnableRule"]
    resources = [local.rules.jobs.arn]
  }

  # Without it, S3 does not tell what is not there from what is denied.
  statement {
    sid       = "SeeThatNothingIsRemembered"
    actions   = ["s3:ListBucket"]
    resources = [local.reports.arn]

    condition {
      test     = "StringEquals"
      variable = "s3:ResourceAccount"
      values   = [local.source.account_id]
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
    sid = "ReadSourceObjects"
    actions = [
      "s3:GetObjectLegalHold",
      "s3:GetObjectRetention",
      "s3:GetObjectVersionAcl",
      # To write annotations the role needs nothing beside s3:ReplicateObject, in two accounts neither.
      # https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-example-walkthroughs.html
      "s3:GetObjectVersionAnnotationForReplication",
      "s3:GetObjectVersionForReplication",
      "s3:GetObjectVersionTagging",
    ]
    resources = ["${local.source_buckets}/*"]

    condition {
      test     = "StringEquals"
      variable = "s3:ResourceAccount"
      values   = [local.source.account_id]
    }
  }

  statement {
    sid = "WriteReplicasIntoTwins"
    actions = concat(
      local.two_accounts ? ["s3:ObjectOwnerOverrideToBucketOwner"] : [],
      ["s3:ReplicateDelete", "s3:ReplicateObject", "s3:ReplicateTags"],
    )
    resources = ["${local.twin_buckets}/*"]

    condition {
      test     = "StringEquals"
      variable = "s3:ResourceAccount"
      values   = [local.dr.account_id]
    }
  }

  # The walkthrough for two accounts has S3 look at the bucket that it copies to.
  # https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-walkthrough-2.html
  dynamic "statement" {
    for_each = local.two_accounts ? [local.twin_buckets] : []

    content {
      sid       = "LookAtTheTwinsOfTheOtherAccount"
      actions   = ["s3:GetBucketVersioning", "s3:ListBucket"]
      resources = [statement.value]

      condition {
        test     = "StringEquals"
        variable = "s3:ResourceAccount"
        values   = [local.dr.account_id]
      }
    }
  }

  # With an S3 Bucket Key the context is the bucket's ARN, without one the object's. A replica has a Bucket Key if its
  # original has one, whatever the twin's default says, so both are there on either side.
  # https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html
  #
  # S3 decrypts originals. One page of the documentation asks for GenerateDataKey on their keys, too.
  # https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-config-for-kms-objects.html
  dynamic "statement" {
    for_each = length(local.replica_keys) > 0 ? [local.source_keys] : []

    content {
      sid       = "DecryptSourceObjects"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = statement.value

      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = local.via_s3.source
      }
      condition {
        test     = "StringLike"
        variable = "kms:EncryptionContext:aws:s3:arn"
        values   = [local.source_buckets, "${local.source_buckets}/*"]
      }
    }
  }

  dynamic "statement" {
    for_each = length(local.replica_keys) > 0 ? [local.replica_keys] : []

    content {
      sid       = "EncryptReplicas"
      actions   = ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"]
      resources = statement.value

      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = local.via_s3.dr
      }
      condition {
        test     = "StringLike"
        variable = "kms:EncryptionContext:aws:s3:arn"
        values   = [local.twin_buckets, "${local.twin_buckets}/*"]
      }
    }
  }
}

# S3 Batch Operations starts, with this role, the replication of what was there before a rule was; the copying is done
# with the one above.

data "aws_iam_policy_document" "batch" {
  provider = aws.source

  statement {
    sid       = "StartTheReplicationOfSourceObjects"
    actions   = ["s3:InitiateReplication"]
    resources = ["${local.source_buckets}/*"]

    condition {
      test     = "StringEquals"
      variable = "s3:ResourceAccount"
      values   = [local.source.account_id]
    }
  }

  statement {
    sid       = "ListWhatIsToBeReplicated"
    actions   = ["s3:GetReplicationConfiguration", "s3:PutInventoryConfiguration"]
    resources = [local.source_buckets]

    condition {
      test     = "StringEquals"
      variable = "s3:ResourceAccount"
      values   = [local.source.account_id]
    }
  }

  statement {
    sid       = "ReportWhatFailed"
    actions   = ["s3:PutObject"]
    resources = ["${local.reports.arn}/reports/*"]

    condition {
      test     = "StringEquals"
      variable = "s3:ResourceAccount"
      values   = [local.source.account_id]
    }
  }
}
