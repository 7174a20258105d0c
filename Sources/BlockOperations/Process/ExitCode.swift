import BlockModel
import BlockRuntime

/// How a process ended, as its supervisor sees it. The numbers are those of BSD `sysexits.h`, which
/// collide neither with the shell's 126 and 127 nor with 128 + signal.
package enum ExitCode: Int32, CaseIterable, Sendable {
    case success = 0
    /// EX_USAGE: the command line makes no sense.
    case usage = 64
    /// EX_DATAERR: the data given or found is not what it should be.
    case badInput = 65
    /// EX_UNAVAILABLE: a service that is needed does not answer.
    case unavailable = 69
    /// EX_SOFTWARE: a defect of this program.
    case internalError = 70
    /// EX_IOERR: the disk or the operating system failed.
    case ioFailed = 74
    /// EX_TEMPFAIL: the same command may succeed later. Also the code of a service that a second
    /// signal stopped before it had drained.
    case tryAgain = 75
    /// EX_PROTOCOL: the other side speaks another protocol or belongs to another cluster.
    case protocolError = 76
    /// EX_NOPERM: the operating system does not allow it to the user of the process.
    case noPermission = 77
    /// EX_CONFIG: a variable or a file that configures the program is wrong.
    case configuration = 78
}

extension ExitCode {
    /// The exit code of a process that ends because of an error with this code. A code of a newer
    /// release is an internal error.
    package init(_ code: ErrorCode) {
        switch code {
        case .invalidArgument:
            self = .usage
        case .valueTooLarge, .collectionNotFound, .collectionKindMismatch, .valueUndecodable,
            .actionIDReuse, .engineUnknown, .executionDiffers, .keyNotFound, .positionNotFound,
            .historyTruncated, .textInvalid, .formatUnsupported:
            self = .badInput
        case .quorumUnavailable, .endpointUnreachable, .notParticipating, .dedupeWindowLost:
            self = .unavailable
        case .ioFailed, .corrupted, .noSpace, .amnesia:
            self = .ioFailed
        case .conflict, .commitResultUnknown, .deadlineExceeded, .transactionExpired, .overloaded,
            .shuttingDown, .directoryLocked, .addressInUse:
            self = .tryAgain
        case .malformedMessage, .versionUnsupported, .wrongCluster, .wrongShard, .wrongEpoch,
            .wrongService:
            self = .protocolError
        case .accessDenied:
            self = .noPermission
        case .directoryForeign, .configurationInvalid, .pathNotFound:
            self = .configuration
        default:
            self = .internalError
        }
    }

    /// As ``init(_:)`` for a ``DatabaseError``; any other error is an internal error.
    package init(for error: any Error) {
        guard let error = error as? DatabaseError else {
            self = .internalError
            return
        }
        self.init(error.code)
    }
}
