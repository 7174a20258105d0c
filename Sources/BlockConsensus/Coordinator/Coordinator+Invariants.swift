import BlockModel
import BlockRuntime

extension Coordinator {
    /// Stops the process unless the parts of this coordinator agree with each other. Called after
    /// each event in tests and simulations.
    /// - Complexity: O(1) amortised: all parts are looked at once in as many events as there are
    ///   parts.
    package mutating func checkInvariants() {
        invariant(askers.count <= requestCount, "\(askers.count) clients, \(requestCount) requests")
        invariant(
            checks.count + fanOuts.count <= requestCount, "work for requests that are answered")
        invariant(
            requestCount == 0 || !rounds.isEmpty || !resolutions.isEmpty,
            "requests that nothing is done about")
        invariant(outstanding.isEmpty || !rounds.isEmpty, "requests to peers for no round")
        invariant(alarms.count >= rounds.count, "a round that nobody wakes")
        #if SIMULATION_HOOKS
        uncheckedEventCount += 1
        guard uncheckedEventCount > rounds.count + outstanding.count + queues.count else { return }
        uncheckedEventCount = 0
        #endif
        checkRounds()
        checkTransactions()
        for (collection, queue) in queues { check(queue, of: collection) }
        alarms.checkInvariants()
    }

    private func checkRounds() {
        var requestCount = 0
        for (id, round) in rounds {
            invariant(round.id == id, "round \(round.id) is kept as \(id)")
            invariant(alarms.instant(of: .round(id)) != nil, "nobody wakes round \(id)")
            requestCount += round.requests.count
        }
        invariant(outstanding.count <= requestCount, "a request of no round")
        for request in outstanding.values {
            invariant(rounds[request.round] != nil, "round \(request.round) is over and waits")
        }
    }

    private func checkTransactions() {
        for run in transactions.values {
            invariant(
                run.decision != nil || run.ending != nil || !queues.isEmpty,
                "an attempt that nobody decides")
            invariant(
                run.ending == nil || !run.preparing.isEmpty, "an attempt that is over is kept")
        }
        for (name, resolution) in resolutions {
            invariant(resolution.anchor.attempt == name, "the resolution of another attempt")
            invariant(
                resolution.step != .waiting || alarms.instant(of: .resolution(name)) != nil,
                "attempt \(name) is waited for for ever")
        }
    }

    private func check(_ queue: RegisterQueue, of collection: CollectionID) {
        queue.checkInvariants()
        invariant(!queue.isEmpty, "an empty queue is kept")
        invariant(
            queue.running != nil || queue.waitingCount == 0 || queue.kept != nil,
            "changes wait and none runs")
        invariant(
            queue.kept == nil || alarms.instant(of: .turn(collection)) != nil,
            "a register is kept free for ever")
        for id in queue.waiting {
            invariant(rounds[id]?.proposer?.collection == collection, "no change waits as \(id)")
        }
        guard let running = queue.running else { return }
        invariant(rounds[running.id]?.proposer?.collection == collection, "no change runs")
    }
}
