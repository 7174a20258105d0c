import BlockModel
import BlockRuntime

/// W3, transactions that read and write registers in several collections: checked for strict
/// serializability (Adya's G0 to G2, with real time; Elle's `rw-register`), as a second opinion
/// where lists could hide what writes that nobody has read before do to each other.
///
/// Nobody has to guess the order of the versions of a register: every commit says at which revision
/// of each collection it landed, and every read as of which one it was made.
enum RegisterTransactions: AnomalyWorkload {
    static func draw(
        _ draw: inout AnomalyDraw, _ history: inout AnomalyHistory
    ) -> AnomalyIntent {
        let isReadOnly = draw.generator.chance(1, in: 4)
        let written = isReadOnly ? [] : drawPlaces(1, &draw)
        return AnomalyIntent(
            reads: drawPlaces(isReadOnly ? 1 : 0, &draw),
            writes: written.map { AnomalyHistory.Write($0, draw.value()) })
    }

    private static func drawPlaces(
        _ countMin: Int, _ draw: inout AnomalyDraw
    ) -> [AnomalyHistory.Place] {
        var drawn: [AnomalyHistory.Place] = []
        for _ in 0..<(countMin + draw.generator.below(4 - countMin)) {
            let places = draw.plan.places(draw.generator.below(draw.plan.keyCount))
            let place = places[draw.generator.below(places.count)]
            if !drawn.contains(place) { drawn.append(place) }
        }
        return drawn
    }

    static func check(_ history: AnomalyHistory) -> CheckResult {
        var result = CheckResult()
        let origins = AnomalyOrigins(history, &result)
        let versions = RegisterVersions(origins)
        for (number, reads) in origins.readings {
            for read in reads { versions.check(read, of: number, origins, &result) }
        }
        for cycle in DependencyCycle.all(in: versions.graph(origins)) {
            let steps = cycle.edges.filter { $0.to < history.transactions.count }.map { edge in
                let place = edge.key.map { origins.text(versions.places[$0]) } ?? ""
                let other = origins.name(edge.to)
                return switch edge.reason {
                case .writeWrite: "is written over at \(place) by \(other)"
                case .writeRead: "is read at \(place) by \(other)"
                case .readWrite: "did not see at \(place) \(other)"
                case .realTime: "had ended before \(other) began"
                }
            }
            result.violation(
                "\(cycle.anomaly.rawValue): \(origins.name(cycle.edges[0].from)) "
                    + steps.joined(separator: ", which "))
        }
        return result
    }
}

/// The versions of every register, in the order of the revisions that commits have named.
private struct RegisterVersions {
    /// What landed at one revision: transactions that share a decision share it, and nobody knows
    /// which of them came first.
    struct Version {
        let revision: Revision
        var writers: [Int]
    }

    /// In the order in which they were first written.
    private(set) var places: [AnomalyHistory.Place] = []
    private var numbers: [AnomalyHistory.Place: Int] = [:]
    /// Of each place, ascending.
    private var versions: [[Version]] = []

    init(_ origins: AnomalyOrigins) {
        var landed: [AnomalyHistory.Place: [(Revision, Int)]] = [:]
        for (number, transaction) in origins.transactions.enumerated()
        where origins.happened[number] {
            for write in transaction.writes {
                if numbers[write.place] == nil {
                    numbers[write.place] = places.count
                    places.append(write.place)
                }
                guard let revision = transaction.revisions[write.place.collection] else { continue }
                landed[write.place, default: []].append((revision, number))
            }
        }
        versions = places.map { place in
            var versions: [Version] = []
            for (revision, number) in (landed[place] ?? []).sorted(by: { $0 < $1 }) {
                if versions.last?.revision == revision {
                    versions[versions.count - 1].writers.append(number)
                } else {
                    versions.append(Version(revision: revision, writers: [number]))
                }
            }
            return versions
        }
    }

    /// The place of the first version above `revision`.
    private func firstAbove(_ revision: Revision, in versions: [Version]) -> Int {
        var low = 0
        var high = versions.count
        while low < high {
            let middle = (low + high) / 2
            if versions[middle].revision <= revision { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// A read as of a revision shows the last version up to it; one whose revision nobody knows may
    /// be that.
    func check(
        _ read: AnomalyHistory.Read, of reader: Int, _ origins: AnomalyOrigins,
        _ result: inout CheckResult
    ) {
        guard let number = numbers[read.place] else { return }
        let above = firstAbove(read.revision, in: versions[number])
        guard above > 0 else { return }
        let last = versions[number][above - 1]
        let writer = origins.writer(of: read)
        if let writer {
            let revision = origins.transactions[writer].revisions[read.place.collection]
            if revision == nil || last.writers.contains(writer) { return }
        }
        result.violation(
            "a wrong version: \(origins.name(reader)) read \(origins.text(read.place)) as of "
                + "\(read.revision) and saw \(writer.map { origins.name($0) } ?? "nothing"), not "
                + "\(origins.name(last.writers[0])), which landed at \(last.revision)")
    }

    func graph(_ origins: AnomalyOrigins) -> DependencyGraph {
        var graph = DependencyGraph(transactionCount: origins.transactions.count)
        for (number, versions) in versions.enumerated() {
            for (earlier, later) in zip(versions, versions.dropFirst()) {
                for from in earlier.writers {
                    for to in later.writers { graph.connect(from, to, .writeWrite, key: number) }
                }
            }
        }
        for (reader, reads) in origins.readings {
            for read in reads {
                guard let number = numbers[read.place] else { continue }
                if let writer = origins.writer(of: read) {
                    graph.connect(writer, reader, .writeRead, key: number)
                }
                let above = firstAbove(read.revision, in: versions[number])
                guard above < versions[number].count else { continue }
                for writer in versions[number][above].writers {
                    graph.connect(reader, writer, .readWrite, key: number)
                }
            }
        }
        graph.connectRealTime(
            origins.transactions.enumerated().map { number, transaction in
                guard origins.happened[number] else { return nil }
                let completed = transaction.outcome == .committed ? transaction.completed : nil
                return (transaction.invoked, completed)
            })
        graph.seal()
        return graph
    }
}
