import BlockRuntime

extension Digest: CanonicalCodable {
    public func encode(into encoder: inout CanonicalEncoder) { encoder.append(self) }
    public init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        self = try decoder.digest()
    }
}

extension CollectionID: CanonicalCodable {
    public func encode(into encoder: inout CanonicalEncoder) { encoder.append(digest) }
    public init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        self.init(try decoder.digest())
    }
}

extension BlockID: CanonicalCodable {
    public func encode(into encoder: inout CanonicalEncoder) { encoder.append(digest) }
    public init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        self.init(try decoder.digest())
    }
}

extension ActionID: CanonicalCodable {
    public func encode(into encoder: inout CanonicalEncoder) { encoder.append(rawValue) }
    public init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        self.init(rawValue: try decoder.identifier())
    }
}

extension Revision: CanonicalCodable {
    public func encode(into encoder: inout CanonicalEncoder) { encoder.append(rawValue) }
    public init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        self.init(try decoder.counter())
    }
}

extension Incarnation: CanonicalCodable {
    public func encode(into encoder: inout CanonicalEncoder) {
        encoder.append(generation)
        encoder.append(nonce)
    }
    public init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        self.init(generation: try decoder.counter(), nonce: try decoder.identifier())
    }
}

extension PayloadID: CanonicalCodable {
    public func encode(into encoder: inout CanonicalEncoder) {
        encoder.append(action)
        encoder.append(execution)
    }
    public init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        self.init(action: try ActionID(from: &decoder), execution: try decoder.uint32())
    }
}

extension Ballot: CanonicalCodable {
    public func encode(into encoder: inout CanonicalEncoder) {
        encoder.append(epoch.rawValue)
        encoder.append(counter)
        encoder.append(proposer.rawValue)
    }
    public init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        self.init(
            epoch: Epoch(try decoder.uint32()), counter: try decoder.counter(),
            proposer: ProposerID(rawValue: try decoder.identifier()))
    }
}
