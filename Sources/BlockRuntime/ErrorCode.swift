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
    public static let positionNotFound = ErrorCode(rawValue: 2011)
    public static let historyTruncated = ErrorCode(rawValue: 2012)
    public static let textInvalid = ErrorCode(rawValue: 2020)
    // The protocol.
    public static let malformedMessage = ErrorCode(rawValue: 3001)
    public static let versionUnsupported = ErrorCode(rawValue: 3002)
    public static let wrongCluster = ErrorCode(rawValue: 3006)
    public static let wrongShard = ErrorCode(rawValue: 3007)
    public static let wrongEpoch = ErrorCode(rawValue: 3008)
    public static let wrongService = ErrorCode(rawValue: 3009)
    // Storage and the machine.
    public static let ioFailed = ErrorCode(rawValue: 4001)
    public static let corrupted = ErrorCode(rawValue: 4002)
    public static let noSpace = ErrorCode(rawValue: 4003)
    public static let directoryLocked = ErrorCode(rawValue: 4004)
    public static let formatUnsupported = ErrorCode(rawValue: 4005)
    public static let directoryForeign = ErrorCode(rawValue: 4006)
    public static let amnesia = ErrorCode(rawValue: 4007)
    public static let addressInUse = ErrorCode(rawValue: 4008)
    public static let accessDenied = ErrorCode(rawValue: 4009)
    public static let pathNotFound = ErrorCode(rawValue: 4010)
    public static let configurationInvalid = ErrorCode(rawValue: 4101)
    public static let internalError = ErrorCode(rawValue: 5001)
}

extension ErrorCode: CustomStringConvertible {
    public var description: String {
        explanation.map { "\($0.name) (\(rawValue))" } ?? "code \(rawValue)"
    }
}
