/// What clients of a load test do: the core workloads of YCSB (Cooper et al., "Benchmarking Cloud
/// Serving Systems with YCSB", SoCC 2010) over a tree, and appends to a diary.
package enum LoadWorkload: String, CaseIterable, Sendable {
    case a, b, c, d, e, f, append, bank
    case bankUniform = "bank-uniform"

    package enum Kind: String, CaseIterable, Sendable {
        case read, update, insert, scan
        /// Reads a record and writes it in one transaction.
        case readModifyWrite
        case append
        /// Moves money between two accounts of several trees, and notes it in a diary.
        case transfer
    }

    /// Which records are popular.
    package enum Popularity: Sendable {
        /// Some, scattered over all.
        case scattered
        /// The newest.
        case latest
        /// None more than others.
        case uniform
    }

    package var title: String {
        switch self {
        case .a: "50 % reads, 50 % updates, zipfian"
        case .b: "95 % reads, 5 % updates, zipfian"
        case .c: "reads, zipfian"
        case .d: "95 % reads of the latest, 5 % inserts"
        case .e: "95 % ranges of 1 to \(LoadWorkload.scanCountMax) records, 5 % inserts, zipfian"
        case .f: "50 % reads, 50 % read-modify-writes in transactions, zipfian"
        case .append: "appends to one diary"
        case .bank: "transfers between accounts of three trees, noted in a diary, zipfian"
        case .bankUniform: "the same, all accounts alike"
        }
    }

    /// Records of a range at most, as in YCSB.
    package static let scanCountMax = 100

    /// The operations and their shares in percent, together 100.
    package var shares: [(kind: Kind, percent: Int)] {
        switch self {
        case .a: [(.read, 50), (.update, 50)]
        case .b: [(.read, 95), (.update, 5)]
        case .c: [(.read, 100)]
        case .d: [(.read, 95), (.insert, 5)]
        case .e: [(.scan, 95), (.insert, 5)]
        case .f: [(.read, 50), (.readModifyWrite, 50)]
        case .append: [(.append, 100)]
        case .bank, .bankUniform: [(.transfer, 100)]
        }
    }

    package var popularity: Popularity {
        switch self {
        case .d: .latest
        case .bankUniform: .uniform
        default: .scattered
        }
    }

    /// Whether it is about accounts, in several collections.
    package var isBank: Bool { self == .bank || self == .bankUniform }

    /// Whether it is about the records of a tree, which are loaded first.
    package var usesRecords: Bool { self != .append && !isBank }

    /// Whether every write adds one to the record's count, so that a lost update shows.
    package var countsWrites: Bool { self == .f }
}
