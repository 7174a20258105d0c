import BlockRuntime

/// The number of one attempt to decide a register. Epochs count first, then the counter; the
/// proposer's id makes it unique. One ballot proposes one value, ever.
public struct Ballot: Hashable, Sendable, Comparable, CustomStringConvertible {
    public let epoch: Epoch
    public let counter: UInt64
    public let proposer: ProposerID

    public init(epoch: Epoch, counter: UInt64, proposer: ProposerID) {
        self.epoch = epoch
        self.counter = counter
        self.proposer = proposer
    }

    /// Below every ballot that anybody proposes: "nothing promised", "nothing accepted".
    public static let zero = Ballot(
        epoch: Epoch(0), counter: 0, proposer: ProposerID(rawValue: .zero))

    public static func < (left: Ballot, right: Ballot) -> Bool {
        (left.epoch, left.counter, left.proposer) < (right.epoch, right.counter, right.proposer)
    }

    public var description: String { "\(epoch).\(counter).\(proposer.rawValue)" }
}

/// A proposer: 128 random bits drawn at every process start, so that a ballot is never used twice.
public struct ProposerID: RawRepresentable, Hashable, Sendable, Comparable {
    public let rawValue: Identifier128
    public init(rawValue: Identifier128) { self.rawValue = rawValue }
    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}
