"""A client of Optimystic at action level, made of nothing but Protos/.

It needs Debian's python3-zmq, python3-protobuf and protobuf-compiler. The protobuf classes are
generated from Protos/ into a temporary directory when the module is imported; everything else (the
header frame, ids, canonical bytes, hash chain) follows Protos/README.md.
"""

import atexit
import hashlib
import importlib
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import uuid

PROTOS = pathlib.Path(__file__).resolve().parents[2] / "Protos"


def _generated():
    """Compiles Protos/ and returns the module of each file by its name."""
    directory = tempfile.mkdtemp(prefix="optimystic-protos-")
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    files = sorted(str(path) for path in (PROTOS / "optimystic/v1").glob("*.proto"))
    subprocess.run(
        ["protoc", f"--proto_path={PROTOS}", f"--python_out={directory}", *files], check=True)
    sys.path.insert(0, directory)
    names = [pathlib.Path(path).stem for path in files]
    return {name: importlib.import_module(f"optimystic.v1.{name}_pb2") for name in names}


_modules = _generated()
common, client = _modules["common"], _modules["client"]
cluster, repository = _modules["cluster"], _modules["repository"]
deployment = _modules["deployment"]

# The header frame: magic, version, kind, correlation, remaining ms, cluster, trace.
HEADER = struct.Struct(">4sHHQI16sQ")
MAGIC, VERSION = b"OPTY", 1
KIND_CLIENT_REQUEST, KIND_CLIENT_REPLY, KIND_ERROR = 5, 6, 7


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
            error.outcome == common.OUTCOME_UNKNOWN, retry)


def header(kind, correlation, remaining_ms, cluster_id, trace=0):
    return HEADER.pack(MAGIC, VERSION, kind, correlation, remaining_ms, cluster_id, trace)


def read_header(frame):
    """The kind, correlation, remaining ms, cluster and trace of a header frame."""
    if len(frame) != HEADER.size:
        raise DatabaseError(3001, f"a header of {len(frame)} bytes, of exactly {HEADER.size}")
    magic, version, *rest = HEADER.unpack(frame)
    if magic != MAGIC:
        raise DatabaseError(3001, f"magic {magic!r}, of exactly {MAGIC!r}")
    if version != VERSION:
        raise DatabaseError(3002, f"version {version}, this client speaks {VERSION}")
    return tuple(rest)


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

    def incarnation(self):
        return {"generation": self.u64(), "nonce": self.id()}

    def payload(self):
        return {"action": self.id(), "execution": self.u32()}

    def header(self):
        return {
            "kind": self.u8(), "encoding": self.u8(), "capacity": self.u32(),
            "root": self.optional(self.hash)}

    def participant(self):
        return {
            "collection": self.hash(), "incarnation": self.incarnation(), "target": self.u64()}

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

    def entry(self):
        start = self.position
        entry = {
            "kind": self.u8(), "revision": self.u64(), "payload": self.payload(),
            "body_hash": self.hash(), "body": self.body_location(),
            "header_after": self.optional(self.header), "home": self.optional(self.hash),
            "participants": self.list(self.participant), "checkpoint": self.optional(self.u64),
            "is_fused": self.bool(), "wall_ms": self.u64(), "previous_hash": self.hash()}
        entry["chain_hash"] = chain_hash(self.data[start:self.position])
        return entry

    def action(self):
        return {"id": self.id(), "bytes": self.bytes()}

    def touched_block(self):
        return {
            "block": self.hash(), "base_revision": self.u64(),
            "base_payload": self.optional(self.payload), "transform_hash": self.hash(),
            "result_hash": self.hash()}

    def read_at(self):
        return {"id": self.hash(), "revision": self.u64()}

    def body(self):
        ids = self.list(self.id)
        body = {
            "actions": self.list(self.action), "blocks": self.list(self.touched_block),
            "reads": self.list(self.read_at), "read_collections": self.list(self.read_at)}
        if ids != sorted(action["id"] for action in body["actions"]):
            raise DatabaseError(3001, "an id list that is not that of the actions")
        return body

    def intent(self):
        return {"attempt": self.attempt(), "entry": self.entry()}

    def open_decision(self):
        return {"attempt": self.attempt(), "pending": self.list(self.hash)}

    def segment(self):
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
            "header_at_open": self.header(), "created_by": self.payload(),
            "revision": self.u64(), "last_hash": self.hash(), "entries": self.list(self.entry),
            "segments": self.list(self.link), "exclusive_intent": self.optional(self.intent),
            "shared_intents": self.list(self.attempt), "aborted": self.list(self.attempt),
            "open_decisions": self.list(self.open_decision), "checkpoint": self.u64(),
            "truncated_through": self.u64(), "settled": self.u64()}

    def tail_value(self):
        state = self.u8()
        if state == 3:
            return self.tail()
        if state in (1, 2):
            return {"state": {1: "absent", 2: "dropped"}[state], "generation": self.u64()}
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


