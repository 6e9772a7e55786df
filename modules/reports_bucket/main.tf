# The bucket for reports, for what the functions remember and, below a prefix of its own, for a trail. Region: the
# provider's.

locals {
  trail_prefix = "trail"
}

# Whatever is in it speaks of what is destroyed with it.
resource "aws_s3_bucket" "this" {
  bucket        = var.bucket.name
  force_destroy = true
  tags          = var.tags

  lifecycle {
    precondition {
      condition     = length(var.bucket.name) <= 63 && !can(regex("^(xn--|sthree-|amzn-s3-demo-)", var.bucket.name))
      error_message = "S3 takes no bucket called ${var.bucket.name}: give the module a name that is shorter and does not begin with xn--, sthree- or amzn-s3-demo-, or a reports.bucket of your own."
    }
  }
}

# S3 refuses a change of a bucket that it is changing, so these wait for one another.

resource "aws_s3_bucket_public_access_block" "this" {
  bucket                  = aws_s3_bucket.this.bucket
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "this" {
  bucket = aws_s3_bucket_public_access_block.this.bucket

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  bucket = aws_s3_bucket_ownership_controls.this.bucket

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

# What the functions remember is one small object for each bucket, and stays.
resource "aws_s3_bucket_lifecycle_configuration" "this" {
  bucket = aws_s3_bucket_server_side_encryption_configuration.this.bucket

  dynamic "rule" {
    for_each = concat(["reports"], var.trail == null ? [] : [local.trail_prefix])

    content {
      id     = "forget-${rule.value}"
      status = "Enabled"

      filter {
        prefix = "${rule.value}/"
      }
      expiration {
        days = var.retention_days
      }
    }
  }

  rule {
    id     = "forget-unfinished-uploads"
    status = "Enabled"

    filter {}
    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }
}

data "aws_iam_policy_document" "this" {
  statement {
    sid       = "NobodyComesWithoutTls"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [var.bucket.arn, "${var.bucket.arn}/*"]

    principals {
      type        = "AWS"
      identifiers = ["*"]
    }
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }

  dynamic "statement" {
    for_each = var.trail == null ? [] : [var.trail]

    content {
      sid       = "TheTrailMayLookWhoseTheBucketIs"
      actions   = ["s3:GetBucketAcl"]
      resources = [var.bucket.arn]

      principals {
        type        = "Service"
        identifiers = ["cloudtrail.amazonaws.com"]
      }
      condition {
        test     = "StringEquals"
        variable = "aws:SourceArn"
        values   = [statement.value.arn]
      }
    }
  }

  dynamic "statement" {
    for_each = var.trail == null ? [] : [var.trail]

    content {
      sid       = "TheTrailMayWriteItsLogs"
      actions   = ["s3:PutObject"]
      resources = ["${var.bucket.arn}/${local.trail_prefix}/AWSLogs/${statement.value.account_id}/*"]

      principals {
        type        = "Service"
        identifiers = ["cloudtrail.amazonaws.com"]
      }
      condition {
        test     = "StringEquals"
        variable = "aws:SourceArn"
        values   = [statement.value.arn]
      }
      condition {
        test     = "StringEquals"
        variable = "s3:x-amz-acl"
        values   = ["bucket-owner-full-control"]
      }
    }
  }
}

resource "aws_s3_bucket_policy" "this" {
  bucket = aws_s3_bucket_server_side_encryption_configuration.this.bucket
  policy = data.aws_iam_policy_document.this.json
}
