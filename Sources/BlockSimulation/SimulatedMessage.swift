import BlockModel
import BlockRuntime
import BlockWire

/// What travels between the processes of a world. Indirect, as it is handed from one to the next
/// many times and looked at once.
indirect enum SimulatedMessage {
    case peerBatch(id: UInt64, [PeerBatchItem])
    case peerReply(id: UInt64, PeerBatchReply)
    case repositoryRequest(id: UInt64, RepositoryRequest, time: Duration)
    case repositoryReply(id: UInt64, RepositoryReply)
    case clientRequest(id: UInt64, ClientRequest, time: Duration)
    case clientReply(id: UInt64, ClientReply)
    /// What a service says to a request that it does not serve.
    case refusal(id: UInt64, DatabaseError)

    /// The error that this answers with.
    var error: DatabaseError? {
        switch self {
        case .repositoryReply(_, .failed(let error)), .clientReply(_, .failed(let error)),
            .refusal(_, let error):
            error
        default: nil
        }
    }

    /// Whether the network may deliver it twice.
    var mayBeDoubled: Bool {
        switch self {
        case .repositoryRequest, .clientRequest: false
        case .peerBatch, .peerReply, .repositoryReply, .clientReply, .refusal: true
        }
    }

    /// For the trace: the kind, and the ids it carries.
    func add(to hash: inout TraceHash) {
        switch self {
        case .peerBatch(let id, let items):
            hash.add(1)
            hash.add(id)
            for item in items { hash.add(item.id) }
        case .peerReply(let id, let reply):
            hash.add(2)
            hash.add(id)
            for item in reply.items { hash.add(item.id) }
        case .repositoryRequest(let id, _, _):
            hash.add(3)
            hash.add(id)
        case .repositoryReply(let id, _):
            hash.add(4)
            hash.add(id)
        case .clientRequest(let id, _, _):
            hash.add(5)
            hash.add(id)
        case .clientReply(let id, _):
            hash.add(6)
            hash.add(id)
        case .refusal(let id, _):
            hash.add(7)
            hash.add(id)
        }
    }

    /// One line for people.
    var summary: String {
        switch self {
        case .peerBatch(_, let items):
            items.map { "\($0.id):\($0.request.operation.summary)" }.joined(separator: " ")
        case .peerReply(_, let reply):
            reply.items.map { "\($0.id):\($0.reply.summary)" }.joined(separator: " ")
        case .repositoryRequest(let id, let request, _): "\(id):\(request.summary)"
        case .repositoryReply(let id, let reply): "\(id):\(reply.summary)"
        case .clientRequest(let id, let request, _): "\(id):\(firstWord("\(request)"))"
        case .clientReply(let id, let reply): "\(id):\(String("\(reply)".prefix(90)))"
        case .refusal(let id, let error): "\(id):refused(\(error.code))"
        }
    }
}

private func firstWord(_ text: String) -> String { String(text.prefix { $0 != "(" }) }

extension PeerRequest.Operation {
    fileprivate var summary: String {
        switch self {
        case .prepare(_, let ballot): "prepare(\(ballot.counter))"
        case .accept(_, let ballot, let value, _): "accept(\(ballot.counter), \(tail(value)))"
        default: firstWord("\(self)")
        }
    }
}

private func tail(_ value: Bytes) -> String {
    guard let live = try? TailValue(registerBytes: value).live else {
        return "\(value.count) bytes"
    }
    return "\(live.name)@\(live.revision)"
}

extension PeerReply {
    fileprivate var summary: String {
        switch self {
        case .promise(let ballot, let accepted, let value):
            "promise(\(ballot.counter), had \(accepted.counter) \(tail(value)))"
        case .accepted(let ballot, let isRetained):
            "accepted(\(ballot.counter)\(isRetained ? ", next" : ""))"
        case .rejected(let promised): "rejected(promised \(promised.counter))"
        case .refused(let error): "refused(\(error.code))"
        case .register(let accepted, _, _): "register(\(accepted.counter))"
        default: firstWord("\(self)")
        }
    }
}

extension RepositoryRequest {
    fileprivate var summary: String {
        switch self {
        case .commit(let attempt):
            "commit(\(attempt.participant.target), "
                + "batch \(attempt.payload.action.description.suffix(4)))"
        default: firstWord("\(self)")
        }
    }
}

extension RepositoryReply {
    fileprivate var summary: String {
        switch self {
        case .tail(let value):
            "tail(\(value.live.map { "\($0.name)@\($0.revision)" } ?? "not live"))"
        case .committed(let revision, _): "committed(\(revision))"
        case .refused(.moved(let landing, let value)):
            "moved(\(landing), \(value.live?.revision ?? .zero))"
        case .failed(let error): "failed(\(error.code))"
        default: firstWord("\(self)")
        }
    }
}