class Diary:
    """An open diary. `revision` is the newest that this client has seen."""

    def __init__(self, database, info):
        self.database = database
        self.name = info.name.decode("utf-8")
        self.id = collection_id(self.name)
        self.incarnation = info.incarnation
        self.encoding = info.header.encoding
        self.revision = info.revision

    def append(self, value, action=None):
        """Appends one entry and returns its position. Retries with the same action id until the
        time is over, so that the entry lands once."""
        request = client.ClientRequest(append=client.Append(
            collection=self.id, incarnation=self.incarnation,
            action=action or uuid.uuid4().bytes, first_revision=self.revision, value=value))
        position = self.database.ask(request, "appended")
        self.revision = max(self.revision, position.revision)
        return position

    def pages(self, backward=False, after=None, as_of=None, bytes_max=1 << 20, wait_ms=0):
        """Pages of entries in the order of reading, all of one view."""
        direction = client.DIRECTION_BACKWARD if backward else client.DIRECTION_FORWARD
        while True:
            read = client.ReadDiary(
                collection=self.id, incarnation=self.incarnation, direction=direction,
                bytes_max=bytes_max, wait_ms=wait_ms)
            if after is not None:
                read.after.CopyFrom(after)
            if as_of is not None:
                read.as_of = as_of
            page = self.database.ask(client.ClientRequest(read_diary=read), "diary_page", wait_ms)
            self.revision = max(self.revision, page.as_of)
            yield page
            if page.is_last:
                return
            if not page.entries:
                raise DatabaseError(3001, "an empty page that is not the last")
            after, as_of, wait_ms = page.entries[-1].position, page.as_of, 0

    def entries(self, **options):
        for page in self.pages(**options):
            yield from page.entries

    def action_status(self, action, first_revision):
        """The position of an action, or None when it has not landed (it may later)."""
        status = self.database.ask(
            client.ClientRequest(action_status=client.AskActionStatus(
                collection=self.id, incarnation=self.incarnation, action=action,
                first_revision=first_revision)), "action_status")
        return status.position if status.HasField("position") else None

    def inspect_tail(self):
        """The tail of the diary with its chain verified, and what each replica holds of it."""
        report = self.database.ask(
            client.ClientRequest(inspect_tail=client.InspectTail(name=self.name.encode())), "tail")
        tail = Canonical.decode("tail_value", report.tail)
        if "entries" in tail:
            verify_tail(tail)
        return tail, list(report.replicas)


