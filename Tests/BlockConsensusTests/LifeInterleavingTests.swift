import BlockConsensus
import BlockModel
import BlockRuntime
import Testing

/// All orders in which three creations and two drops of one name are sent, doubled, evaluated late
/// and answered or not: a request once sent stays in the network, and any proxy may evaluate it at
/// any time, any number of times. The functions are those that ship.
@Suite("Lives of a collection, in any order")
struct LifeInterleavingTests {
    /// What a client was told.
    private enum Told: Hashable { case nothing, done, notDone, unknown }

    private struct Request: Hashable {
        /// What it named at its first send: a generation, or a life.
        var named: Incarnation?
        var told = Told.nothing
        /// How often it was done.
        var count = 0
    }

    private struct State: Hashable {
        var register = TailValue.absent(generation: 0)
        var creations = [Request(), Request(), Request()]
        var drops = [Request(), Request()]
    }

    private static let name = "events"
    private static let livesMax: UInt64 = 3

    private static func creation(_ index: Int, _ request: Request) -> Creation {
        Sample.creation(UInt64(1 + index), after: request.named?.generation ?? 0)
    }

    private static func drop(_ index: Int, _ life: Incarnation) -> DropCollection {
        DropCollection(
            collection: CollectionID(name: name), incarnation: life,
            action: Sample.action(UInt64(11 + index)))
    }

    /// What a proxy tells of a fate.
    private static func told(_ fate: LifeFate) -> Told {
        switch fate {
        case .done: .done
        case .superseded: .notDone
        case .open, .unknown: .unknown
        }
    }

    private static func successors(of state: State) -> [State] {
        var states: [State] = []
        for index in state.creations.indices {
            let request = state.creations[index]
            guard request.named != nil else {
                // It is first sent by who saw that there is no life.
                guard state.register.live == nil else { continue }
                var next = state
                next.creations[index].named = Incarnation(
                    generation: state.register.generation, nonce: .zero)
                states.append(next)
                continue
            }
            let creation = creation(index, request)
            let change = TailChange.create(
                CreateCollection(
                    name: name, header: CollectionHeader(kind: .diary, encoding: .bytes),
                    creation: creation, nonce: .zero))
            guard state.register.generation < livesMax || state.register.live != nil else {
                continue
            }
            let (value, isDone) = evaluated(change, state.register)
            var next = state
            next.register = value
            next.creations[index].count += isDone ? 1 : 0
            states.append(next)
            guard request.told == .nothing else { continue }
            next.creations[index].told = told(creation.fate(in: value))
            states.append(next)
        }
        for index in state.drops.indices {
            let request = state.drops[index]
            guard let life = request.named else {
                guard let tail = state.register.live else { continue }
                var next = state
                next.drops[index].named = tail.incarnation
                states.append(next)
                continue
            }
            let drop = drop(index, life)
            let (value, isDone) = evaluated(.drop(drop), state.register)
            var next = state
            next.register = value
            next.drops[index].count += isDone ? 1 : 0
            states.append(next)
            guard request.told == .nothing else { continue }
            next.drops[index].told = told(drop.fate(in: value))
            states.append(next)
        }
        return states
    }

    private static func evaluated(
        _ change: TailChange, _ value: TailValue
    ) -> (value: TailValue, isDone: Bool) {
        let decision = change.apply(to: value, isChosen: true, policy: TailPolicy())
        if case .replace(let new, _) = decision { return (new, true) }
        return (value, false)
    }

    /// What is wrong with a state; nil when nothing is.
    private static func problem(_ state: State) -> String? {
        for request in state.creations + state.drops {
            if request.count > 1 { return "one request was done twice" }
            if request.told == .done, request.count == 0 { return "told done, and was not" }
            if request.told == .notDone, request.count > 0 { return "told not done, and was" }
        }
        return nil
    }

    /// Every state that can be reached, up to the first that must not be.
    private static func search() -> (count: Int, problem: String?) {
        var seen: Set<State> = [State()]
        var frontier = [State()]
        while !frontier.isEmpty {
            var next: [State] = []
            for state in frontier {
                for successor in successors(of: state) where seen.insert(successor).inserted {
                    if let problem = problem(successor) { return (seen.count, problem) }
                    next.append(successor)
                }
            }
            frontier = next
        }
        return (seen.count, nil)
    }

    // protocol: drop-names-the-life
    @Test("Each creation and each drop is done at most once, and no certainty is false")
    func sound() {
        let (count, problem) = Self.search()
        #expect(problem == nil)
        #expect(count > 1000, "too few orders prove nothing: \(count)")
    }

    @Test(
        "Each rule that is left out is found",
        arguments: [
            PlantedBug.generationTakenAnew, .forgottenToldAsDefinite, .creatorNotCompared,
            .goneToldAsDefinite, .dropWithoutIncarnation,
        ])
    func planted(bug: PlantedBug) {
        SimulationHooks.$plantedBug.withValue(bug) {
            #expect(Self.search().problem != nil)
        }
    }
}
