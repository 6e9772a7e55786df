# Fails: Rules and topics fill a failure queue
# No aws:SourceArn: a topic of any account fills the queue.

resource "aws_sqs_queue" "bad" {
  name                      = "bad-failures"
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = true

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect    = "Allow"
        Principal = { Service = "sns.amazonaws.com" }
        Action    = "sqs:SendMessage"
        Resource  = "arn:aws:sqs:us-west-2:111122223333:bad-failures"
      },
      {
        Effect    = "Deny"
        Principal = { AWS = "*" }
        Action    = "sqs:SendMessage"
        Resource  = "arn:aws:sqs:us-west-2:111122223333:bad-failures"
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
    ]
  })
}
