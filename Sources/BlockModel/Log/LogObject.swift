import BlockRuntime

/// An immutable object that a log points to.
package enum LogObjectKey: Hashable, Sendable {
    case segment(SegmentKey)
    case body(BlockID)
}

/// A log object, decoded.
package enum LogObject: Sendable {
    case segment(Segment)
    case body(EntryBody)

    /// Decodes and checks an object that was fetched.
    ///
    /// - Throws: `.corrupted` when the bytes are not the object the key names;
    ///   `.formatUnsupported` when they are one of another version.
    package init(_ key: LogObjectKey, bytes: Bytes) throws(DatabaseError) {
        do throws(DatabaseError) {
            switch key {
            case .segment(let segmentKey):
                // First: a byte that changed is no other version.
                guard Segment.hash(of: bytes) == segmentKey.hash else {
                    throw DatabaseError(.corrupted, "the hash differs")
                }
                let segment = try Segment(canonicalBytes: bytes)
                guard segment.collection == segmentKey.collection,
                    segment.incarnation == segmentKey.incarnation, segment.index == segmentKey.index
                else { throw DatabaseError(.corrupted, "it belongs elsewhere") }
                self = .segment(segment)
            case .body(let block):
                guard BlockID(content: bytes) == block else {
                    throw DatabaseError(.corrupted, "the hash differs")
                }
                self = .body(try EntryBody(canonicalBytes: bytes))
            }
        } catch {
            throw DatabaseError.undecodable("log object \(key)", error)
        }
    }
}

/// Where log objects come from that were fetched already.
package protocol LogObjectSource {
    func object(_ key: LogObjectKey) -> LogObject?
}

/// Objects a synchronous walk needs before it can go on: fetch them and run it again.
package struct MissingObjects: Error, Equatable {
    package let keys: [LogObjectKey]
    package init(_ keys: [LogObjectKey]) { self.keys = keys }
}
