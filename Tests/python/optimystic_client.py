"""A client of Optimystic at action level, made of nothing but Protos/.

It needs Debian's python3-zmq, python3-protobuf and protobuf-compiler. The protobuf classes are
generated from Protos/ into a temporary directory when the module is imported; everything else (the
header frame, and in optimystic_bytes.py keys, ids, canonical bytes, hash chain) follows the README.
"""

import atexit
import importlib
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import uuid

# What is imported without being used here belongs to the client all the same.
from optimystic_bytes import (  # noqa: F401
    Canonical, DatabaseError, components, chain_start, collection_id, content_id, digest,
    entries_hash, key, prefix_end, segment_hash, value_hash, verify_chain, verify_tail)

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
structures = _modules["structures"]
deployment = _modules["deployment"]

# The header frame: magic, version, kind, correlation, remaining ms, cluster, trace.
HEADER = struct.Struct(">4sHHQI16sQ")
MAGIC, VERSION = b"OPTY", 1
KIND_CLIENT_REQUEST, KIND_CLIENT_REPLY, KIND_ERROR = 5, 6, 7


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


class Collection:
    """An open collection. `revision` is the newest that this client has seen."""

    def __init__(self, database, info):
        self.database = database
        self.name = info.name.decode("utf-8")
        self.id = collection_id(self.name)
        self.incarnation = info.incarnation
        self.encoding = info.header.encoding
        self.revision = info.revision

    def _address(self):
        return {"collection": self.id, "incarnation": self.incarnation}

    def _act(self, member, message, action, wanted):
        """Sends an action, with the same id and first revision until the time is over, so that it
        lands once. Returns where it landed and what came of it."""
        acting = message(
            action=action or uuid.uuid4().bytes, first_revision=self.revision, **self._address())
        landing = self.database.ask(client.ClientRequest(**{member: acting}), wanted)
        position = getattr(landing, "position", landing)
        self.revision = max(self.revision, position.revision)
        return landing

    def _ask(self, request, wanted, wait_ms=0):
        reply = self.database.ask(request, wanted, wait_ms)
        self.revision = max(self.revision, reply.as_of)
        return reply

    def status(self, action, first_revision):
        """The position of an action, with its outcome; no position when it has not landed (it may
        later)."""
        return self._ask(
            client.ClientRequest(action_status=client.AskActionStatus(
                action=action, first_revision=first_revision, **self._address())),
            "action_status")

    def log(self, after=0, bytes_max=1 << 20, wait_ms=0):
        """The entries of the log after a revision, as one page has them."""
        page = self.database.ask(
            client.ClientRequest(read_log=client.ReadLog(
                after=after, bytes_max=bytes_max, wait_ms=wait_ms, **self._address())),
            "log_page", wait_ms)
        self.revision = max(self.revision, page.revision)
        return page


class Diary(Collection):
    """An open diary."""

    def append(self, value, action=None):
        """Appends one entry and returns its position. Retries with the same action id until the
        time is over, so that the entry lands once."""
        return self._act(
            "append", lambda **fields: client.Append(value=value, **fields), action, "appended")

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
        status = self.status(action, first_revision)
        return status.position if status.HasField("position") else None

    def inspect_tail(self):
        """The tail of the diary with its chain verified, and what each replica holds of it."""
        report = self.database.ask(
            client.ClientRequest(inspect_tail=client.InspectTail(name=self.name.encode())), "tail")
        tail = Canonical.decode("tail_value", report.tail)
        if "entries" in tail:
            verify_tail(tail)
        return tail, list(report.replicas)


class Conflict(Exception):
    """A check of an action on a tree failed, and nothing was done."""

    def __init__(self, check):
        super().__init__(f"check {check} failed")
        self.check = check


def key_range(lower=None, upper=None, after=None, before=None):
    """Keys from `lower` or behind `after`, up to `upper` or in front of `before`."""
    made = structures.KeyRange()
    for bound, inclusive, exclusive in [(made.lower, lower, after), (made.upper, upper, before)]:
        if inclusive is not None:
            bound.key, bound.is_inclusive = inclusive, True
        elif exclusive is not None:
            bound.key = exclusive
            # An exclusive bound of the empty key has no byte of its own.
            bound.SetInParent()
    return made


