# Fails: Named roles publish on a topic
# The whole account publishes.

resource "aws_sns_topic_policy" "bad" {
  arn = "arn:aws:sns:us-west-2:111122223333:bad-01"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect    = "Allow"
        Principal = { AWS = "arn:aws:iam::111122223333:root" }
        Action    = "sns:Publish"
        Resource  = "arn:aws:sns:us-west-2:111122223333:bad-01"
      },
      {
        Effect    = "Deny"
        Principal = { AWS = "*" }
        Action    = "sns:Publish"
        Resource  = "arn:aws:sns:us-west-2:111122223333:bad-01"
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
    ]
  })
}
