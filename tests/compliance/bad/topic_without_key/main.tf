# Fails: The topics are encrypted with a KMS key
# No kms_master_key_id: messages lie in the topic in the clear.

resource "aws_sns_topic" "bad" {
  name = "bad-01"
}