class Tree(Collection):
    """An open tree: bytes by bytes."""

    # What checks and operations are made of.

    @staticmethod
    def put(key, value):
        return structures.TreeOperation(key=key, put=value)

    @staticmethod
    def remove(key):
        return structures.TreeOperation(key=key, remove=common.Nothing())

    @staticmethod
    def holds(key, value):
        """The key has this value; with None, it has none."""
        if value is None:
            return structures.TreeCheck(key=key, absent=common.Nothing())
        return structures.TreeCheck(key=key, value_hash=value_hash(value))

    @staticmethod
    def exists(key):
        return structures.TreeCheck(key=key, present=common.Nothing())

    @staticmethod
    def holds_entries(entries, range=None):
        """The range has exactly these (key, value) pairs, ascending."""
        return structures.TreeCheck(range=structures.RangeCheck(
            range=range or key_range(), entries_hash=entries_hash(entries)))

    def act(self, operations, checks=(), action=None):
        """Does all operations when all checks hold. Returns the position and, for each operation,
        whether its key had a value before; raises Conflict when a check failed."""
        content = structures.TreeAction(checks=checks, operations=operations)
        acted = self._act(
            "act_on_tree", lambda **fields: client.ActOnTree(content=content, **fields), action,
            "acted")
        if acted.tree.WhichOneof("outcome") == "conflict":
            raise Conflict(acted.tree.conflict)
        return acted.position, list(acted.tree.applied.existed)

    def _read(self, as_of, wanted, **query):
        read = client.ReadTree(**self._address(), **query)
        if as_of is not None:
            read.as_of = as_of
        return self._ask(client.ClientRequest(read_tree=read), wanted)

    def values(self, keys, as_of=None):
        """The value of each key, None where there is none, all of one view."""
        keys, values = list(keys), []
        while len(values) < len(keys):
            rest = structures.KeyList(keys=keys[len(values):][:4096])
            reply = self._read(as_of, "tree_values", values=rest)
            if not reply.values:
                raise DatabaseError(3001, "no value where some are missing")
            pairs = zip(reply.values, reply.present, strict=True)
            values += [value if present else None for value, present in pairs]
            as_of = reply.as_of
        return values

    def get(self, key, as_of=None):
        return self.values([key], as_of)[0]

    def count(self, range=None, as_of=None):
        return self._read(as_of, "count", count=range or key_range()).count

    def entries(self, range=None, backward=False, as_of=None, bytes_max=1 << 20, count_max=1000):
        """The (key, value) pairs of a range, page by page, all of one view."""
        rest = structures.KeyRange()
        rest.CopyFrom(range or key_range())
        direction = client.DIRECTION_BACKWARD if backward else client.DIRECTION_FORWARD
        while True:
            page = self._read(as_of, "tree_page", range=client.ReadRange(
                range=rest, direction=direction, bytes_max=bytes_max, count_max=count_max))
            yield from zip(page.keys, page.values, strict=True)
            if page.is_last:
                return
            if not page.keys:
                raise DatabaseError(3001, "an empty page that is not the last")
            bound = rest.upper if backward else rest.lower
            bound.key, bound.is_inclusive = page.keys[-1], False
            bound.SetInParent()
            as_of = page.as_of


class Queue(Collection):
    """An open queue of bytes."""

    def _do(self, content, action):
        return self._act(
            "act_on_queue", lambda **fields: client.ActOnQueue(content=content, **fields), action,
            "acted")

    def enqueue(self, values, action=None):
        """Adds values at the end, all or none. Returns the position."""
        values = structures.ValueList(values=values)
        return self._do(structures.QueueAction(enqueue=values), action).position

    def dequeue(self, count_max=1, action=None):
        """Takes values from the front. Nobody else gets them, also when the answer is lost: send
        the same action again."""
        acted = self._do(structures.QueueAction(dequeue=count_max), action)
        return list(acted.queue.dequeued.values)

    def _read(self, as_of, wanted, **query):
        read = client.ReadQueue(**self._address(), **query)
        if as_of is not None:
            read.as_of = as_of
        return self._ask(client.ClientRequest(read_queue=read), wanted)

    def peek(self, count_max=1, as_of=None):
        return list(self._read(as_of, "queue_values", peek=count_max).values)

    def count(self, as_of=None):
        return self._read(as_of, "count", count=common.Nothing()).count


def writes(actions):
    """Whether a part of these actions gets an entry, and does not only say what must hold."""
    return any(
        action.WhichOneof("content") != "tree" or action.tree.operations for action in actions)


