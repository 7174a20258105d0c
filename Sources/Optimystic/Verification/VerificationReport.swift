import BlockModel
import BlockRuntime

/// What a verification found: the history of each collection, read from the end to the beginning,
/// every hash computed again, every replica asked what it holds.
public struct VerificationReport: Hashable, Sendable {
    /// In the order in which they were verified.
    public var collections: [Part] = []

    /// Whether nothing at all was wrong.
    public var isSound: Bool { collections.allSatisfy(\.findings.isEmpty) }
}

extension VerificationReport {
    /// One collection's part of a ``VerificationReport``.
    public struct Part: Hashable, Sendable {
        /// The name of the collection.
        public let name: String
        /// The revision that was verified: everything up to it.
        public internal(set) var revision = Revision.zero
        /// Entries whose place in the hash chain was checked.
        public internal(set) var entryCount = 0
        /// Client actions in them, none of which occurs twice.
        public internal(set) var actionCount = 0
        /// Sealed segments that were fetched and checked.
        public internal(set) var segmentCount = 0
        /// Bodies outside their entries that were fetched and checked.
        public internal(set) var bodyCount = 0
        /// Writes of blocks in them, each of which its replicas were asked for.
        public internal(set) var blockWriteCount = 0
        /// Objects (the register, segments, bodies and writes of blocks) that every replica of
        /// their shard confirmed.
        public internal(set) var fullyReplicatedCount = 0
        /// Objects that a majority confirmed, but not every replica: they are safe, and have fewer
        /// losses left. What a replica said it lacks has been sent to it: verify again to see it
        /// there.
        public internal(set) var partlyReplicatedCount = 0
        /// What is wrong; empty when nothing is. At most ``Limits/verificationFindingCountMax``.
        public internal(set) var findings: [Finding] = []

        init(name: String) { self.name = name }

        /// Objects whose replicas were asked.
        public var objectCount: Int {
            fullyReplicatedCount + partlyReplicatedCount
                + findings.count { $0.kind == .underReplicated }
        }

        mutating func found(_ kind: Finding.Kind, _ object: String, _ problem: String) {
            guard findings.count < Limits.verificationFindingCountMax else { return }
            findings.append(Finding(kind: kind, object: object, problem: problem))
        }
    }
}

extension VerificationReport {
    /// Something that is wrong.
    public struct Finding: Hashable, Sendable, CustomStringConvertible {
        /// What is not as it should be.
        public enum Kind: String, Sendable, CaseIterable {
            /// A revision is missing, or two claim its place.
            case gap
            /// An entry does not continue the chain of hashes.
            case brokenChain
            /// An object's bytes are not what its hash or its entry says.
            case wrongContent
            /// One action is in the log twice.
            case duplicateAction
            /// No replica hands the object out.
            case lost
            /// Fewer replicas than a majority confirm that they hold the object.
            case underReplicated
            /// Two replicas hold different bytes for what must be the same.
            case disagreement
        }

        /// What is not as it should be.
        public let kind: Kind
        /// What it is about, e.g. `segment 17`.
        public let object: String
        /// One sentence for people.
        public let problem: String

        /// One line: kind, object, problem.
        public var description: String { "\(kind.rawValue): \(object): \(problem)" }
    }
}
