"""The client against a running cluster: run_live.py ADDRESS CLUSTER_NAME DIARY.

Appends, retries, reads in both directions and page by page, asks for actions, and verifies the hash
chain of the whole log from canonical bytes. Ends with 0 when everything held.
"""

import pathlib
import sys
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import optimystic_client as optimystic  # noqa: E402

COUNT = 80


def check(condition, what):
    if not condition:
        raise SystemExit(f"run_live: {what}")


def segments(database, diary, tail):
    """The canonical bytes of all segments, oldest first, fetched by their hashes."""
    links = {link["index"]: link["hash"] for link in tail["segments"]}
    fetched = {}
    for index in reversed(range(max(links, default=-1) + 1)):
        key = optimystic.common.SegmentKey(
            collection=diary.id, incarnation=diary.incarnation, index=index, hash=links[index])
        target = optimystic.common.AuditTarget(segment=key)
        replicas = database.ask(optimystic.client.ClientRequest(audit=target), "replicas")
        check(replicas.WhichOneof("copy"), f"segment {index} is nowhere")
        fetched[index] = replicas.verified
        for link in optimystic.Canonical.decode("segment", replicas.verified)["links"]:
            links.setdefault(link["index"], link["hash"])
    return [fetched[index] for index in sorted(fetched)]


def main(address, cluster_name, name):
    try:
        optimystic.Database([address], cluster_name + "-other", timeout=5)
        check(False, "another cluster's name is accepted")
    except optimystic.DatabaseError as error:
        check(error.code == 3006, f"another cluster's name: {error}")

    with optimystic.Database([address], cluster_name) as database:
        diary = database.open_collection(name, creates=True)
        values = [f"entry {number}".encode() for number in range(COUNT)]
        positions = [diary.append(value) for value in values]
        action, first_revision = uuid.uuid4().bytes, diary.revision
        first = diary.append(b"twice", action)
        diary.revision = first_revision
        check(diary.append(b"twice", action) == first, "a retry landed elsewhere")
        values.append(b"twice")
        check(diary.action_status(action, first_revision) == first, "the action is not found")
        check(
            diary.action_status(uuid.uuid4().bytes, first_revision) is None,
            "an action that nobody sent is found")

        read = list(diary.entries(bytes_max=200))
        check([entry.value for entry in read] == values, "forward, page by page")
        check([entry.position for entry in read[:COUNT]] == positions, "positions")
        backward = [entry.value for entry in diary.entries(backward=True)]
        check(backward == values[::-1], "backward")
        old = [entry.value for entry in diary.entries(as_of=positions[9].revision)]
        check(old == values[:10], "as of an old revision")
        rest = [entry.value for entry in diary.entries(after=positions[-1])]
        check(rest == [b"twice"], "after a position")

        names = [info.name.decode() for info in database.list_collections()]
        check(name in names, "the collection is not listed")
        tail, replicas = diary.inspect_tail()
        check(len(replicas) == 3, "three replicas report")
        entries = optimystic.verify_chain(tail, segments(database, diary, tail))
        check(len(entries) == len(values), "the chain has another length")
        try:
            database.open_collection(name + "-missing")
            check(False, "a missing collection opens")
        except optimystic.DatabaseError as error:
            check(error.code == 2006, f"a missing collection: {error}")
    print(f"{len(values)} entries in {tail['revision']} revisions, chain verified")


if __name__ == "__main__":
    main(*sys.argv[1:])
