import BlockRuntime

/// One atomic action on a queue.
package enum QueueAction: Hashable, Sendable {
    /// Adds values behind the last one, in order.
    case enqueue([Bytes])
    /// Takes values from the front: as many as there are, at most this many, and no more than
    /// ``Limits/actionBytesMax`` bytes together.
    case dequeue(countMax: UInt32)
}

/// What became of a ``QueueAction`` that landed.
package enum QueueOutcome: Hashable, Sendable {
    case enqueued
    /// The values taken, the front one first. Each value of a queue is in one such outcome at most.
    case dequeued([Bytes])
}

extension QueueAction {
    /// What is wrong with the action as it stands; nil when nothing is.
    package var problem: DatabaseError? {
        switch self {
        case .enqueue(let values):
            if values.count > Limits.queueValueCountMax {
                return DatabaseError(
                    .valueTooLarge,
                    "\(values.count) values in one action, queueValueCountMax = "
                        + "\(Limits.queueValueCountMax)")
            }
            guard let large = values.first(where: { $0.count > Limits.valueBytesMax }) else {
                return nil
            }
            return DatabaseError(
                .valueTooLarge,
                "a value of \(large.count) bytes, valueBytesMax = \(Limits.valueBytesMax)")
        case .dequeue(let countMax):
            guard countMax > Limits.queueValueCountMax else { return nil }
            return DatabaseError(
                .invalidArgument,
                "\(countMax) values to be taken at once, queueValueCountMax = "
                    + "\(Limits.queueValueCountMax)")
        }
    }
}

// MARK: - Canonical form

extension QueueAction: CanonicalCodable {
    package func encode(into encoder: inout CanonicalEncoder) {
        switch self {
        case .enqueue(let values):
            encoder.append(UInt8(1))
            encoder.append(values: values)
        case .dequeue(let countMax):
            encoder.append(UInt8(2))
            encoder.append(countMax)
        }
    }
    package init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        switch try decoder.uint8() {
        case 1: self = .enqueue(try decoder.values())
        case 2: self = .dequeue(countMax: try decoder.uint32())
        default: throw decoder.malformed("an unknown action on a queue")
        }
    }
}

extension QueueOutcome: CanonicalCodable {
    package func encode(into encoder: inout CanonicalEncoder) {
        switch self {
        case .enqueued: encoder.append(UInt8(1))
        case .dequeued(let values):
            encoder.append(UInt8(2))
            encoder.append(values: values)
        }
    }
    package init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        switch try decoder.uint8() {
        case 1: self = .enqueued
        case 2: self = .dequeued(try decoder.values())
        default: throw decoder.malformed("an unknown outcome of an action on a queue")
        }
    }
}

extension CanonicalEncoder {
    fileprivate mutating func append(values: [Bytes]) {
        append(UInt32(values.count))
        for value in values { append(value) }
    }
}

extension CanonicalDecoder {
    fileprivate mutating func values() throws(DatabaseError) -> [Bytes] {
        let count = Int(try uint32())
        guard count <= Limits.queueValueCountMax, count <= remaining / 4 else {
            throw malformed("\(count) values where \(Limits.queueValueCountMax) may be")
        }
        var values: [Bytes] = []
        for _ in 0..<count { values.append(try byteString(countMax: Limits.valueBytesMax)) }
        return values
    }
}
