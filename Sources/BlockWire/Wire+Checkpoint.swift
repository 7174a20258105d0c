import BlockModel
import BlockRuntime
import CProtocol

extension WireArena {
    func message(_ item: LaggingShard) -> UnsafeMutablePointer<LaggingShardMessage> {
        make(optimystic__v1__lagging_shard__init) {
            $0.shard = item.shard.rawValue
            $0.shard_count = item.shardCount
            $0.checkpoint = item.checkpoint.rawValue
            $0.last = item.last.rawValue
        }
    }
}

extension Checkpoint {
    /// - Throws: `.malformedMessage`, also when the two parts contradict one another.
    init(
        wire revision: UInt64,
        _ lagging: UnsafeMutablePointer<UnsafeMutablePointer<LaggingShardMessage>?>?,
        _ laggingCount: Int, _ field: StaticString
    ) throws(DatabaseError) {
        self.init(
            try Revision(wire: revision, field),
            lagging: try list(
                lagging, laggingCount, field, countMax: .laggingShardCountMax
            ) { item throws(DatabaseError) in try LaggingShard(wire: item, field) })
        if let inconsistency { throw malformed(field, inconsistency) }
    }
}

extension LaggingShard {
    fileprivate init(
        wire message: UnsafeMutablePointer<LaggingShardMessage>?, _ field: StaticString
    ) throws(DatabaseError) {
        let message = try required(message, field)
        self.init(
            shard: ShardID(rawValue: message.shard),
            of: try bounded(message.shard_count, field, from: 1, through: .shardCountMax),
            checkpoint: try Revision(wire: message.checkpoint, field),
            last: try Revision(wire: message.last, field))
    }
}
