import BlockRuntime

extension ErrorCode {
    /// One row of the error table.
    public struct Explanation: Sendable {
        /// The code that is explained.
        public let code: ErrorCode
        /// Its name, as in Swift and in `optimystic explain`.
        public let name: String
        /// What it means, in one sentence.
        public let meaning: String
        /// What the person who meets it can do: true in every case in which it is printed.
        public let remedy: String
        /// The cases in which it is met where they differ, each with what to do in it.
        public let cases: [String]
    }

    /// Every code, in numeric order.
    public static let table: [Explanation] = [
        row(
            .conflict, "Another action changed what this one depended on.",
            "Look at what is there now, and decide anew."),
        row(
            .commitResultUnknown,
            "The action may or may not have been applied.",
            "Repeat it under the same action id, which never applies it twice; of a transaction "
                + "ask `optimystic inspect transaction`; without an id, look for its effect before "
                + "you repeat it."),
        row(
            .dedupeWindowLost,
            "The history in which an earlier try would be found has been truncated.",
            "Look for the effect in the data; do not retry blindly."),
        row(
            .deadlineExceeded, "The time given ran out before an answer.",
            "Give more time, or reduce the load."),
        row(
            .transactionExpired,
            "The time until which the transaction was to be decided is over.",
            "Begin another one; if it comes at once, set the clocks of client and proxy right."),
        row(
            .quorumUnavailable,
            "Too few storage peers of a shard answered; nothing was applied.",
            "See `optimystic status`; start the missing peers."),
        row(
            .endpointUnreachable,
            "No service answered at the addresses given.",
            "The message says what is wrong with each address; correct it, or start the service.",
            cases: [
                "refused: nothing listens at this port; is the service started, the port right?",
                "no such host: the name is in no DNS or hosts file of this machine",
                "unreachable, or no answer: a route, a firewall, or a machine that is down",
                "speaks another protocol: the port belongs to another program, such as a web "
                    + "server",
                "IPv6 only: write the host as [address] with the address in brackets",
                "broke before the answer: the service ended meanwhile; the SDK asks another one",
            ]),
        row(
            .overloaded, "A bounded queue is full; nothing was applied.",
            "Wait for the time the reply names and retry; the SDK does so by itself."),
        row(
            .shuttingDown,
            "The service is stopping and takes no new work, or the database was closed.",
            "Use another proxy, which the SDK does by itself; open the database anew if it was "
                + "closed."),
        row(
            .notParticipating,
            "A storage peer refuses to vote, because its data cannot be trusted.",
            "See `optimystic status` for the reason and the remedy."),
        row(
            .invalidArgument, "The request makes no sense as it stands.",
            "Correct the call; the message names the argument."),
        row(
            .valueTooLarge, "A key, a value or an action is over its limit.",
            "Make it smaller or split it; the message names the limit and the actual size."),
        row(
            .collectionNotFound, "No collection has this name.",
            "Check the name, or create the collection first."),
        row(
            .collectionKindMismatch,
            "The collection exists, but is of another kind, or has other keys or values.",
            "Open it as what it is, or use another name."),
        row(
            .valueUndecodable,
            "A value is not what the type asked for, or the collection, says that it is.",
            "The message names the value: read it as the type that was written, or as raw bytes; "
                + "write what the collection holds."),
        row(
            .actionIDReuse, "The same action id came with other contents.",
            "Draw a new id for every new action."),
        row(
            .keyNotFound, "The key has no value.",
            "Check the key; where its absence is normal, ask for an optional value."),
        row(
            .positionNotFound,
            "The position or revision is not one of this life of the collection, or not yet.",
            "Read from the start, or with a position that this life of the collection gave out."),
        row(
            .historyTruncated,
            "The revision asked for, or what follows it, was truncated from the history.",
            "Read at a later revision; whoever follows changes takes a new snapshot first."),
        row(
            .textInvalid, "Bytes that are no UTF-8 stand where text is asked for.",
            "Write it in UTF-8."),
        row(
            .engineUnknown, "No engine of this name and version is known here.",
            "Check the name; a coordinator that validates transactions knows actions@1 alone."),
        row(
            .executionDiffers,
            "Executed again, the actions do something else than was sent.",
            "Nothing was applied. Report it: the client, or the proxy that it uses, is not what it "
                + "should be, or is of another release."),
        row(
            .malformedMessage, "A message breaks the wire format or a bound.",
            "Upgrade or fix the sender; the message names the bound."),
        row(
            .versionUnsupported,
            "The sender speaks another protocol version.",
            "Run the same release everywhere."),
        row(
            .wrongCluster,
            "A message, an address or a data directory belongs to another cluster.",
            "Check which cluster was meant: the address and name in the URL, or the data directory "
                + "and the cluster file."),
        row(
            .wrongShard, "The storage peer is not a member of the shard addressed.",
            "Give every service the same cluster file."),
        row(
            .wrongEpoch, "The message was sent in another epoch of its shard.",
            "Give every service the same cluster file."),
        row(
            .wrongService, "The address is that of a service of another role.",
            "Give the address of a client proxy; the cluster file lists them under \"proxies\"."),
        row(
            .ioFailed, "The disk or the operating system refused.",
            "Do what the message names. No data was removed; a process that cannot write stops.",
            cases: [
                "Input/output error: the disk fails; look at the system's log (dmesg) before it is "
                    + "used again, and copy what it holds if nothing else does",
                "too many open files: raise the limit (ulimit -n) and start again",
                "no thread: raise the limit (ulimit -u) and start again",
                "standard output or input failed: run the command again with another one",
            ]),
        row(
            .corrupted, "Stored bytes are damaged, or a part of them is missing.",
            "Keep the directory as it is, and check the disk.",
            cases: [
                "a storage peer: it takes no part, and the other members of its shards carry on",
                "an embedded database: there is no other copy; open a copy of the directory that "
                    + "was made while it was closed",
                "IDENTITY is missing: `storage-peer restore-identity` writes it from the store",
            ]),
        row(
            .noSpace,
            "The disk, the quota or the limit of file sizes leaves no room for a write.",
            "Free space or raise the limit, then start the peer or open the database again: it "
                + "goes on with all that was acknowledged."),
        row(
            .directoryLocked,
            "Somebody else has this data directory open.",
            "Stop the other process, close the other database, or choose another directory."),
        row(
            .formatUnsupported,
            "What is stored was written by another release.",
            "Run the release that wrote it; a newer form is read by later releases too."),
        row(
            .directoryForeign,
            "The directory does not belong to this peer or is not a data directory.",
            "Check the path; a new data directory is made only where nothing is.",
            cases: [
                "something else is there: it is left as it is; choose another path",
                "empty: `storage-peer init` makes a data directory of it",
                "making it did not finish: nothing was ever stored; the same command finishes it",
                "the store of another peer: put each store back under its own IDENTITY",
            ]),
        row(
            .amnesia, "Acknowledged writes are missing from this directory.",
            "Keep the directory as it is; a storage peer takes no part, and the other members of "
                + "its shards carry on."),
        row(
            .addressInUse, "Another process listens at this address.",
            "Choose another port, or stop the other process."),
        row(
            .accessDenied,
            "The operating system does not allow it: owner, permissions or a read-only disk.",
            "Run it as the owner, or give its user the right to read and write what the message "
                + "names. The data is as it was.",
            cases: [
                "Permission denied: the directory belongs to another user (ls -ld shows whose)",
                "Read-only file system: mount it for writing; a system that met disk errors may "
                    + "have made it so (dmesg)",
            ]),
        row(
            .pathNotFound, "A file or directory is not where it was looked for.",
            "Check the path for typing mistakes, and that its disk is mounted."),
        row(
            .configurationInvalid, "A flag, variable or file is wrong.",
            "Correct what the message names; --print-configuration of a service shows where its "
                + "values come from."),
        row(
            .internalError, "The program met a case it does not understand.",
            "Report it with the message and the location."),
    ]

    private static func row(
        _ code: ErrorCode, _ meaning: String, _ remedy: String, cases: [String] = []
    ) -> Explanation {
        Explanation(
            code: code, name: code.name ?? "", meaning: meaning, remedy: remedy, cases: cases)
    }

    /// The row of this code, nil for a code of a newer release.
    public var explanation: Explanation? { Self.table.first { $0.code == self } }
}

extension ErrorCode: RawRepresentable {
    /// A code by its number, known or not.
    public init(rawValue: UInt32) {
        self = Self.table.first { $0.code.rawValue == rawValue }?.code ?? ErrorCode(rawValue, nil)
    }
}
