"""Runs `optimystic` as a person and a script would, with words and streams that are bytes.

usage: run_command.py EXECUTABLE DIRECTORY GROUP
"""

import base64
import itertools
import json
import os
import re
import resource
import signal
import subprocess
import sys

EXECUTABLE, PLACE, GROUP = sys.argv[1:]
# Of its own, so that nothing else is made there.
DIRECTORY = os.path.join(PLACE, "words")
os.mkdir(DIRECTORY)
DATABASE = os.path.join(DIRECTORY, "database")


class Ran:
    def __init__(self, words, code, output, errors):
        self.words, self.code, self.output, self.errors = words, code, output, errors

    def __repr__(self):
        return f"{self.words}: {self.code} {self.output!r} {self.errors!r}"


def encoded(words):
    return [word.encode() if isinstance(word, str) else word for word in words]


def raw(*words, input=b"", output=subprocess.PIPE, before=None, variables=None):
    words = encoded(words)
    process = subprocess.run(
        [EXECUTABLE.encode()] + words, input=input, stdout=output, stderr=subprocess.PIPE,
        timeout=60, preexec_fn=before, env=variables)
    return Ran(words, process.returncode, placed(process.stdout), process.stderr)


def placed(output):
    """Positions without the life they name, which differs from run to run."""
    return output and re.sub(rb"(\d+\.\d+)@\d+-[a-z2-7]{8}", rb"\1", output)


def run(*words, **how):
    return raw("--embedded", DATABASE, *words, **how)


def done(*words, **how):
    """Its output; it ends with 0."""
    ran = run(*words, **how)
    check(ran.code == 0, ran)
    return ran.output


def check(condition, ran):
    if not condition:
        raise AssertionError(repr(ran))


def refused(code, *words, says=b"", **how):
    ran = run(*words, **how)
    check(ran.code == code and says in ran.errors + (ran.output or b""), ran)
    return ran


def argument_bytes():
    # A key of text is text; bytes are written as such.
    refused(65, "tree", "put", "t", b"a\xff=1", says=b"byte 1 belongs to no text")
    done("tree", "put", "t", b"k=\xff\x01\r", b"l=\xfe")
    refused(65, "tree", "get", "t", b"\xfe", says=b"--key-type hex")
    check(done("tree", "get", "t", "k") == b"\xff\x01\r\n", "k")
    check(done("tree", "get", "t", "k", "--hex") == b"ff010d\n", "k")
    done("tree", "put", "t", b"l=new", b"--if-value=\xfe")
    refused(75, "tree", "put", "t", "l=x", b"--if-value=\xff", says=b"has the value given")
    done("queue", "enqueue", "q", b"\xff", b"\xfe", "é")
    check(done("queue", "dequeue", "q", "--count", "3") == b"\xff\n\xfe\n\xc3\xa9\n", "q")
    done("diary", "append", "b", b"\xff\xfe")
    done("diary", "append", "b", "--hex", "00ff")
    check(done("diary", "read", "b") == b"1.0\t\xff\xfe\n2.0\t\x00\xff\n", "b")
    check(done("diary", "read", "b", "--hex") == b"1.0\tfffe\n2.0\t00ff\n", "b")
    check(b'"hex":"00ff"' in done("diary", "read", "b", "--output", "json"), "b")
    # Names are text.
    for command in (["diary", "append", b"d\xff", "x"], ["collection", "drop", "--yes", b"d\xff"],
                    ["inspect", "tail", b"d\xff"], ["verify", b"d\xff"], ["queue", "count", b"d\xff"]):
        refused(65, *command, says=b"the collection's name is not UTF-8: byte 1")
    # Paths are bytes: two that differ are two databases, with exactly these names.
    for path in (b"x\xff", b"x\xfe"):
        ran = raw("--embedded", os.path.join(DIRECTORY.encode(), path), "diary", "append", "d", path)
        check(ran.code == 0, ran)
    check(sorted(os.listdir(DIRECTORY.encode())) == [b"database", b"x\xfe", b"x\xff"], "directories")
    for path in (b"x\xff", b"x\xfe"):
        ran = raw("--embedded", os.path.join(DIRECTORY.encode(), path), "diary", "read", "d")
        check(ran.output == b"1.0\t" + path + b"\n", ran)
    ran = raw("--embedded", os.path.join(DIRECTORY.encode(), b"no\xff", b"x"), "collections")
    check(ran.code != 0 and b"/no\\xff is not a directory" in ran.errors, ran)
    # So are those of a service, from flags and from variables.
    data = os.path.join(DIRECTORY.encode(), b"data\xff")
    peer = [os.path.join(os.path.dirname(EXECUTABLE), "storage-peer"), "init"]
    ran = subprocess.run(peer + [b"--data-directory=" + data], capture_output=True)
    check(ran.returncode == 0 and os.path.isdir(data), ran)
    cluster = os.path.join(DIRECTORY.encode(), b"cluster\xfe.json")
    ran = raw("cluster", "plan", "--name", "n", "--replicas", "1", "--shards", "1",
              b"--peer=" + data + b"=127.0.0.1:7710", "--coordinator", "127.0.0.1:7720",
              "--proxy", "127.0.0.1:7730", b"--out=" + cluster)
    check(ran.code == 0, ran)
    variables = dict(os.environb)
    variables[b"OPTIMYSTIC_STORAGE_PEER_DATA_DIRECTORY"] = data[:-1] + b"\xfe"
    variables[b"OPTIMYSTIC_STORAGE_PEER_CLUSTER_FILE"] = cluster
    ran = subprocess.run(peer, env=variables, capture_output=True)
    check(ran.returncode == 0 and os.path.isdir(data[:-1] + b"\xfe"), ran)
    variables = dict(os.environb)
    variables[b"OPTIMYSTIC_URL"] = b"optimystic://127.0.0.1:1/\xff"
    ran = raw("collections", variables=variables)
    check(ran.code == 65 and b"OPTIMYSTIC_URL" in ran.errors, ran)
    # A file of any name is opened as that file.
    file = os.path.join(DIRECTORY.encode(), b"f\xff.jsonl")
    with open(file, "wb") as stream:
        stream.write(b'{"k":"a"}\n')
    check(b"1 records landed" in done("tree", "import", "i", file, "--key", "k"), "import")
    os.unlink(file)


