/// What went wrong. Stable across releases and on the wire.
///
/// A code exists only if somebody can do something specific about it; everything else is
/// ``internalError`` with a message. The remedies are what `optimystic explain CODE` prints.
public struct ErrorCode: RawRepresentable, Hashable, Sendable {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    // Conflicts: somebody else was first.
    public static let conflict = ErrorCode(rawValue: 1001)
    // Unknown outcomes: the action may have landed, or may land later.
    public static let commitResultUnknown = ErrorCode(rawValue: 1101)
    public static let dedupeWindowLost = ErrorCode(rawValue: 1103)
    // Time.
    public static let deadlineExceeded = ErrorCode(rawValue: 1201)
    // Availability.
    public static let quorumUnavailable = ErrorCode(rawValue: 1301)
    public static let endpointUnreachable = ErrorCode(rawValue: 1302)
    public static let overloaded = ErrorCode(rawValue: 1303)
    public static let shuttingDown = ErrorCode(rawValue: 1304)
    public static let notParticipating = ErrorCode(rawValue: 1305)
    // The caller's request.
    public static let invalidArgument = ErrorCode(rawValue: 2001)
    public static let valueTooLarge = ErrorCode(rawValue: 2003)
    public static let collectionNotFound = ErrorCode(rawValue: 2006)
    public static let collectionKindMismatch = ErrorCode(rawValue: 2007)
    public static let valueUndecodable = ErrorCode(rawValue: 2008)
    public static let actionIDReuse = ErrorCode(rawValue: 2009)
    public static let keyNotFound = ErrorCode(rawValue: 2010)
    public static let textInvalid = ErrorCode(rawValue: 2020)
    // The protocol.
    public static let malformedMessage = ErrorCode(rawValue: 3001)
    public static let versionUnsupported = ErrorCode(rawValue: 3002)
    public static let wrongCluster = ErrorCode(rawValue: 3006)
    public static let wrongShard = ErrorCode(rawValue: 3007)
    public static let wrongEpoch = ErrorCode(rawValue: 3008)
    // Storage and the machine.
    public static let ioFailed = ErrorCode(rawValue: 4001)
    public static let corrupted = ErrorCode(rawValue: 4002)
    public static let noSpace = ErrorCode(rawValue: 4003)
    public static let directoryLocked = ErrorCode(rawValue: 4004)
    public static let formatUnsupported = ErrorCode(rawValue: 4005)
    public static let directoryForeign = ErrorCode(rawValue: 4006)
    public static let amnesia = ErrorCode(rawValue: 4007)
    public static let addressInUse = ErrorCode(rawValue: 4008)
    public static let configurationInvalid = ErrorCode(rawValue: 4101)
    public static let internalError = ErrorCode(rawValue: 5001)
}

extension ErrorCode {
    /// One row of the error table.
    public struct Explanation: Sendable {
        public let code: ErrorCode
        public let name: String
        /// What it means, in one sentence.
        public let meaning: String
        /// What the person who meets it can do.
        public let remedy: String
    }

