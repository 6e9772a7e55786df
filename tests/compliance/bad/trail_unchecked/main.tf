# Fails: The trail can be checked for changes
# Whoever gets at the logs may change them unseen.

resource "aws_cloudtrail" "trail" {
  name                       = "bad"
  s3_bucket_name             = "bad"
  enable_log_file_validation = false

  event_selector {
    include_management_events = true
    read_write_type           = "WriteOnly"
  }
}
