"""Trees and queues of a running cluster: run_structures.py ADDRESS CLUSTER_NAME PREFIX.

Acts on trees and queues, reads them now and as of old revisions, and builds each a second time from
the changes that its log names. Ends with 0 when everything held.
"""

import pathlib
import sys
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import optimystic_client as optimystic  # noqa: E402

COUNT = 300


def check(condition, what):
    if not condition:
        raise SystemExit(f"run_structures: {what}")


def fails(code, attempt, what):
    try:
        attempt()
    except optimystic.DatabaseError as error:
        check(error.code == code and not error.outcome_unknown, f"{what}: {error}")
    else:
        check(False, f"{what}: nothing was raised")


def conflicts(place, attempt, what):
    try:
        attempt()
    except optimystic.Conflict as conflict:
        check(conflict.check == place, f"{what}: check {conflict.check}")
    else:
        check(False, f"{what}: no conflict")


def key(number):
    return f"key {number:05}".encode()


def changes(collection):
    """The entries of the whole log, page by page."""
    after = 0
    while True:
        page = collection.log(after, bytes_max=5000)
        yield from page.entries
        if not page.entries or page.entries[-1].revision == page.revision:
            return
        after = page.entries[-1].revision


def tree_from_changes(tree):
    """The content of a tree, made of nothing but its log."""
    content = {}
    for entry in changes(tree):
        for logged in entry.actions:
            outcome = optimystic.Canonical.decode("tree_outcome", logged.outcome)
            if "conflict" in outcome:
                continue
            action = optimystic.Canonical.decode("tree_action", logged.content)
            for operation, existed in zip(action["operations"], outcome["existed"], strict=True):
                check((operation["key"] in content) == existed, "a flag of an outcome")
                if operation["put"] is None:
                    content.pop(operation["key"], None)
                else:
                    content[operation["key"]] = operation["put"]
    return sorted(content.items())


