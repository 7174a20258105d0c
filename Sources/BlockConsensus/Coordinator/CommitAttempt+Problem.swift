import BlockModel
import BlockRuntime

extension CommitAttempt {
    /// What is wrong with the attempt as it stands; nil when nothing is.
    var problem: DatabaseError? {
        if body.count > Limits.bodyBytesMax {
            return DatabaseError(
                .valueTooLarge,
                "a body of \(body.count) bytes, bodyBytesMax = \(Limits.bodyBytesMax)")
        }
        if let checkpoint, checkpoint.revision >= participant.target {
            return DatabaseError(
                .invalidArgument,
                "checkpoint \(checkpoint.revision) is not below \(participant.target)")
        }
        if let problem = checkpoint?.inconsistency {
            return DatabaseError(.invalidArgument, "the checkpoint: \(problem)")
        }
        let decoded: EntryBody
        do throws(DatabaseError) {
            decoded = try EntryBody(canonicalBytes: body)
        } catch {
            return DatabaseError(.invalidArgument, "the body does not decode: \(error.message)")
        }
        return listProblem(decoded)
    }

    /// The body is what readers and later proposers go by: it must list what is written, all of it
    /// and nothing else, and the header part when that changes.
    private func listProblem(_ body: EntryBody) -> DatabaseError? {
        let header = BlockID(participant.collection.digest)
        let listed = body.blocks.filter { $0.block != header }
        guard listed == writes.map(\.touched).sorted() else {
            return DatabaseError(
                .invalidArgument,
                "the body lists \(listed.count) blocks, which are not the \(writes.count) written")
        }
        guard writes.allSatisfy({ $0.record.collection == participant.collection }) else {
            return DatabaseError(.invalidArgument, "a write names another collection")
        }
        guard writes.allSatisfy({ $0.record.anchor == transaction?.anchor }) else {
            return DatabaseError(.invalidArgument, "a write names another attempt")
        }
        guard Set(writes.map(\.block)).count == writes.count else {
            return DatabaseError(.invalidArgument, "one block is written twice")
        }
        guard (headerAfter != nil) == (listed.count < body.blocks.count) else {
            return DatabaseError(
                .invalidArgument, "an entry lists the header part exactly when it changes it")
        }
        return nil
    }
}
