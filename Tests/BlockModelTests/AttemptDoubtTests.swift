import BlockModel
import BlockRuntime
import Testing

/// One account of what is known of an attempt, for its whole life
/// (protocol: doubt-belongs-to-the-attempt).
@Suite("Doubt of an attempt") struct AttemptDoubtTests {
    private static let refused = DatabaseError(.overloaded, "full")
    private static let unknown = DatabaseError(.quorumUnavailable, "late", outcome: .unknown)

    private static func doubt(_ events: (inout AttemptDoubt) -> Void) -> AttemptDoubt {
        var doubt = AttemptDoubt(target: Revision(7))
        events(&doubt)
        return doubt
    }

    @Test("Nothing is in doubt before a try is handed over, nor when it was refused or never sent")
    func definite() {
        #expect(!Self.doubt { _ in }.mayHaveCommitted)
        let refused = Self.doubt {
            $0.handedOver()
            #expect($0.mayHaveCommitted)
            $0.tryEnded(Self.refused)
        }
        #expect(!refused.mayHaveCommitted)
        #expect(refused.told(Self.refused) == Self.refused)
        let answered = Self.doubt {
            $0.handedOver()
            $0.tryEnded()
        }
        #expect(!answered.mayHaveCommitted)
    }

    @Test("What begins a doubt, no refusal of a later try ends")
    func lasting() {
        let beginnings: [(inout AttemptDoubt) -> Void] = [
            { $0.tryEnded(Self.unknown) }, { $0.raise() },
            { $0.inherit(Self.doubt { $0.tryEnded(Self.unknown) }) },
        ]
        for begin in beginnings {
            var doubt = Self.doubt(begin)
            for _ in 0..<3 {
                doubt.handedOver()
                doubt.tryEnded(Self.refused)
                doubt.inherit(AttemptDoubt())
                doubt.logWasRead(through: Revision(6))
                #expect(doubt.mayHaveCommitted)
                #expect(doubt.told(Self.refused).outcome == .unknown)
                #expect(doubt.told(Self.refused).code == .commitResultUnknown)
            }
            var read = doubt
            read.logWasRead(through: Revision(7))
            #expect(!read.mayHaveCommitted)
            doubt.decided()
            #expect(!doubt.mayHaveCommitted)
        }
    }

    @Test("What aims at no revision is decided by no log")
    func withoutTarget() {
        var doubt = AttemptDoubt()
        doubt.raise()
        doubt.logWasRead(through: Revision(1000))
        #expect(doubt.mayHaveCommitted)
    }

    @Test("Of refusals in doubt, only those that say what became of the attempt are told")
    func refusals() {
        let value = TailValue.absent(generation: 1)
        let refusals: [(CommitRefusal, isTold: Bool)] = [
            (.fenced(value), true), (.moved(landing: .absent, value), true),
            (.moved(landing: .notLookedFor, value), true), (.gone(value), false),
            (.blocked(value), false), (.pending(BlockID(.zero), []), false),
        ]
        let doubtful = Self.doubt { $0.raise() }
        for (refusal, isTold) in refusals {
            #expect(AttemptDoubt().told(ClientReply.refused(refusal)) == .refused(refusal))
            #expect(AttemptDoubt().told(RepositoryReply.refused(refusal)) == .refused(refusal))
            switch (doubtful.told(ClientReply.refused(refusal)), isTold) {
            case (.refused(refusal), true): break
            case (.failed(let error), false): #expect(error.outcome == .unknown)
            case (let told, _): Issue.record("\(refusal) is told as \(told)")
            }
            switch (doubtful.told(RepositoryReply.refused(refusal)), isTold) {
            case (.refused(refusal), true): break
            case (.failed(let error), false): #expect(error.outcome == .unknown)
            case (let told, _): Issue.record("\(refusal) is told as \(told)")
            }
        }
        let landed = ClientReply.committed(Revision(7), chainHash: .zero)
        #expect(doubtful.told(landed) == landed)
    }
}
