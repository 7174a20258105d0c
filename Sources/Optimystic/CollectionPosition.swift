import BlockModel
import BlockRuntime
import OptimysticClient

extension CollectionPosition {
    /// Which life of a collection's name: short enough to be printed with every position, long
    /// enough that no two lives share it by accident.
    public struct LifeTag: Hashable, Sendable, CustomStringConvertible {
        /// Counts the lives of the name, from 1.
        public let generation: UInt64
        /// Forty bits of what its creator drew.
        private let nonce: Bytes
        private static let nonceBytes = 5

        /// The tag of a life.
        public init(_ incarnation: Incarnation) {
            generation = incarnation.generation
            nonce = incarnation.nonce.bytes.suffix(Self.nonceBytes)
        }

        /// - Returns: nil unless `text` is a ``description``.
        public init?(text: String) {
            let parts = text.utf8.split(
                separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
            guard parts.count == 2, let generation = UInt64(Substring(parts[0])), generation > 0,
                generation <= Limits.counterMax,
                let nonce = ByteText.bytes(base32: Substring(parts[1])),
                nonce.count == Self.nonceBytes
            else { return nil }
            self.generation = generation
            self.nonce = nonce
            guard description.utf8.elementsEqual(text.utf8) else { return nil }
        }

        /// The generation, and eight characters of base32: `1-mfrggzdf`.
        public var description: String { "\(generation)-\(ByteText.base32(nonce))" }
    }
}

/// A place in the log of one life of a collection: where to resume.
///
/// It names the life, so that it is refused, and skips nothing, when the collection was dropped and
/// made anew meanwhile. Its text is what the command line prints and takes: `5.0@1-mfrggzdf`, the
/// first action of revision 5; `5@1-mfrggzdf`, all of revision 5.
public struct CollectionPosition: Hashable, Sendable {
    /// nil in what a text without one became: the life is then whichever is read, and only its end
    /// is checked.
    public let life: LifeTag?
    package let place: LogPosition

    /// The index that stands for all actions of an entry.
    private static let wholeRevision = UInt32(Limits.bodyActionCountMax)

    init(_ place: LogPosition, in info: CollectionInfo) {
        life = LifeTag(info.incarnation)
        self.place = place
    }

    /// Behind all of a revision of the life that `info` tells of.
    public init(revision: Revision, in info: CollectionInfo) {
        self.init(LogPosition(revision: revision, index: Self.wholeRevision), in: info)
    }

    /// The entry of the log that it lies in.
    public var revision: Revision { place.revision }

    /// Which action of the entry, from 0; nil for all of them.
    public var index: UInt32? { place.index == Self.wholeRevision ? nil : place.index }

    /// The place, when it is one of this life.
    /// - Throws: `.positionNotFound` when it is one of another life.
    package func place(in info: CollectionInfo) throws(DatabaseError) -> LogPosition {
        let current = LifeTag(info.incarnation)
        guard life == nil || life == current else {
            throw DatabaseError(
                .positionNotFound,
                "position \(self) is none of this life of \"\(info.name)\", which is \(current): "
                    + "it is of another collection, or of a life that was dropped")
        }
        return place
    }

    /// The revision, when the position is one of this life.
    /// - Throws: `.positionNotFound` when it is one of another life.
    public func revision(in info: CollectionInfo) throws(DatabaseError) -> Revision {
        try place(in: info).revision
    }
}

extension CollectionPosition: CustomStringConvertible {
    /// As ``init(text:)`` reads it: `17.0@1-mfrggzdf`.
    public var description: String {
        let place = index == nil ? "\(revision)" : "\(place)"
        return life.map { "\(place)@\($0)" } ?? place
    }

    /// - Returns: nil unless `text` is a ``description``, with or without the life.
    public init?(text: String) {
        let parts = text.utf8.split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
        guard let first = parts.first, parts.count <= 2 else { return nil }
        let name = String(Substring(first))
        if let place = LogPosition(text: name) {
            self.place = place
        } else if let revision = UInt64(name), revision <= Limits.counterMax {
            place = LogPosition(revision: Revision(revision), index: Self.wholeRevision)
        } else {
            return nil
        }
        guard parts.count == 2 else {
            life = nil
            return
        }
        guard let tag = LifeTag(text: String(Substring(parts[1]))) else { return nil }
        life = tag
    }
}
