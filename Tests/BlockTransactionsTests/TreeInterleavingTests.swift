import BlockModel
import BlockRuntime
import BlockTransactions
import Testing

/// Two writers of one tree in any order, with lost, late and failing answers, against a dictionary.
@Suite struct TreeInterleavingTests {
    // protocol: header-is-read, every-visited-block-is-read, execution-is-deterministic
    @Test(
        "Whatever races, the log of a tree is its actions one after another, and so are its blocks",
        arguments: UInt64(1)...150)
    func serial(seed: UInt64) throws {
        var scene = TreeScene(seed: seed)
        var sent: [UInt64: (action: TreeAction, first: Revision)] = [:]
        var stray: [CommitAttempt] = []
        for _ in 0..<500 { try step(&scene, &sent, &stray) }
        try settle(&scene)
        try check(scene, sent.mapValues(\.action))
    }

    private func step(
        _ scene: inout TreeScene, _ sent: inout [UInt64: (action: TreeAction, first: Revision)],
        _ stray: inout [CommitAttempt]
    ) throws {
        let proxy = scene.generator.below(2)
        switch scene.generator.below(12) {
        case 0...2:
            var number = UInt64(sent.count) + 1
            if number > 1, scene.generator.chance(1, in: 4) {
                number = UInt64(scene.generator.below(Int(number) - 1)) + 1
            }
            let (action, first) = sent[number] ?? (draw(&scene), scene.store.log.tail.revision)
            sent[number] = (action, first)
            try scene.act(number, action, at: proxy, since: first)
        case 3: try scene.readTail(of: proxy)
        case 4, 5:
            let count = scene.proxies[proxy].fetches.count
            guard count > 0 else { return }
            let position = scene.generator.below(count)
            if scene.generator.chance(1, in: 8) {
                let purpose = scene.proxies[proxy].fetches.remove(at: position).purpose
                try scene.handle(proxy) { $0.fetchFailed(.refused, for: purpose, &$1) }
            } else {
                try scene.fetch(for: proxy, position)
            }
        case 6...8: try answer(&scene, proxy, &stray)
        case 9: try scene.finalise(proxy, isFinal: scene.generator.chance(7, in: 8))
        case 10:
            guard !stray.isEmpty else { return }
            _ = try scene.store.land(stray.remove(at: scene.generator.below(stray.count)))
        default:
            if scene.generator.chance(1, in: 8), !scene.store.log.tail.entries.isEmpty {
                scene.store.log.seal()
            }
            scene.now = scene.now.advanced(by: .milliseconds(100))
            try scene.handle(proxy) { $0.tick(&$1) }
        }
    }

    /// Few keys, so that actions meet; removals, so that leaves merge.
    private func draw(_ scene: inout TreeScene) -> TreeAction {
        func key() -> Bytes { [UInt8(scene.generator.below(32))] }
        var action = TreeAction(operations: [])
        if scene.generator.chance(1, in: 3) {
            action.checks.append(
                scene.generator.chance(1, in: 2)
                    ? .present(key: key()) : .value(key: key(), nil))
        }
        for _ in 0...scene.generator.below(3) {
            action.operations.append(
                scene.generator.chance(2, in: 5)
                    ? .delete(key: key())
                    : .put(key: key(), value: [UInt8(scene.generator.below(256))]))
        }
        return action
    }

    private func answer(
        _ scene: inout TreeScene, _ proxy: Int, _ stray: inout [CommitAttempt]
    ) throws {
        guard let attempt = scene.proxies[proxy].attempt else { return }
        switch scene.generator.below(8) {
        case 0:
            scene.proxies[proxy].attempt = nil
            stray.append(attempt)
            try scene.handle(proxy) { $0.attemptEnded(.failed(.unknown), &$1) }
        case 1:
            scene.proxies[proxy].attempt = nil
            _ = try scene.store.land(attempt)
            try scene.handle(proxy) { $0.attemptEnded(.failed(.unknown), &$1) }
        case 2:
            scene.proxies[proxy].attempt = nil
            try scene.handle(proxy) { $0.attemptEnded(.failed(.refused), &$1) }
        default: try scene.answer(proxy)
        }
    }

    private func settle(_ scene: inout TreeScene) throws {
        for _ in 0..<300 {
            // One that takes turns with others waits for its clients for a while.
            scene.now = scene.now.advanced(by: .milliseconds(1))
            for proxy in scene.proxies.indices {
                try scene.prepare(proxy)
                try scene.answer(proxy)
                try scene.handle(proxy) { $0.tick(&$1) }
            }
            if scene.proxies.allSatisfy(\.writer.isIdle) { return }
        }
        Issue.record("somebody still waits")
    }

    private func check(_ scene: TreeScene, _ actions: [UInt64: TreeAction]) throws {
        var model: [Bytes: Bytes] = [:]
        var places: [ActionID: (LogPosition, ActionOutcome)] = [:]
        for (entry, body) in zip(scene.store.log.entries, scene.store.log.bodies) {
            for (index, action) in body.actions.enumerated() {
                #expect(places[action.id] == nil, "\(action.id) landed twice")
                let number = UInt64(action.id.rawValue.value)
                let outcome = apply(try #require(actions[number]), to: &model)
                #expect(try ActionOutcome(action.outcome, kind: .tree) == .tree(outcome))
                places[action.id] = (
                    LogPosition(revision: entry.revision, index: UInt32(index)), .tree(outcome)
                )
            }
            let found = try scene.store.entries(at: entry.revision)
            #expect(found.map(\.key) == model.keys.sorted { $0.lexicographicallyPrecedes($1) })
            #expect(found.allSatisfy { model[$0.key] == $0.value })
        }
        for (number, replies) in scene.answers {
            let place = places[Sample.action(number)]
            for case .acted(let landing) in replies {
                #expect(landing.position == place?.0)
                #expect(landing.outcome == place?.1)
            }
            let isDefinite = replies.allSatisfy {
                if case .failed(let error) = $0 { error.outcome == .notApplied } else { false }
            }
            if isDefinite { #expect(place == nil, "\(number) was told to be not applied") }
        }
        #expect(places.count > 20)
        let (replay, differences) = try scene.store.log.replayed()
        #expect(differences.isEmpty, "\(differences)")
        #expect(replay.revision == scene.store.log.tail.revision)
    }

    private func apply(_ action: TreeAction, to model: inout [Bytes: Bytes]) -> TreeOutcome {
        for (place, check) in action.checks.enumerated() {
            let holds =
                switch check {
                case .present(let key): model[key] != nil
                case .value(let key, _): model[key] == nil
                case .range: true
                }
            if !holds { return .conflict(check: UInt32(place)) }
        }
        return .applied(
            existed: action.operations.map { operation in
                switch operation {
                case .put(let key, let value): model.updateValue(value, forKey: key) != nil
                case .delete(let key): model.removeValue(forKey: key) != nil
                }
            })
    }
}
