# Fails: A failure queue keeps what it gets for two weeks
# The default of four days is a long weekend.

resource "aws_sqs_queue" "bad" {
  name                    = "bad-failures"
  sqs_managed_sse_enabled = true

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect    = "Allow"
        Principal = { Service = "sns.amazonaws.com" }
        Action    = "sqs:SendMessage"
        Resource  = "arn:aws:sqs:us-west-2:111122223333:bad-failures"
        Condition = { ArnEquals = { "aws:SourceArn" = "arn:aws:sns:us-west-2:111122223333:bad-02" } }
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
