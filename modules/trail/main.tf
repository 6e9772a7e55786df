# A trail of the calls that change something, which is what EventBridge hears of. Region: the provider's.

resource "aws_cloudtrail" "this" {
  name                          = var.name
  s3_bucket_name                = var.bucket_name
  s3_key_prefix                 = var.prefix
  enable_log_file_validation    = true
  include_global_service_events = false
  is_multi_region_trail         = false
  tags                          = var.tags

  event_selector {
    include_management_events = true
    read_write_type           = "WriteOnly"
  }
}