def exact_text():
    done("tree", "put", "c", "k=\u0301x", "m\u0301=1", "=\u0301")
    check(done("tree", "get", "c", "k") == "\u0301x\n".encode(), "k")
    check(done("tree", "get", "c", "m\u0301") == b"1\n", "m")
    check(done("tree", "get", "c", "--", "") == "\u0301\n".encode(), "the empty key")
    # Two ways to write one letter are two keys, two collections and two members.
    done("tree", "put", "n", "\u00e9=1", "e\u0301=2")
    check(done("tree", "count", "n") == b"2\n", "n")
    done("diary", "append", "d\u00e9", "one")
    done("diary", "append", "de\u0301", "two")
    check(done("diary", "read", "d\u00e9") == b"1.0\tone\n", "d")
    lines = done("shell", input='tree put s k="v"\u0301 \'w\'\u0301=1\ntree get s k\n'.encode())
    check(lines == "1\nv\u0301\n".encode(), lines)
    both = '{"k":"a","\u00e9":1,"e\u0301":2}\n'.encode()
    done("tree", "import", "j", "-", "--format", "jsonl", "--key", "k", input=both)
    out = done("tree", "export", "j", "--format", "csv", "--lossy")
    check(out.startswith("e\u0301,k,\u00e9\r\n".encode()), out)
    done("tree", "import", "j2", "-", "--format", "csv", "--key", "k", input=out)
    out = done("tree", "export", "j2")
    check(out == '{"e\u0301":"2","k":"a","\u00e9":"1"}\n'.encode(), out)


