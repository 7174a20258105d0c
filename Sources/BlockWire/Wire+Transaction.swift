import BlockModel
import BlockRuntime
import CProtocol

// Attempts over several collections.

// MARK: - Building

extension WireArena {
    func message(
        _ transaction: TransactionAttempt
    ) -> UnsafeMutablePointer<TransactionAttemptMessage> {
        make(optimystic__v1__transaction_attempt__init) {
            $0.home = digest(transaction.attempt.home.digest)
            $0.writes = list(transaction.writes) { message($0) }
            $0.n_writes = transaction.writes.count
            let reads = transaction.attempt.participants.filter { $0.role == .reads }
            $0.reads = list(reads) { message($0) }
            $0.n_reads = reads.count
            $0.wall_ms = transaction.wallMilliseconds
        }
    }

    func message(
        _ refusal: CommitRefusal, at collection: CollectionID
    ) -> UnsafeMutablePointer<RefusedAtMessage> {
        make(optimystic__v1__refused_at__init) {
            $0.collection = digest(collection.digest)
            $0.refusal = message(refusal)
        }
    }
}

// MARK: - Reading

extension TransactionAttempt {
    init(
        wire message: UnsafeMutablePointer<TransactionAttemptMessage>?
    ) throws(DatabaseError) {
        let message = try required(message, "transact")
        let home = try message.home.collection("transact.home")
        let writes = try list(
            message.writes, message.n_writes, "transact.writes",
            countMax: .participantCountMax
        ) { item throws(DatabaseError) in try CommitAttempt(wire: item) }
        let reads = try list(
            message.reads, message.n_reads, "transact.reads", countMax: .participantCountMax
        ) { item throws(DatabaseError) in try Participant(wire: item, "transact.reads") }
        let participants = writes.map(\.participant) + reads
        guard participants.count <= Limits.participantCountMax else {
            throw over("transact", "\(participants.count) participants", .participantCountMax)
        }
        guard Set(participants.map(\.collection)).count == participants.count else {
            throw malformed("transact", "names a collection twice")
        }
        guard Set(writes.map(\.payload)).count == 1 else {
            throw malformed("transact.writes", "are not of one payload")
        }
        guard writes.allSatisfy({ $0.participant.role == .writes }),
            reads.allSatisfy({ $0.role == .reads })
        else { throw malformed("transact", "has a participant in another role") }
        guard writes.contains(where: { $0.participant.collection == home }) else {
            throw malformed("transact.home", "is not written")
        }
        self.init(
            home: home, writes: writes, reads: reads, wallMilliseconds: message.wall_ms)
    }
}
