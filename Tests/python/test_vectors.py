"""Another language reads what Protos/README.md specifies: the vectors of Protos/vectors, by the
client's own code. Run with `/usr/bin/python3 -m unittest discover -s Tests/python`."""

import hashlib
import json
import unittest

import optimystic_bytes
import optimystic_client as optimystic

RULES = {
    "Ballot": "ballot", "CollectionHeader": "header", "PayloadID": "payload",
    "Participant": "participant", "AttemptAnchor": "attempt_anchor",
    "Attempt": "attempt", "OpenDecision": "open_decision",
    "SegmentKey": "segment_key", "SegmentLink": "link", "Intent": "intent", "Entry": "entry",
    "EntryBody": "body", "Segment": "segment", "TailValue": "tail_value",
    "TreeAction": "tree_action", "TreeOutcome": "tree_outcome", "QueueAction": "queue_action",
    "QueueOutcome": "queue_outcome"}

MESSAGES = {
    "PeerBatch": optimystic.cluster.PeerBatch,
    "PeerBatchReply": optimystic.cluster.PeerBatchReply,
    "RepositoryRequest": optimystic.repository.RepositoryRequest,
    "RepositoryReply": optimystic.repository.RepositoryReply,
    "ClientRequest": optimystic.client.ClientRequest,
    "ClientReply": optimystic.client.ClientReply,
    "Error": optimystic.common.Error,
    "ClusterMap": optimystic.deployment.ClusterMap}


def vectors(name):
    with open(optimystic.PROTOS / "vectors" / f"{name}.json", encoding="utf-8") as file:
        return json.load(file)["vectors"]


def raw(vector, key):
    return bytes.fromhex(vector[key])


class Ids(unittest.TestCase):
    def test_every_id_is_derived(self):
        for vector in vectors("ids"):
            kind = vector["type"]
            if kind == "CollectionID":
                derived = optimystic.collection_id(raw(vector, "name").decode())
            elif kind == "content":
                derived = optimystic.content_id(raw(vector, "bytes"))
                self.assertEqual(
                    optimystic.digest("optimystic/register-value/1", raw(vector, "bytes")),
                    raw(vector, "registerValueHash"))
            elif kind == "structural":
                derived = optimystic.digest(
                    "optimystic/structural/1", raw(vector, "incarnation") + raw(vector, "action")
                    + int(vector["counter"]).to_bytes(4, "big"))
            else:
                self.assertEqual(kind, "chainStart")
                derived = optimystic.chain_start(
                    raw(vector, "name").decode(), raw(vector, "incarnation"))
            self.assertEqual(derived, raw(vector, "id"), kind)

    def test_the_hash_is_sha_256_of_domain_zero_and_bytes(self):
        expected = hashlib.sha256(b"optimystic/content/1\0hello").digest()
        self.assertEqual(optimystic.content_id(b"hello"), expected)


class CanonicalBytes(unittest.TestCase):
    def test_every_type_is_read_to_its_end(self):
        seen = set()
        for vector in vectors("canonical") + vectors("diary"):
            seen.add(vector["type"])
            data = raw(vector, "canonical")
            value = optimystic.Canonical.decode(RULES[vector["type"]], data)
            hashes = {
                "contentID": lambda: optimystic.content_id(data),
                "segmentHash": lambda: optimystic.segment_hash(data),
                "registerValueHash": lambda: optimystic.digest("optimystic/register-value/1", data),
                "chainHash": lambda: value["chain_hash"],
                "lastHash": lambda: value["last_hash"],
                "entriesHash": lambda: self.entries_hash(value)}
            for key in hashes.keys() & vector.keys():
                self.assertEqual(hashes[key](), raw(vector, key), f"{vector['type']} {key}")
        self.assertEqual(seen, set(RULES))

    def entries_hash(self, action):
        """Of the entries that an action puts; its checks are of the same ones."""
        entries = [(operation["key"], operation["put"]) for operation in action["operations"]]
        of_range, *of_values = action["checks"]
        self.assertEqual(of_range["range"], {"lower": None, "upper": None})
        self.assertEqual(of_range["entries_hash"], optimystic.entries_hash(entries))
        self.assertEqual(
            [(check["key"], check["value_hash"]) for check in of_values],
            [(key, optimystic.value_hash(value)) for key, value in entries])
        return optimystic.entries_hash(entries)

    def test_truncated_bytes_are_refused(self):
        for vector in vectors("canonical"):
            data = raw(vector, "canonical")
            with self.assertRaises(optimystic.DatabaseError):
                optimystic.Canonical.decode(RULES[vector["type"]], data[:-1])
            with self.assertRaises(optimystic.DatabaseError):
                optimystic.Canonical.decode(RULES[vector["type"]], data + b"\0")


