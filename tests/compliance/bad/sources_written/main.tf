# Fails: Only twins are changed in the DR region
# Every bucket of the account can be given rules under which its objects expire.

resource "aws_iam_role_policy" "bad" {
  name = "bad-destination-bucket-check"
  role = "bad"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "s3:PutLifecycleConfiguration"
      Resource = "arn:aws:s3:::*"
      Condition = {
        StringEquals = {
          "aws:RequestedRegion" = "us-east-2"
          "s3:ResourceAccount"  = "111122223333"
        }
      }
    }]
  })
}
