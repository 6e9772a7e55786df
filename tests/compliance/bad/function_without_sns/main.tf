# Fails: SNS alone uses keys with the role of a function
# No kms:ViaService: the function could decrypt messages without SNS.

resource "aws_iam_role_policy" "bad" {
  name = "bad-source-bucket-check"
  role = "bad"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
      Resource = "arn:aws:kms:us-east-2:111122223333:key/*"
      Condition = {
        StringEquals = { "kms:EncryptionContext:aws:sns:topicArn" = "arn:aws:sns:us-east-2:111122223333:bad-01" }
      }
    }]
  })
}
