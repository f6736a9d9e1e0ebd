"""Which cluster a node's data folder belongs to, from the commit data of its on-disk cluster state. Pure.

Source: Elasticsearch class `PersistedClusterStateService` (user data of the Lucene commit, 8.2 and later), Lucene
`SegmentInfos` and `DataOutput.writeMapOfStrings`: each text is its length as a variable-length number, then UTF-8.
"""

from __future__ import annotations

UUID_KEY = b"\x0ccluster_uuid"
COMMITTED_KEY = b"\x16cluster_uuid_committed"


def state_cluster_uuid(segments: bytes) -> str:
    """UUID in a `segments_N` file, `_na_` where the node neither formed nor joined a cluster for good; empty where
    the file does not tell, as before 8.2."""
    if _value(segments, COMMITTED_KEY) == "false":
        return "_na_"
    return _value(segments, UUID_KEY)


def _value(content: bytes, key: bytes) -> str:
    place = content.rfind(key)
    if place < 0:
        return ""
    start = place + len(key)
    length = content[start] if start < len(content) else 0
    # a UUID has 22 characters; a length of 128 or more would take a second byte, and is none of ours
    value = content[start + 1 : start + 1 + length] if length < 0x80 else b""
    return value.decode("ascii", "replace")
