"""Findings ("doctor"): one small pure function per rule, grouped by the noun that it is about.

`rule` says what a rule is, `view` what rules ask of an observation, `registry` which rules there are.
"""
