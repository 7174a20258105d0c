import BlockModel
import BlockRuntime
import BlockTransport
import BlockWire
import Logging

/// A storage peer on a transport: one turn of the loop is one ``StoragePeerCycle``.
package final class StoragePeerHost: Service {
    package let port: ServicePort
    private var cycle: StoragePeerCycle

    package init(port: ServicePort, cycle: StoragePeerCycle) {
        self.port = port
        self.cycle = cycle
    }

    package var nextWake: Instant? { inPlace(&cycle) { $0.nextWake } }

    /// Every turn ends with its replies, so nothing is ever under way between two turns.
    package var unansweredCount: Int { 0 }

    /// - Throws: A failed write or sync, after which nothing may be answered: the process must end.
    package func turn(_ arrivals: [Inbound], now: Instant) throws {
        var batches: [(sender: Caller, items: [PeerBatchItem])] = []
        for arrival in arrivals {
            switch arrival {
            case .malformed(let endpoint, let error): port.refuseMalformed(from: endpoint, error)
            case .message(let endpoint, let envelope):
                let items = port.accept(envelope, from: endpoint, as: .peerBatch) {
                    bytes throws(DatabaseError) in try port.codec.decodePeerBatch(bytes)
                }
                if let items { batches.append((Caller(envelope, from: endpoint), items)) }
            case .broken, .unreachable, .silent:
                invariant(false, "a storage peer has no outgoing links")
            }
        }
        guard !batches.isEmpty else { return }
        var answered = 0
        let report = try cycle.run(batches) { caller, reply in
            answered += reply.items.count
            answer(caller, reply)
        }
        let asked = batches.reduce(0) { $0 + $1.items.count }
        invariant(
            answered == asked && answered == report.requestCount,
            "\(answered) answers to \(asked) requests")
        for alarm in report.alarms {
            port.logger.critical("protocol broken by a sender", metadata: ["alarm": "\(alarm)"])
        }
        for damage in report.damages {
            port.logger.error("stored data is damaged", metadata: ["damage": "\(damage)"])
        }
    }

    /// Writes the ack journal, which so costs the replies nothing.
    /// - Throws: As ``turn(_:now:)``.
    package func afterTurn(now: Instant) throws {
        try inPlace(&cycle) { try $0.afterReplies(now: now) }
    }

    private func answer(_ caller: Caller, _ reply: PeerBatchReply) {
        for items in PeerBatching.messages(of: reply.items) {
            let part = PeerBatchReply(peer: reply.peer, epoch: reply.epoch, items: Array(items))
            port.answer(caller, .peerBatchReply, port.codec.encode(part))
        }
    }

    package func checkInvariants() {
        let hasStagedWrites = inPlace(&cycle) { $0.hasStagedWrites }
        invariant(!hasStagedWrites, "a turn ended before what it wrote was synced")
    }

    package func beginDrain(now: Instant) {}
    package func endDrain() {}
}
