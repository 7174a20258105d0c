import BlockConsensus
import BlockModel
import BlockRuntime
import BlockStorage
import BlockTransactions
import BlockWorkloads

/// What the disks of a world durably hold at the end, read by the rules and not by the services:
/// the checks must not depend on the code they check.
final class FinalDisks {
    let stores: [StorageRepository]
    let map: ClusterMap
    let chosen: ChosenTails

    /// All that there were of a collection.
    func lives(of name: String) throws -> [ObservedLife] {
        chosen.allLives(of: CollectionID(name: name), newest: try newestValue(of: name))
    }

    private let hasWalks: Bool
    /// Peers whose disk has damaged or lost some of what it held.
    private let unreliable: Set<PeerID>
    private var positions: [VersionPosition]?

    /// The log of one life of a collection, with all its bodies.
    struct Log {
        let tail: Tail
        let bodies: [EntryBody]
        /// What the entries' pends are found by.
        let payloads: [PayloadID]
        /// The header part from each entry on that changes it.
        let headersAfter: [CollectionHeader?]
        /// The collection was dropped in this life, and a walk may have removed what is left of it.
        let isGarbage: Bool

        /// As a checker of what clients were told wants it.
        var told: StructureLog {
            StructureLog(
                incarnation: tail.incarnation, kind: tail.header.kind,
                entries: bodies.map(\.actions))
        }

        /// The same of a custom collection.
        var custom: CustomLog {
            CustomLog(
                incarnation: tail.incarnation,
                entries: zip(payloads, bodies).map {
                    CustomLog.Entry(payload: $0, actions: $1.actions)
                })
        }
    }

    init(world: World) throws {
        stores =
            if let embedded = world.embedded {
                [try embedded.openRepository()]
            } else {
                try world.peers.map { try $0.openRepository() }
            }
        map = world.map
        chosen = world.chosenTails
        hasWalks = world.plan.hasWalks
        unreliable = Set(
            zip(world.peers, world.map.peers).filter { $0.0.isUnreliable }.map { $0.1.id })
    }

    /// Intact copies that there must be of what is on a quorum: one less for each bad disk.
    func copyCountMin(of block: BlockID) -> Int {
        let members = map.members(of: map.shard(of: block))
        return members.count / 2 + 1 - members.count { unreliable.contains($0) }
    }

    /// The entries of a diary.
    func diaryEntries(_ name: String) throws -> [History.Observation] {
        guard let tail = try newestValue(of: name)?.live else { return [] }
        let log = try log(of: tail)
        return log.bodies.enumerated().flatMap { entry, body in
            body.actions.enumerated().map { number, action in
                DiaryClient.observation(
                    of: DiaryEntry(
                        position: LogPosition(
                            revision: Revision(UInt64(entry + 1)), index: UInt32(number)),
                        action: action.id, bytes: action.bytes, wallMilliseconds: 0))
            }
        }
    }

    /// The logs of every life of a tree or queue.
    func structureLogs(_ name: String) throws -> [Log] {
        let newest = try newestValue(of: name)?.live
        let earlier = chosen.lives(of: CollectionID(name: name))
            .filter { $0.incarnation != newest?.incarnation }
        return try earlier.map { try log(of: $0, isGarbage: hasWalks) }
            + [newest].compactMap { try $0.map { try log(of: $0) } }
    }

    /// Of every peer, read once: nothing changes any more.
    func versionPositions() throws -> [VersionPosition] {
        if let positions { return positions }
        let read = try stores.flatMap {
            try $0.versionPositions(from: BlockID(.zero), after: nil, countMax: .max)
        }
        positions = read
        return read
    }

    func newestValue(of name: String) throws -> TailValue? {
        let collection = CollectionID(name: name)
        let members = map.members(of: map.shard(of: collection))
        var records: [RegisterRecord] = []
        for (index, peer) in map.peers.enumerated() where members.contains(peer.id) {
            if unreliable.contains(peer.id) {
                // A quorum of the others is sound, and shows every chosen value.
                if let record = try? stores[index].register(collection) { records.append(record) }
            } else {
                records.append(try stores[index].register(collection))
            }
        }
        let byBallot = Dictionary(grouping: records.filter { $0.accepted != .zero }, by: \.accepted)
        for (ballot, group) in byBallot where Set(group.map(\.value)).count > 1 {
            throw DatabaseError(.corrupted, "replicas hold different values at ballot \(ballot)")
        }
        // Any quorum shows every chosen value; with all members read, the highest is an extension
        // of the last chosen one.
        guard let highest = records.max(by: { $0.accepted < $1.accepted }) else { return nil }
        return try TailValue(registerBytes: highest.value)
    }

