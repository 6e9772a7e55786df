# With two accounts, each has one role as which the functions of the other look at its buckets: what a role may
# do in its own account says nothing about buckets of another. In one account there is no such role, and
# destination_bucket_check has source_reader's policy itself (policies.tf).

data "aws_iam_policy_document" "source_reader" {
  provider = aws.source

  statement {
    sid = "ReadTheSourceBuckets"
    actions = setunion([
      "s3:GetBucketObjectLockConfiguration",
      "s3:GetBucketTagging",
      "s3:GetEncryptionConfiguration",
      "s3:ListBucket",
    ], local.cloning.reads)
    resources = [local.source_buckets]

    condition {
      test     = "StringEquals"
      variable = "s3:ResourceAccount"
      values   = [local.source.account_id]
    }
  }

  # Some lifecycle rules wait for the job that copies existing objects.
  dynamic "statement" {
    for_each = contains(local.cloned, "lifecycle") ? ["${local.reports.arn}/state/*"] : []

    content {
      sid       = "SeeWhichJobThereIs"
      actions   = ["s3:GetObject"]
      resources = [statement.value]

      condition {
        test     = "StringEquals"
        variable = "s3:ResourceAccount"
        values   = [local.source.account_id]
      }
    }
  }

  dynamic "statement" {
    for_each = contains(local.cloned, "lifecycle") ? [local.any_job] : []

    content {
      sid       = "SeeWhetherAJobHasEnded"
      actions   = ["s3:DescribeJob"]
      resources = [statement.value]
    }
  }

  statement {
    sid       = "TellBucketsOfOthersFromDeniedOnes"
    actions   = ["s3:ListAllMyBuckets"]
    resources = ["*"]
  }
}

module "source_reader" {
  source    = "./modules/reader_role"
  providers = { aws = aws.source }
  count     = local.two_accounts ? 1 : 0

  role             = local.reader_roles.source
  iam              = local.iam.source
  policy           = data.aws_iam_policy_document.source_reader.json
  reader_role_arns = [local.functions.destination_bucket_check.role_arn]
  tags             = var.tags
}

data "aws_iam_policy_document" "twin_reader" {
  provider = aws.dr

  statement {
    sid       = "ReadTheMarkOfTheTwins"
    actions   = ["s3:GetBucketTagging", "s3:ListBucket"]
    resources = [local.twin_buckets]

    condition {
      test     = "StringEquals"
      variable = "s3:ResourceAccount"
      values   = [local.dr.account_id]
    }
  }

  statement {
    sid       = "FindTheTwins"
    actions   = ["tag:GetResources"]
    resources = ["*"]
  }

  statement {
    sid       = "TellBucketsOfOthersFromDeniedOnes"
    actions   = ["s3:ListAllMyBuckets"]
    resources = ["*"]
  }
}

module "twin_reader" {
  source    = "./modules/reader_role"
  providers = { aws = aws.dr }
  count     = local.two_accounts ? 1 : 0

  role   = local.reader_roles.twin
  iam    = local.iam.dr
  policy = data.aws_iam_policy_document.twin_reader.json
  reader_role_arns = [
    local.functions.enable_replication.role_arn,
    local.functions.source_bucket_check.role_arn,
    local.functions.sweep.role_arn,
  ]
  tags = var.tags
}
