import BlockModel
import BlockRuntime
import OptimysticClient
import Testing

@Suite("Client session") struct ClientSessionTests {
    @Test("A proxy is greeted before its first request, and only once")
    func greeting() throws {
        var world = SessionHarness()
        let first = world.start(SessionHarness.append(1))
        #expect(world.sent.count == 1)
        try world.welcome()
        let append = try world.take()
        #expect(append.request == SessionHarness.append(1))
        world.feed(.reply(id: append.id, .acted(SessionHarness.landing)))
        #expect(world.resolved[first] == .acted(SessionHarness.landing))
        _ = world.start(SessionHarness.append(2))
        #expect(try world.take().request == SessionHarness.append(2))
        #expect(world.session.requestCount == 1)
    }

    @Test("Requests about one collection go to one proxy, whatever the order of the addresses")
    func affinity() throws {
        for addresses in [["tcp://a:1", "tcp://b:1"], ["tcp://b:1", "tcp://a:1"]] {
            var world = SessionHarness(addresses: addresses)
            _ = world.start(SessionHarness.append(1))
            let first = addresses[try world.welcome()]
            for number in 2..<10 { _ = world.start(SessionHarness.append(UInt64(number))) }
            #expect(world.sent.allSatisfy { addresses[$0.proxy] == first })
            #expect(
                first
                    == addresses.sorted()[
                        ServiceRanking(addresses: addresses.sorted()).order(
                            for: SessionHarness.diary.digest.bytes, at: .origin)[0]])
        }
    }

    @Test("A silent proxy is left for the other one, with the same action id and first revision")
    func failover() throws {
        var world = SessionHarness()
        let token = world.start(SessionHarness.append(1))
        let silent = try world.welcome()
        let lost = try world.take()
        world.advanceUntilSent()
        #expect(try world.welcome() != silent)
        let retry = try world.take()
        #expect(retry.request == lost.request)
        #expect(retry.id != lost.id)
        world.feed(.reply(id: retry.id, .acted(SessionHarness.landing)))
        #expect(world.resolved[token] == .acted(SessionHarness.landing))
    }

    @Test("An unanswered append that then fails for certain stays of unknown outcome")
    func pessimism() throws {
        for code in [ErrorCode.collectionNotFound, .valueTooLarge, .quorumUnavailable] {
            var world = SessionHarness()
            let token = world.start(SessionHarness.append(1))
            try world.welcome()
            _ = try world.take()
            world.advanceUntilSent()
            try world.welcome()
            while world.resolved[token] == nil {
                if let retry = world.sent.first {
                    world.sent.removeFirst()
                    if case .hello = retry.request {
                        world.feed(.reply(id: retry.id, .welcome(SessionHarness.welcome())))
                    } else {
                        world.feed(.reply(id: retry.id, .failed(DatabaseError(code, "no"))))
                    }
                } else {
                    world.advanceUntilSent()
                }
            }
            let error = try world.error(of: token)
            #expect(error.code == .commitResultUnknown, "\(code)")
            #expect(error.outcome == .unknown)
        }
    }

    /// An attempt, at transactor level.
    private static let commit = ClientRequest.commit(
        CommitAttempt(
            participant: Participant(
                collection: SessionHarness.diary, incarnation: SessionHarness.life,
                target: Revision(4)),
            payload: PayloadID(action: ActionID(rawValue: Identifier128(1)), execution: 0),
            body: [], wallMilliseconds: 0))

    /// A request whose first try had no answer, or was not even taken by the network, and its
    /// second try.
    private static func secondTry(
        of request: ClientRequest, isLost: Bool = true
    ) throws -> (world: SessionHarness, token: UInt64, retry: SessionHarness.Sent) {
        var world = SessionHarness()
        let token = world.start(request)
        try world.welcome()
        let first = try world.take()
        if !isLost { world.feed(.notSent(id: first.id)) }
        world.advanceUntilSent()
        try world.welcome()
        return (world, token, try world.take())
    }

    @Test(
        "A refusal that decides nothing is unknown after a lost try, and told as it is without one")
    func refusals() throws {
        let value = TailValue.absent(generation: 1)
        let refusals: [(CommitRefusal, decides: Bool)] = [
            (.gone(value), false), (.blocked(value), false), (.pending(BlockID(.zero), []), false),
            (.fenced(value), true), (.moved(landing: .absent, value), true),
            (.moved(landing: .notLookedFor, value), true),
        ]
        for (refusal, decides) in refusals {
            var (world, token, retry) = try Self.secondTry(of: Self.commit)
            world.feed(.reply(id: retry.id, .refused(refusal)))
            if decides {
                #expect(world.resolved[token] == .refused(refusal))
            } else {
                #expect(try world.error(of: token).outcome == .unknown, "\(refusal)")
            }
            (world, token, retry) = try Self.secondTry(of: Self.commit, isLost: false)
            world.feed(.reply(id: retry.id, .refused(refusal)))
            #expect(world.resolved[token] == .refused(refusal))
        }
    }

    @Test("What changes something and had no answer stays unknown, whatever it is and is told then")
    func doubtOfEveryKind() throws {
        let action = ActionID(rawValue: Identifier128(1))
        let creation = OpenCollection(
            name: "events", kind: .diary, encoding: .bytes,
            creation: Creation(action: action, generation: 0))
        let drop = DropCollection(
            collection: SessionHarness.diary, incarnation: SessionHarness.life, action: action)
        let requests = [
            Self.commit, .openCollection(creation), .dropCollection(drop), SessionHarness.append(1),
        ]
        for request in requests {
            for code in [ErrorCode.collectionNotFound, .collectionKindMismatch, .invalidArgument] {
                var (world, token, retry) = try Self.secondTry(of: request)
                world.feed(.reply(id: retry.id, .failed(DatabaseError(code, "no"))))
                #expect(try world.error(of: token).outcome == .unknown, "\(code) of \(request)")
                (world, token, retry) = try Self.secondTry(of: request, isLost: false)
                world.feed(.reply(id: retry.id, .failed(DatabaseError(code, "no"))))
                #expect(try world.error(of: token).outcome == .notApplied)
            }
        }
    }

    @Test("What ended in doubt is in doubt in the next call under its id, until an answer decides")
    func doubtOverCalls() throws {
        for request in [SessionHarness.append(1), Self.commit] {
            var world = SessionHarness(addresses: ["tcp://a:1"])
            let lost = world.start(request, timeout: .seconds(1))
            try world.welcome()
            _ = try world.take()
            world.advance(.seconds(1))
            #expect(try world.error(of: lost).outcome == .unknown)
            func refuse(_ again: ClientRequest) throws -> DatabaseError {
                let token = world.start(again)
                if case .hello = world.sent.first?.request { try world.welcome() }
                let refusal = DatabaseError(.invalidArgument, "no")
                world.feed(.reply(id: try world.take().id, .failed(refusal)))
                return try world.error(of: token)
            }
            #expect(try refuse(request).outcome == .unknown)
            let late = world.start(request, timeout: .zero)
            #expect(try world.error(of: late).outcome == .unknown, "too little time says nothing")
            #expect(try refuse(SessionHarness.append(2)).outcome == .notApplied)
            let found = world.start(request)
            let answer: ClientReply =
                request == Self.commit
                ? .committed(Revision(4), chainHash: .zero) : .acted(SessionHarness.landing)
            world.feed(.reply(id: try world.take().id, answer))
            #expect(world.resolved[found] == answer)
            #expect(try refuse(request).outcome == .notApplied, "nothing is in doubt any more")
        }
    }

    @Test("A call that was cancelled when it was under way leaves its doubt to the next one")
    func doubtOfCancelled() throws {
        for isSent in [true, false] {
            var world = SessionHarness(addresses: ["tcp://a:1"])
            let token = world.start(SessionHarness.append(1))
            if isSent {
                try world.welcome()
                _ = try world.take()
            }
            world.feed(.cancel(token))
            if !isSent { try world.welcome() }
            let again = world.start(SessionHarness.append(1))
            let refusal = DatabaseError(.invalidArgument, "no")
            world.feed(.reply(id: try world.take().id, .failed(refusal)))
            #expect(try world.error(of: again).outcome == (isSent ? .unknown : .notApplied))
        }
    }

    #if SIMULATION_HOOKS
    @Test("A session that forgets its doubt is found")
    func plantedDoubt() throws {
        try SimulationHooks.$plantedBug.withValue(.doubtDroppedBySession) {
            var (world, token, retry) = try Self.secondTry(of: SessionHarness.append(1))
            let refusal = DatabaseError(.collectionNotFound, "no")
            world.feed(.reply(id: retry.id, .failed(refusal)))
            #expect(try world.error(of: token).outcome == .notApplied)
        }
    }
    #endif

    @Test("A definite failure of the request itself ends it at once")
    func finalErrors() throws {
        for code in [
            ErrorCode.invalidArgument, .valueTooLarge, .collectionNotFound,
            .collectionKindMismatch, .actionIDReuse, .conflict,
        ] {
            var world = SessionHarness()
            let token = world.start(SessionHarness.append(1))
            try world.welcome()
            world.feed(.reply(id: try world.take().id, .failed(DatabaseError(code, "no"))))
            #expect(try world.error(of: token).code == code)
            #expect(try world.error(of: token).outcome == .notApplied)
        }
    }

    @Test("The deepest reason that any try was told is the one that the application is told")
    func deepestReason() throws {
        let reasons = [
            DatabaseError(.deadlineExceeded, "the time given ran out"),
            DatabaseError(.quorumUnavailable, "1 of the 3 storage peers of shard 5 took part"),
            DatabaseError(.overloaded, "a queue is full"),
            DatabaseError(.endpointUnreachable, "no coordinator answered"),
        ]
        // In whatever order they come, and whoever is silent in the end.
        for first in reasons.indices {
            var world = SessionHarness(addresses: ["tcp://a:1"])
            let token = world.start(SessionHarness.read)
            try world.welcome()
            var number = first
            while world.resolved[token] == nil {
                if let asked = world.sent.first {
                    world.sent.removeFirst()
                    if case .hello = asked.request {
                        world.feed(.reply(id: asked.id, .welcome(SessionHarness.welcome())))
                    } else if number < first + reasons.count {
                        world.feed(
                            .reply(id: asked.id, .failed(reasons[number % reasons.count])))
                        number += 1
                    }
                } else {
                    world.advanceUntilSent()
                }
            }
            let error = try world.error(of: token)
            #expect(number == first + reasons.count, "all of them were told")
            #expect(error.code == .quorumUnavailable, "\(error)")
            #expect(error.outcome == .notApplied)
        }
    }

    @Test("Nobody there: the error names every endpoint and what was wrong with it")
    func unreachable() throws {
        var world = SessionHarness(addresses: ["tcp://a:1", "tcp://b:1", "tcp://c:1"])
        let token = world.start(SessionHarness.append(1))
        while world.resolved[token] == nil {
            world.sent = []
            world.advanceUntilSent()
        }
        let error = try world.error(of: token)
        #expect(error.code == .endpointUnreachable)
        #expect(error.outcome == .notApplied, "greetings leave nothing behind")
        for address in ["tcp://a:1", "tcp://b:1", "tcp://c:1"] {
            #expect(error.message.contains("\(address): no answer"), "\(error.message)")
        }
    }

    @Test("When a connection breaks before the greeting is answered, nobody waits for that answer")
    func brokenGreeting() throws {
        var world = SessionHarness()
        let token = world.start(SessionHarness.append(1))
        let greeting = try world.take()
        guard case .hello = greeting.request else {
            Issue.record("\(greeting.request) is no greeting")
            return
        }
        let before = world.now
        world.feed(.broken(proxy: greeting.proxy))
        world.advanceUntilSent()
        #expect(world.now.since(before) <= .milliseconds(5))
        #expect(try world.welcome() == 1 - greeting.proxy)
        #expect(try world.take().proxy == 1 - greeting.proxy)
        #expect(world.resolved[token] == nil)
    }

    @Test("When a connection breaks, what waits for it turns to the other proxy at once")
    func broken() throws {
        var world = SessionHarness()
        let first = world.start(SessionHarness.append(1))
        let proxy = try world.welcome()
        let lost = try world.take()
        #expect(lost.proxy == proxy)
        let second = world.start(SessionHarness.append(2))
        _ = try world.take()
        let before = world.now
        world.feed(.broken(proxy: 1 - proxy))
        #expect(world.sent.isEmpty, "another proxy's connection is none of theirs")
        world.feed(.broken(proxy: proxy))
        world.advanceUntilSent()
        #expect(world.now.since(before) <= .milliseconds(5))
        #expect(try world.welcome() == 1 - proxy)
        let retries = world.sent
        #expect(retries.count == 2 && retries.allSatisfy { $0.proxy == 1 - proxy })
        world.sent = []
        // What was asked before the break may have been carried out.
        for retry in retries {
            world.feed(.reply(id: retry.id, .failed(DatabaseError(.invalidArgument, "no"))))
        }
        for token in [first, second] {
            #expect(try world.error(of: token).outcome == .unknown)
        }
    }

    @Test("A message that was not sent leaves nothing behind")
    func notSent() throws {
        var world = SessionHarness(addresses: ["tcp://a:1"])
        let token = world.start(SessionHarness.append(1), timeout: .seconds(1))
        try world.welcome()
        while world.resolved[token] == nil {
            if let refused = world.sent.popLast() {
                world.feed(.notSent(id: refused.id))
            } else {
                world.advanceUntilSent()
            }
        }
        #expect(try world.error(of: token).code == .endpointUnreachable)
        #expect(try world.error(of: token).outcome == .notApplied)
    }

    @Test("Proxies of another cluster, by name or by id, are left for one that is right")
    func wrongCluster() throws {
        var world = SessionHarness()
        let token = world.start(SessionHarness.append(1))
        let first = try world.welcome(name: "other")
        world.advanceUntilSent()
        #expect(world.resolved[token] == nil)
        #expect(try world.welcome(name: "other") == 1 - first)
        #expect(try world.error(of: token).code == .wrongCluster)
        #expect(try world.error(of: token).message.contains("\"other\""))

        var mixed = SessionHarness()
        let served = mixed.start(SessionHarness.append(1))
        let wrong = try mixed.welcome(name: "other")
        mixed.advanceUntilSent()
        #expect(try mixed.welcome() == 1 - wrong)
        mixed.feed(.reply(id: try mixed.take().id, .acted(SessionHarness.landing)))
        #expect(mixed.resolved[served] == .acted(SessionHarness.landing))

        var twins = SessionHarness()
        let read = twins.start(SessionHarness.read)
        let good = try twins.welcome()
        twins.feed(.reply(id: try twins.take().id, .failed(DatabaseError(.shuttingDown, ""))))
        twins.advanceUntilSent()
        let hello = try twins.take()
        #expect(hello.proxy != good)
        let impostor = Welcome(
            cluster: ClusterID(rawValue: Identifier128(8)), clusterName: "demo", proxies: [],
            version: "1")
        twins.feed(.reply(id: hello.id, .welcome(impostor)))
        twins.advanceUntilSent()
        #expect(try twins.take().proxy == good)
        #expect(twins.resolved[read] == nil)
    }

    private static let refused = DatabaseError(.endpointUnreachable, "refused: nothing listens")

    @Test("Whoever only connects is told at once, when something is known against every address")
    func refusedConnection() throws {
        var single = SessionHarness(addresses: ["tcp://a:1"])
        let token = single.start(.hello(clusterName: "demo"), timeout: .seconds(60))
        single.feed(.unreachable(proxy: 0, Self.refused))
        let error = try single.error(of: token)
        #expect(error.code == .endpointUnreachable && error.outcome == .notApplied)
        #expect(error.message.contains("tcp://a:1: refused: nothing listens"))

        var several = SessionHarness(addresses: ["tcp://a:1", "tcp://b:1"])
        let both = several.start(.hello(clusterName: "demo"), timeout: .seconds(60))
        let asked = try several.take()
        several.feed(.unreachable(proxy: 1 - asked.proxy, Self.refused))
        #expect(several.resolved[both] == nil, "the other one may be right")
        let role = DatabaseError(.wrongService, "this is a storage peer")
        several.feed(.reply(id: asked.id, .failed(role)))
        let all = try several.error(of: both)
        #expect(all.message.contains("refused") && all.message.contains("a storage peer"))
        #expect(several.now == Instant(nanoseconds: 1_000_000_000), "at once")
    }

    @Test("Somebody who is connected and says nothing is waited for, and told as what is known")
    func silence() throws {
        var world = SessionHarness(addresses: ["tcp://a:1"])
        let token = world.start(.hello(clusterName: "demo"), timeout: .seconds(5))
        world.feed(.silent(proxy: 0))
        #expect(world.resolved[token] == nil, "it may be a proxy that has much to do")
        while world.resolved[token] == nil {
            world.sent = []
            world.advanceUntilSent()
        }
        let error = try world.error(of: token)
        #expect(error.code == .endpointUnreachable && error.outcome == .notApplied)
        #expect(error.message.contains("tcp://a:1: speaks ZeroMQ, but did not answer"))
    }

    @Test("One good address is enough, whatever is wrong with the others")
    func oneGoodAddress() throws {
        for trouble in [ErrorCode.wrongService, .versionUnsupported, .endpointUnreachable] {
            var world = SessionHarness()
            let token = world.start(.hello(clusterName: "demo"), timeout: .seconds(60))
            let bad = try world.take()
            let error = DatabaseError(trouble, "not this one")
            if trouble == .endpointUnreachable {
                world.feed(.unreachable(proxy: bad.proxy, error))
            } else {
                world.feed(.reply(id: bad.id, .failed(error)))
            }
            world.advanceUntilSent()
            #expect(world.resolved[token] == nil)
            #expect(try world.welcome() == 1 - bad.proxy)
            guard case .welcome = world.resolved[token] else {
                Issue.record("\(trouble): \(String(describing: world.resolved[token]))")
                return
            }
        }
    }

    @Test("A request of a connection that was made goes on trying, and tells the reason at its end")
    func refusedLater() throws {
        var world = SessionHarness(addresses: ["tcp://a:1"])
        let token = world.start(SessionHarness.append(1), timeout: .seconds(3))
        world.feed(.unreachable(proxy: 0, Self.refused))
        #expect(world.resolved[token] == nil)
        while world.resolved[token] == nil {
            world.sent = []
            world.advanceUntilSent()
        }
        #expect(try world.error(of: token).message.contains("refused: nothing listens"))
        #expect(try world.error(of: token).outcome == .notApplied)
    }

    @Test("An overloaded proxy is not asked again before the time it names")
    func overload() throws {
        var world = SessionHarness(addresses: ["tcp://a:1"])
        let token = world.start(SessionHarness.append(1))
        try world.welcome()
        let busy = DatabaseError(.overloaded, "busy", retryAfter: .milliseconds(700))
        world.feed(.reply(id: try world.take().id, .failed(busy)))
        let refusedAt = world.now
        world.advanceUntilSent()
        #expect(world.now.since(refusedAt) >= .milliseconds(700))
        world.feed(.reply(id: try world.take().id, .acted(SessionHarness.landing)))
        #expect(world.resolved[token] == .acted(SessionHarness.landing))
    }

    @Test("There is no waiting for a retry that would come after the deadline")
    func pointlessWait() throws {
        var world = SessionHarness(addresses: ["tcp://a:1"])
        let token = world.start(SessionHarness.append(1), timeout: .seconds(1))
        try world.welcome()
        let busy = DatabaseError(.overloaded, "busy", retryAfter: .seconds(30))
        world.feed(.reply(id: try world.take().id, .failed(busy)))
        #expect(try world.error(of: token).code == .overloaded)
    }

    @Test("Late, repeated and foreign replies change nothing that was resolved")
    func lateReplies() throws {
        var world = SessionHarness()
        let token = world.start(SessionHarness.append(1))
        try world.welcome()
        let slow = try world.take()
        world.advanceUntilSent()
        try world.welcome()
        let retry = try world.take()
        // A late failure of the first try is not the end of the second.
        world.feed(.reply(id: slow.id, .failed(DatabaseError(.collectionNotFound, "no"))))
        #expect(world.resolved[token] == nil)
        // A late success of it is the truth.
        world.feed(.reply(id: slow.id, .acted(SessionHarness.landing)))
        #expect(world.resolved[token] == .acted(SessionHarness.landing))
        world.feed(.reply(id: slow.id, .acted(SessionHarness.landing)))
        world.feed(.reply(id: retry.id, .failed(DatabaseError(.internalError, "no"))))
        world.feed(.reply(id: 42, .dropped))
        #expect(world.session.requestCount == 0)
    }

    @Test("An answer to another question is an unknown outcome, not a success")
    func unexpectedReply() throws {
        var world = SessionHarness()
        let token = world.start(SessionHarness.append(1))
        try world.welcome()
        world.feed(.reply(id: try world.take().id, .dropped))
        #expect(try world.error(of: token).code == .malformedMessage)
        #expect(try world.error(of: token).outcome == .unknown)
    }

    @Test("A drop or a creation whose outcome is unknown is sent again, exactly as it was")
    func lives() throws {
        let creation = OpenCollection(
            name: "events", kind: .diary, encoding: .bytes,
            creation: Creation(action: ActionID(rawValue: Identifier128(7)), generation: 3))
        for request in [SessionHarness.drop, .openCollection(creation)] {
            var world = SessionHarness()
            let token = world.start(request)
            try world.welcome()
            let first = try world.take()
            world.advanceUntilSent()
            try world.welcome()
            let second = try world.take()
            #expect(first.request == request && second.request == request)
            // Definite, whatever became of the first try.
            world.feed(.reply(id: second.id, .absent(generation: 9)))
            #expect(world.resolved[token] == .absent(generation: 9))
        }
    }

    @Test("Proxies that a welcome names are learned once, and greeted beside running requests")
    func learning() throws {
        var world = SessionHarness(addresses: ["tcp://a:1"])
        let token = world.start(SessionHarness.read)
        let others = (0..<20).map { "tcp://x\($0):1" }
        try world.welcome(proxies: ["tcp://a:1"] + others)
        #expect(world.learned == others)
        #expect(try world.take().proxy == 0, "the request under way is not held up")
        world.feed(.cancel(token))
        for number in 0..<5 { _ = world.start(SessionHarness.append(UInt64(number))) }
        let appends = world.sent.filter { $0.request != .hello(clusterName: "demo") }
        #expect(appends.count == 5 && appends.allSatisfy { $0.proxy == 0 })
        #expect(world.sent.count == 6, "one greeting for the proxy that ranks before it")
    }

    @Test("A cancelled request is forgotten, and its reply ignored")
    func cancel() throws {
        var world = SessionHarness()
        let token = world.start(SessionHarness.append(1))
        try world.welcome()
        let append = try world.take()
        world.feed(.cancel(token))
        #expect(world.session.nextWake == nil)
        world.feed(.reply(id: append.id, .acted(SessionHarness.landing)))
        #expect(world.resolved.isEmpty)
    }

    @Test("Closing resolves everything, truthfully")
    func close() throws {
        var world = SessionHarness()
        let append = world.start(SessionHarness.append(1))
        let read = world.start(SessionHarness.read)
        try world.welcome()
        world.feed(.close(nil))
        #expect(try world.error(of: append).outcome == .unknown)
        #expect(try world.error(of: read).code == .shuttingDown)
        let late = world.start(SessionHarness.read)
        #expect(try world.error(of: late).code == .shuttingDown)
    }

    @Test("More requests than connectionRequestCountMax are refused, and nothing is sent for them")
    func bound() throws {
        var world = SessionHarness()
        for number in 0..<Limits.connectionRequestCountMax {
            _ = world.start(SessionHarness.append(UInt64(number)))
        }
        #expect(world.resolved.isEmpty)
        let token = world.start(SessionHarness.append(1 << 40))
        #expect(try world.error(of: token).code == .overloaded)
        #expect(world.session.requestCount == Limits.connectionRequestCountMax)
    }
}
