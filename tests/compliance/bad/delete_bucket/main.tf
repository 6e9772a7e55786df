# Fails: Nothing can be deleted but the configuration of a website
# Nothing that s3-dr does needs to delete a bucket.

resource "aws_iam_role_policy" "bad" {
  name = "bad-bucket-check"
  role = "bad"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["s3:GetBucketTagging", "s3:DeleteBucket"]
      Resource = "arn:aws:s3:::*"
      Condition = {
        StringEquals = {
          "aws:RequestedRegion" = "us-west-2"
          "s3:ResourceAccount"  = "111122223333"
        }
      }
    }]
  })
}
