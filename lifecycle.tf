# What an apply and a destroy do to the buckets. Nothing else here touches one.

# At a destroy, the buckets are let go: our replication rules would outlive the role that they name. The event rules
# depend on this, and this on all that it needs, so the event rules go first and whatever else there is goes last. When
# a bucket cannot be let go, the destroy ends here, with everything still there that is needed to try again. Neither a
# create nor an update does anything.
resource "aws_lambda_invocation" "release" {
  provider        = aws.source
  function_name   = module.sweep.function_name
  lifecycle_scope = "CRUD"

  input = jsonencode({ source = "s3-dr", detail-type = "Release Requested" })

  depends_on = [
    module.batch_role,
    module.destination_bucket_check,
    module.dr_alarms,
    module.dr_failures,
    module.enable_replication,
    module.replication_role,
    module.reports_bucket,
    module.source_alarms,
    module.source_bucket_check,
    module.source_failures,
    module.source_reader,
    module.topic_01,
    module.topic_02,
    module.trail,
    module.twin_reader,
  ]
}

# At the end of an apply, buckets that are tagged already are found, and those that are protected get what was changed.
# The sweep is only asked for: the apply does not wait for it. A created key is as old as what is made of it, so
# its ARN, which only the apply knows, is not missed here. A change of the schedule of the queue turns that off, and
# the checks of buckets that wait turn it on again.
resource "aws_lambda_invocation" "adopt" {
  provider      = aws.source
  function_name = module.sweep.function_name

  input = jsonencode({ source = "s3-dr", detail-type = "Sweep Requested", wait = false })

  triggers = {
    package  = filebase64sha256(local.package)
    settings = sha256(jsonencode([local.queue_schedule, local.environment, local.own_environment, var.kms.create_dr_key]))
  }

  depends_on = [
    aws_lambda_invocation.release,
    module.check_requests,
    module.job_events,
    module.jobs_rule,
    module.s3_events,
    module.sweep_rule,
    module.tag_changes,
  ]
}
