# Fails: The reports bucket refuses plain HTTP
# Reports name objects, and travel in the clear.

resource "aws_s3_bucket_policy" "reports_bucket" {
  bucket = "bad"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Deny"
      Principal = { AWS = "*" }
      Action    = "s3:DeleteBucket"
      Resource  = "arn:aws:s3:::bad"
    }]
  })
}
