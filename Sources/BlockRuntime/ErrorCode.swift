/// What went wrong. Stable across releases and on the wire.
///
/// A code exists only if an application or an operator can do something specific about it;
/// everything else is ``internalError`` with a message. Codes that speak of collections, shards and
/// the like are where those are.
public struct ErrorCode: Sendable {
    /// The number on the wire and in the table.
    public let rawValue: UInt32
    /// As in Swift and in `optimystic explain`; nil for a code of a newer release.
    package let name: String?

    /// A code that this release knows.
    package init(_ rawValue: UInt32, _ name: String?) {
        self.rawValue = rawValue
        self.name = name
    }

    // Unknown outcomes: the action may have landed, or may land later.
    /// The action may or may not have been applied.
    public static let commitResultUnknown = ErrorCode(1101, "commitResultUnknown")
    // Time.
    /// The time given ran out before an answer.
    public static let deadlineExceeded = ErrorCode(1201, "deadlineExceeded")
    // Availability.
    /// No service answered at the addresses given.
    public static let endpointUnreachable = ErrorCode(1302, "endpointUnreachable")
    /// A bounded queue is full; nothing was applied.
    public static let overloaded = ErrorCode(1303, "overloaded")
    /// The service is stopping and takes no new work, or the database was closed.
    public static let shuttingDown = ErrorCode(1304, "shuttingDown")
    // The caller's request.
    /// The request makes no sense as it stands.
    public static let invalidArgument = ErrorCode(2001, "invalidArgument")
    /// A key, a value or an action is over its limit.
    public static let valueTooLarge = ErrorCode(2003, "valueTooLarge")
    /// Bytes that are no UTF-8 stand where text is asked for.
    public static let textInvalid = ErrorCode(2020, "textInvalid")
    // The protocol.
    /// A message breaks the wire format or a bound.
    public static let malformedMessage = ErrorCode(3001, "malformedMessage")
    /// The sender speaks another protocol version.
    public static let versionUnsupported = ErrorCode(3002, "versionUnsupported")
    /// The address is that of a service of another role.
    public static let wrongService = ErrorCode(3009, "wrongService")
    // Storage and the machine.
    /// The disk or the operating system refused.
    public static let ioFailed = ErrorCode(4001, "ioFailed")
    /// Stored bytes are damaged, or a part of them is missing.
    public static let corrupted = ErrorCode(4002, "corrupted")
    /// The disk, the quota or the limit of file sizes leaves no room for a write.
    public static let noSpace = ErrorCode(4003, "noSpace")
    /// Another process has this data directory open.
    public static let directoryLocked = ErrorCode(4004, "directoryLocked")
    /// What is stored was written by another release.
    public static let formatUnsupported = ErrorCode(4005, "formatUnsupported")
    /// Another process listens at this address.
    public static let addressInUse = ErrorCode(4008, "addressInUse")
    /// The operating system does not allow it: owner, permissions or a read-only disk.
    public static let accessDenied = ErrorCode(4009, "accessDenied")
    /// A file or directory is not where it was looked for.
    public static let pathNotFound = ErrorCode(4010, "pathNotFound")
    /// A flag, variable or file is wrong.
    public static let configurationInvalid = ErrorCode(4101, "configurationInvalid")
    /// The program met a case it does not understand.
    public static let internalError = ErrorCode(5001, "internalError")
}

extension ErrorCode: Hashable {
    /// By number.
    public static func == (left: ErrorCode, right: ErrorCode) -> Bool {
        left.rawValue == right.rawValue
    }

    /// By number.
    public func hash(into hasher: inout Hasher) { hasher.combine(rawValue) }
}

extension ErrorCode: CustomStringConvertible {
    /// Name and number, or the number alone.
    public var description: String { name.map { "\($0) (\(rawValue))" } ?? "code \(rawValue)" }
}
