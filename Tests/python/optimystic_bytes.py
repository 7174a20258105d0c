"""What Protos/README.md says of bytes: errors, keys, ids and hashes, canonical forms, and how a
log is verified. Nothing here needs protobuf or ZeroMQ.
"""

import hashlib
import struct
import uuid

OUTCOME_UNKNOWN = 2


class DatabaseError(Exception):
    """A failure: a code of the table in Protos/README.md, and what is known of the effects."""

    def __init__(self, code, message, unknown=False, retry_after_ms=None):
        super().__init__(f"{code}: {message}")
        self.code, self.message = code, message
        self.outcome_unknown, self.retry_after_ms = unknown, retry_after_ms

    @classmethod
    def of(cls, error):
        retry = error.retry_after_ms if error.WhichOneof("retry") else None
        return cls(
            error.code, error.message.decode("utf-8", "replace"),
            error.outcome == OUTCOME_UNKNOWN, retry)


# Keys.

def key(kind, value, more_follows=False):
    """The key of a value: kinds and rules as in Protos/README.md, byte strings as bytes."""
    if kind.endswith("?"):
        return b"\0" if value is None else b"\1" + key(kind[:-1], value, more_follows)
    if kind.startswith("("):
        kinds = components(kind)
        parts = list(zip(kinds, value, strict=True))
        return b"".join(
            key(part, item, more_follows or index < len(parts) - 1)
            for index, (part, item) in enumerate(parts))
    if kind in ("text", "bytes"):
        data = value.encode() if kind == "text" else value
        return data.replace(b"\0", b"\0\xff") + b"\0\0" if more_follows else data
    if kind == "bool":
        return bytes([value])
    if kind == "uuid":
        return uuid.UUID(value).bytes
    if kind in ("double", "date", "float"):
        # Adding zero turns -0.0 into 0.0.
        data = struct.pack(">f" if kind == "float" else ">d", value + 0.0)
        turned = 0xFF if data[0] & 0x80 else 0
        return bytes([data[0] ^ (turned or 0x80)]) + bytes(byte ^ turned for byte in data[1:])
    bits = int(kind.lstrip("uint"))
    offset = 0 if kind.startswith("u") else 1 << bits - 1
    return (value + offset).to_bytes(bits // 8, "big")


def components(kind):
    """The kinds between the parentheses of a tuple."""
    kinds, depth = [""], 0
    for letter in kind[1:-1]:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            kinds.append("")
        else:
            kinds[-1] += letter
    return kinds


def prefix_end(prefix):
    """The first key behind all that begin with a prefix; None when there is none."""
    stem = prefix.rstrip(b"\xff")
    return stem[:-1] + bytes([stem[-1] + 1]) if stem else None


# Hashes and ids.

def digest(domain, data):
    return hashlib.sha256(domain.encode() + b"\0" + data).digest()


def collection_id(name):
    return digest("optimystic/register/1", name.encode())


def content_id(data):
    return digest("optimystic/content/1", data)


def segment_hash(data):
    return digest("optimystic/segment/1", data)


def chain_hash(entry_bytes):
    return digest("optimystic/chain/1", entry_bytes)


def chain_start(name, incarnation_bytes):
    encoded = name.encode()
    return digest(
        "optimystic/chain-start/1", incarnation_bytes + struct.pack(">I", len(encoded)) + encoded)


def value_hash(value):
    """The hash of a value of a tree, as checks compare it."""
    return digest("optimystic/tree-value/1", value)


def entries_hash(entries):
    """The hash of (key, value) pairs, ascending, as checks of ranges compare them."""
    result = bytes(32)
    for key, value in entries:
        data = result + struct.pack(">I", len(key)) + key + value_hash(value)
        result = digest("optimystic/tree-entries/1", data)
    return result


class Canonical:
    """Reads canonical bytes; the methods are the grammar of Protos/README.md."""

    def __init__(self, data):
        self.data, self.position = data, 0

    def take(self, count):
        end = self.position + count
        if end > len(self.data):
            raise DatabaseError(3001, f"{count} bytes wanted at byte {self.position}")
        taken, self.position = self.data[self.position:end], end
        return taken

    def u8(self):
        return self.take(1)[0]

    def u32(self):
        return struct.unpack(">I", self.take(4))[0]

    def u64(self):
        return struct.unpack(">Q", self.take(8))[0]

    def bool(self):
        value = self.u8()
        if value > 1:
            raise DatabaseError(3001, f"{value} where 0 or 1 belongs")
        return value == 1

    def bytes(self):
        return self.take(self.u32())

    def optional(self, read):
        return read() if self.bool() else None

    def list(self, read):
        return [read() for _ in range(self.u32())]

    def id(self):
        return self.take(16)

    def hash(self):
        return self.take(32)

    def finish(self):
        if self.position != len(self.data):
            raise DatabaseError(3001, f"{len(self.data) - self.position} bytes left over")

    def version(self, number=1):
        """The first byte of each stored form."""
        byte = self.u8()
        if byte != 0xA0 | number:
            known = byte & 0xF0 == 0xA0
            raise DatabaseError(
                4005 if known else 3001, f"version {byte:02x}, where a{number} is known")

    def incarnation(self):
        return {"generation": self.u64(), "nonce": self.id()}

    def payload(self):
        return {"action": self.id(), "execution": self.u32()}

    def header(self):
        return {
            "kind": self.u8(), "encoding": self.u8(), "key_type": self.bytes().decode(),
            "capacity": self.u32(), "root": self.optional(self.hash)}

    def participant(self):
        return {
            "collection": self.hash(), "incarnation": self.incarnation(), "target": self.u64(),
            "role": self.u8()}

    def attempt_anchor(self):
        return {"attempt": self.hash(), "home": self.participant()}

    def attempt(self):
        return {
            "payload": self.payload(), "home": self.hash(),
            "participants": self.list(self.participant)}

    def ballot(self):
        return {"epoch": self.u32(), "counter": self.u64(), "proposer": self.id()}

    def link(self):
        return {"index": self.u64(), "hash": self.hash(), "first_revision": self.u64()}

    def segment_key(self):
        return {
            "collection": self.hash(), "incarnation": self.incarnation(), "index": self.u64(),
            "hash": self.hash()}

    def body_location(self):
        kind = self.u8()
        if kind == 1:
            return {"inline": self.bytes()}
        if kind == 2:
            return {"stored_bytes": self.u32()}
        raise DatabaseError(3001, f"unknown body location {kind}")

    def lagging_shard(self):
        return {
            "shard": self.u32(), "shard_count": self.u32(), "checkpoint": self.u64(),
            "last": self.u64()}

    def checkpoint(self):
        return {"revision": self.u64(), "lagging": self.list(self.lagging_shard)}

    def entry(self):
        start = self.position
        self.version()
        entry = {
            "kind": self.u8(), "revision": self.u64(), "payload": self.payload(),
            "body_hash": self.hash(), "body": self.body_location(),
            "header_after": self.optional(self.header), "home": self.optional(self.hash),
            "participants": self.list(self.participant),
            "checkpoint": self.optional(self.checkpoint),
            "is_fused": self.bool(), "wall_ms": self.u64(), "previous_hash": self.hash()}
        entry["chain_hash"] = chain_hash(self.data[start:self.position])
        return entry

    def action(self):
        return {"id": self.id(), "bytes": self.bytes(), "outcome": self.bytes()}

    def key_bound(self):
        return {"key": self.bytes(), "is_inclusive": self.bool()}

    def key_range(self):
        return {
            "lower": self.optional(self.key_bound), "upper": self.optional(self.key_bound)}

    def tree_check(self):
        kind = self.u8()
        if kind == 1:
            return {"key": self.bytes(), "value_hash": self.optional(self.hash)}
        if kind == 2:
            return {"key": self.bytes(), "present": True}
        if kind == 3:
            return {"range": self.key_range(), "entries_hash": self.hash()}
        raise DatabaseError(3001, f"unknown check {kind} of a tree")

    def tree_operation(self):
        kind = self.u8()
        if kind == 1:
            return {"key": self.bytes(), "put": self.bytes()}
        if kind == 2:
            return {"key": self.bytes(), "put": None}
        raise DatabaseError(3001, f"unknown operation {kind} on a tree")

    def tree_action(self):
        return {
            "checks": self.list(self.tree_check), "operations": self.list(self.tree_operation)}

    def tree_outcome(self):
        kind = self.u8()
        if kind == 1:
            flags = self.bytes()
            if max(flags, default=0) > 1:
                raise DatabaseError(3001, "a flag that is neither 0 nor 1")
            return {"existed": [flag == 1 for flag in flags]}
        if kind == 2:
            return {"conflict": self.u32()}
        raise DatabaseError(3001, f"unknown outcome {kind} of an action on a tree")

    def queue_action(self):
        kind = self.u8()
        if kind == 1:
            return {"enqueue": self.list(self.bytes)}
        if kind == 2:
            return {"dequeue": self.u32()}
        raise DatabaseError(3001, f"unknown action {kind} on a queue")

    def queue_outcome(self):
        kind = self.u8()
        if kind == 1:
            return {"enqueued": True}
        if kind == 2:
            return {"dequeued": self.list(self.bytes)}
        raise DatabaseError(3001, f"unknown outcome {kind} of an action on a queue")

    def touched_block(self):
        return {
            "block": self.hash(), "base_revision": self.u64(),
            "base_payload": self.optional(self.payload), "transform_hash": self.hash(),
            "result_hash": self.hash()}

    def read_at(self):
        return {"id": self.hash(), "revision": self.u64()}

    def transaction_source(self):
        return {
            "stamp": {
                "client": self.id(), "engine": self.bytes().decode("ascii"),
                "schema": self.hash(), "time_ms": self.u64(), "expiry_ms": self.u64()},
            "statements": self.list(self.bytes), "reads": self.list(self.read_at)}

    def transaction_record(self):
        return {
            "action": self.id(), "source": self.transaction_source(), "hash": self.hash()}

    def body(self):
        self.version(2)
        ids = self.list(self.id)
        body = {
            "actions": self.list(self.action), "blocks": self.list(self.touched_block),
            "reads": self.list(self.read_at), "records": self.list(self.transaction_record)}
        if ids != sorted(action["id"] for action in body["actions"]):
            raise DatabaseError(3001, "an id list that is not that of the actions")
        return body

    def intent(self):
        return {"entry": self.entry()}

    def open_decision(self):
        return {"attempt": self.hash(), "target": self.u64()}

    def segment(self):
        self.version()
        return {
            "collection": self.hash(), "incarnation": self.incarnation(), "index": self.u64(),
            "header_before": self.header(), "entries": self.list(self.entry),
            "links": self.list(self.link)}

    def tail(self):
        name = self.bytes().decode("utf-8")
        start = self.position
        incarnation = self.incarnation()
        return {
            "name": name, "incarnation": incarnation,
            "incarnation_bytes": self.data[start:start + 24],
            "header": self.header(), "header_revision": self.u64(),
            "header_at_open": self.header(), "created_by": self.id(),
            "revision": self.u64(), "last_hash": self.hash(), "entries": self.list(self.entry),
            "segments": self.list(self.link), "exclusive_intent": self.optional(self.intent),
            "shared_intents": self.list(self.attempt_anchor), "aborted": self.list(self.hash),
            "open_decisions": self.list(self.open_decision), "checkpoint": self.checkpoint(),
            "truncated_through": self.u64(), "retention": self.u64(), "settled": self.u64()}

    def tail_value(self):
        self.version()
        state = self.u8()
        if state == 3:
            return self.tail()
        if state == 1:
            return {"state": "absent", "generation": self.u64()}
        if state == 2:
            return {
                "state": "dropped", "incarnation": self.incarnation(), "created_by": self.id(),
                "dropped_by": self.id()}
        raise DatabaseError(3001, f"unknown state {state} of a register")

    @classmethod
    def decode(cls, rule, data):
        """The value of a whole buffer by one of the rules above, e.g. "tail_value"."""
        reader = cls(data)
        value = getattr(reader, rule)()
        reader.finish()
        return value


def verify_entries(entries, previous_hash):
    """Checks that entries chain from `previous_hash`, without a gap, and that inline bodies are
    those that were hashed. Returns the chain hash after the last one."""
    for position, entry in enumerate(entries):
        where = f"revision {entry['revision']}"
        if entry["previous_hash"] != previous_hash:
            raise DatabaseError(4002, f"{where}: the chain is broken")
        if position and entry["revision"] != entries[position - 1]["revision"] + 1:
            raise DatabaseError(4002, f"{where}: a gap")
        inline = entry["body"].get("inline")
        if inline is not None and content_id(inline) != entry["body_hash"]:
            raise DatabaseError(4002, f"{where}: the body is not the one that was hashed")
        previous_hash = entry["chain_hash"]
    return previous_hash


def verify_tail(tail):
    """Checks the open entries of a tail against its last hash."""
    entries = tail["entries"]
    if not tail["segments"]:
        start = chain_start(tail["name"], tail["incarnation_bytes"])
    else:
        start = entries[0]["previous_hash"] if entries else tail["last_hash"]
    if verify_entries(entries, start) != tail["last_hash"]:
        raise DatabaseError(4002, "the last hash is not that of the last entry")
    if entries and entries[-1]["revision"] != tail["revision"]:
        raise DatabaseError(4002, "the last entry is not at the tail's revision")
    return start


def verify_chain(tail, segment_bytes):
    """Checks a whole log: the tail and the canonical bytes of all its segments, oldest first.
    Returns all entries."""
    wanted = verify_tail(tail)
    segments = [Canonical.decode("segment", data) for data in segment_bytes]
    known = {link["index"]: link["hash"] for link in tail["segments"]}
    if len(segments) != max(known, default=-1) + 1:
        raise DatabaseError(4002, f"{len(segments)} segments, of {max(known, default=-1) + 1}")
    # Newest first: each segment links to its predecessor, so every hash is known when it is needed.
    for index in reversed(range(len(segments))):
        segment = segments[index]
        if segment["index"] != index or segment["incarnation"] != tail["incarnation"]:
            raise DatabaseError(4002, f"segment {index} is another one")
        if known.get(index) != segment_hash(segment_bytes[index]):
            raise DatabaseError(4002, f"segment {index} is not the one that is linked to")
        for link in segment["links"]:
            if known.setdefault(link["index"], link["hash"]) != link["hash"]:
                raise DatabaseError(4002, f"two links to segment {link['index']} differ")
    previous = chain_start(tail["name"], tail["incarnation_bytes"])
    entries = []
    for segment in segments:
        previous = verify_entries(segment["entries"], previous)
        entries += segment["entries"]
    if previous != wanted:
        raise DatabaseError(4002, "the segments do not lead to the tail")
    entries += tail["entries"]
    if [entry["revision"] for entry in entries] != list(range(1, tail["revision"] + 1)):
        raise DatabaseError(4002, "the revisions are not 1 to that of the tail")
    return entries
