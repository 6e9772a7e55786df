# Jobs that copy existing objects wait for one of our places in a queue. The sweep function gives the turns: it is started
# by the end of a job, and by a schedule that the functions turn on when something waits and off when nothing does.

locals {
  queue_schedule = {
    description         = "When the queue of jobs is looked at; the functions turn it on and off"
    input               = jsonencode({ source = "s3-dr", detail-type = "Job Turns Requested", detail = { scheduled = true } })
    schedule_expression = "rate(4 minutes)"
  }

  # https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-examples-event-bridge-cloud-trail.html
  job_events = {
    account     = [local.source.account_id]
    source      = ["aws.s3"]
    detail-type = ["AWS Service Event via CloudTrail"]
    detail = {
      eventName = ["JobStatusChanged"]
      # Those at which a place becomes free.
      serviceEventDetails = { status = ["Cancelled", "Complete", "Failed", "Suspended"] }
    }
  }
}

# Without a trail no end of a job is heard, so the schedule alone has to be soon enough.
module "jobs_rule" {
  source    = "./modules/event_rule"
  providers = { aws = aws.source }

  rule                = local.rules.jobs
  description         = local.queue_schedule.description
  failure_queue_arn   = module.source_failures.arn
  function            = module.sweep
  input               = local.queue_schedule.input
  schedule_expression = local.queue_schedule.schedule_expression
  state               = "DISABLED"
  tags                = var.tags

  depends_on = [aws_lambda_invocation.release]
}

module "job_events" {
  source    = "./modules/event_rule"
  providers = { aws = aws.source }

  rule              = local.rules.job_events
  description       = "Ends of S3 Batch Operations jobs, after which another one may start"
  event_pattern     = jsonencode(local.job_events)
  failure_queue_arn = module.source_failures.arn
  function          = module.sweep
  tags              = var.tags

  depends_on = [aws_lambda_invocation.release]
}