class HashChain(unittest.TestCase):
    def setUp(self):
        diary = vectors("diary")
        self.tail_bytes = raw(diary[0], "canonical")
        self.tail = optimystic.Canonical.decode("tail_value", self.tail_bytes)
        self.segments = [raw(v, "canonical") for v in diary if v["type"] == "Segment"]
        self.bodies = [raw(v, "canonical") for v in diary if v["type"] == "EntryBody"]

    def test_the_whole_log_verifies_and_names_its_bodies(self):
        entries = optimystic.verify_chain(self.tail, self.segments)
        self.assertEqual(len(entries), 10)
        for entry, body in zip(entries, self.bodies, strict=True):
            self.assertEqual(optimystic.content_id(body), entry["body_hash"])
        values = [optimystic.Canonical.decode("body", body)["actions"][0] for body in self.bodies]
        self.assertEqual(
            [json.loads(value["bytes"]) for value in values], [{"n": n} for n in range(1, 11)])

    def test_any_changed_byte_of_a_segment_breaks_the_chain(self):
        for index, segment in enumerate(self.segments):
            for position in range(0, len(segment), 3):
                changed = bytearray(segment)
                changed[position] ^= 1
                damaged = list(self.segments)
                damaged[index] = bytes(changed)
                with self.assertRaises((optimystic.DatabaseError, UnicodeDecodeError)):
                    optimystic.verify_chain(self.tail, damaged)

    def test_a_missing_or_swapped_segment_breaks_the_chain(self):
        for damaged in ([], self.segments[:1], self.segments[::-1], self.segments * 2):
            with self.assertRaises(optimystic.DatabaseError):
                optimystic.verify_chain(self.tail, damaged)

    def test_a_changed_entry_of_the_tail_breaks_the_chain(self):
        for field, value in [("previous_hash", bytes(32)), ("chain_hash", bytes(32))]:
            tail = optimystic.Canonical.decode("tail_value", self.tail_bytes)
            tail["entries"][1][field] = value
            with self.assertRaises(optimystic.DatabaseError):
                optimystic.verify_tail(tail)


class Messages(unittest.TestCase):
    def test_every_message_is_read_and_written_to_the_same_bytes(self):
        seen = set()
        for vector in vectors("messages"):
            seen.add(vector["message"])
            message = MESSAGES[vector["message"]].FromString(raw(vector, "protobuf"))
            # Kept unknown fields would come back as they were and hide a difference.
            message.DiscardUnknownFields()
            self.assertEqual(message.SerializeToString(), raw(vector, "protobuf"))
        self.assertEqual(seen, set(MESSAGES))

    def test_every_case_of_the_client_api_has_a_vector(self):
        for name, oneof in [("ClientRequest", "request"), ("ClientReply", "reply")]:
            cases = {
                MESSAGES[name].FromString(raw(v, "protobuf")).WhichOneof(oneof)
                for v in vectors("messages") if v["message"] == name}
            fields = MESSAGES[name].DESCRIPTOR.oneofs_by_name[oneof].fields
            self.assertEqual(cases, {field.name for field in fields})

    def test_tails_inside_replies_are_canonical(self):
        count = 0
        for vector in vectors("messages"):
            if vector["message"] == "ClientReply":
                reply = optimystic.client.ClientReply.FromString(raw(vector, "protobuf"))
                if reply.WhichOneof("reply") == "tail":
                    optimystic.Canonical.decode("tail_value", reply.tail.tail)
                    count += 1
        self.assertGreater(count, 0)

    def test_an_error_keeps_what_a_caller_acts_on(self):
        for vector in vectors("messages"):
            if vector["message"] == "Error":
                message = optimystic.common.Error.FromString(raw(vector, "protobuf"))
                error = optimystic.DatabaseError.of(message)
                self.assertEqual(error.code, message.code)
                self.assertIn(message.outcome, (1, 2))
                self.assertEqual(error.outcome_unknown, message.outcome == 2)


class Keys(unittest.TestCase):
    @staticmethod
    def value(kind, value):
        """A value of keys.json, with its byte strings out of hex."""
        if value is None:
            return None
        if kind.startswith("("):
            kinds = optimystic_bytes.components(kind)
            return [Keys.value(part, item) for part, item in zip(kinds, value, strict=True)]
        return bytes.fromhex(value) if kind.startswith("bytes") else value

    def test_every_key_is_encoded(self):
        for vector in vectors("keys"):
            value = self.value(vector["type"], json.loads(vector["value"]))
            self.assertEqual(
                optimystic_bytes.key(vector["type"], value), raw(vector, "key"), vector)

    def test_a_prefix_ends_before_the_next_first_component(self):
        prefix = optimystic_bytes.key("text", "a", more_follows=True)
        end = optimystic_bytes.prefix_end(prefix)
        inside = [optimystic_bytes.key("(text,bytes)", ["a", rest]) for rest in (b"", b"\xff\xff")]
        outside = [optimystic_bytes.key("(text,bytes)", [first, b""]) for first in ("", "a\0", "b")]
        self.assertTrue(all(prefix <= key < end for key in inside))
        self.assertFalse(any(prefix <= key < end for key in outside))
        self.assertIsNone(optimystic_bytes.prefix_end(b"\xff\xff"))


class Headers(unittest.TestCase):
    def test_headers_are_written_and_read(self):
        for vector in vectors("headers"):
            frame = raw(vector, "frame")
            if vector["type"] == "header":
                fields = (
                    int(vector["kind"]), int(vector["correlation"]),
                    int(vector["remainingMilliseconds"]), raw(vector, "cluster"),
                    int(vector["trace"]))
                self.assertEqual(optimystic.header(*fields), frame)
                self.assertEqual(optimystic.read_header(frame), fields)
            else:
                with self.assertRaises(optimystic.DatabaseError) as caught:
                    optimystic.read_header(frame)
                self.assertEqual(str(caught.exception.code), vector["code"], vector["why"])


if __name__ == "__main__":
    unittest.main()
