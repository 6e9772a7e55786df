# Fails: The trail logs management events
# EventBridge would never hear of a tag.

resource "aws_cloudtrail" "trail" {
  name                       = "bad"
  s3_bucket_name             = "bad"
  enable_log_file_validation = true

  event_selector {
    include_management_events = false
    read_write_type           = "WriteOnly"
  }
}
