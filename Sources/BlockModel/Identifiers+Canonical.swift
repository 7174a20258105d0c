import BlockRuntime

extension Digest: CanonicalCodable {
    package func encode(into encoder: inout CanonicalEncoder) { encoder.append(self) }
    package init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        self = try decoder.digest()
    }
}

extension CollectionID: CanonicalCodable {
    package func encode(into encoder: inout CanonicalEncoder) { encoder.append(digest) }
    package init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        self.init(try decoder.digest())
    }
}

extension BlockID: CanonicalCodable {
    package func encode(into encoder: inout CanonicalEncoder) { encoder.append(digest) }
    package init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        self.init(try decoder.digest())
    }
}

extension ActionID: CanonicalCodable {
    package func encode(into encoder: inout CanonicalEncoder) { encoder.append(rawValue) }
    package init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        self.init(rawValue: try decoder.identifier())
    }
}

extension Revision: CanonicalCodable {
    package func encode(into encoder: inout CanonicalEncoder) { encoder.append(rawValue) }
    package init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        self.init(try decoder.counter())
    }
}

extension Incarnation: CanonicalCodable {
    package func encode(into encoder: inout CanonicalEncoder) {
        encoder.append(generation)
        encoder.append(nonce)
    }
    package init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        self.init(generation: try decoder.counter(), nonce: try decoder.identifier())
    }
}

extension PayloadID: CanonicalCodable {
    package func encode(into encoder: inout CanonicalEncoder) {
        encoder.append(action)
        encoder.append(execution)
    }
    package init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        self.init(action: try ActionID(from: &decoder), execution: try decoder.uint32())
    }
}

extension Ballot: CanonicalCodable {
    package func encode(into encoder: inout CanonicalEncoder) {
        encoder.append(epoch.rawValue)
        encoder.append(counter)
        encoder.append(proposer.rawValue)
    }
    package init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        self.init(
            epoch: Epoch(try decoder.uint32()), counter: try decoder.counter(),
            proposer: ProposerID(rawValue: try decoder.identifier()))
    }
}
