# Events get lost, and nobody tags what is tagged already: now and then every tagged bucket is checked again, and
# so is every twin. What the functions remember from one check to the next is in the bucket that has the reports.

locals {
  sweep_requests = {
    account     = [local.source.account_id]
    source      = ["s3-dr"]
    detail-type = ["Sweep Requested"]
  }
}

module "sweep_rule" {
  source    = "./modules/event_rule"
  providers = { aws = aws.source }

  rule                = local.rules.sweep
  description         = "When all buckets are checked again, and requests from this account to do so"
  event_pattern       = jsonencode(local.sweep_requests)
  failure_queue_arn   = module.source_failures.arn
  function            = module.sweep
  schedule_expression = var.sweep.schedule
  tags                = var.tags

  depends_on = [aws_lambda_invocation.release]
}

module "sweep" {
  source    = "./modules/function"
  providers = { aws = aws.source }

  function          = local.functions.sweep
  failure_queue_arn = module.source_failures.arn
  iam               = local.iam.source
  layers            = var.layers.source
  policy            = data.aws_iam_policy_document.sweep.json
  settings          = local.function_settings.sweep
}

module "reports_bucket" {
  source    = "./modules/reports_bucket"
  providers = { aws = aws.source }
  count     = var.reports.bucket == null ? 1 : 0

  bucket         = local.reports
  retention_days = var.reports.retention_days
  tags           = var.tags
  trail          = var.create_trail ? merge(local.trail, { account_id = local.source.account_id }) : null
}

# Without a trail that logs management events EventBridge never hears of a call.
module "trail" {
  source    = "./modules/trail"
  providers = { aws = aws.source }
  count     = var.create_trail ? 1 : 0

  bucket_name = one(module.reports_bucket[*].name)
  name        = local.trail.name
  prefix      = one(module.reports_bucket[*].trail_prefix)
  tags        = var.tags
}
