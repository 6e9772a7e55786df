# Fails: No policy can make the reports bucket public
# A public policy would hold.

resource "aws_s3_bucket_public_access_block" "reports_bucket" {
  bucket                  = "bad"
  block_public_acls       = true
  restrict_public_buckets = false
}
