"""``make bench``: how long a plan of examples/basic takes, next to one of a root with two topics.

The plain root has one SNS topic in each of the same two regions: what it takes is what Terraform
and the AWS provider cost anybody with two regions. Plans of the two alternate, so that a busy
moment of the machine hits both.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from rich.progress import track

from harness.console import make_console
from harness.sts import sts_stub
from harness.terraform import Root
from harness.toolchain import REPO, Toolchain

BAR = 1.3
PLAIN = """
terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7.0"
    }
  }
}

provider "aws" {
  alias  = "source"
  region = "us-west-2"
}

provider "aws" {
  alias  = "dr"
  region = "us-east-2"
}

resource "aws_sns_topic" "source" {
  provider = aws.source
  name     = "plain"
}

resource "aws_sns_topic" "dr" {
  provider = aws.dr
  name     = "plain"
}
"""


def main() -> int:
    """Measure and print; the exit code is 1 when the bar is missed."""
    parser = argparse.ArgumentParser(prog="plan", description=__doc__)
    parser.add_argument("--runs", type=int, default=7, help="plans of each (default 7)")
    runs = parser.parse_args().runs
    console = make_console()
    seconds: dict[str, list[float]] = {"examples/basic": [], "two topics": []}
    with tempfile.TemporaryDirectory(prefix="s3-dr-bench-") as folder, sts_stub() as environment:
        tools = Toolchain.find(Path(folder))
        with (
            Root(REPO / "examples/basic", tools=tools, env=environment) as basic,
            Root(PLAIN, tools=tools, env=environment) as plain,
        ):
            roots = dict(zip(seconds, (basic, plain), strict=True))
            for root in roots.values():
                root.init()
                root.plan_is_empty()
            for _ in track(range(runs), "plan", console=console):
                for name, root in roots.items():
                    began = time.perf_counter()
                    root.plan_is_empty()
                    seconds[name].append(time.perf_counter() - began)
    middle = {name: median(times) for name, times in seconds.items()}
    ratio = middle["examples/basic"] / middle["two topics"]
    for name, times in seconds.items():
        range_ = f"{min(times):.2f} to {max(times):.2f}"
        console.print(f"plan of {name}: median {middle[name]:.2f} s, {range_} s, n={runs}")
    met = ratio <= BAR
    console.print(
        f"{'[green]met[/green]' if met else '[red]MISSED[/red]'}  {ratio:.2f} times, bar {BAR}"
    )
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
