# Fails: A function uses keys for topics only
# The function could use the keys of every topic.

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
        StringEquals = { "kms:ViaService" = "sns.us-east-2.amazonaws.com" }
        StringLike   = { "kms:EncryptionContext:aws:sns:topicArn" = "*" }
      }
    }]
  })
}
