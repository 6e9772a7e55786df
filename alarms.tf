# What a person has to look at: what failed for good, and what was blocked. An alarm sees and tells nothing outside
# its region, so each region has its own.

module "source_alarms" {
  source    = "./modules/alarms"
  providers = { aws = aws.source }
  count     = var.alarms.enabled ? 1 : 0

  actions = var.alarms.actions.source
  log_group_names = [
    module.source_bucket_check.log_group_name,
    module.enable_replication.log_group_name,
    module.sweep.log_group_name,
  ]
  name       = var.name
  queue_name = local.queues.source.name
  tags       = var.tags
}

module "dr_alarms" {
  source    = "./modules/alarms"
  providers = { aws = aws.dr }
  count     = var.alarms.enabled ? 1 : 0

  actions         = var.alarms.actions.dr
  log_group_names = [module.destination_bucket_check.log_group_name]
  name            = var.name
  queue_name      = local.queues.dr.name
  tags            = var.tags
}
