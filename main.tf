# The journey of one event: an S3 call in the source region, the three functions, the two topics.

# 1. S3 calls that can change what has to be protected, and requests to look at one bucket, reach the
#    first function. Events that a function could not take wait in its region's failure queue.

locals {
  # The calls that tag a bucket through S3 Control may come as S3's or as another service's, whose name no document
  # gives.
  s3_events = {
    source      = ["aws.s3", "aws.s3-control", "aws.s3control"]
    detail-type = ["AWS API Call via CloudTrail"]
    detail = {
      errorCode = [{ exists = false }]
      # These are heard whatever is cloned: tags say whether and how a bucket is protected, and every twin is versioned,
      # encrypted and locked as its source asks for; a deleted bucket is not to be remembered. The calls that change what is cloned come from properties.tf.
      eventName = distinct(concat([
        "CreateBucket", "DeleteBucket",
        "PutBucketTagging", "DeleteBucketTagging", "TagResource", "UntagResource",
        "PutBucketReplication", "DeleteBucketReplication", "PutBucketVersioning",
        "PutBucketEncryption", "DeleteBucketEncryption", "PutBucketObjectLockConfiguration",
      ], local.cloning.events))
    }
  }

  # Where it comes for buckets, this event needs no trail; no document says that it does. It brings what CloudTrail
  # brings too, so only for the tags that say whether and how a bucket is protected.
  # https://docs.aws.amazon.com/eventbridge/latest/ref/events-ref-tag.html
  tag_changes = {
    source      = ["aws.tag"]
    detail-type = ["Tag Change on Resource"]
    detail = {
      service       = ["s3"]
      resource-type = ["bucket"]
      changed-tag-keys = concat(
        sort(distinct(flatten([for profile in var.profiles : [for tags in profile.match_tags : keys(tags)]]))),
        [{ prefix = "s3-dr:" }],
      )
    }
  }

  check_requests = {
    account     = [local.source.account_id]
    source      = ["s3-dr"]
    detail-type = ["Bucket Check Requested"]
    detail      = { bucket = [{ exists = true }] }
  }
}

module "s3_events" {
  source    = "./modules/event_rule"
  providers = { aws = aws.source }

  rule              = local.rules.s3_events
  description       = "S3 calls after which a bucket may need a twin or its replication put right"
  event_pattern     = jsonencode(local.s3_events)
  failure_queue_arn = module.source_failures.arn
  function          = module.source_bucket_check
  tags              = var.tags

  depends_on = [aws_lambda_invocation.release]
}

module "tag_changes" {
  source    = "./modules/event_rule"
  providers = { aws = aws.source }

  rule              = local.rules.tag_changes
  description       = "Tags after which a bucket may need a twin or its replication put right"
  event_pattern     = jsonencode(local.tag_changes)
  failure_queue_arn = module.source_failures.arn
  function          = module.source_bucket_check
  tags              = var.tags

  depends_on = [aws_lambda_invocation.release]
}

module "check_requests" {
  source    = "./modules/event_rule"
  providers = { aws = aws.source }

  rule              = local.rules.check_requests
  description       = "Requests from this account to check one bucket"
  event_pattern     = jsonencode(local.check_requests)
  failure_queue_arn = module.source_failures.arn
  function          = module.source_bucket_check
  tags              = var.tags

  depends_on = [aws_lambda_invocation.release]
}

module "source_failures" {
  source    = "./modules/failure_queue"
  providers = { aws = aws.source }

  queue     = local.queues.source
  rule_arns = [for rule in local.rules : rule.arn]
  topic_arn = local.topics.topic_02.arn
  tags      = var.tags
}

# 2. A tagged bucket is versioned, and topic 01 in the DR region hears of it.

module "source_bucket_check" {
  source    = "./modules/function"
  providers = { aws = aws.source }

  function          = local.functions.source_bucket_check
  failure_queue_arn = module.source_failures.arn
  iam               = local.iam.source
  layers            = var.layers.source
  policy            = data.aws_iam_policy_document.source_bucket_check.json
  settings          = local.function_settings.source_bucket_check
}

# 3. Its twin is created or adopted, and topic 02 back in the source region hears of it.

module "topic_01" {
  source    = "./modules/topic"
  providers = { aws = aws.dr }

  topic               = local.topics.topic_01
  publisher_role_arns = [local.functions.source_bucket_check.role_arn]
  failure_queue_arn   = module.dr_failures.arn
  function            = module.destination_bucket_check
  tags                = var.tags
  via_service         = local.via_sns.dr
}

module "dr_failures" {
  source    = "./modules/failure_queue"
  providers = { aws = aws.dr }

  queue     = local.queues.dr
  topic_arn = local.topics.topic_01.arn
  tags      = var.tags
}

module "destination_bucket_check" {
  source    = "./modules/function"
  providers = { aws = aws.dr }

  function          = local.functions.destination_bucket_check
  failure_queue_arn = module.dr_failures.arn
  iam               = local.iam.dr
  layers            = var.layers.dr
  policy            = data.aws_iam_policy_document.destination_bucket_check.json
  settings          = local.function_settings.destination_bucket_check
}

# 4. The source bucket gets its replication rule, under which S3 copies objects with a role of its own. The first
#    function tells topic 02 itself of a bucket that is not tagged any more.

module "topic_02" {
  source    = "./modules/topic"
  providers = { aws = aws.source }

  topic = local.topics.topic_02
  publisher_role_arns = [
    local.functions.destination_bucket_check.role_arn,
    local.functions.source_bucket_check.role_arn,
  ]
  failure_queue_arn = module.source_failures.arn
  function          = module.enable_replication
  tags              = var.tags
  via_service       = local.via_sns.source
}

module "enable_replication" {
  source    = "./modules/function"
  providers = { aws = aws.source }

  function          = local.functions.enable_replication
  failure_queue_arn = module.source_failures.arn
  iam               = local.iam.source
  layers            = var.layers.source
  policy            = data.aws_iam_policy_document.enable_replication.json
  settings          = local.function_settings.enable_replication
}

module "replication_role" {
  source    = "./modules/service_role"
  providers = { aws = aws.source }

  role              = local.replication_role
  description       = "S3 copies objects of protected buckets into their twins with this role"
  iam               = local.iam.source
  policy            = data.aws_iam_policy_document.replication.json
  service           = { principal = "s3.amazonaws.com", sid = "S3MayReplicateAsThisRole" }
  source_account_id = local.source.account_id
  tags              = var.tags
}

module "batch_role" {
  source    = "./modules/service_role"
  providers = { aws = aws.source }

  role              = local.batch_role
  description       = "S3 Batch Operations starts the replication of objects that were there before with this role"
  iam               = local.iam.source
  policy            = data.aws_iam_policy_document.batch.json
  service           = { principal = "batchoperations.s3.amazonaws.com", sid = "BatchOperationsMayRunAsThisRole" }
  source_account_id = local.source.account_id
  tags              = var.tags
}

module "dr_key" {
  source    = "./modules/dr_key"
  providers = { aws = aws.dr }
  count     = var.kms.create_dr_key ? 1 : 0

  key                           = local.dr_key
  encrypts_reports              = length(setintersection(local.cloned, ["analytics", "inventory"])) > 0
  foreign_replication_role_arns = local.two_accounts ? local.replication_role_arns : []
  tags                          = var.tags
  twin_buckets                  = local.twin_buckets
}
