/// What went wrong. Stable across releases and on the wire.
///
/// A code exists only if somebody can do something specific about it; everything else is
/// ``internalError`` with a message. The remedies are what `optimystic explain CODE` prints.
public struct ErrorCode: RawRepresentable, Hashable, Sendable {
    /// The number on the wire and in the table.
    public let rawValue: UInt32
    /// A code of this number, known or not.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    // Conflicts: somebody else was first.
    /// Another action changed what this one depended on.
    public static let conflict = ErrorCode(rawValue: 1001)
    // Unknown outcomes: the action may have landed, or may land later.
    /// The action may or may not have been applied.
    public static let commitResultUnknown = ErrorCode(rawValue: 1101)
    /// The history in which an earlier try would be found has been truncated.
    public static let dedupeWindowLost = ErrorCode(rawValue: 1103)
    // Time.
    /// The time given ran out before an answer.
    public static let deadlineExceeded = ErrorCode(rawValue: 1201)
    // Availability.
    /// Too few storage peers of a shard answered; nothing was applied.
    public static let quorumUnavailable = ErrorCode(rawValue: 1301)
    /// No service answered at the addresses given.
    public static let endpointUnreachable = ErrorCode(rawValue: 1302)
    /// A bounded queue is full; nothing was applied.
    public static let overloaded = ErrorCode(rawValue: 1303)
    /// The service is stopping and takes no new work, or the database was closed.
    public static let shuttingDown = ErrorCode(rawValue: 1304)
    /// A storage peer refuses to vote, because its data cannot be trusted.
    public static let notParticipating = ErrorCode(rawValue: 1305)
    // The caller's request.
    /// The request makes no sense as it stands.
    public static let invalidArgument = ErrorCode(rawValue: 2001)
    /// A key, a value or an action is over its limit.
    public static let valueTooLarge = ErrorCode(rawValue: 2003)
    /// No collection has this name.
    public static let collectionNotFound = ErrorCode(rawValue: 2006)
    /// The collection exists, but is of another kind, or has other keys or values.
    public static let collectionKindMismatch = ErrorCode(rawValue: 2007)
    /// Stored bytes do not decode as the type asked for.
    public static let valueUndecodable = ErrorCode(rawValue: 2008)
    /// The same action id came with other contents.
    public static let actionIDReuse = ErrorCode(rawValue: 2009)
    /// The key has no value.
    public static let keyNotFound = ErrorCode(rawValue: 2010)
    /// The position or revision is not one of this life of the collection, or not yet.
    public static let positionNotFound = ErrorCode(rawValue: 2011)
    /// The revision asked for, or what follows it, was truncated from the history.
    public static let historyTruncated = ErrorCode(rawValue: 2012)
    /// Bytes that are no UTF-8 stand where text is asked for.
    public static let textInvalid = ErrorCode(rawValue: 2020)
    // The protocol.
    /// A message breaks the wire format or a bound.
    public static let malformedMessage = ErrorCode(rawValue: 3001)
    /// The sender speaks another protocol version.
    public static let versionUnsupported = ErrorCode(rawValue: 3002)
    /// A message, an address or a data directory belongs to another cluster.
    public static let wrongCluster = ErrorCode(rawValue: 3006)
    /// The storage peer is not a member of the shard addressed.
    public static let wrongShard = ErrorCode(rawValue: 3007)
    /// The message was sent in another epoch of its shard.
    public static let wrongEpoch = ErrorCode(rawValue: 3008)
    /// The address is that of a service of another role.
    public static let wrongService = ErrorCode(rawValue: 3009)
    // Storage and the machine.
    /// The disk or the operating system refused.
    public static let ioFailed = ErrorCode(rawValue: 4001)
    /// Stored bytes are damaged, or a part of them is missing.
    public static let corrupted = ErrorCode(rawValue: 4002)
    /// The disk, the quota or the limit of file sizes leaves no room for a write.
    public static let noSpace = ErrorCode(rawValue: 4003)
    /// Somebody else has this data directory open.
    public static let directoryLocked = ErrorCode(rawValue: 4004)
    /// What is stored was written by another release.
    public static let formatUnsupported = ErrorCode(rawValue: 4005)
    /// The directory does not belong to this peer or is not a data directory.
    public static let directoryForeign = ErrorCode(rawValue: 4006)
    /// Acknowledged writes are missing from this directory.
    public static let amnesia = ErrorCode(rawValue: 4007)
    /// Another process listens at this address.
    public static let addressInUse = ErrorCode(rawValue: 4008)
    /// The operating system does not allow it: owner, permissions or a read-only disk.
    public static let accessDenied = ErrorCode(rawValue: 4009)
    /// A file or directory is not where it was looked for.
    public static let pathNotFound = ErrorCode(rawValue: 4010)
    /// A flag, variable or file is wrong.
    public static let configurationInvalid = ErrorCode(rawValue: 4101)
    /// The program met a case it does not understand.
    public static let internalError = ErrorCode(rawValue: 5001)
}

extension ErrorCode: CustomStringConvertible {
    /// Name and number, or the number alone.
    public var description: String {
        explanation.map { "\($0.name) (\(rawValue))" } ?? "code \(rawValue)"
    }
}
