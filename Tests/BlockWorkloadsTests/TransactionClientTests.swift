import BlockModel
import BlockRuntime
import BlockWorkloads
import Testing

/// Clients, checkers and a tree with a fault: what the fault does to clients is found.
@Suite("The workloads of transactions")
struct TransactionClientTests {
    private static func history(
        _ workload: TransactionHistory.Workload, _ fault: FaultyTree.Fault, seed: UInt64
    ) -> History {
        var tree = FaultyTree(fault, seed: seed)
        return tree.run(workload)
    }

    private static func check(_ history: History) -> CheckResult {
        TransactionChecker.check(
            history.transactions, collection: "x",
            final: history.transactions.finalEntries(on: "x"))
    }

    @Test(
        "Over a sound tree everything is valid, and there is something to look at",
        arguments: [TransactionHistory.Workload.lists, .counters])
    func sound(workload: TransactionHistory.Workload) throws {
        var counts: [TransactionHistory.Outcome: Int] = [:]
        for seed in 0..<40 as Range<UInt64> {
            let history = Self.history(workload, .none, seed: seed)
            #expect(Self.check(history).violations == [])
            let final = try #require(history.transactions.finalEntries(on: "x"))
            #expect(!final.isEmpty)
            for transaction in history.transactions.transactions
            where !transaction.writes.isEmpty {
                counts[transaction.outcome, default: 0] += 1
                #expect(transaction.reads.count <= 9)
                #expect(Set(transaction.writes.map(\.key)).count <= 4)
            }
        }
        #expect(counts[.committed, default: 0] > 2000, "\(counts)")
        #expect(counts[.aborted, default: 0] > 400, "\(counts)")
    }

    @Test("Elements are nowhere else, and what failed is tried with others")
    func elements() {
        let history = Self.history(.lists, .none, seed: 3)
        let elements = history.transactions.transactions.flatMap { $0.writes.map(\.value) }
        #expect(Set(elements).count == elements.count)
        #expect(elements.count > 100)
    }

    @Test("What was acknowledged is sent again now and then, as the same action")
    func again() {
        let history = Self.history(.lists, .none, seed: 4)
        var sent: [ActionID: ActionRequest] = [:]
        var repeatedCount = 0
        for operation in history.structures.operations {
            switch operation.kind {
            case .act(let request): sent[request.action] = request
            case .again(let request):
                repeatedCount += 1
                #expect(sent[request.action] == request)
            default: break
            }
        }
        #expect(repeatedCount > 5)
    }

    @Test(
        "Each fault is found in lists, and called what it is",
        arguments: [
            (FaultyTree.Fault.ignoresConditions, ["incompatible order"]),
            (.ignoresReads, ["G2-item:"]),
            (.staleReads, ["G-single-realtime:"]),
            (.forgets, ["lost append"]),
            (.happensAnyway, ["G1a"]),
            (.tears, ["G1b", "G-single"]),
        ])
    func faults(fault: FaultyTree.Fault, names: [String]) {
        var foundCount = 0
        var missing = Set(names)
        for seed in 0..<40 as Range<UInt64> {
            let violations = Self.check(Self.history(.lists, fault, seed: seed)).violations
            if !violations.isEmpty { foundCount += 1 }
            missing = missing.filter { name in !violations.contains { $0.contains(name) } }
        }
        #expect(foundCount >= 36, "\(foundCount) of 40")
        #expect(missing == [])
    }

    @Test(
        "What makes counters go back, or loses counts, is found",
        arguments: [
            FaultyTree.Fault.ignoresConditions, .staleReads, .forgets, .happensAnyway,
        ])
    func counters(fault: FaultyTree.Fault) {
        let foundCount = (0..<40 as Range<UInt64>).count { seed in
            !Self.check(Self.history(.counters, fault, seed: seed)).violations.isEmpty
        }
        #expect(foundCount >= 36, "\(foundCount) of 40")
    }

    @Test("A client that dies leaves what it sent open, and begins anew")
    func crash() throws {
        var history = History()
        let plan = TransactionPlan(
            name: "x", workload: .lists, capacity: 4, keyCount: 3, operationCount: 50)
        var client = TransactionClient(number: 1, plan: plan, generator: SeededGenerator(seed: 5))
        var tree = FaultyTree(.none, seed: 5)
        var time: Int64 = 0
        while true {
            time += 1
            let now = Instant(nanoseconds: time)
            guard case .request(let request, _) = client.next(&history, at: now) else { continue }
            if case .act = request { break }
            client.receive(tree.answer(request), &history, at: now)
        }
        client.crashed(&history, at: Instant(nanoseconds: time + 1))
        let open = try #require(history.transactions.transactions.last)
        #expect(open.outcome == .unknown && !open.writes.isEmpty)
        let step = client.next(&history, at: Instant(nanoseconds: time + 2))
        guard case .request(.openCollection, _) = step else {
            Issue.record("it does not open the collection again")
            return
        }
    }
}