    /// Every code, in numeric order.
    public static let table: [Explanation] = [
        row(
            .conflict, "conflict", "Another action changed what this one depended on.",
            "Look at what is there now, and decide anew."),
        row(
            .commitResultUnknown, "commitResultUnknown",
            "The action may or may not have been applied.",
            "Retry with the same action id, which never applies it twice, or ask for its status."),
        row(
            .dedupeWindowLost, "dedupeWindowLost",
            "The history in which an earlier try would be found has been truncated.",
            "Look for the effect in the data; do not retry blindly."),
        row(
            .deadlineExceeded, "deadlineExceeded", "The time given ran out before an answer.",
            "Give more time, or reduce the load."),
        row(
            .quorumUnavailable, "quorumUnavailable",
            "Too few storage peers of a shard answered; nothing was applied.",
            "See `optimystic status`; start the missing peers."),
        row(
            .endpointUnreachable, "endpointUnreachable",
            "No service answered at the given addresses; nothing was sent.",
            "Check the addresses and that the services run."),
        row(
            .overloaded, "overloaded", "A bounded queue is full; nothing was applied.",
            "Wait for the time the reply names and retry; the SDK does so by itself."),
        row(
            .shuttingDown, "shuttingDown", "The service is stopping and takes no new work.",
            "Use another endpoint; the SDK does so by itself."),
        row(
            .notParticipating, "notParticipating",
            "A storage peer refuses to vote, because its data cannot be trusted.",
            "See `optimystic status` for the reason and the remedy."),
        row(
            .invalidArgument, "invalidArgument", "The request makes no sense as it stands.",
            "Correct the call; the message names the argument."),
        row(
            .valueTooLarge, "valueTooLarge", "A key, a value or an action is over its limit.",
            "Make it smaller or split it; the message names the limit and the actual size."),
        row(
            .collectionNotFound, "collectionNotFound", "No collection has this name.",
            "Check the name, or create the collection first."),
        row(
            .collectionKindMismatch, "collectionKindMismatch",
            "The collection exists, but is of another kind, or has other keys or values.",
            "Open it as what it is, or use another name."),
        row(
            .valueUndecodable, "valueUndecodable",
            "Stored bytes do not decode as the type asked for.",
            "Read with the type that was written, or as raw bytes."),
        row(
            .actionIDReuse, "actionIDReuse", "The same action id came with other contents.",
            "Draw a new id for every new action."),
        row(
            .keyNotFound, "keyNotFound", "The key has no value.",
            "Check the key; where its absence is normal, ask for an optional value."),
        row(
            .textInvalid, "textInvalid", "Bytes that are no UTF-8 stand where text is asked for.",
            "Write the text in UTF-8. Keys and values may be any bytes: see --key-type hex, --hex."),
        row(
            .malformedMessage, "malformedMessage", "A message breaks the wire format or a bound.",
            "Upgrade or fix the sender; the message names the bound."),
        row(
            .versionUnsupported, "versionUnsupported",
            "The sender speaks another protocol version.",
            "Run the same release everywhere."),
        row(
            .wrongCluster, "wrongCluster", "The message belongs to another cluster.",
            "Check the address and the cluster name in the URL."),
        row(
            .wrongShard, "wrongShard", "The storage peer is not a member of the shard addressed.",
            "Give every service the same cluster file."),
        row(
            .wrongEpoch, "wrongEpoch", "The message was sent in another epoch of its shard.",
            "Give every service the same cluster file."),
        row(
            .ioFailed, "ioFailed", "The disk or the operating system refused.",
            "Read the message; replace the disk if it fails again. The process stops by design."),
        row(
            .corrupted, "corrupted", "Stored bytes do not match their checksum.",
            "Stop the peer, keep its directory for analysis, and check the disk."),
        row(.noSpace, "noSpace", "The disk is full.", "Free space and restart the peer."),
        row(
            .directoryLocked, "directoryLocked", "Another process uses this data directory.",
            "Stop the other process, or choose another directory."),
        row(
            .formatUnsupported, "formatUnsupported",
            "What is stored was written by another release.",
            "Run the release that wrote it; a newer form is read by later releases too."),
        row(
            .directoryForeign, "directoryForeign",
            "The directory does not belong to this peer or is not a data directory.",
            "Check --data-directory; run `storage-peer init` only on an empty directory."),
        row(
            .amnesia, "amnesia", "Acknowledged writes are missing from this directory.",
            "Keep the peer out of the cluster; the other members of its shards carry on."),
        row(
            .addressInUse, "addressInUse", "Another process listens at this address.",
            "Choose another port, or stop the other process."),
        row(
            .configurationInvalid, "configurationInvalid", "A flag, variable or file is wrong.",
            "Correct what the message names; --print-configuration shows where values come from."),
        row(
            .internalError, "internalError", "The program met a case it does not understand.",
            "Report it with the message and the location."),
    ]

    private static func row(
        _ code: ErrorCode, _ name: String, _ meaning: String, _ remedy: String
    ) -> Explanation {
        Explanation(code: code, name: name, meaning: meaning, remedy: remedy)
    }

    /// The row of this code, nil for a code of a newer release.
    public var explanation: Explanation? { Self.table.first { $0.code == self } }
}

extension ErrorCode: CustomStringConvertible {
    public var description: String {
        explanation.map { "\($0.name) (\(rawValue))" } ?? "code \(rawValue)"
    }
}
