# Fails: Changes of tags are heard of buckets only
# Tags of whatever there is are heard.

resource "aws_cloudwatch_event_rule" "bad" {
  name = "bad-tag-changes"

  event_pattern = jsonencode({
    source      = ["aws.tag"]
    detail-type = ["Tag Change on Resource"]
  })
}
