import BlockModel
import BlockRuntime
import BlockTransactions

/// One thing that was fetched, decoded and checked.
enum FetchedItem: Sendable {
    case object(LogObjectKey, LogObject, byteCount: Int)
    case block(BlockReadRequest, FetchedBlock)
}

extension FetchItem {
    /// How it is asked for.
    var request: RepositoryRequest {
        switch self {
        case .object(.segment(let key)): .getSegment(key)
        case .object(.body(let block)): .getContent(block)
        case .block(let request): .readBlock(request)
        }
    }

    /// What a coordinator's answer to ``request`` holds.
    func content(of reply: RepositoryReply) -> Result<FetchedItem, DatabaseError> {
        do throws(DatabaseError) {
            switch self {
            case .object(let key):
                let bytes = try reply.contentBytes
                let object = try LogObject(key, bytes: bytes)
                return .success(.object(key, object, byteCount: bytes.count))
            case .block(let request):
                let block = try FetchedBlock(request, try reply.blockCopy)
                return .success(.block(request, block))
            }
        } catch {
            return .failure(error)
        }
    }
}

extension RepositoryReply {
    /// The bytes of a fetched object.
    fileprivate var contentBytes: Bytes {
        get throws(DatabaseError) {
            switch self {
            case .content(let bytes): return bytes
            case .failed(let error): throw error
            default: throw DatabaseError(.malformedMessage, "the answer to a fetch is no content")
            }
        }
    }

    /// The block that was read.
    fileprivate var blockCopy: BlockCopy? {
        get throws(DatabaseError) {
            switch self {
            case .block(let copy): return copy
            case .failed(let error): throw error
            default: throw DatabaseError(.malformedMessage, "the answer to a read is no block")
            }
        }
    }
}
