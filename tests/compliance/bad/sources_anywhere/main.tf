# Fails: Sources are in an approved region
# The source region is not a region.

resource "aws_iam_role_policy" "bad" {
  name = "bad-source-bucket-check"
  role = "bad"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "s3:PutBucketVersioning"
      Resource = "arn:aws:s3:::*"
      Condition = {
        StringEquals = {
          "aws:RequestedRegion" = "mo-west-2"
          "s3:ResourceAccount"  = "111122223333"
        }
      }
    }]
  })
}
