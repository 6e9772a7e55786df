# Fails: The other account uses a key for twins or a topic
# The context is any object: the key is not for twins only.

resource "aws_kms_key" "dr_key" {
  deletion_window_in_days = 30
  enable_key_rotation     = true

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect    = "Allow"
        Principal = { AWS = "arn:aws:iam::111122223333:root" }
        Action    = "kms:*"
        Resource  = "*"
      },
      {
        Effect    = "Allow"
        Principal = { AWS = "arn:aws:iam::222233334444:root" }
        Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource  = "*"
        Condition = {
          ArnLike      = { "aws:PrincipalArn" = "arn:aws:iam::222233334444:role/bad-replication" }
          StringEquals = { "kms:ViaService" = "s3.us-east-2.amazonaws.com" }
          StringLike   = { "kms:EncryptionContext:aws:s3:arn" = "arn:aws:s3:::*/*" }
        }
      },
    ]
  })
}
