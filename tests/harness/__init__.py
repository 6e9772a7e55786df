"""Runs Terraform for the tests: finds it, drives it, and reads what it plans.

- ``toolchain``: which Terraform, which provider, and a CLI configuration of our own.
- ``terraform``: ``Root``, a copy of a Terraform root to plan, apply and destroy.
- ``plan``: ``Plan``, a reader of the plan's JSON; ``policy``: the policies found in it.
- ``unchanged``: leaves tests out while what they test is as it was when they passed.
- ``guard``: ends what a process started when it is gone, by SIGKILL, too.
- ``sts``: the one AWS call that every plan makes, answered on the loopback interface.
"""
