# Fails: No ACL can be written
# Nothing is cloned that needs an ACL, and yet one can be put on a twin.

resource "aws_iam_role_policy" "bad" {
  name = "bad-destination-bucket-check"
  role = "bad"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["s3:GetBucketAcl", "s3:PutBucketAcl"]
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
