import BlockModel
import BlockNode
import BlockRuntime
import Testing

/// Creations and drops through proxies, doubled and late (protocol: create-on-what-was-seen,
/// drop-names-the-life).
@Suite("Requests that begin and end lives")
struct ProxyTaskLivesTests {
    private static let name = "tree"

    private func open(_ number: UInt64?, after generation: UInt64 = 0) -> ClientRequest {
        .openCollection(
            OpenCollection(
                name: Self.name, kind: .tree, encoding: .bytes,
                creation: number.map {
                    Creation(
                        action: ActionID(rawValue: Identifier128(UInt128($0))),
                        generation: generation)
                }))
    }

    private func ask(
        _ request: ClientRequest, _ token: UInt64, _ world: inout CrashWorld, at proxy: Int = 0
    ) throws -> ClientReply? {
        world.ask(proxy, token, request, for: .seconds(5))
        try world.run(for: .seconds(5)) { $0.answers[token] != nil }
        return world.answers[token]
    }

    private func life(_ reply: ClientReply?) throws -> CollectionInfo {
        guard case .collection(let info)? = reply else {
            throw DatabaseError(.internalError, "\(String(describing: reply))")
        }
        return info
    }

    @Test("Looking for what is not there tells the generation to name, and creates nothing")
    func looking() throws {
        var world = try CrashWorld()
        #expect(try ask(open(nil), 1, &world) == .absent(generation: 0))
        #expect(try ask(open(nil), 2, &world) == .absent(generation: 0))
        let first = try life(ask(open(1), 3, &world))
        #expect(first.incarnation.generation == 1)
        #expect(first.createdBy == ActionID(rawValue: Identifier128(1)))
        #expect(try life(ask(open(nil), 4, &world)) == first)
        let drop = CrashWorld.drop(Self.name, first.incarnation)
        #expect(try ask(.dropCollection(drop), 5, &world) == .dropped)
        #expect(try ask(open(nil), 6, &world) == .absent(generation: 1))
    }

    // protocol: create-on-what-was-seen
    @Test(
        "A creation sent again after the drop of what it made finds that life, and makes no other")
    func createdOnce() throws {
        var world = try CrashWorld()
        let first = try life(ask(open(1), 1, &world))
        let drop = CrashWorld.drop(Self.name, first.incarnation)
        #expect(try ask(.dropCollection(drop), 2, &world) == .dropped)
        let again = try life(ask(open(1), 3, &world, at: 1))
        #expect(again.incarnation == first.incarnation && again.createdBy == first.createdBy)
        #expect(try ask(open(nil), 4, &world) == .absent(generation: 1))
        // Another one that saw the same is told that it came too late for that life, for certain.
        #expect(try ask(open(9), 5, &world) == .absent(generation: 1))
        // Two lives later nobody knows any more.
        _ = try life(ask(open(2, after: 1), 6, &world))
        guard case .failed(let error)? = try ask(open(1), 7, &world) else {
            Issue.record("\(String(describing: world.answers[7]))")
            return
        }
        #expect(error.code == .commitResultUnknown && error.outcome == .unknown)
    }

    @Test("Who comes second opens what the first made")
    func second() throws {
        var world = try CrashWorld()
        let first = try life(ask(open(1), 1, &world))
        let second = try life(ask(open(2), 2, &world, at: 1))
        #expect(second == first)
    }

    @Test("A drop that arrives after the name was created again leaves the new life alone")
    func lateDrop() throws {
        var world = try CrashWorld()
        let first = try life(ask(open(1), 1, &world))
        let drop = ClientRequest.dropCollection(CrashWorld.drop(Self.name, first.incarnation))
        #expect(try ask(drop, 2, &world) == .dropped)
        // Doubled by the network, before and after the next life began.
        #expect(try ask(drop, 3, &world, at: 1) == .dropped)
        let other = CrashWorld.drop(Self.name, first.incarnation, action: 7)
        #expect(try ask(.dropCollection(other), 4, &world) == .absent(generation: 1))
        let second = try life(ask(open(2, after: 1), 5, &world))
        for (token, late) in [(6, drop), (7, .dropCollection(other))] as [(UInt64, ClientRequest)] {
            guard case .failed(let error)? = try ask(late, token, &world, at: 1) else {
                Issue.record("\(String(describing: world.answers[token]))")
                return
            }
            #expect(error.code == .commitResultUnknown && error.outcome == .unknown)
        }
        #expect(try life(ask(open(nil), 8, &world)) == second)
    }

    @Test("A creation needs a kind and an encoding; a look needs neither")
    func parts() throws {
        var world = try CrashWorld()
        _ = try life(ask(open(1), 1, &world))
        let look = OpenCollection(name: Self.name, kind: nil, encoding: nil)
        #expect(try life(ask(.openCollection(look), 2, &world)).header.kind == .tree)
        for (token, kind) in [(3, nil), (4, CollectionKind.diary)] as [(UInt64, CollectionKind?)] {
            let request = OpenCollection(
                name: "other", kind: kind, encoding: kind == nil ? .bytes : nil,
                creation: Creation(action: ActionID(rawValue: .zero), generation: 0))
            guard case .failed(let error)? = try ask(.openCollection(request), token, &world) else {
                Issue.record("created")
                return
            }
            #expect(error.code == .invalidArgument)
        }
    }
}
