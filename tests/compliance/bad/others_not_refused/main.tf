# Fails: Every other role is refused
# Instead of: aws_sns_topic_policy.this
# Whoever has sns:Publish from a policy of his own publishes too.

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
        Condition = { ArnEquals = { "aws:PrincipalArn" = "arn:aws:iam::111122223333:role/bad-source-bucket-check" } }
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
