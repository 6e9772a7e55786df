# Fails: One trail writes into the reports bucket
# CloudTrail writes for every account that asks it to.

resource "aws_s3_bucket_policy" "reports_bucket" {
  bucket = "bad"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect    = "Allow"
        Principal = { Service = "cloudtrail.amazonaws.com" }
        Action    = "s3:PutObject"
        Resource  = "arn:aws:s3:::bad/*"
      },
      {
        Effect    = "Deny"
        Principal = { AWS = "*" }
        Action    = "s3:*"
        Resource  = "arn:aws:s3:::bad/*"
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
    ]
  })
}
