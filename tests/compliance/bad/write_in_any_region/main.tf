# Fails: Buckets are changed in one region only
# No aws:RequestedRegion: buckets of all regions can be changed.

resource "aws_iam_role_policy" "bad" {
  name = "bad-bucket-check"
  role = "bad"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "s3:PutBucketVersioning"
      Resource  = "arn:aws:s3:::*"
      Condition = { StringEquals = { "s3:ResourceAccount" = "111122223333" } }
    }]
  })
}
