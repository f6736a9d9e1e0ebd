"""What a step can be asked for besides: options of the command line, and the words for both front ends."""

from __future__ import annotations

from dataclasses import dataclass

from estui.model.goal import Demand, Goal, KibanaWish, MutualTls, Scenario


@dataclass(frozen=True)
class Variant:
    """One of them: its option, and what it asks for."""

    option: str
    key: str
    """On the screen."""
    words: str
    goal: Goal


MUTUAL = (
    Variant(
        "--optional",
        "o",
        "ask clients for a certificate; who has none goes on as before",
        Goal(Scenario.MUTUAL, mutual=MutualTls(Demand.OPTIONAL)),
    ),
    Variant(
        "--required",
        "r",
        "demand one; refused while a client that is known has none",
        Goal(Scenario.MUTUAL, mutual=MutualTls(Demand.REQUIRED)),
    ),
    Variant("--off", "f", "ask nobody any more", Goal(Scenario.MUTUAL, mutual=MutualTls(Demand.NONE))),
    Variant(
        "--pki",
        "p",
        "certificates log people in (PKI realm)",
        Goal(Scenario.MUTUAL, mutual=MutualTls(realm=True)),
    ),
    Variant("--no-pki", "n", "they do so no more", Goal(Scenario.MUTUAL, mutual=MutualTls(realm=False))),
)
KIBANA = (
    Variant(
        "--kibana-token",
        "t",
        "Kibana logs in with a service account token, made through the API, instead of as kibana_system",
        Goal(Scenario.HTTPS, kibana=KibanaWish(token=True)),
    ),
    Variant(
        "--kibana-keys",
        "k",
        "give Kibana the encryption keys that it lacks, the same on all instances; one that is there stays",
        Goal(Scenario.HTTPS, kibana=KibanaWish(keys=True)),
    ),
)
HOSTS_WORDS = "nodes that Kibana asks as well"


def variants_of(scenario: Scenario) -> tuple[Variant, ...]:
    """Those of one step; a step without any has none."""
    return {Scenario.HTTPS: KIBANA, Scenario.MUTUAL: MUTUAL}.get(scenario, ())


def words_of(option: str) -> str:
    """What an option asks for."""
    return next(each.words for each in (*MUTUAL, *KIBANA) if each.option == option)
