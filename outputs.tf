# Each waits for the permissions and subscriptions of what it names, so that whoever uses it finds a wired system.

output "batch_role" {
  description = "The role with which S3 Batch Operations starts the replication of objects that were there before."
  value       = local.batch_role
  depends_on  = [module.batch_role]
}

output "destination_bucket_check" {
  description = "The function in the DR region that creates or adopts a bucket's twin."
  value       = module.destination_bucket_check
  depends_on  = [module.source_reader, module.topic_01, module.topic_02]
}

output "dr_bucket_suffix" {
  description = "What a bucket's name is given to name its twin."
  value       = var.dr_bucket_suffix
}

output "dr_key" {
  description = "The key of the DR region that encrypts replicas where a profile names no other, and the alias of a created one; null when there is none."
  value = var.kms.create_dr_key ? {
    alias = one(module.dr_key[*].alias)
    arn   = one(module.dr_key[*].arn)
    } : var.kms.dr_key_arn == null ? null : {
    alias = null
    arn   = var.kms.dr_key_arn
  }
}

output "enable_replication" {
  description = "The function in the source region that puts the replication rule on a bucket."
  value       = module.enable_replication
  depends_on  = [module.batch_role, module.jobs_rule, module.replication_role, module.reports_bucket, module.topic_02, module.twin_reader]
}

output "event_rules" {
  description = "The EventBridge rules of the source region: s3_events for S3 calls, tag_changes for changes of tags, check_requests for requests to check one bucket, sweep for the schedule and for requests to check all, jobs for the schedule of the queue of jobs, which is on while one waits, and job_events for the ends of jobs."
  value       = local.rules
  depends_on  = [module.check_requests, module.job_events, module.jobs_rule, module.s3_events, module.sweep_rule]
}

output "failure_queues" {
  description = "The queues of the source and of the DR region that keep for 14 days what could not be delivered or done."
  value = {
    dr     = { arn = module.dr_failures.arn, url = module.dr_failures.url }
    source = { arn = module.source_failures.arn, url = module.source_failures.url }
  }
}

output "reader_roles" {
  description = "With two accounts, the role of each as which the functions of the other look at its buckets: source for the sources, twin for the twins. Null in one account."
  value       = local.two_accounts ? local.reader_roles : null
  depends_on  = [module.source_reader, module.twin_reader]
}

output "regions" {
  description = "The source region and the DR region."
  value       = { dr = local.dr.region, source = local.source.region }
}

output "replication_role" {
  description = "The role with which S3 copies objects into the twins. Its policy is what a role of foreign_role_arns needs too, so attach it to that one."
  value       = merge(local.replication_role, { policy = data.aws_iam_policy_document.replication.json })
  depends_on  = [module.replication_role]
}

output "reports_bucket" {
  description = "The bucket of the source region that keeps the reports of Batch Replication, below reports/, and what the functions remember, below state/, in queue.json and in sweep.json."
  value       = local.reports
  depends_on  = [module.reports_bucket]
}

output "source_bucket_check" {
  description = "The function in the source region that decides whether a bucket is protected."
  value       = module.source_bucket_check
  depends_on  = [module.check_requests, module.s3_events, module.topic_01, module.topic_02, module.twin_reader]

  precondition {
    condition     = !(startswith(local.reports.name, var.dr_bucket_prefix) && endswith(local.reports.name, local.twin_ending))
    error_message = "Choose another dr_bucket_suffix, dr_bucket_prefix or reports.bucket: ${local.reports.name}, the bucket for reports, is called as twins are, and the functions treat what is called so as one."
  }

  # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
  precondition {
    condition     = length(jsonencode(local.tag_changes)) <= 2048
    error_message = "Use fewer or shorter keys in match_tags: the pattern of the rule that hears changes of them has ${length(jsonencode(local.tag_changes))} characters, and EventBridge takes 2048."
  }

  precondition {
    condition     = local.bytes.profiles <= 2280
    error_message = "Shorten profiles to 2280 bytes as Lambda counts them (now ${local.bytes.profiles}): the functions get them in their environment, for which Lambda has 4 KB of JSON in all."
  }

  precondition {
    condition     = local.environment_bytes <= 4096
    error_message = "Shorten profiles (now ${local.bytes.profiles} bytes), translations (${local.bytes.translations}), kms.source_key_arns (${local.bytes.source_key_arns}), foreign_role_arns (${local.bytes.foreign_role_arns}) or iam.path (${local.bytes.paths}, once in each role's ARN) by ${local.environment_bytes - 4096} bytes in all, as Lambda counts them: the functions get them in their environment, for which Lambda has 4 KB of JSON."
  }
}

output "sweep" {
  description = "The function in the source region that has every tagged bucket checked again, and looks for twins without a source and for a CloudTrail trail; it also gives turns to the jobs that wait."
  value       = module.sweep
  depends_on  = [module.job_events, module.jobs_rule, module.reports_bucket, module.sweep_rule, module.twin_reader]
}

output "topic_01" {
  description = "The topic in the DR region that carries a bucket's name from source_bucket_check to destination_bucket_check."
  value       = local.topics.topic_01
  depends_on  = [module.topic_01]
}

output "topic_02" {
  description = "The topic in the source region that carries a bucket's name from destination_bucket_check to enable_replication, and from source_bucket_check when the bucket is not tagged any more."
  value       = local.topics.topic_02
  depends_on  = [module.topic_02]
}