class Database:
    """A connection to the first of `addresses` (tcp://host:port) that answers."""

    def __init__(self, addresses, cluster_name, timeout=30.0):
        import zmq
        self._zmq, self._context = zmq, zmq.Context()
        self._client = uuid.uuid4().bytes
        self._sources = {}
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
        """The reply of this name: what `ask_any` returns without its name."""
        return self.ask_any(request, (wanted,), wait_ms)[1]

    def ask_any(self, request, wanted, wait_ms=0):
        """The reply that has one of these names, as (name, reply). All requests may be sent again: they change nothing, or carry
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
        if which not in wanted:
            raise DatabaseError(3001, f"{which} where {' or '.join(wanted)} belongs")
        return which, getattr(reply, which)

    def open_collection(self, name, creates=False, encoding=None, kind=None, key_type=""):
        """Opens a collection; creates it first when `creates` and there is none."""
        kind = kind or common.COLLECTION_KIND_DIARY
        info = self._open(name, creates, encoding, kind, key_type)
        classes = {
            common.COLLECTION_KIND_DIARY: Diary, common.COLLECTION_KIND_TREE: Tree,
            common.COLLECTION_KIND_QUEUE: Queue}
        return classes[kind](self, info)

    def _open(self, name, creates, encoding, kind, key_type=""):
        """Looks first, then names what it saw, the same over all retries of the creation."""
        while True:
            which, found = self.ask_any(
                client.ClientRequest(open_collection=client.OpenCollection(
                    name=name.encode(), kind=kind, encoding=encoding,
                    key_type=key_type.encode())),
                ("collection", "absent"))
            if which == "collection":
                return found
            if not creates:
                raise DatabaseError(2006, f"there is no collection {name!r}")
            creation = repository.Creation(
                action=uuid.uuid4().bytes, generation=found.generation)
            which, found = self.ask_any(
                client.ClientRequest(open_collection=client.OpenCollection(
                    name=name.encode(), kind=kind,
                    encoding=encoding or common.VALUE_ENCODING_BYTES, creation=creation,
                    key_type=key_type.encode())),
                ("collection", "absent"))
            if which == "collection":
                return found

    def drop_collection(self, name):
        """Drops the life of a collection that is there now, and no other.

        Returns whether this did it: somebody else may be first."""
        info = self._open(name, False, None, None)
        which, _ = self.ask_any(
            client.ClientRequest(drop_collection=repository.DropCollection(
                collection=collection_id(name), incarnation=info.incarnation,
                action=uuid.uuid4().bytes)),
            ("dropped", "absent"))
        return which == "dropped"

    def open_tree(self, name, creates=False, key_type=""):
        """A tree; with a type of keys as in Protos/README.md only if it has such keys."""
        return self.open_collection(
            name, creates, kind=common.COLLECTION_KIND_TREE, key_type=key_type)

    def open_queue(self, name, creates=False):
        return self.open_collection(name, creates, kind=common.COLLECTION_KIND_QUEUE)

    def transact(self, parts, action=None):
        """One transaction: `parts` are (collection, list of client.PartAction, revision that the
        collection must still be at, or None). Returns the revision of each collection by name;
        raises DatabaseError 1001 when something did not hold. Sent with one id until the time is
        over, so that it lands once."""
        ordered = sorted(parts, key=lambda part: part[0].id)
        messages = []
        for collection, actions, expected in ordered:
            message = client.TransactionPart(
                collection=collection.id, incarnation=collection.incarnation,
                first_revision=collection.revision, actions=actions)
            if expected is not None:
                message.expected_revision = expected
            messages.append(message)
        home = max(collection.id for collection, actions, _ in ordered if writes(actions))
        source = self.source(ordered)
        if action:
            # Who asks again under an id says the same of it.
            source = self._sources.setdefault(action, source)
        done = self.ask(
            client.ClientRequest(transact=client.Transact(
                action=action or uuid.uuid4().bytes, home=home, parts=messages, source=source)), "transacted")
        revisions = {}
        for (collection, _, _), part in zip(ordered, done.parts, strict=True):
            collection.revision = max(collection.revision, part.revision)
            revisions[collection.name] = part.revision
        return revisions

    def source(self, parts):
        """Says who makes a transaction, when, and what it was read as of; its statements are its
        actions themselves."""
        now = time.time_ns() // 1_000_000
        return client.TransactionSource(
            stamp=client.TransactionStamp(
                client=self._client, engine=b"actions@1", time_ms=now, expiry_ms=now + 60_000),
            reads=[
                client.ReadCollection(collection=collection.id, revision=expected)
                for collection, _, expected in parts if expected is not None])

    def snapshot(self, collections):
        """Where these collections were at one moment: a revision of each, by name."""
        ordered = sorted(collections, key=lambda collection: collection.id)
        lives = [
            cluster.CollectionLife(collection=each.id, incarnation=each.incarnation)
            for each in ordered]
        found = self.ask(
            client.ClientRequest(snapshot=client.ReadSnapshot(collections=lives)), "snapshot")
        names = [each.name for each in ordered]
        return dict(zip(names, found.revisions, strict=True))

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
