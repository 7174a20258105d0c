import BlockModel
import BlockRuntime

/// A bound of a field with its name in ``Limits``: a sender that is refused by it is told which one
/// it was.
struct WireLimit: Sendable, CustomStringConvertible {
    let name: StaticString
    let value: Int

    private init(_ name: StaticString, _ value: Int) {
        invariant(value > 0, "nothing is within \(name)")
        self.name = name
        self.value = value
    }

    /// As it stands in messages.
    var description: String { "limit \(name) = \(value)" }
}

extension WireLimit {
    static let actionBytesMax = WireLimit("actionBytesMax", Limits.actionBytesMax)
    static let batchRequestCountMax = WireLimit("batchRequestCountMax", Limits.batchRequestCountMax)
    static let blockBytesMax = WireLimit("blockBytesMax", Limits.blockBytesMax)
    static let blockPendCountMax = WireLimit("blockPendCountMax", Limits.blockPendCountMax)
    static let bodyActionCountMax = WireLimit("bodyActionCountMax", Limits.bodyActionCountMax)
    static let bodyBytesMax = WireLimit("bodyBytesMax", Limits.bodyBytesMax)
    static let committedWriteCountMax = WireLimit(
        "committedWriteCountMax", Limits.committedWriteCountMax)
    static let counterMax = WireLimit("counterMax", Int(Limits.counterMax))
    static let engineNameBytesMax = WireLimit("engineNameBytesMax", Limits.engineNameBytesMax)
    static let errorMessageBytesMax = WireLimit("errorMessageBytesMax", Limits.errorMessageBytesMax)
    static let frameBytesMax = WireLimit("frameBytesMax", Limits.frameBytesMax)
    static let keyBytesMax = WireLimit("keyBytesMax", Limits.keyBytesMax)
    static let keyTypeBytesMax = WireLimit("keyTypeBytesMax", Limits.keyTypeBytesMax)
    static let labelBytesMax = WireLimit("labelBytesMax", Limits.labelBytesMax)
    static let laggingShardCountMax = WireLimit("laggingShardCountMax", Limits.laggingShardCountMax)
    static let nameBytesMax = WireLimit("nameBytesMax", Limits.nameBytesMax)
    static let nodeCapacityMax = WireLimit("nodeCapacityMax", Limits.nodeCapacityMax)
    static let pageBytesMax = WireLimit("pageBytesMax", Limits.pageBytesMax)
    static let pageItemCountMax = WireLimit("pageItemCountMax", Limits.pageItemCountMax)
    static let participantCountMax = WireLimit("participantCountMax", Limits.participantCountMax)
    static let peerCountMax = WireLimit("peerCountMax", Limits.peerCountMax)
    static let pendPageCountMax = WireLimit("pendPageCountMax", Limits.pendPageCountMax)
    static let queueValueCountMax = WireLimit("queueValueCountMax", Limits.queueValueCountMax)
    static let replicaCountMax = WireLimit("replicaCountMax", Limits.replicaCountMax)
    static let scrubPageCountMax = WireLimit("scrubPageCountMax", Limits.scrubPageCountMax)
    static let segmentBytesMax = WireLimit("segmentBytesMax", Limits.segmentBytesMax)
    static let serviceCountMax = WireLimit("serviceCountMax", Limits.serviceCountMax)
    static let shardCountMax = WireLimit("shardCountMax", Limits.shardCountMax)
    static let statementBytesMax = WireLimit("statementBytesMax", Limits.statementBytesMax)
    static let statementCountMax = WireLimit("statementCountMax", Limits.statementCountMax)
    static let statusCollectionCountMax = WireLimit(
        "statusCollectionCountMax", Limits.statusCollectionCountMax)
    static let storePlaceBytesMax = WireLimit("storePlaceBytesMax", Limits.storePlaceBytesMax)
    static let sweepPageCountMax = WireLimit("sweepPageCountMax", Limits.sweepPageCountMax)
    static let tailBytesMax = WireLimit("tailBytesMax", Limits.tailBytesMax)
    static let transformBlockCountMax = WireLimit(
        "transformBlockCountMax", Limits.transformBlockCountMax)
    static let transformBytesMax = WireLimit("transformBytesMax", Limits.transformBytesMax)
    static let treeCheckCountMax = WireLimit("treeCheckCountMax", Limits.treeCheckCountMax)
    static let treeOperationCountMax = WireLimit(
        "treeOperationCountMax", Limits.treeOperationCountMax)
    static let unpackAllocationCountMax = WireLimit(
        "unpackAllocationCountMax", Limits.unpackAllocationCountMax)
    static let valueBytesMax = WireLimit("valueBytesMax", Limits.valueBytesMax)
    /// In milliseconds.
    static let requestTimeMax = WireLimit(
        "requestTimeMax", Int(Limits.requestTimeMax.milliseconds))
    /// Digests that fit a body.
    static let bodyDigestCountMax = WireLimit(
        "bodyBytesMax / 32", Limits.bodyBytesMax / Digest.byteCount)
    /// Pends of one page, as each replica may have reported others.
    static let reportedPendCountMax = WireLimit(
        "pendPageCountMax * replicaCountMax", Limits.pendPageCountMax * Limits.replicaCountMax)
    /// The number of a shard, from zero.
    static let shardNumberMax = WireLimit("shardCountMax - 1", Limits.shardCountMax - 1)
    /// The number of a check, from zero.
    static let treeCheckNumberMax = WireLimit(
        "treeCheckCountMax - 1", Limits.treeCheckCountMax - 1)
}