def use_tree(database, name):
    tree = database.open_tree(name, creates=True)
    put, remove = tree.put, tree.remove
    check(tree.count() == 0 and tree.get(b"a") is None, "a new tree is not empty")

    # Values, empty ones and none.
    _, existed = tree.act([put(b"a", b"1"), put(b"b", b""), put(b"a", b"2"), remove(b"c")])
    check(existed == [False, False, True, False], f"which keys existed: {existed}")
    check(tree.values([b"a", b"b", b"c", b""]) == [b"2", b"", None, None], "values")
    _, existed = tree.act([put(b"", b"of the empty key"), remove(b"a"), remove(b"b")])
    check(existed == [False, True, True], f"which keys existed: {existed}")
    check(list(tree.entries()) == [(b"", b"of the empty key")], "what is left")
    tree.act([remove(b"")])

    # Many entries, in ranges, both ways and page by page.
    expected = [(key(number), f"value {number}".encode()) for number in range(COUNT)]
    before = tree.revision
    tree.act([put(*entry) for entry in reversed(expected)])
    full = tree.revision
    check(list(tree.entries()) == expected, "all entries")
    check(list(tree.entries(count_max=7)) == expected, "page by page")
    check(list(tree.entries(bytes_max=0, backward=True)) == expected[::-1], "one by one, backward")
    part = optimystic.key_range(lower=key(10), before=key(20))
    check(list(tree.entries(part)) == expected[10:20], "from a key, in front of another")
    part = optimystic.key_range(after=key(10), upper=key(20))
    check(list(tree.entries(part, backward=True)) == expected[11:21][::-1], "behind, up to")
    check(tree.count() == COUNT and tree.count(part) == 10, "counts")
    check(list(tree.entries(optimystic.key_range(lower=b"z"))) == [], "behind the last key")
    check(list(tree.entries(optimystic.key_range(lower=key(9), upper=key(3)))) == [], "inverted")

    # A range replaced as a whole, and the views of before.
    tree.act([remove(entry[0]) for entry in expected[100:200]] + [put(key(150), b"new")])
    replaced = expected[:100] + [(key(150), b"new")] + expected[200:]
    check(list(tree.entries()) == replaced, "after the replacement")
    check(list(tree.entries(as_of=full, count_max=50)) == expected, "as of before it")
    check(tree.count(as_of=before) == 0, "as of before the entries")
    check(tree.get(key(150), as_of=full) == b"value 150", "a value as of before")

    # Conditions.
    tree.act([put(b"n", b"1")], [tree.holds(b"n", None)])
    conflicts(
        0, lambda: tree.act([put(b"n", b"9")], [tree.holds(b"n", None)]), "it exists already")
    conflicts(
        1, lambda: tree.act([remove(b"n")], [tree.exists(b"n"), tree.holds(b"n", b"2")]),
        "another value")
    tree.act([put(b"n", b"2")], [tree.holds(b"n", b"1"), tree.exists(b"n")])
    part = optimystic.key_range(upper=key(4))
    tree.act([remove(key(0))], [tree.holds_entries(expected[:5], part)])
    conflicts(
        0, lambda: tree.act([remove(key(1))], [tree.holds_entries(expected[:5], part)]),
        "a range that changed")
    check(tree.get(b"n") == b"2" and tree.get(key(1)) == b"value 1", "a conflict changed something")

    # Once, over all retries, with the outcome of the first try.
    action, first = uuid.uuid4().bytes, tree.revision
    landed = tree.act([put(b"once", b"1")], action=action)
    tree.act([put(b"once", b"2")])
    last, tree.revision = tree.revision, first
    check(tree.act([put(b"once", b"1")], action=action) == landed, "a retry landed elsewhere")
    check(tree.get(b"once") == b"2", "a retry acted again")
    status = tree.status(action, first)
    check(status.position == landed[0], "where the action is")
    check(list(status.tree.applied.existed) == [False], "what came of the action")
    missing = tree.status(uuid.uuid4().bytes, first)
    check(not missing.HasField("position"), "an action that nobody sent is found")
    check(missing.WhichOneof("outcome") is None, "an outcome of no action")
    tree.revision = first
    fails(
        2009, lambda: tree.act([put(b"once", b"3")], action=action), "an id with other contents")
    tree.revision = last

    # What an application gets wrong.
    fails(2003, lambda: tree.act([put(bytes(1025), b"")]), "a key too long")
    fails(2003, lambda: tree.act([put(b"k", bytes(65537))]), "a value too large")
    fails(2003, lambda: tree.act([remove(b"k")] * 4097), "too many operations")
    fails(2003, lambda: tree.act([put(b"k", bytes(65536))] * 17), "an action too large")
    fails(3001, lambda: tree.act([], [tree.exists(b"k")] * 4097), "too many checks")
    fails(3001, lambda: list(tree.entries(count_max=0)), "a page of nothing")
    fails(2007, lambda: database.open_queue(name), "a tree opened as a queue")
    fails(2006, lambda: database.open_tree(name + "-missing"), "a missing tree")
    queue_action = optimystic.structures.QueueAction(dequeue=1)
    fails(
        2007, lambda: tree._act(
            "act_on_queue",
            lambda **fields: optimystic.client.ActOnQueue(content=queue_action, **fields), None,
            "acted"), "an action of a queue on a tree")

    page = tree.log(before, bytes_max=0)
    check([entry.revision for entry in page.entries] == [before + 1], "one entry of the log")
    check(page.revision == tree.revision, "where the log ends")
    content = list(tree.entries())
    check(tree_from_changes(tree) == content, "the changes do not make the tree")
    return len(content)


