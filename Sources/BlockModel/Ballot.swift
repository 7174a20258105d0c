import BlockRuntime

/// The number of one attempt to decide a register. Epochs count first, then the counter; the
/// proposer's id makes it unique. One ballot proposes one value, ever.
package struct Ballot: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let epoch: Epoch
    package let counter: UInt64
    package let proposer: ProposerID

    package init(epoch: Epoch, counter: UInt64, proposer: ProposerID) {
        self.epoch = epoch
        self.counter = counter
        self.proposer = proposer
    }

    /// Below every ballot that is proposed: "nothing promised", "nothing accepted".
    package static let zero = Ballot(
        epoch: Epoch(0), counter: 0, proposer: ProposerID(rawValue: .zero))

    /// The ballot after this one of the same proposer, which an accept may ask acceptors to promise
    /// (protocol: retained-ballot); nil at the end of the counters.
    package var next: Ballot? {
        guard counter < .max else { return nil }
        return Ballot(epoch: epoch, counter: counter + 1, proposer: proposer)
    }

    package static func < (left: Ballot, right: Ballot) -> Bool {
        (left.epoch, left.counter, left.proposer) < (right.epoch, right.counter, right.proposer)
    }

    package var description: String { "\(epoch).\(counter).\(proposer.rawValue)" }
}

/// A proposer: 128 random bits drawn at every process start, so that a ballot is never used twice.
package struct ProposerID: RawRepresentable, Hashable, Sendable, Comparable {
    package let rawValue: Identifier128
    package init(rawValue: Identifier128) { self.rawValue = rawValue }
    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}
