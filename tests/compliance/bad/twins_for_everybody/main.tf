# Fails: Twins are made in the namespace of the account
# Without s3:x-amz-bucket-namespace a twin's name can be one that everybody may take.

resource "aws_iam_role_policy" "bad" {
  name = "bad-destination-bucket-check"
  role = "bad"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "s3:CreateBucket"
      Resource  = "arn:aws:s3:::*-dr-111122223333-us-east-2-an"
      Condition = { StringEquals = { "aws:RequestedRegion" = "us-east-2" } }
    }]
  })
}
