# Fails: The reports bucket is not public
# ACLs may open the bucket.

resource "aws_s3_bucket_public_access_block" "reports_bucket" {
  bucket                  = "bad"
  block_public_acls       = false
  restrict_public_buckets = true
}