class Database:
    """A connection to the first of `addresses` (tcp://host:port) that answers."""

    def __init__(self, addresses, cluster_name, timeout=30.0):
        import zmq
        self._zmq, self._context = zmq, zmq.Context()
        self._addresses, self._turn = list(addresses), 0
        self._cluster_name, self.timeout = cluster_name, timeout
        self._socket, self._correlation = None, 0
        # Zero until the welcome tells it: the one moment at which a proxy accepts it.
        self.cluster_id = bytes(16)
        hello = client.ClientRequest(hello=client.Hello(cluster_name=cluster_name.encode()))
        try:
            self.welcome = self.ask(hello, "welcome")
        except BaseException:
            # A context that still has a socket is never collected: it would wait for it for ever.
            self.close()
            raise
        self.cluster_id = self.welcome.cluster
        for address in self.welcome.proxies:
            if address.decode() not in self._addresses:
                self._addresses.append(address.decode())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._disconnect()
        self._context.term()

    def _disconnect(self):
        if self._socket is not None:
            self._socket.close(linger=0)
            self._socket = None

    def _connect(self):
        if self._socket is None:
            self._socket = self._context.socket(self._zmq.DEALER)
            self._socket.connect(self._addresses[self._turn % len(self._addresses)])

    def _exchange(self, payload, seconds):
        """One try: sends the request and waits for the reply with its correlation id."""
        self._connect()
        self._correlation += 1
        end = time.monotonic() + seconds
        frame = header(
            KIND_CLIENT_REQUEST, self._correlation, int(seconds * 1000), self.cluster_id)
        self._socket.send_multipart([frame, payload])
        while True:
            remaining = end - time.monotonic()
            if remaining <= 0 or not self._socket.poll(int(remaining * 1000) + 1):
                return None
            frames = self._socket.recv_multipart()
            if len(frames) != 2:
                raise DatabaseError(3001, f"a reply of {len(frames)} frames, of exactly 2")
            kind, correlation, *_ = read_header(frames[0])
            if correlation == self._correlation:
                return kind, frames[1]

    def ask(self, request, wanted, wait_ms=0):
        """The reply of this name. All requests may be sent again: they change nothing, or carry
        an action id under which they act once. `wait_ms` is what the proxy was asked to wait."""
        payload, end = request.SerializeToString(), time.monotonic() + self.timeout
        while True:
            remaining = end - time.monotonic()
            if remaining <= 0:
                raise DatabaseError(1201, f"no answer within {self.timeout} s", unknown=True)
            answer = self._exchange(payload, min(remaining, 5 + wait_ms / 1000))
            if answer is None:
                # This proxy may be gone: turn to the next one.
                self._disconnect()
                self._turn += 1
                continue
            error = self._reply(answer, wanted)
            if not isinstance(error, DatabaseError):
                return error
            if error.retry_after_ms is None and not error.outcome_unknown:
                raise error
            time.sleep(min((error.retry_after_ms or 100) / 1000, max(0, end - time.monotonic())))

    def _reply(self, answer, wanted):
        kind, payload = answer
        if kind == KIND_ERROR:
            return DatabaseError.of(common.Error.FromString(payload))
        if kind != KIND_CLIENT_REPLY:
            raise DatabaseError(3001, f"a reply of kind {kind}")
        reply = client.ClientReply.FromString(payload)
        which = reply.WhichOneof("reply")
        if which == "failed":
            return DatabaseError.of(reply.failed)
        if which != wanted:
            raise DatabaseError(3001, f"{which} where {wanted} belongs")
        return getattr(reply, which)

    def open_collection(self, name, creates=False, encoding=None):
        """Opens a diary; creates it first when `creates` and there is none."""
        default = common.VALUE_ENCODING_BYTES if creates else common.VALUE_ENCODING_UNSPECIFIED
        info = self.ask(
            client.ClientRequest(open_collection=client.OpenCollection(
                name=name.encode(), kind=common.COLLECTION_KIND_DIARY,
                encoding=encoding or default, creates=creates, action=uuid.uuid4().bytes)),
            "collection")
        return Diary(self, info)

    def list_collections(self, count_max=1000):
        """Every collection, page by page."""
        after = b""
        while True:
            page = self.ask(
                client.ClientRequest(list_collections=repository.ListCollections(
                    after=after, count_max=count_max)), "collections")
            yield from page.collections
            if not page.next:
                return
            after = page.next
