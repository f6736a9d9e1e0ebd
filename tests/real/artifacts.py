"""What a real node is put together from: released artifacts of Maven Central, each with its version.

Moving to a newer Elasticsearch is the line of `VERSION`; whatever else has to move with it fails at link time or turns
a test red.
"""

from __future__ import annotations

from dataclasses import dataclass

VERSION = "9.1.0"
"""Elasticsearch of every real node."""
JAVA_RELEASE = 21
"""Java release that its class files need."""

_PLUGIN = "org.elasticsearch.plugin"
_HTTP = "org.apache.httpcomponents"
_OPENSAML = ("core", "saml-api", "saml-impl", "security-api", "xmlsec-api", "messaging-api")


@dataclass(frozen=True)
class Artifact:
    """Maven coordinates."""

    group: str
    name: str
    version: str = VERSION


@dataclass(frozen=True)
class Part:
    """One folder of jars: the server itself, or a module of it."""

    name: str
    artifacts: tuple[Artifact, ...]
    transitive: bool
    """Take what the artifacts depend on as well, as Maven works it out; else exactly what is named."""


PARTS = (
    Part("lib", (Artifact("org.elasticsearch", "elasticsearch"),), transitive=True),
    Part("transport-netty4", (Artifact(_PLUGIN, "transport-netty4"),), transitive=True),
    Part(
        "x-pack-core",
        (
            Artifact(_PLUGIN, "x-pack-core"),
            Artifact("org.elasticsearch", "elasticsearch-ssl-config"),
            Artifact(_PLUGIN, "x-pack-template-resources", "8.19.0"),  # 9.x is not published; JSON templates only
            Artifact(_HTTP, "httpclient", "4.5.14"),
            Artifact(_HTTP, "httpcore", "4.4.16"),
            Artifact(_HTTP, "httpcore-nio", "4.4.16"),
            Artifact(_HTTP, "httpasyncclient", "4.1.5"),
            Artifact("commons-logging", "commons-logging", "1.2"),
            Artifact("org.apache.logging.log4j", "log4j-1.2-api", "2.19.0"),
            Artifact("commons-codec", "commons-codec", "1.15"),
            Artifact("com.unboundid", "unboundid-ldapsdk", "6.0.3"),
        ),
        transitive=False,
    ),
    Part(
        "x-pack-security",
        (
            Artifact(_PLUGIN, "x-pack-security"),
            Artifact("org.apache.santuario", "xmlsec", "2.3.4"),
            Artifact("io.dropwizard.metrics", "metrics-core", "4.1.4"),
            Artifact("org.cryptacular", "cryptacular", "1.2.5"),
            Artifact("org.slf4j", "slf4j-api", "2.0.6"),
            Artifact("org.slf4j", "slf4j-nop", "2.0.6"),
            Artifact(_HTTP, "httpclient-cache", "4.5.14"),
            Artifact("com.nimbusds", "oauth2-oidc-sdk", "11.22.2"),
            Artifact("com.nimbusds", "nimbus-jose-jwt", "10.0.2"),  # stands in for the repackaged, unpublished one
            Artifact("com.nimbusds", "lang-tag", "1.7"),
            Artifact("com.nimbusds", "content-type", "2.3"),
            Artifact("com.sun.mail", "jakarta.mail", "1.6.3"),
            Artifact("net.jcip", "jcip-annotations", "1.0"),
            Artifact("net.minidev", "json-smart", "2.5.2"),
            Artifact("net.minidev", "accessors-smart", "2.5.2"),
            Artifact("org.ow2.asm", "asm", "9.7.1"),
            Artifact("com.google.guava", "guava", "32.0.1-jre"),
            Artifact("com.google.guava", "failureaccess", "1.0.1"),
            Artifact("joda-time", "joda-time", "2.10.10"),
            # OpenSAML 4.3 is not on Central; 4.0.1 is, and only has to let the SAML classes link
            *(Artifact("org.opensaml", f"opensaml-{name}", "4.0.1") for name in _OPENSAML),
            Artifact("net.shibboleth.utilities", "java-support", "8.0.0"),
        ),
        transitive=False,
    ),
)
