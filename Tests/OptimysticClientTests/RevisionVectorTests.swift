import BlockModel
import BlockRuntime
import Optimystic
import Testing

/// The texts that name a moment and a transaction.
@Suite("Texts of moments and transactions") struct RevisionVectorTests {
    @Test("The text of a moment is read back, whatever the names")
    func vectors() throws {
        for names in [[], ["accounts"], ["a=b,c", "ledger", "Zür%41 \u{301}", "é", "e\u{301}"]] {
            let infos = names.enumerated().map { number, name in
                CollectionInfo(
                    name: name, incarnation: Incarnation(generation: 3, nonce: .zero),
                    header: CollectionHeader(kind: .diary, encoding: .bytes),
                    revision: Revision(UInt64(number)), createdBy: ActionID(rawValue: .zero))
            }
            let vector = RevisionVector(infos.map { ($0, $0.revision) })
            if names.isEmpty { continue }
            #expect(RevisionVector(text: vector.description) == vector)
            for info in infos { #expect(try vector.revision(in: info) == info.revision) }
        }
    }

    @Test(
        "What is no text of a moment is refused",
        arguments: [
            "", "a", "a=", "a=1", "a=1.0@1-mfrggzdf", "a=x@1-mfrggzdf", "a=1@1-mfrggzdf,",
            "a=1@1-mfrggzdf,a=2@1-mfrggzdf", "%zz=1@1-mfrggzdf", "%ff=1@1-mfrggzdf",
            "a b=1@1-mfrggzdf", "=1@1-mfrggzdf", "a=1@1-mfrggzdf ",
        ])
    func noVectors(text: String) { #expect(RevisionVector(text: text) == nil) }

    @Test("The text of a transaction's id is read back, and nothing else is one")
    func transactions() {
        let id = TransactionID(
            action: ActionID(rawValue: .zero),
            home: CollectionLife(
                collection: CollectionID(name: "x"),
                incarnation: Incarnation(generation: 2, nonce: .zero)),
            firstRevision: Revision(17))
        let text = id.description
        let read = TransactionID(text: text)
        #expect(read == id)
        #expect(read?.home == id.home && read?.firstRevision == id.firstRevision)
        for wrong in ["", "x", text + "0", "0" + text, text.uppercased(), text + ".1"] {
            #expect(TransactionID(text: wrong) == nil || wrong == text + "0", "\(wrong)")
        }
        #expect(TransactionID(text: text.replacing(".2.17", with: ".02.17")) == nil)
    }
}
