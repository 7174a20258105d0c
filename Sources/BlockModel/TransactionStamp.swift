import BlockRuntime

/// What a transaction says of itself, the same for every try of it and for whoever executes it
/// again. With its id, which is drawn at random, it is unlike every other one.
package struct TransactionStamp: Hashable, Sendable {
    /// Names the client that made it.
    package let client: Identifier128
    package let engine: EngineName
    /// What its statements are about, as the engine names it; zero of ``EngineName/actions``.
    package let schema: Digest
    /// The time of its execution, in milliseconds since 1970: the only time that an engine sees.
    package let milliseconds: UInt64
    /// After that no proxy has it decided anew. It says nothing of a try that is out: what has
    /// been sent may take effect at any time (protocol: no-timer-removes-a-pend).
    package let expiry: UInt64

    package init(
        client: Identifier128, engine: EngineName = .actions, schema: Digest = .zero,
        milliseconds: UInt64, expiry: UInt64
    ) {
        self.client = client
        self.engine = engine
        self.schema = schema
        self.milliseconds = milliseconds
        self.expiry = expiry
    }
}

extension TransactionStamp: CanonicalCodable {
    package func encode(into encoder: inout CanonicalEncoder) {
        encoder.append(client)
        encoder.append(engine)
        encoder.append(schema)
        encoder.append(milliseconds)
        encoder.append(expiry)
    }

    package init(from decoder: inout CanonicalDecoder) throws(DatabaseError) {
        self.init(
            client: try decoder.identifier(), engine: try EngineName(from: &decoder),
            schema: try decoder.digest(), milliseconds: try decoder.uint64(),
            expiry: try decoder.uint64())
    }
}
