# Fails: A reader gets and lists
# The reader changes whose a twin is.

resource "aws_iam_role_policy" "bad" {
  name = "bad-twin-reader"
  role = "bad"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = ["s3:GetBucketTagging", "s3:PutBucketTagging"]
      Resource  = "arn:aws:s3:::*-dr"
      Condition = { StringEquals = { "s3:ResourceAccount" = "222233334444" } }
    }]
  })
}
