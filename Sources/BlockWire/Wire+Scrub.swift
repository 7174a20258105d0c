import BlockModel
import BlockRuntime
import CProtocol

// Scrubbing: pages of versions, and what became of them.

// MARK: - Building

extension WireArena {
    func message(_ position: VersionPosition) -> UnsafeMutablePointer<BlockAsOfMessage> {
        message(position.key, asOf: position.revision)
    }

    func message(
        versionsAfter cursor: VersionPosition?, countMax: UInt32
    ) -> UnsafeMutablePointer<ListVersionsMessage> {
        make(optimystic__v1__list_versions__init) {
            $0.after = cursor.map { message($0) }
            $0.count_max = countMax
        }
    }

    func message(
        _ versions: [VersionSummary], isLast: Bool
    ) -> UnsafeMutablePointer<VersionPageMessage> {
        make(optimystic__v1__version_page__init) {
            $0.versions = list(versions) { version in
                make(optimystic__v1__version_summary__init) {
                    $0.key = message(version.position.key)
                    $0.revision = version.position.revision.rawValue
                    $0.write = version.write.map { message($0) }
                }
            }
            $0.n_versions = versions.count
            $0.is_last = isLast ? 1 : 0
        }
    }

    func message(_ report: ScrubReport) -> UnsafeMutablePointer<ScrubReportMessage> {
        make(optimystic__v1__scrub_report__init) {
            $0.version_count = report.versionCount
            $0.repaired_count = report.repairedCount
            $0.unrepaired_count = report.unrepairedCount
            $0.conflict_count = report.conflictCount
            $0.next = report.next.map { message($0) }
        }
    }
}

// MARK: - Reading

extension VersionPosition {
    init(
        wire message: UnsafeMutablePointer<BlockAsOfMessage>?, _ field: StaticString
    ) throws(DatabaseError) {
        let message = try required(message, field)
        self.init(
            key: try BlockKey(wire: message.key, field),
            revision: try Revision(wire: message.revision, field))
    }
}

/// The cursor and the bound of a list of versions.
func versionListing(
    _ message: UnsafeMutablePointer<ListVersionsMessage>?
) throws(DatabaseError) -> (after: VersionPosition?, countMax: UInt32) {
    let message = try required(message, "list_versions")
    return (
        try message.after == nil
            ? nil : VersionPosition(wire: message.after, "list_versions.after"),
        try bounded(
            message.count_max, "list_versions.count_max", from: 1, through: .scrubPageCountMax)
    )
}

extension PeerReply {
    static func versions(
        _ page: UnsafeMutablePointer<VersionPageMessage>?
    ) throws(DatabaseError) -> PeerReply {
        let page = try required(page, "versions")
        let versions = try list(
            page.versions, page.n_versions, "versions", countMax: .scrubPageCountMax
        ) { item throws(DatabaseError) in
            let item = try required(item, "versions")
            let write =
                try item.write == nil ? nil : CommittedWrite(wire: item.write, "versions.write")
            let position = VersionPosition(
                key: try BlockKey(wire: item.key, "versions.key"),
                revision: try Revision(wire: item.revision, "versions.revision"))
            guard write.map({ $0.revision == position.revision }) ?? true else {
                throw malformed("versions.write", "is at another revision")
            }
            return VersionSummary(position: position, write: write)
        }
        _ = try ascending(versions.map(\.position), "versions")
        return .versions(versions, isLast: page.is_last != 0)
    }
}

extension ScrubReport {
    init(
        wire message: UnsafeMutablePointer<ScrubReportMessage>?, _ field: StaticString
    ) throws(DatabaseError) {
        let message = try required(message, field)
        self.init()
        versionCount = message.version_count
        repairedCount = message.repaired_count
        unrepairedCount = message.unrepaired_count
        conflictCount = message.conflict_count
        next = try message.next == nil ? nil : VersionPosition(wire: message.next, field)
    }
}
