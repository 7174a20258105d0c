import BlockModel
import BlockRuntime
import BlockWire
import Foundation
import Testing

/// `Protos/README.md` is all that other languages have: it must say what the code does.
@Suite("The specification")
struct SpecificationTests {
    private func readme() throws -> String {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        return try String(
            contentsOf: root.appendingPathComponent("Protos/README.md"), encoding: .utf8)
    }

    @Test("it lists every error code with its name and meaning")
    func errorCodes() throws {
        let text = try readme()
        for row in ErrorCode.table {
            let line = "| \(row.code.rawValue) | \(row.name) | \(row.meaning) |"
            #expect(text.contains(line), "missing: \(line)")
        }
    }

    @Test("it states every bound of the messages with the figure of the code")
    func bounds() throws {
        let text = try readme()
        let bounds: [(String, String)] = [
            ("payload frame", "\(Limits.frameBytesMax) bytes"),
            ("frames of a message, with routing", "\(Limits.frameCountMax)"),
            ("name of a collection or cluster", "1 to \(Limits.nameBytesMax) bytes"),
            (
                "value of a tree, queue or diary",
                "\(Limits.valueBytesMax) bytes (code 2003 above it)"
            ),
            ("key of a tree", "\(Limits.keyBytesMax) bytes (code 2003 above it)"),
            (
                "action in canonical form; its outcome",
                "\(Limits.actionBytesMax) bytes (code 2003 above it)"
            ),
            (
                "operations of an action on a tree; values to enqueue",
                "\(Limits.treeOperationCountMax) (code 2003 above it)"
            ),
            (
                "checks of an action on a tree; keys to read; values to dequeue",
                "\(Limits.treeCheckCountMax)"
            ),
            ("block in canonical form", "\(Limits.blockBytesMax) bytes"),
            ("committed writes listed with a block", "\(Limits.committedWriteCountMax)"),
            ("canonical entry body; content block", "\(Limits.bodyBytesMax) bytes"),
            ("actions in a body", "\(Limits.bodyActionCountMax)"),
            ("tail value; segment", "\(Limits.tailBytesMax) bytes"),
            ("items of a `PeerBatch` or its reply", "\(Limits.batchRequestCountMax)"),
            ("`count_max`, and items of a page", "1 to \(Limits.pageItemCountMax)"),
            ("`count_max` of versions", "1 to \(Limits.scrubPageCountMax)"),
            ("`count_max` of pends", "1 to \(Limits.pendPageCountMax)"),
            ("undecided changes of a block in a reply", "\(Limits.blockPendCountMax)"),
            ("`bytes_max`", "0 to \(Limits.pageBytesMax)"),
            ("`wait_ms`, `retry_after_ms`", "\(Limits.requestTimeMax.milliseconds)"),
            ("shard number", "below \(Limits.shardCountMax)"),
            ("text of an error", "\(Limits.errorMessageBytesMax) bytes"),
            ("addresses, names for people, releases", "\(Limits.labelBytesMax) bytes"),
            ("replicas in a report", "\(Limits.replicaCountMax)"),
            ("peers; coordinators; proxies", "\(Limits.peerCountMax) each"),
            ("collections in the sample of a status", "\(Limits.statusCollectionCountMax)"),
        ]
        for (name, figure) in bounds {
            #expect(text.contains("| \(name) | \(figure) |"), "\(name): \(figure)")
        }
        #expect(Limits.segmentBytesMax == Limits.tailBytesMax)
        #expect(Limits.serviceCountMax == Limits.peerCountMax)
        #expect(Limits.counterMax == 1 << 62)
        #expect(Limits.queueValueCountMax == Limits.treeOperationCountMax)
        #expect(Limits.queueValueCountMax == Limits.treeCheckCountMax)
        let memory =
            "\(Limits.unpackBytesMin / 1024) KiB above \(Limits.unpackFactor) times its size"
        #expect(text.contains(memory))
        #expect(Limits.blockItemInlineBytesMax == 64)
    }
}
