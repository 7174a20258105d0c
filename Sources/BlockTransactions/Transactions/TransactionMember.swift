import BlockModel
import BlockRuntime

/// One client's transaction over several collections, from its request to its answer: what is known
/// of its tries, whoever shared the decision with it.
package struct TransactionMember: Sendable {
    package let request: TransactionRequest
    package let deadline: Instant
    /// What the entry at its home keeps of it.
    let record: TransactionRecord
    /// Of every try that was sent and is not known to be dead, by its target at the home.
    private var doubts: [AttemptDoubt] = []
    private var trouble: DatabaseError?
    /// Where an earlier try put each of its actions, by their number.
    private var landings: [CollectionID: [Int: ActionLanding]] = [:]
    /// Why it cannot be done, as a fresh look has shown. It is told once the home is known not to
    /// hold it from an earlier try (protocol: dedupe-scan).
    package private(set) var refusal: DatabaseError?
    private var isHomeScanned = false
    /// Since it was found elsewhere, its home is read anew.
    private var isSoughtAtHome = false
    /// The collections of which what is known was read, or decided, after it came.
    private var fresh: Set<CollectionID> = []
    /// The collections that stood against it when too little was known of them: its next group
    /// reads their tails.
    private var stale: Set<CollectionID> = []
    package private(set) var answer: ClientReply?

    package init(_ request: TransactionRequest, deadline: Instant) {
        self.request = request
        self.deadline = deadline
        record = request.record
    }

    /// Ascending.
    package var collections: [CollectionID] { request.parts.map(\.collection) }

    /// The collection that decides each try of it, the same for all of them
    /// (protocol: home-is-fixed).
    package var home: CollectionID {
        guard planted(.homeChosenAnew), !doubts.isEmpty else { return request.home }
        let others = request.parts.filter { $0.writes && $0.collection != request.home }
        return others.first?.collection ?? request.home
    }

    package func share(of collection: CollectionID) -> TransactionPart? {
        request.parts.first { $0.collection == collection }
    }

    /// The ids of its actions on a collection, in order.
    func ids(on share: TransactionPart) -> [ActionID] {
        share.actions.indices.map { request.id(of: $0) }
    }

    /// The ids of its actions, whatever the collection, and the one that would follow: right behind
    /// it an action of that id would seem to be its own.
    package var actions: [ActionID] {
        (0...(request.parts.map(\.actions.count).max() ?? 0)).map { request.id(of: $0) }
    }

    // MARK: Tries

    /// A try of it is handed over, alone or with others.
    mutating func sent(to target: Revision) {
        invariant(answer == nil && refusal == nil, "a transaction is sent that cannot be done")
        var doubt = AttemptDoubt(target: target)
        doubt.handedOver()
        doubts.append(doubt)
    }

    /// An event of the last try.
    mutating func updateDoubt(_ event: (inout AttemptDoubt) -> Void) {
        guard !doubts.isEmpty else { return }
        event(&doubts[doubts.count - 1])
    }

    /// The last try will not be repeated: if it is dead, nothing is left of it.
    mutating func tryIsOver() {
        if doubts.last?.mayHaveCommitted == false { doubts.removeLast() }
    }

    mutating func learned(_ error: DatabaseError) { trouble = error.orDeeper(trouble) }

    /// The home was looked through up to `revision`, and does not hold it.
    mutating func homeWasScanned(through revision: Revision) {
        isHomeScanned = true
        for place in doubts.indices { doubts[place].logWasRead(through: revision) }
        doubts.removeAll { !$0.mayHaveCommitted }
    }

    // MARK: What earlier tries have left

    var hasLanded: Bool { !landings.isEmpty }

    mutating func landed(_ landing: ActionLanding, _ number: Int, on collection: CollectionID) {
        mark("transaction.landedEarlier")
        invariant(share(of: collection)?.actions.indices.contains(number) == true, "no action")
        landings[collection, default: [:]][number] = landing
        invariant(answer == nil, "found after it was answered")
    }

    /// The collections that it writes and where it is not found yet, though it is elsewhere.
    var notFoundYet: [CollectionID] {
        request.parts.filter { part in
            let found = landings[part.collection] ?? [:]
            // Of a collection that is gone nothing can be found any more.
            return part.writes && found.count < part.actions.count
                && !(refusal != nil && found.isEmpty)
        }.map(\.collection)
    }

    /// It was found elsewhere, and its home, which decides first, is read from now on.
    mutating func seeksAtHome() {
        invariant(hasLanded, "sought for nothing")
        guard !isSoughtAtHome else { return }
        isSoughtAtHome = true
        isHomeScanned = false
    }

    /// A home that was read after it was found elsewhere does not hold it: what was found is
    /// another's, under its id.
    var isNotAtHome: Bool { isSoughtAtHome && isHomeScanned }

    /// Some part was found to have landed by an earlier try: so have all of them. One whose
    /// collection is not there any more is left out.
    mutating func answerAsFound() {
        invariant(hasLanded && notFoundYet.isEmpty, "a transaction is not found everywhere")
        let parts = request.parts.compactMap { part -> TransactedPart? in
            guard part.writes, let found = landings[part.collection], let first = found[0]
            else { return nil }
            return TransactedPart(
                collection: part.collection, revision: first.position.revision,
                outcomes: found.sorted { $0.key < $1.key }.map(\.value.outcome))
        }
        guard !parts.isEmpty else {
            // Its home is gone, and it is found only where it has read, in the entry of a fellow.
            invariant(refusal != nil, "a transaction has landed nowhere")
            return fail(refusal ?? .gone)
        }
        answer = .transacted(parts)
    }

    /// Everything is looked at anew.
    mutating func looksAnew() {
        landings = [:]
        isHomeScanned = false
        isSoughtAtHome = false
        fresh = Set(collections)
        stale = []
    }

    /// Something was decided since it came that this collection took part in, at the end of the log
    /// that is known now, or its tail was read: of other collections that says nothing.
    package mutating func isKnownAnew(_ collection: CollectionID) {
        if planted(.freshByTheHome), collection == request.home { fresh = Set(collections) }
        fresh.insert(collection)
        stale.remove(collection)
    }

    /// Whether a collection has to be read before it says anything against it.
    func hasToRead(_ collection: CollectionID) -> Bool { stale.contains(collection) }

    /// Whether what a collection shows against it may be told: that is as new as the transaction
    /// is, and so is what is known of the home, where an earlier try of it may have landed
    /// otherwise.
    func mayBeRefused(by collection: CollectionID) -> Bool {
        fresh.contains(collection) && fresh.contains(request.home)
    }

    // MARK: Its end

    /// It cannot be done, as a fresh look at a collection has shown.
    mutating func refuse(_ error: DatabaseError, by collection: CollectionID) {
        invariant(mayBeRefused(by: collection), "a member is refused by what may be behind")
        guard collection == request.home else { return refusal = refusal ?? error }
        isHomeScanned = true
        // Where the home itself says that it cannot tell, no other reason is the whole truth.
        refusal = planted(.homeRefusalLast) ? refusal ?? error : error
    }

    /// Tells why it cannot be done, if that may be told.
    mutating func answerRefusal() {
        guard let refusal, isHomeScanned, !hasLanded, answer == nil else { return }
        fail(refusal)
    }

    mutating func fail(_ error: DatabaseError) {
        guard answer == nil else { return }
        let told = doubts.reduce(error) { $1.told($0) }
        // Of what has landed somewhere its client is not told that it failed.
        answer = .failed(hasLanded ? told.asUnknown : told)
    }

    /// The home holds another transaction under its id, so that no try of it has landed or ever
    /// will, wherever else that one is found.
    mutating func isReuse(_ error: DatabaseError) {
        guard answer == nil else { return }
        answer = .failed(error)
    }

    /// Tells that its time has run out, if it has.
    package mutating func expire(at now: Instant) {
        guard now >= deadline else { return }
        fail(trouble ?? DatabaseError(.deadlineExceeded, "the time given ran out"))
    }

    /// The decision that carried it was for it.
    mutating func committed(_ parts: [TransactedPart]) {
        invariant(answer == nil, "a transaction is answered twice")
        answer = .transacted(parts)
    }

    /// It leaves its group for another one, where it is looked at from the beginning.
    /// - Parameter collection: What stood against it, and may be behind.
    package mutating func leave(because collection: CollectionID?) {
        invariant(answer == nil, "a transaction leaves that was answered")
        if let collection { stale.formUnion(Set([collection, request.home]).subtracting(fresh)) }
        landings = [:]
        refusal = nil
        isHomeScanned = false
        isSoughtAtHome = false
        fresh = []
    }
}
