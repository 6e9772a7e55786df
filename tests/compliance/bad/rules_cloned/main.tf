# Fails: A twin is given what every twin has
# Nothing is cloned, and yet rules under which objects expire can be put on a twin.

resource "aws_iam_role_policy" "bad" {
  name = "bad-destination-bucket-check"
  role = "bad"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["s3:PutBucketVersioning", "s3:PutLifecycleConfiguration"]
      Resource = "arn:aws:s3:::*-dr"
      Condition = {
        StringEquals = {
          "aws:RequestedRegion" = "us-east-2"
          "s3:ResourceAccount"  = "111122223333"
        }
      }
    }]
  })
}
