output "batch_role" {
  description = "The role with which the replication of existing objects is started."
  value       = module.s3_dr.batch_role
}

output "dr_bucket_suffix" {
  description = "What a bucket's name is given to name its twin."
  value       = module.s3_dr.dr_bucket_suffix
}

output "dr_key" {
  description = "The key that encrypts the replicas, and its alias; null without one."
  value       = module.s3_dr.dr_key
}

output "event_rules" {
  description = "The EventBridge rules that start a check."
  value       = module.s3_dr.event_rules
}

output "failure_queues" {
  description = "Where to look for what could not be delivered or done."
  value       = module.s3_dr.failure_queues
}

output "functions" {
  description = "The functions in the order of an event's journey, and the one that has everything checked again."
  value = [
    module.s3_dr.source_bucket_check,
    module.s3_dr.destination_bucket_check,
    module.s3_dr.enable_replication,
    module.s3_dr.sweep,
  ]
}

output "reader_roles" {
  description = "The role of each account as which the functions of the other look at its buckets; null with one account."
  value       = module.s3_dr.reader_roles
}

output "regions" {
  description = "The source region and the DR region."
  value       = module.s3_dr.regions
}

output "replication_role" {
  description = "The role with which S3 copies objects."
  value       = module.s3_dr.replication_role
}

output "reports_bucket" {
  description = "Where the reports of Batch Replication are."
  value       = module.s3_dr.reports_bucket
}

output "topics" {
  description = "The two topics in the order of an event's journey."
  value       = [module.s3_dr.topic_01, module.s3_dr.topic_02]
}
