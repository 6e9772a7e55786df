variable "dr_bucket_suffix" {
  description = "What a bucket's name is given to name its twin in the DR region. In the DR region only buckets whose names end so are created and changed."
  type        = string
  default     = "-dr"
  nullable    = false

  validation {
    condition     = can(regex("^-[a-z0-9-]*[a-z0-9]$", var.dr_bucket_suffix)) && length(var.dr_bucket_suffix) <= 20
    error_message = "Give a dr_bucket_suffix of at most 20 characters that begins with a hyphen, goes on in lower-case letters, digits and hyphens, and ends in a letter or digit, like \"-dr\"."
  }

  validation {
    condition     = !can(regex("(-an|-s3alias|--ol-s3|--x-s3|--table-s3)$", var.dr_bucket_suffix))
    error_message = "Choose another dr_bucket_suffix: S3 keeps bucket names ending in -an, -s3alias, --ol-s3, --x-s3 or --table-s3 for itself."
  }
}

variable "function" {
  description = "How the three functions run: processor architecture, memory, Python runtime and time-out."
  type = object({
    architecture    = optional(string, "arm64")
    memory_mb       = optional(number, 512)
    runtime         = optional(string, "python3.13")
    timeout_seconds = optional(number, 120)
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains(["arm64", "x86_64"], var.function.architecture)
    error_message = "Set function.architecture to \"arm64\" or \"x86_64\"."
  }

  validation {
    condition     = var.function.memory_mb >= 128 && var.function.memory_mb <= 10240 && floor(var.function.memory_mb) == var.function.memory_mb
    error_message = "Set function.memory_mb to a whole number from 128 to 10240."
  }

  validation {
    condition     = can(regex("^python3\\.(1[1-9]|[2-9][0-9])$", var.function.runtime))
    error_message = "Set function.runtime to \"python3.11\" or a later Python that your AWS provider knows."
  }

  validation {
    condition     = var.function.timeout_seconds >= 30 && var.function.timeout_seconds <= 900 && floor(var.function.timeout_seconds) == var.function.timeout_seconds
    error_message = "Set function.timeout_seconds to a whole number from 30 to 900: below 30 a function has no time to repeat a call that S3 throttled."
  }
}

variable "layers" {
  description = "ARNs of layer versions for the functions in the source and in the DR region, such as a newer boto3. A layer belongs to one region: publish it in both."
  type = object({
    dr     = optional(list(string), [])
    source = optional(list(string), [])
  })
  default  = {}
  nullable = false

  validation {
    condition     = length(var.layers.dr) <= 5 && length(var.layers.source) <= 5
    error_message = "Give at most five layers.source and five layers.dr: Lambda takes no more."
  }

  validation {
    condition     = alltrue([for arn in concat(var.layers.dr, var.layers.source) : can(regex("^arn:[a-z-]+:lambda:[a-z0-9-]+:[0-9]{12}:layer:[A-Za-z0-9_-]+:[0-9]+$", arn))])
    error_message = "Give every layer as the ARN of one version, like \"arn:aws:lambda:us-west-2:111122223333:layer:boto3:1\"."
  }
}

variable "log_level" {
  description = "The least serious log record that the functions write."
  type        = string
  default     = "INFO"
  nullable    = false

  validation {
    condition     = contains(["DEBUG", "INFO", "WARN", "ERROR"], var.log_level)
    error_message = "Set log_level to DEBUG, INFO, WARN or ERROR."
  }
}

variable "log_retention_days" {
  description = "How many days CloudWatch keeps the functions' logs."
  type        = number
  default     = 365
  nullable    = false

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "Set log_retention_days to a number of days that CloudWatch offers: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653."
  }
}

variable "name" {
  description = "Begins the name of everything the module creates. Give each installation in an account its own: IAM role names carry it, and IAM knows no regions."
  type        = string
  default     = "s3-dr"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}[a-z0-9]$", var.name))
    error_message = "Give a name of 3 to 32 lower-case letters, digits and hyphens that begins with a letter and does not end in a hyphen."
  }
}

variable "package" {
  description = "Path of another zip with the functions' code. Null takes the one that comes with the module."
  type        = string
  default     = null

  validation {
    condition     = var.package == null || try(endswith(var.package, ".zip") && fileexists(var.package), false)
    error_message = "Give package the path of an existing .zip file, or leave it out to take the one that comes with the module."
  }
}

variable "profiles" {
  description = "Which buckets are protected, and how. A bucket follows the first profile one of whose match_tags sets it carries in full; keys and values are case-sensitive, as S3's are. delete_markers says whether a delete in the source hides the object in the twin too."
  type = list(object({
    name           = string
    match_tags     = list(map(string))
    delete_markers = optional(bool, true)
  }))
  default = [{
    name       = "standard"
    match_tags = [{ dr = "true" }, { DR = "true" }]
  }]
  nullable = false

  validation {
    condition     = length(var.profiles) > 0
    error_message = "Give at least one profile: without one no bucket would ever be protected."
  }

  validation {
    condition     = alltrue([for profile in var.profiles : can(regex("^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$", profile.name))])
    error_message = "Give every profile a name of 1 to 64 letters, digits, hyphens and underscores that begins with a letter or digit."
  }

  validation {
    condition     = try(length(distinct(var.profiles[*].name)) == length(var.profiles), false)
    error_message = "Give every profile a name of its own."
  }

  validation {
    condition     = alltrue([for profile in var.profiles : try(length(profile.match_tags) > 0 && alltrue([for tags in profile.match_tags : length(tags) > 0]), false)])
    error_message = "Give every profile at least one match_tags set, and every set at least one tag: an empty set would match every bucket."
  }

  validation {
    condition     = alltrue([for profile in var.profiles : try(alltrue([for tags in profile.match_tags : length(tags) <= 50]), false)])
    error_message = "Put at most 50 tags in a match_tags set: a bucket cannot carry more."
  }

  validation {
    condition = alltrue([for profile in var.profiles : try(alltrue(flatten([for tags in profile.match_tags : [
      for key, value in tags : length(key) >= 1 && length(key) <= 128 && length(value) <= 256
    ]])), false)])
    error_message = "Give every tag in match_tags a key of 1 to 128 characters and a value of at most 256: no bucket can carry another."
  }

  validation {
    condition = alltrue([for profile in var.profiles : try(alltrue(flatten([for tags in profile.match_tags : [
      for key, value in tags : !startswith(lower(key), "aws:") && !startswith(key, "s3-dr:")
    ]])), false)])
    error_message = "Match other tags: keys beginning with aws: belong to AWS, and keys beginning with s3-dr: mark the twins, which must never match a profile."
  }

  # Base64 turns each three bytes into four characters, so its length counts bytes where length() counts characters.
  validation {
    condition     = length(base64encode(jsonencode(var.profiles))) <= 4000
    error_message = "Shorten profiles to 3000 bytes of JSON: the functions get them in their environment, for which Lambda has 4 KB in all."
  }
}

variable "tags" {
  description = "Tags for the module's own resources. The twins do not get them."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = length(var.tags) <= 50 && alltrue([for key, value in var.tags : try(length(key) >= 1 && length(key) <= 128 && length(value) <= 256 && !startswith(lower(key), "aws:"), false)])
    error_message = "Give at most 50 tags, each with a key of 1 to 128 characters that does not begin with aws: and a value of at most 256 characters."
  }
}