def use_queue(database, name):
    queue = database.open_queue(name, creates=True)
    check(queue.count() == 0 and queue.dequeue(5) == [], "a new queue is not empty")
    values = [f"job {number}".encode() for number in range(200)] + [b""]
    queue.enqueue(values[:3])
    full = queue.revision
    queue.enqueue(values[3:])
    check(queue.count() == len(values) and queue.count(as_of=full) == 3, "counts")
    check(queue.peek(2) == values[:2] and queue.peek(2) == values[:2], "a look takes nothing")
    check(queue.peek(9, as_of=full) == values[:3], "a look at before")
    check(queue.dequeue() == values[:1] and queue.dequeue(10) == values[1:11], "in order")

    # Taken once, though the answer was lost and the action came again.
    action, first = uuid.uuid4().bytes, queue.revision
    taken = queue.dequeue(4, action)
    queue.revision = first
    check(queue.dequeue(4, action) == taken == values[11:15], "a retry took others")
    check(list(queue.status(action, first).queue.dequeued.values) == taken, "what was taken")
    check(queue.dequeue(4096) == values[15:], "the rest")
    check(queue.count() == 0 and queue.peek() == [], "empty again")

    # Values of the greatest size: more than one action may take at once.
    large = [bytes([number]) * 65536 for number in range(20)]
    queue.enqueue(large[:10])
    queue.enqueue(large[10:])
    values += large
    taken = queue.dequeue(4096)
    check(0 < len(taken) < len(large), f"{len(taken)} of the greatest values at once")
    check(taken + queue.dequeue(4096) == large, "values of the greatest size")
    fails(2003, lambda: queue.enqueue([bytes(65537)]), "a value too large")
    fails(3001, lambda: queue.dequeue(4097), "too many values at once")

    added, removed = [], []
    for entry in changes(queue):
        for logged in entry.actions:
            action = optimystic.Canonical.decode("queue_action", logged.content)
            outcome = optimystic.Canonical.decode("queue_outcome", logged.outcome)
            added += action.get("enqueue", [])
            removed += outcome.get("dequeued", [])
    check(added == removed == values, "the changes do not add up")
    return len(values)


def use_transactions(database, prefix):
    """Money moves between two trees with a line in a diary, or not at all."""
    parts = optimystic.client.PartAction
    north = database.open_tree(prefix + "-north", creates=True)
    south = database.open_tree(prefix + "-south", creates=True)
    ledger = database.open_collection(prefix + "-ledger", creates=True)
    north.act([north.put(b"ada", b"100")])
    south.act([south.put(b"ada", b"0")])

    def move(amount, had, other):
        def tree(branch, before, after):
            return parts(tree=optimystic.structures.TreeAction(
                checks=[branch.holds(b"ada", b"%d" % before)],
                operations=[branch.put(b"ada", b"%d" % after)]))
        return [
            (north, [tree(north, had, had - amount)], None),
            (south, [tree(south, other, other + amount)], None),
            (ledger, [parts(append=b"%d" % amount), parts(append=b"done")], None)]

    before = database.snapshot([north, south, ledger])
    action = uuid.uuid4().bytes
    first = {each.name: each.revision for each in (north, south, ledger)}
    landed = database.transact(move(30, 100, 0), action)
    check((north.get(b"ada"), south.get(b"ada")) == (b"70", b"30"), "the transfer")
    check(north.get(b"ada", as_of=before[north.name]) == b"100", "the moment before it")
    check(database.snapshot([south, north, ledger]) == landed, "the moment after it")
    # Sent again under its id it is not done again.
    for each in (north, south, ledger):
        each.revision = first[each.name]
    check(database.transact(move(30, 100, 0), action) == landed, "a retry landed elsewhere")
    fails(1001, lambda: database.transact(move(30, 100, 0)), "what was read has changed")
    late = ledger.revision - 1
    fails(
        1001, lambda: database.transact([
            (north, [parts(tree=optimystic.structures.TreeAction(
                operations=[north.put(b"x", b"1")]))], None), (ledger, [], late)]),
        "a collection that is only read has moved")
    # Its parts find each other: each entry names the home and all participants.
    entries = [list(changes(each))[-1] for each in (north, south, ledger)]
    check(len({entry.home for entry in entries}) == 1 and entries[0].home, "one home")
    for entry in entries:
        check({part.collection for part in entry.participants}
              == {each.id for each in (north, south, ledger)}, "all participants")
        check(entry.actions[0].id == action, "the id of the transaction")
    lines = list(ledger.entries())
    check([line.value for line in lines] == [b"30", b"done"], "the ledger")
    check(lines[1].transaction.action == action, "an entry says whose it is")
    return len(landed)


def main(address, cluster_name, prefix):
    with optimystic.Database([address], cluster_name) as database:
        entries = use_tree(database, prefix + "-tree")
        values = use_queue(database, prefix + "-queue")
        parts = use_transactions(database, prefix)
    print(
        f"a tree of {entries} entries, and {values} values through a queue; "
        f"a transaction over {parts} collections")


if __name__ == "__main__":
    main(*sys.argv[1:])