    private func log(of tail: Tail, isGarbage: Bool = false) throws -> Log {
        let source = DiskObjects(disks: self, removed: isGarbage ? chosen.objects : nil)
        let view = LogView(tail: tail, source: source)
        let entries = try view.entries(from: Revision(1), through: tail.revision)
        try checkChain(entries, tail)
        let bodies = try view.bodies(of: entries)
        try checkBounds(tail, bodies)
        // Pends before the decision: whatever an accepted value points to is on a quorum
        // (protocol: pends-before-decision).
        if let (key, count) = source.thinlySpread.first {
            throw DatabaseError(
                .corrupted, "\(key) is on \(count) peers only, although it was decided on")
        }
        return Log(
            tail: tail, bodies: bodies, payloads: entries.map(\.payload),
            headersAfter: entries.map(\.headerAfter), isGarbage: isGarbage)
    }

    /// Whatever was decided on is within the limits, whichever service checked them before.
    private func checkBounds(_ tail: Tail, _ bodies: [EntryBody]) throws(DatabaseError) {
        let sizes = [
            ("a tail", TailValue.live(tail).registerBytes.count, Limits.tailBytesMax),
            ("open entries", tail.entries.count, Limits.segmentEntryCountMax),
            ("a body", bodies.map(\.canonicalBytes.count).max() ?? 0, Limits.bodyBytesMax),
            (
                "actions of a body", bodies.map(\.actions.count).max() ?? 0,
                Limits.bodyActionCountMax
            ),
        ]
        for (what, size, most) in sizes where size > most {
            throw DatabaseError(.corrupted, "\(what): \(size), where \(most) are allowed")
        }
        for store in stores where store.statistics.pendBytes > UInt64(Limits.peerPendBytesMax) {
            throw DatabaseError(.corrupted, "\(store.statistics.pendBytes) bytes of pends")
        }
    }

    private func checkChain(_ entries: [Entry], _ tail: Tail) throws(DatabaseError) {
        var hash = Entry.initialHash(name: tail.name, incarnation: tail.incarnation)
        for entry in entries {
            guard entry.previousHash == hash else {
                throw DatabaseError(.corrupted, "the hash chain breaks at \(entry.revision)")
            }
            hash = entry.chainHash
        }
        guard hash == tail.lastHash else {
            throw DatabaseError(.corrupted, "the hash chain does not end in the tail")
        }
    }
}

/// Segments and bodies as they are on the disks of a world, from any that holds them.
private final class DiskObjects: LogObjectSource {
    private let disks: FinalDisks
    private var found: [LogObjectKey: LogObject] = [:]
    /// Objects that fewer members than a quorum hold intact.
    private(set) var thinlySpread: [(key: LogObjectKey, count: Int)] = []

    /// What there was of a life that is over, of which the disks may hold nothing any more.
    private let removed: [LogObjectKey: Bytes]?

    init(disks: FinalDisks, removed: [LogObjectKey: Bytes]?) {
        self.disks = disks
        self.removed = removed
    }

    func object(_ key: LogObjectKey) -> LogObject? {
        if let known = found[key] { return known }
        if let bytes = removed?[key], let object = try? LogObject(key, bytes: bytes) {
            found[key] = object
            return object
        }
        let block =
            switch key {
            case .segment(let segment): segment.blockID
            case .body(let block): block
            }
        var holderCount = 0
        for store in disks.members(of: block) {
            guard let object = read(key, from: store) else { continue }
            holderCount += 1
            found[key] = object
        }
        if holderCount < disks.copyCountMin(of: block) {
            thinlySpread.append((key, holderCount))
        }
        return found[key]
    }

    private func read(_ key: LogObjectKey, from store: StorageRepository) -> LogObject? {
        let bytes: Bytes?
        switch key {
        case .segment(let segment): bytes = try? store.segment(segment)
        case .body(let block): bytes = try? store.content(block)
        }
        return bytes.flatMap { try? LogObject(key, bytes: $0) }
    }
}
