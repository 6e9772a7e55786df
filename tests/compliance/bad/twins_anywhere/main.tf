# Fails: Twins are in an approved region
# The DR region is not a region.

resource "aws_iam_role_policy" "bad" {
  name = "bad-destination-bucket-check"
  role = "bad"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "s3:PutBucketPolicy"
      Resource = "arn:aws:s3:::*-dr"
      Condition = {
        StringEquals = {
          "aws:RequestedRegion" = "mo-east-2"
          "s3:ResourceAccount"  = "111122223333"
        }
      }
    }]
  })
}
