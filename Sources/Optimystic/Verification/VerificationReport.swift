import BlockModel
import BlockRuntime

/// What a verification found: the history of each collection, read from the end to the beginning,
/// every hash computed again, every replica asked what it holds.
public struct VerificationReport: Hashable, Sendable {
    /// In the order in which they were verified.
    public var collections: [Part] = []

    /// Whether nothing at all was wrong, and everything that was asked for was done: a history that
    /// could not be executed again is not sound.
    public var isSound: Bool { collections.allSatisfy(\.isSound) }
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
        /// Entries whose actions were executed again.
        public internal(set) var executedEntryCount = 0
        /// Transactions over several collections that it decided, and whose record is what has
        /// landed of them in all collections; with statements, executed again by their engine.
        public internal(set) var executedTransactionCount = 0
        /// Such transactions that could not be compared: the history of another collection of
        /// theirs is gone, their engine was not given, or it acts on a custom collection.
        public internal(set) var unexecutedTransactionCount = 0
        /// What came of the execution of its history; nil when that was not asked for.
        public internal(set) var reexecution: Reexecution?
        /// What is wrong; empty when nothing is. At most ``Limits/verificationFindingCountMax``.
        public internal(set) var findings: [Finding] = []

        init(name: String) { self.name = name }

        /// Whether nothing is wrong, and everything that was asked for was done.
        public var isSound: Bool {
            findings.isEmpty && reexecution?.obstacle == nil && unexecutedTransactionCount == 0
        }

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
    /// What came of executing a history again.
    public enum Reexecution: Hashable, Sendable {
        /// Every entry was executed and compared, and every block there is now with what the
        /// replicas give. Of a diary there are none: its entries are appends.
        case done(blockCount: Int)
        /// Execution and log differ, in a way after which nothing can be compared any more: the
        /// findings say where.
        case ended(at: Revision)
        /// It was not executed.
        case notExecuted(Obstacle)

        /// Why a history was not executed again.
        public enum Obstacle: Hashable, Sendable, CustomStringConvertible {
            /// History before this revision is gone: there is no first entry to begin with.
            case historyTruncated(before: Revision)
            /// The collection is an application's own, and only its application knows what its
            /// actions do: see ``Database/verify(_:executing:timeout:onProgress:)``.
            case handlersUnknown
            /// Some of the log cannot be read.
            case logUnreadable

            /// A few words for people.
            public var description: String {
                switch self {
                case .historyTruncated(let revision): "history before revision \(revision) is gone"
                case .handlersUnknown: "only its application knows what its actions do"
                case .logUnreadable: "some of its log cannot be read"
                }
            }
        }

        /// Why it was not executed; nil when it was.
        public var obstacle: Obstacle? {
            if case .notExecuted(let obstacle) = self { obstacle } else { nil }
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
            /// The actions of an entry, executed again, do something else than the entry says, or
            /// than the replicas hold.
            case differentExecution
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
