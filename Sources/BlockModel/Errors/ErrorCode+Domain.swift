import BlockRuntime

/// What can go wrong with actions, collections, keys, shards and what peers hold of them.
extension ErrorCode {
    // Conflicts: another client was first.
    /// Another action changed what this one depended on.
    public static let conflict = ErrorCode(1001, "conflict")
    /// The time until which the transaction was to be decided is over.
    public static let transactionExpired = ErrorCode(1203, "transactionExpired")
    // Unknown outcomes: the action may have landed, or may land later.
    /// The history in which an earlier try would be found has been truncated.
    public static let dedupeWindowLost = ErrorCode(1103, "dedupeWindowLost")
    // Availability.
    /// Too few storage peers of a shard answered; nothing was applied.
    public static let quorumUnavailable = ErrorCode(1301, "quorumUnavailable")
    /// A storage peer refuses to vote, because its data cannot be trusted.
    public static let notParticipating = ErrorCode(1305, "notParticipating")
    // The caller's request.
    /// No collection has this name.
    public static let collectionNotFound = ErrorCode(2006, "collectionNotFound")
    /// The collection exists, but is of another kind, or has other keys or values.
    public static let collectionKindMismatch = ErrorCode(2007, "collectionKindMismatch")
    /// Stored bytes do not decode as the type asked for.
    public static let valueUndecodable = ErrorCode(2008, "valueUndecodable")
    /// The same action id came with other contents.
    public static let actionIDReuse = ErrorCode(2009, "actionIDReuse")
    /// The key has no value.
    public static let keyNotFound = ErrorCode(2010, "keyNotFound")
    /// The position or revision is not one of this life of the collection, or not yet.
    public static let positionNotFound = ErrorCode(2011, "positionNotFound")
    /// The revision asked for, or what follows it, was truncated from the history.
    public static let historyTruncated = ErrorCode(2012, "historyTruncated")
    /// No engine of this name and version is known here.
    public static let engineUnknown = ErrorCode(2021, "engineUnknown")
    /// Executed again, the actions do something else than was sent.
    public static let executionDiffers = ErrorCode(2022, "executionDiffers")
    // The protocol.
    /// A message, an address or a data directory belongs to another cluster.
    public static let wrongCluster = ErrorCode(3006, "wrongCluster")
    /// The storage peer is not a member of the shard addressed.
    public static let wrongShard = ErrorCode(3007, "wrongShard")
    /// The message was sent in another epoch of its shard.
    public static let wrongEpoch = ErrorCode(3008, "wrongEpoch")
    // Storage and the machine.
    /// The directory does not belong to this peer or is not a data directory.
    public static let directoryForeign = ErrorCode(4006, "directoryForeign")
    /// Acknowledged writes are missing from this directory.
    public static let amnesia = ErrorCode(4007, "amnesia")
}
