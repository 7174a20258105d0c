import BlockRuntime

/// How much of its history a collection keeps.
public enum Retention: Hashable, Sendable {
    /// Every revision, for ever.
    case all
    /// The newest so many revisions, at least 1; the ones before are truncated in the background.
    case last(UInt64)

    /// The greatest revision that is not kept when the newest one is `revision`.
    public func excess(at revision: Revision) -> Revision {
        switch self {
        case .all: .zero
        case .last(let count):
            Revision(revision.rawValue > count ? revision.rawValue - count : 0)
        }
    }
}

extension Retention: CanonicalCodable {
    package func encode(into encoder: inout CanonicalEncoder) {
        switch self {
        case .all: encoder.append(UInt64(0))
        case .last(let count): encoder.append(count)
        }
    }

    package init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        let count = try decoder.counter()
        self = count == 0 ? .all : .last(count)
    }
}