def standard_input():
    lines = b"a\xff\r\n\r\n\nlast"
    check(done("diary", "append", "d", "-", input=lines) == b"1.0\n2.0\n3.0\n4.0\n", "append")
    check(done("diary", "read", "d", "--hex") == b"1.0\t61ff0d\n2.0\t0d\n3.0\t\n4.0\t6c617374\n", "read")
    check(done("diary", "append", "h", "--hex", "-", input=b"00\nff\n") == b"1.0\n2.0\n", "hex")
    refused(64, "diary", "append", "h", "--hex", "-", input=b"0\n", says=b"hexadecimal")
    done("diary", "append", "d", "--", "-")
    check(done("diary", "read", "d", "--after", "4.0") == b"5.0\t-\n", "a dash")
    # A line without end is refused when its limit is passed, and what landed before is told.
    with subprocess.Popen(
            [EXECUTABLE, "--embedded", DATABASE, "diary", "append", "l", "-"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdin.write(b"one\n")
        sent = 0
        try:
            while sent < 300_000_000:
                sent += process.stdin.write(b"x" * 65536)
            process.stdin.close()
        except BrokenPipeError:
            pass
        output, errors = placed(process.stdout.read()), process.stderr.read()
        process.stdin = None
        code = process.wait(30)
    check(code == 65 and output == b"1.0\n" and sent < 10_000_000, (code, output, errors, sent))
    check(b"line 2 of standard input is longer than 65536 bytes" in errors, errors)
    check(b"stopped at line 2; the 1 before it" in errors, errors)
    check(done("diary", "read", "l") == b"1.0\tone\n", "l")
    ran = run("shell", input=b"tree count x" + b" " * 20_000_000)
    check(ran.code == 65 and b"longer than" in ran.errors, ran.errors)
    check(done("shell", input=b"diary append u '\xff\xfe'\r\ndiary read u --hex\n") == b"1.0\n1.0\tfffe\n", "u")


def dashes():
    check(done("diary", "append", "inj", "-hello") == b"1.0\n", "inj")
    refused(64, "diary", "append", "inj", "--hello", says=b"stands behind --")
    refused(64, "diary", "append", "inj", "--help", says=b"-- --help")
    check(done("diary", "append", "inj", "--", "--help") == b"2.0\n", "inj")
    check(done("diary", "read", "inj") == b"1.0\t-hello\n2.0\t--help\n", "inj")
    done("tree", "put", "t", "-h=1", "-5=2", "a=-x")
    check(done("tree", "get", "t", "-h") == b"1\n", "t")
    check(done("tree", "range", "t", "--from", "-5", "--to", "-h") == b"-5\t2\n", "t")
    done("tree", "delete", "t", "-h")
    refused(1, "tree", "get", "t", "-h", says=b"no value for key")
    done("tree", "put", "t", "a=b", "--if-value", "-x", "--delete", "-5")
    check(done("tree", "range", "t") == b"a\tb\n", "t")
    done("queue", "enqueue", "jobs", "-hello", "-h", "--", "--count")
    check(done("queue", "dequeue", "jobs", "--count", "9") == b"-hello\n-h\n--count\n", "jobs")
    check(done("--output", "json", "tree", "--timeout", "9s", "get", "t", "a")
          == b'{"key":"a","text":"b"}\n', "places")
    ran = raw("tree", "--embedded", DATABASE, "get", "t", "a")
    check(ran.code == 0 and ran.output == b"b\n", ran)
    ran = raw("diary", "append", "--help")
    check(ran.code == 0 and b"USAGE" in ran.output, ran)


def closed_output():
    lines = b"".join(b"%d\n" % n for n in range(1000))
    reader = subprocess.Popen(["head", "-1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    ran = run("diary", "append", "p", "-", input=lines, output=reader.stdin)
    reader.stdin.close()
    check(placed(reader.stdout.read()) == b"1.0\n", ran)
    reader.wait()
    check(ran.code == 0 and b"all 1000 entries were appended" in ran.errors, ran)
    check(done("diary", "read", "p").count(b"\n") == 1000, "p")
    # Nobody reads: nothing is taken. Nothing can be written: what was taken is told.
    done("queue", "enqueue", "q", "a", b"b\xff", "c", "d")
    read, write = os.pipe()
    os.close(read)
    ran = run("queue", "dequeue", "q", "--count", "2", output=write)
    os.close(write)
    check(ran.code == 74 and b"nothing was taken" in ran.errors, ran)
    check(done("queue", "count", "q") == b"4\n", "q")
    with open("/dev/full", "wb") as full:
        ran = run("queue", "dequeue", "q", "--count", "2", output=full)
        check(ran.code == 74 and b"taken: a\n" in ran.errors and b"taken: b\\xff\n" in ran.errors, ran)
        check(done("queue", "count", "q") == b"2\n", "q")
        again = ran.errors.split(b"`optimystic ")[1].split(b"`")[0].split(b" ")
        check(done(*again) == b"a\nb\xff\n", ran)
        ran = run("queue", "dequeue", "q", "--output", "json", output=full)
        lost = [json.loads(line) for line in ran.errors.splitlines()]
        check(ran.code == 74 and lost[0] == {"taken": [{"text": "c"}]}, ran)
        check(lost[1]["error"]["exitCode"] == 74, ran)
        # What is asked to be written is written, and the code says that its result is not.
        ran = run("tree", "put", "t", "a=1", output=full)
        check(ran.code == 74 and b"what was asked for is done" in ran.errors, ran)
        check(done("tree", "get", "t", "a") == b"1\n", "t")
        ran = run("diary", "append", "f", "-", input=b"1\n2\n3\n", output=full)
        check(ran.code == 74, ran)
        check(done("diary", "read", "f").count(b"\n") == 3, "f")
        ran = run("diary", "read", "p", output=full)
        check(ran.code == 74, ran)
    # Descriptors that are closed are not those of the store's files.
    def close():
        for descriptor in (1, 2):
            os.close(descriptor)
    ran = run("diary", "append", "p", "closed", output=None, before=close)
    check(ran.code == 74, ran)
    check(done("diary", "read", "p").count(b"\n") == 1001, "p")
    done("verify")
    reader = subprocess.Popen(["true"], stdin=subprocess.PIPE)
    reader.wait()
    ran = run("diary", "read", "p", output=reader.stdin)
    check(ran.code == 0, ran)
    refused(1, "tree", "get", "t", "zz", output=reader.stdin)


def messages():
    for command in (["tree", "put", "", "a=1"], ["diary", "append", "", "x"], ["queue", "count", ""],
                    ["collection", "drop", "--yes", ""], ["inspect", "tail", ""], ["verify", ""]):
        refused(64, *command, says=b"the collection's name is empty")
    check(not os.path.exists(DATABASE), "something was opened for a name that is none")
    refused(1, "inspect", "tail", "nosuch", says=b"absent")
    done("tree", "put", "t", "a=1")
    ran = refused(75, "tree", "put", "t", "a=2", "--if-absent", says=b'key "a" has no value')
    check(b"transaction" not in ran.errors, ran)
    refused(64, "tree", "range", "t", "--limit", "-1", says=b"--limit is 0 or more, not -1")
    ran = raw("--timeout", "1ms", "--connect", "optimystic://127.0.0.1:1/x", "status")
    check(ran.code != 0 and b"less than 1 ms was given" not in ran.errors, ran)
    help = raw("tree", "put", "--help").output
    check(b"default: 1)" not in help and b"bytes - " not in help, help)
    check(b"(values: bytes, json; default: bytes)" in b" ".join(help.split()), help)
    # Errors are objects where results are.
    for words, code, name in (
            (["tree", "get", "none", "a"], 65, "collectionNotFound"),
            (["nonsense"], 64, "invalidArgument"), (["diary", "read"], 64, "invalidArgument"),
            (["diary", "append", b"\xff", "x"], 65, "textInvalid"),
            (["tree", "range", "t", "--limit", "-1"], 64, "invalidArgument")):
        ran = run("--output", "json", *words)
        error = json.loads(ran.errors)["error"]
        check(ran.code == code == error["exitCode"] and error["name"] == name, ran)
        check(error["outcome"] == "notApplied" and error["message"] and error["remedy"], ran)
    lines = b"".join(b"tree put more%d a=1\n" % number for number in range(70))
    done("shell", input=lines)
    check(b"registers more" in done("status"), "status")
    check(len(done("collections").splitlines()) == 71, "collections")


def shell():
    def lines(text):
        return run("shell", input=text)
    ran = lines(b"exit 3\ntree count t\n")
    check(ran.code == 3 and ran.output == b"", ran)
    check(lines(b"exit\n").code == 0, "exit")
    ran = lines(b"exit x\n")
    check(ran.code == 64 and b"from 0 to 255" in ran.errors, ran)
    ran = lines(b"tre get t a\n")
    check(ran.code == 64 and b'there is no command "tre"' in ran.errors, ran)
    check(b"--output" not in ran.errors, ran)
    ran = lines(b"diary apend d x\n")
    check(ran.code == 64 and b'there is no command "apend" of `diary`' in ran.errors, ran)
    ran = lines(b"help\nhelp tree get\nexplain conflict\n")
    check(ran.code == 0 and b"SUBCOMMANDS" in ran.output and b"USAGE" in ran.output, ran)
    # A line of a megabyte and one of many words take no time worth a word.
    value = b"x" * 60_000
    pairs = b" ".join(b"k%d=%s" % (number, value) for number in range(16))
    many = b" ".join(b"v%d" % number for number in range(1000))
    ran = lines(b"tree put l " + pairs + b"\nqueue enqueue m " + many + b"\nqueue count m\n")
    check(ran.code == 0 and ran.output == b"1\n1\n1000\n", (ran.code, ran.output, ran.errors))
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    check(peak < 400_000, f"{peak} kB")


def answers():
    """What cannot be printed ends with 74 and a word, whoever should have printed it."""
    folder = os.path.dirname(EXECUTABLE)
    peer = os.path.join(folder, "storage-peer")
    plan = ["cluster", "plan", "--name", "n", "--replicas", "1", "--peer",
            "00000000-0000-0000-0000-000000000001=127.0.0.1:1", "--coordinator", "127.0.0.1:2",
            "--proxy", "127.0.0.1:3", "--out", "-"]
    lines = [[EXECUTABLE] + words for words in (
        ["--help"], ["--version"], ["help", "tree", "put"], ["tree", "put", "--help"], ["explain"],
        ["explain", "conflict"], ["--generate-completion-script", "bash"], ["tree"], plan)]
    for service in ("storage-peer", "coordinator", "client-proxy"):
        lines += [[os.path.join(folder, service), word]
                  for word in ("--help", "--version", "--print-configuration")]
    lines += [[os.path.join(folder, tool), "--help"]
              for tool in ("load-tester", "chaos", "bench", "demo")]
    numbers = itertools.count()

    def lost(line, code=74):
        for kind in ("full", "closed"):
            if kind == "full":
                output = os.open("/dev/full", os.O_WRONLY)
            else:
                read, output = os.pipe()
                os.close(read)
            words = [word.replace("NEW", os.path.join(DIRECTORY, f"new{next(numbers)}"))
                     for word in line]
            process = subprocess.run(words, stdout=output, stderr=subprocess.PIPE, timeout=60)
            os.close(output)
            ran = Ran(line, process.returncode, kind, process.stderr)
            check(ran.code == code and b"could not be written" in ran.errors, ran)
            yield words, ran

    for line in lines:
        for _ in lost(line):
            pass
    # What was made is told, and is there.
    for words, ran in lost([peer, "init", "--data-directory", "NEW"]):
        identity = open(os.path.join(words[-1], "IDENTITY")).read()
        told = re.search(r"storage ([0-9a-f-]{36}), but", ran.errors.decode())
        check(told and told.group(1) in identity, ran)
    # A list is cut by who reads it; that is his choice.
    done("tree", "put", "t", "a=1")
    reader = subprocess.Popen(["true"], stdin=subprocess.PIPE)
    reader.wait()
    check(run("tree", "range", "t", output=reader.stdin).code == 0, "range")
    # Whoever gives an option twice is told, of every tool.
    for tool, option in (("load-tester", "--clients"), ("chaos", "--seed"), ("bench", "--runs")):
        line = [os.path.join(folder, tool), option, "1", option + "=2"]
        process = subprocess.run(line, capture_output=True, timeout=60)
        check(process.returncode == 64 and b"is given twice" in process.stderr, process)


def retries():
    """A retry is carried out in the life of its first try, or not at all."""
    cases = {
        "d": (["diary", "append", "d", "v"], ["diary", "read", "d"], b"1.0\tnew\n",
              ["diary", "append", "d", "new"], "diary"),
        "t": (["tree", "put", "t", "k=v"], ["tree", "range", "t"], b"n\tnew\n",
              ["tree", "put", "t", "n=new"], "tree"),
        "x": (["tree", "delete", "x", "n"], ["tree", "range", "x"], b"n\tnew\n",
              ["tree", "put", "x", "n=new"], "tree"),
        "q": (["queue", "enqueue", "q", "v"], ["queue", "peek", "q", "--count", "9"], b"new\n",
              ["queue", "enqueue", "q", "new"], "queue"),
        "e": (["queue", "dequeue", "e"], ["queue", "peek", "e", "--count", "9"], b"new\n",
              ["queue", "enqueue", "e", "new"], "queue"),
    }
    for number, (name, (write, read, expected, renew, kind)) in enumerate(cases.items()):
        identifier = f"00000000-0000-0000-0000-0000000000{number:02x}"
        done(*renew)
        done(*renew)
        tail = json.loads(done("inspect", "tail", name, "--output", "json"))
        # As the hint prints it: the SDK's position of this life.
        nonce = bytes.fromhex(tail["incarnation"].split(":")[1].replace("-", ""))[-5:]
        tag = f"{tail['generation']}-" + base64.b32encode(nonce).decode().lower()
        first = ["--first-revision", f"{tail['revision']}@{tag}"]
        once = done(*write, "--action", identifier, *first)
        check(done(*write, "--action", identifier, *first) == once, f"{name} landed twice")
        status = done(kind, "action", name, identifier, *first)
        check(status.startswith(b"landed at "), status)
        # A revision without its life, one that is none, and one that is not there yet.
        refused(64, *write, "--action", identifier, "--first-revision", str(tail["revision"]),
                says=b"with the life behind @")
        refused(64, *write, "--action", identifier, "--first-revision", "x")
        # Nothing is made for a retry, and what became of the first try is not known.
        done("collection", "drop", "--yes", name)
        refused(75, *write, "--action", identifier, *first, says=b"outcome unknown")
        refused(65, *read, says=b"collectionNotFound")
        refused(75, kind, "action", name, identifier, *first, says=b"outcome unknown")
        # In another life it is nobody's retry.
        done(*renew)
        ran = refused(65, *write, "--action", identifier, *first, "--output", "json")
        error = json.loads(ran.errors.splitlines()[-1])["error"]
        check(error["name"] == "positionNotFound" and error["outcome"] == "unknown", ran)
        refused(65, kind, "action", name, identifier, *first, says=b"another life")
        check(done(*read) == expected, name)


def keys():
    refused(64, "tree", "put", "t", "a=1", "a=2", says=b'"a=1" and "a=2" are of one key')
    refused(64, "tree", "put", "t", "a=1", "--delete", "a", says=b'"--delete a"')
    done("tree", "put", "t", "a=1", "b=2")
    refused(64, "tree", "delete", "t", "a", "b", "a", says=b"one key")
    check(done("tree", "count", "t") == b"2\n", "t")
    done("tree", "put", "f", "--key-type", "double", "0.5=x", "0.10000000000000001=y")
    refused(64, "tree", "put", "f", "1=x", "1.0=y", says=b'"1=x" and "1.0=y"')
    refused(64, "tree", "put", "f", "9007199254740993=x", says=b"would be rounded")
    records = b'{"k":1,"v":1}\n{"k":0.10000000000000000001,"v":2}\n'
    refused(65, "tree", "import", "f", "-", "--format", "jsonl", "--key", "k", "--encoding", "bytes",
            "--value", "v", input=records, says=b"line 2: the key")
    check(done("tree", "range", "f") == b"0.1\ty\n0.5\tx\n1.0\t1\n", "f")
    done("tree", "put", "u", "--key-type", "(text,int64)", '["a=b",1]=c=d', '["]=\\"=",2]=e')
    check(done("tree", "get", "u", '["a=b",1]') == b"c=d\n", "u")
    check(done("tree", "get", "u", '["]=\\"=",2]') == b"e\n", "u")


def remedies():
    """What is said is so, and what it advises helps."""
    done("tree", "put", "j", "k=1", "--encoding", "json")
    ran = refused(65, "tree", "put", "j", "k=no", says=b"write what the collection holds")
    check(b"'\"text\"'" in ran.errors, ran)
    done("tree", "put", "j", 'k="no"')
    for words in (["diary", "append", "d", "-"], ["shell"],
                  ["tree", "import", "j", "-", "--format", "csv", "--key", "k"]):
        refused(74, *words, says=b"standard input is closed", before=lambda: os.close(0))
    peer = os.path.join(os.path.dirname(EXECUTABLE), "storage-peer")
    variables = dict(os.environb)
    variables[b"OPTIMYSTIC_STORAGE_PEER_LOG_LEVEL"] = b"\xff"
    ran = subprocess.run([peer, "init"], env=variables, capture_output=True)
    check(ran.returncode == 78 and b"not UTF-8 from byte 0" in ran.stderr, ran)
    check(b"one of trace, debug" in ran.stderr and b"--hex" not in ran.stderr, ran)
    refused(64, "--connect", "optimystic://0.0.0.0:1/x", "status")
    plan = ["cluster", "plan", "--name", "n", "--replicas", "1", "--peer",
            "00000000-0000-0000-0000-000000000001=127.0.0.1:1", "--coordinator", "127.0.0.1:2",
            "--out", "-", "--proxy"]
    for address in ("0.0.0.0:9", "*:9", "[::]:9", "0:9", "255.255.255.255:9", "127.0.0.1:0"):
        ran = raw(*plan, address)
        check(ran.code == 78 and b"one host and not every interface" in ran.errors, ran)
    check(raw(*plan, "127.0.0.1:9").code == 0, "a plan")
    few = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (10, 10))
    refused(78, "tree", "get", "j", "k", before=few, says=b"(ulimit -n)")
    ran = raw("--connect", "optimystic://127.0.0.1:1/x", "status", before=few)
    check(ran.code == 78 and b"may have 10 files open and needs 36" in ran.errors, ran)


def signals():
    """A signal ends a command with a word of what is written."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        process = subprocess.Popen(
            [EXECUTABLE, "--embedded", DATABASE, "diary", "append", f"d{number}", "-"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for line in range(3):
            process.stdin.write(b"x\n")
            process.stdin.flush()
            process.stdout.readline()
        process.send_signal(number)
        errors = process.stderr.read()
        ran = Ran(["diary", "append"], process.wait(30), b"", errors)
        process.stdin = None
        check(ran.code == -number and b"3 entries were appended" in errors, ran)
        check(f"stopped by {signal.Signals(number).name}".encode() in errors, ran)
        check(b"may still be carried out" not in errors, ran)
        check(done("diary", "read", f"d{number}").count(b"\n") == 3, ran)
    # Whoever only reads has nothing to say.
    process = subprocess.Popen(
        [EXECUTABLE, "--embedded", DATABASE, "diary", "follow", "d2"], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE)
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    ran = Ran(["diary", "follow"], process.wait(30), b"", process.stderr.read())
    check(ran.code == -signal.SIGINT and ran.errors == b"", ran)
    # The lines of a shell are its own: what would read them to their end is refused.
    ran = refused(64, "shell", input=b"tree put s a=1\ndiary append s2 -\nx\n",
                  says=b"would take the lines of this shell")
    check(ran.output.count(b"\n") == 1, ran)


def transactions():
    done("tree", "put", "accounts", "ada=100", "bob=5")
    done("diary", "append", "ledger", "opened")
    done("queue", "enqueue", "jobs", "one", "two")
    before = done("snapshot", "accounts", "ledger", "jobs").strip()

    def lines(*steps):
        return b"".join(json.dumps(step).encode() + b"\n" for step in steps)

    def put(key, value, **how):
        return {"collection": "accounts", "action": "put", "key": key, "value": value, **how}

    note = {"collection": "ledger", "action": "append", "value": "ada paid 30"}
    take = {"collection": "jobs", "action": "dequeue", "count": 2}
    transfer = lines(put("ada", "70", ifValue="100"), put("bob", "35", ifValue="5"), note, take)
    ran = run("transact", "-", "--output", "json", input=transfer)
    check(ran.code == 0, ran)
    result = json.loads(ran.output)
    check([taken["text"] for taken in result["taken"]] == ["one", "two"], ran)
    check(result["revisions"]["ledger"] == 2, ran)
    check(done("tree", "get", "accounts", "ada", "bob") == b"ada\t70\nbob\t35\n", "balances")
    # Again: the condition does not hold, and nothing of it is done.
    ran = refused(75, "transact", "-", input=transfer, says=b"line 1: its condition does not hold")
    check(done("diary", "read", "ledger", "--limit", "9").count(b"\n") == 2, ran)
    check(done("queue", "count", "jobs") == b"0\n", "queue")
    # A moment is read as of later, whichever collection; of others it says nothing.
    check(done("tree", "get", "accounts", "ada", "--as-of", before) == b"100\n", "then")
    check(done("queue", "count", "jobs", "--as-of", before) == b"2\n", "then")
    check(done("tree", "get", "accounts", "ada", "--as-of", result["snapshot"]) == b"70\n", "now")
    done("tree", "put", "others", "a=1")
    refused(64, "tree", "get", "others", "a", "--as-of", before, says=b"not among the 3")
    # Its fate is told later.
    told = json.loads(done("inspect", "transaction", result["transaction"], "--output", "json"))
    check(told["state"] == "committed" and told["snapshot"] == result["snapshot"], told)
    check([part["home"] for part in told["collections"]].count(True) == 1, told)
    other = result["transaction"].replace(result["transaction"][:4], "aaaa", 1)
    ran = run("inspect", "transaction", other)
    check(ran.code == 1 and ran.output.startswith(b"not committed up to revision"), ran)
    refused(64, "inspect", "transaction", "x")
    # What is no transaction is refused with the line, before anything is done.
    for text, says in (
        (b"", b"no line"), (b"[]\n", b"line 1: it is no object"), (b"{\n", b"line 1"),
        (lines(note, {"collection": "accounts", "action": "put", "key": "a"}), b"line 2"),
        (lines({**note, "key": "a"}), b'takes no "key"'), (lines({**note, "x": 1}), b'"x" is none'),
        (lines({**note, "action": "fly"}), b'"action" is to be'),
        (lines({**take, "count": 0}), b'"count" is to be 1'),
        (lines(put("a", "1", **{"if": "maybe"})), b'"if" is to be'),
        (lines({"collection": "accounts", "action": "check", "key": "a"}), b'takes "if"'),
        (lines({**note, "hex": "00"}), b"exclude each other"),
    ):
        refused(65, "transact", "-", input=text, says=says)
    ran = run("transact", "-", input=lines({**note, "collection": "nothing"}))
    check(ran.code != 0 and b"nothing" in ran.errors, ran)
    # In a shell the lines between begin and commit are one.
    script = (
        b"begin\ntree put accounts ada=60 bob=45\ntree get accounts ada\n"
        b"diary append ledger 'ada paid 10'\nqueue enqueue jobs three\nqueue peek jobs\ncommit\n"
        b"tree get accounts ada\nbegin\ntree delete accounts ada\nrollback\n"
        b"tree get accounts ada\n")
    ran = run("shell", input=script)
    check(ran.code == 0, ran)
    printed = ran.output.split(b"\n")
    check(printed[:2] == [b"60", b"three"] and printed[2].startswith(b"transaction "), ran)
    check(printed[3:] == [b"60", b"60", b""], ran)
    for text, says in (
        (b"commit\n", b"no transaction is open"), (b"begin\nbegin\n", b"open already"),
        (b"begin\ntree put accounts ada=1\n", b"it was rolled back"),
        (b"begin\ntree range accounts\n", b"would not be a part"),
        (b"begin\n--embedded other tree get accounts ada\n", b"--embedded does not go with"), (b"begin x\n", b"takes nothing"),
    ):
        refused(64, "shell", input=text, says=says)
    ran = run("shell", input=b"begin\ntree put accounts ada=1 --if-absent\n")
    check(ran.code == 75 and b"the transaction was rolled back" in ran.errors, ran)
    check(done("tree", "get", "accounts", "ada") == b"60\n", "rolled back")


GROUPS = {
    group.__name__: group
    for group in (
        argument_bytes, exact_text, standard_input, dashes, closed_output, messages, shell, answers,
        retries, keys, remedies, signals, transactions)
}
GROUPS[GROUP]()
print(f"run_command: {GROUP} held")
