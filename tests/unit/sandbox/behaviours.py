"""The behaviours that the sandbox claims to share with Elasticsearch 9.1.0 and Kibana, in one place.

Each names the test that holds it. The contract tests ask the same of real nodes. Where the sandbox knowingly differs,
it is said in `DEVIATIONS`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Behaviour:
    """One claim and the test (`module::function`) that can fail for it."""

    claim: str
    test: str


BEHAVIOURS = (
    Behaviour(
        "a wrong folder is refused at start with Elasticsearch's own text",
        "test_settings::test_a_folder_starts_or_is_refused_in_elasticsearchs_words",
    ),
    Behaviour(
        "a file that may not be read stops the start", "test_settings::test_a_file_that_may_not_be_read_is_named"
    ),
    Behaviour("two lines for one setting stop the start", "test_settings::test_two_lines_for_one_setting_are_refused"),
    Behaviour(
        "a protected keystore needs its password",
        "test_settings::test_a_protected_keystore_takes_its_password_from_the_environment",
    ),
    Behaviour(
        "the keystore is raised to format 7, its seed added, a missing one made",
        "test_settings::test_an_older_keystore_is_raised_to_format_7_and_keeps_its_entries",
    ),
    Behaviour(
        "security without transport TLS is refused by a bootstrap check beyond loopback",
        "test_settings::test_security_without_transport_tls_is_a_bootstrap_check",
    ),
    Behaviour(
        "a key of another certificate starts and every handshake fails with a bad signature",
        "test_tls::test_a_key_of_another_certificate_starts_and_every_handshake_fails",
    ),
    Behaviour("changed TLS files are served after a poll", "test_tls::test_a_set_switched_by_its_link_is_served"),
    Behaviour(
        "a missing or broken file leaves the old context serving, once warned about",
        "test_tls::test_a_file_that_is_gone_leaves_the_old_context_serving_with_one_warning",
    ),
    Behaviour(
        "the password of a store is that of the start", "test_tls::test_a_store_with_another_password_is_not_taken"
    ),
    Behaviour(
        "a mismatched pair is loaded without a warning",
        "test_tls::test_a_certificate_alone_is_loaded_and_breaks_every_handshake_until_its_key_comes",
    ),
    Behaviour(
        "open connections keep their certificate",
        "test_tls::test_an_open_connection_keeps_its_certificate_and_works_on",
    ),
    Behaviour(
        "same size and modification time are no change",
        "test_tls::test_the_same_size_and_modification_time_are_no_change",
    ),
    Behaviour("client certificates: none, optional, required", "test_tls::test_client_certificates_on_http"),
    Behaviour(
        "a node is in the cluster only if both handshakes succeed",
        "test_membership::test_a_node_that_is_not_trusted_both_ways_stays_outside",
    ),
    Behaviour(
        "the name in a certificate counts in mode full only",
        "test_membership::test_a_wrong_name_does_not_matter_in_certificate_mode",
    ),
    Behaviour(
        "without a quorum HTTP opens late and answers 401 or 503",
        "test_membership::test_a_node_without_a_quorum_opens_http_late_and_answers_401_or_503",
    ),
    Behaviour(
        "transport TLS one by one takes nodes out until the majority flips",
        "test_membership::test_transport_tls_one_by_one_takes_nodes_out_until_the_majority_flips",
    ),
    Behaviour(
        "an untrusted certificate breaks at the next reconnect, trust heals it without a restart",
        "test_membership::test_an_untrusted_certificate_is_noticed_at_the_next_reconnect_and_repaired_by_trust",
    ),
    Behaviour(
        "a full restart keeps cluster and data", "test_membership::test_a_full_restart_keeps_the_cluster_and_its_data"
    ),
    Behaviour(
        "replicas wait while allocation is restricted", "test_membership::test_health_follows_replicas_and_allocation"
    ),
    Behaviour("plain text to HTTPS is closed without a byte", "test_probes::test_plain_http_to_an_https_port"),
    Behaviour("plain text to transport TLS is closed likewise", "test_probes::test_plain_http_to_a_tls_transport_port"),
    Behaviour("HTTP to plain transport is told so", "test_probes::test_http_to_a_plain_transport_port"),
    Behaviour("TLS to plain transport is closed", "test_probes::test_tls_to_a_plain_transport_port"),
    Behaviour("TLS to plain HTTP gets an HTTP 400", "test_probes::test_tls_to_a_plain_http_port"),
    Behaviour(
        "the transport port shows its certificate to anybody",
        "test_probes::test_the_transport_certificate_is_shown_to_a_client_without_one",
    ),
    Behaviour(
        "the transport handshake tells the version", "test_probes::test_the_transport_handshake_tells_the_version"
    ),
    Behaviour("401 bodies and WWW-Authenticate", "test_rest::test_no_credentials"),
    Behaviour("bodies have the shape of the real ones", "test_rest::test_bodies_have_the_shape_of_the_real_ones"),
    Behaviour("only elastic has a password at first", "test_rest::test_only_elastic_has_a_password_at_first"),
    Behaviour(
        "the right password gets 401 while the security index is made",
        "test_rest::test_the_right_password_gets_401_while_the_security_index_is_made",
    ),
    Behaviour(
        "the bootstrap password ends with the first own password",
        "test_rest::test_the_bootstrap_password_dies_with_the_first_own_password",
    ),
    Behaviour(
        "a password set through one node holds on all at once",
        "test_membership::test_a_password_set_on_one_node_holds_on_the_others_at_once",
    ),
    Behaviour("file users come and go with the poll", "test_rest::test_file_users_come_and_go_with_the_poll"),
    Behaviour("passwords that are refused", "test_rest::test_passwords_that_are_refused"),
    Behaviour(
        "no security API without security",
        "test_rest::test_a_node_without_security_asks_nobody_and_has_no_security_api",
    ),
    Behaviour(
        "/_ssl/certificates shows the disk, or 500 with the reason",
        "test_rest::test_ssl_certificates_shows_the_disk_and_fails_with_its_reason",
    ),
    Behaviour("Kibana refuses in its own words", "test_kibana::test_a_configuration_is_refused_in_kibanas_words"),
    Behaviour(
        "Kibana's status follows its login to Elasticsearch",
        "test_kibana::test_status_is_unavailable_when_something_is_wrong",
    ),
    Behaviour(
        "Kibana's own certificate is read again on SIGHUP only",
        "test_kibana::test_its_own_port_serves_tls_and_reloads_on_demand",
    ),
)

DEVIATIONS = (
    "the alert for an untrusted client certificate is unknown_ca (OpenSSL), not certificate_unknown (Java)",
    "with verification_mode none a server asks for no client certificate, so a missing one is not noticed",
    "JKS stores are not read: the start is refused and says so",
    "bcrypt hashes in the users file never match; {PBKDF2} and the older kinds do",
    "an expired CA certificate is refused by OpenSSL, where Java does not look at the dates of an anchor",
    "nodes listen on 127.0.0.1 whatever network.host says; beyond loopback the bootstrap checks become binding",
    "TLS files outside the configuration folder are refused, as packaged nodes do; nodes put together from jars start",
    "one shard per index, no queries, basic licence only, no PKI realm, no role management",
    "an API key has the rights of its owner",
)
