import BlockModel
import BlockRuntime
import BlockTransactions

/// What one client knows of the actions of its local collection: which of them it has not been told
/// of yet.
struct CustomLedger: Sendable {
    private struct Open {
        let id: CustomHistory.RecordID
        let place: Int
        let incarnation: Incarnation
        let begun: Instant
    }

    private let client: Int
    private let collection: String
    /// Counts local collections.
    private var session = 0
    private var placeCount = 0
    /// By the texts of the signatures.
    private var open: [String: Open] = [:]

    init(client: Int, collection: String) {
        self.client = client
        self.collection = collection
    }

    /// Whether everything is told.
    var isEmpty: Bool { open.isEmpty }

    /// A local collection was made.
    mutating func begin() {
        session += 1
        placeCount = 0
    }

    /// The local collection was let go of: what is not told stays so.
    mutating func close() { open = [:] }

    /// An action was done on the local collection.
    mutating func begin(
        _ signature: Signature, _ incarnation: Incarnation, _ history: inout History,
        _ now: Instant
    ) {
        placeCount += 1
        add(signature, place: placeCount, incarnation, &history, begun: now)
    }

    private mutating func add(
        _ signature: Signature, place: Int, _ incarnation: Incarnation,
        _ history: inout History, begun: Instant
    ) {
        let id = history.customs.add(
            CustomHistory.Record(
                client: client, collection: collection, incarnation: incarnation,
                session: session, place: place, signature: signature, begun: begun))
        open[signature.text] = Open(
            id: id, place: place, incarnation: incarnation, begun: begun)
    }

    /// A call has ended: what it reports, and what is pending now.
    /// - Parameter hasLanded: Whether it said that whatever is not pending any more has landed.
    mutating func note(
        _ report: CollectionBehavior<Signature>.Update?, pending: [Signature], hasLanded: Bool,
        _ history: inout History, _ now: Instant
    ) {
        if let report {
            for (old, new) in report.replaced {
                guard let item = open[old.text] else { continue }
                mark("customs.replaced")
                tell(old.text, .replaced, &history, now)
                // It came to be some time in the call, and may have landed in it.
                add(
                    new, place: item.place, item.incarnation, &history, begun: item.begun)
            }
            for signature in report.landed {
                mark("customs.landedEarlier")
                tell(signature.text, .landed, &history, now)
            }
            for signature in report.dropped {
                mark("customs.dropped")
                tell(signature.text, .dropped, &history, now)
            }
            for (signature, _) in report.failed {
                mark("customs.failed")
                tell(signature.text, .failed, &history, now)
            }
        }
        let kept = Set(pending.map(\.text))
        for text in open.keys.sorted() where !kept.contains(text) {
            tell(text, hasLanded ? .landed : .vanished, &history, now)
        }
    }

    /// The client dies in the middle of a call: what the call had replaced until then may land, or
    /// has, though it was never told.
    mutating func died(
        _ untold: CollectionBehavior<Signature>.Update, pending: [Signature],
        _ history: inout History
    ) {
        for signature in untold.replaced.map(\.1) + pending where open[signature.text] == nil {
            // A replacement is called what it replaces is called, with a mark behind.
            var original = signature.text[...]
            while original.last == "'", open[String(original)] == nil { original.removeLast() }
            guard let item = open[String(original)] else { continue }
            add(signature, place: item.place, item.incarnation, &history, begun: item.begun)
        }
    }

    /// The client takes what is open for what will never land.
    mutating func refuse(_ history: inout History, _ now: Instant) {
        for text in open.keys.sorted() { tell(text, .refused, &history, now) }
    }

    private mutating func tell(
        _ text: String, _ fate: CustomHistory.Fate, _ history: inout History, _ now: Instant
    ) {
        guard let item = open.removeValue(forKey: text) else { return }
        history.customs.tell(item.id, fate, at: now)
    }
}
